"""The demo's own clip: seven shots, every kind of transition, camera moves, things that move, and sound."""

from __future__ import annotations

from fractions import Fraction

from cortexia.testing.spec import (
    Camera,
    Mover,
    ShotSpec,
    SoundSpec,
    VideoSpec,
    click,
    dissolve,
    fade,
    noise,
    speech,
    tone,
)


def demo_spec() -> VideoSpec:
    """640x360, 25 frames a second, 25 s, H.264 with B-frames, 48 kHz AAC; no numbers painted in: it is for people."""
    return VideoSpec(
        width=640,
        height=360,
        rate=Fraction(25),
        shots=_shots(),
        sound=SoundSpec(
            events=(
                click(1.0),
                tone(2.0, 0.6, hz=523.25),
                click(4.4),
                speech(6.0, 2.2),
                noise(9.5, 0.5),
                click(12.0),
                click(12.5),
                tone(14.0, 0.4, hz=659.25),
                speech(16.2, 2.6, hz=190.0),
                noise(20.4, 0.8),
                click(23.0),
            ),
            rate=48_000,
            floor=0.0004,
        ),
        gop=50,
        bframes=2,
        fade_in=10,
        stamp=False,
    )


def _shots() -> tuple[ShotSpec, ...]:
    return (
        ShotSpec(
            frames=95,
            scene="dusk",
            seed=3,
            camera=Camera(pan_x=0.12),
            movers=(Mover("bird", (0.15, 0.3), (1.1, 0.2), 0.07, (40, 28, 30), sway=0.03),),
            grain=1.2,
        ),
        ShotSpec(
            frames=90,
            scene="sea",
            seed=5,
            movers=(
                Mover("boat", (0.1, 0.5), (0.75, 0.52), 0.2, (150, 70, 30), sway=0.008),
                Mover("boat", (0.9, 0.47), (0.7, 0.47), 0.09, (40, 50, 190)),
            ),
            transition_out=dissolve(15),
            grain=1.0,
        ),
        ShotSpec(
            frames=105,
            scene="meadow",
            seed=2,
            camera=Camera(zoom_from=1.0, zoom_to=1.6),
            movers=(Mover("balloon", (0.25, 0.5), (0.7, 0.3), 0.3, (50, 80, 225), sway=0.02),),
            grain=1.0,
        ),
        ShotSpec(
            frames=80,
            scene="city",
            seed=3,
            camera=Camera(shake=0.004),
            movers=(
                Mover("car", (-0.2, 0.9), (1.2, 0.9), 0.13, (60, 40, 200)),
                Mover("car", (1.2, 0.95), (-0.2, 0.95), 0.15, (190, 150, 40)),
            ),
            transition_out=fade(12),
            grain=1.6,
        ),
        ShotSpec(frames=90, scene="forest", seed=4, camera=Camera(pan_x=-0.1), flashes=(40,), grain=1.2),
        ShotSpec(
            frames=85,
            scene="desert",
            seed=7,
            camera=Camera(zoom_from=1.5, zoom_to=1.0),
            movers=(Mover("bird", (0.8, 0.3), (0.2, 0.2), 0.08, (40, 50, 70), sway=0.04),),
            grain=1.0,
        ),
        ShotSpec(
            frames=95,
            scene="studio",
            seed=2,
            movers=(Mover("ball", (0.15, 0.83), (0.8, 0.83), 0.14, (50, 160, 60)),),
            transition_out=fade(20),
            grain=1.0,
        ),
    )
