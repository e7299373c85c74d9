"""What a generated clip holds, declared. Every value is frozen; the same value always makes the same clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from cortexia.types import Transition

Colour = tuple[int, int, int]
"""Blue, green, red; 0..255."""


@dataclass(frozen=True, slots=True)
class TransitionSpec:
    """How a shot gives way to the next.

    A dissolve of ``frames`` blends that many pictures, which belong to both shots (the clip gets shorter by them).
    A fade darkens the last ``frames`` of the shot to black and lifts the first ``frames`` of the next one; after the
    last shot it only darkens.
    """

    kind: Transition = Transition.CUT
    frames: int = 0


CUT = TransitionSpec()


def dissolve(frames: int) -> TransitionSpec:
    return TransitionSpec(Transition.DISSOLVE, frames)


def fade(frames: int) -> TransitionSpec:
    return TransitionSpec(Transition.FADE, frames)


@dataclass(frozen=True, slots=True)
class Camera:
    """How the camera moves during a shot; the parts add up.

    ``pan_x``, ``pan_y``: frame widths and heights per second, positive to the right and down; the camera turns round
    after one frame width. ``zoom_from``, ``zoom_to``: magnification (>= 1) at both ends, changing evenly in ratio.
    ``shake``: amplitude of a hand-held tremble, as a fraction of the frame width. ``roll``: turns per second of the
    camera about its axis, clockwise as seen from behind it.
    """

    pan_x: float = 0.0
    pan_y: float = 0.0
    zoom_from: float = 1.0
    zoom_to: float = 1.0
    shake: float = 0.0
    roll: float = 0.0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the moves in it: ``pan``, ``zoom``, ``shake``, ``roll``; empty when it stands still."""
        moves = {
            "pan": bool(self.pan_x or self.pan_y),
            "zoom": self.zoom_from != self.zoom_to,
            "shake": bool(self.shake),
            "roll": bool(self.roll),
        }
        return tuple(name for name, present in moves.items() if present)


Shape = Literal["ball", "car", "bird", "boat", "balloon"]


@dataclass(frozen=True, slots=True)
class Mover:
    """A thing that moves through the scene in a straight line, from ``start`` to ``end`` over the shot.

    Positions are centres in fractions of the frame, as the camera saw the scene at its starting position and
    magnification 1. ``size``: height as a fraction of the frame height. ``sway``: a slow vertical swing, as a fraction
    of the frame height.
    """

    shape: Shape = "ball"
    start: tuple[float, float] = (0.1, 0.5)
    end: tuple[float, float] = (0.9, 0.5)
    size: float = 0.15
    colour: Colour = (60, 80, 220)
    sway: float = 0.0


@dataclass(frozen=True, slots=True)
class ShotSpec:
    """One camera take. ``frames`` wins over ``duration_s``. ``scene`` names an entry of ``SCENES``.

    ``flashes``: frames (counted within the shot) at which a flash light goes off; it lasts two frames.
    ``light``: gain at both ends of the shot, 1.0 as painted. ``grain``: standard deviation of sensor noise, levels.
    """

    duration_s: float = 2.0
    frames: int | None = None
    scene: str = "dusk"
    seed: int = 0
    camera: Camera = Camera()
    movers: tuple[Mover, ...] = ()
    transition_out: TransitionSpec = CUT
    flashes: tuple[int, ...] = ()
    light: tuple[float, float] = (1.0, 1.0)
    grain: float = 0.0


SoundKind = Literal["click", "tone", "noise", "speech", "laughter", "applause"]


@dataclass(frozen=True, slots=True)
class SoundEventSpec:
    """A sound from ``start_s`` (seconds of the sound track) for ``duration_s``.

    ``level``: peak amplitude, 0..1. ``hz``: pitch of a tone or of a voice. A click rings for 5 ms whatever its
    duration. ``speech`` has a voice's pulses, formants and syllables, and no words. ``laughter`` is one breathy vowel
    in five bursts a second, each phrase of them falling in pitch and level. ``applause``: ``hz`` claps a second, of
    many hands, at random.
    """

    kind: SoundKind
    start_s: float
    duration_s: float = 0.005
    level: float = 0.5
    hz: float = 440.0


def click(start_s: float, level: float = 0.8) -> SoundEventSpec:
    return SoundEventSpec("click", start_s, 0.005, level)


def tone(start_s: float, duration_s: float, hz: float = 440.0, level: float = 0.4) -> SoundEventSpec:
    return SoundEventSpec("tone", start_s, duration_s, level, hz)


def noise(start_s: float, duration_s: float, level: float = 0.3) -> SoundEventSpec:
    return SoundEventSpec("noise", start_s, duration_s, level)


def speech(start_s: float, duration_s: float, hz: float = 130.0, level: float = 0.4) -> SoundEventSpec:
    return SoundEventSpec("speech", start_s, duration_s, level, hz)


def laughter(start_s: float, duration_s: float, hz: float = 320.0, level: float = 0.4) -> SoundEventSpec:
    return SoundEventSpec("laughter", start_s, duration_s, level, hz)


def applause(start_s: float, duration_s: float, claps_per_s: float = 60.0, level: float = 0.4) -> SoundEventSpec:
    return SoundEventSpec("applause", start_s, duration_s, level, claps_per_s)


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """The sound track. ``start_s`` delays it against the container's zero; ``floor``: amplitude of steady noise.

    ``duration_s``: ``None`` ends it with the pictures.
    """

    events: tuple[SoundEventSpec, ...] = ()
    rate: int = 48_000
    channels: int = 1
    codec: str = "aac"
    start_s: float = 0.0
    duration_s: float | None = None
    floor: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """A clip. The suffix of the path chooses the container.

    ``width``, ``height``: display pixels, after ``rotation`` (clockwise degrees a player turns the stored pictures
    by: 0, 90, 180, 270) and ``sample_aspect``. ``shots`` may be empty: then the clip has sound only.
    ``frame_durations``: seconds on screen, repeated over the frames, for a variable rate; empty means ``1 / rate``.
    ``start_s``: presentation time of the first picture. Below zero, MPEG-TS keeps it as it is, and MP4 and QuickTime
    hide the frames before zero by an edit list; other containers cannot.
    ``gop``: exact distance of key pictures. ``open_gop``: x264 and x265 only. ``fade_in``: frames lifted from black
    at the start. ``others``: further picture tracks; ``default_track`` counts this one as 0.
    ``encoder``: more options for the codec.
    """

    width: int = 320
    height: int = 180
    rate: Fraction = Fraction(25)
    shots: tuple[ShotSpec, ...] = (ShotSpec(),)
    sound: SoundSpec | None = None
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    gop: int = 50
    bframes: int = 0
    open_gop: bool = False
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    frame_durations: tuple[Fraction, ...] = ()
    start_s: float = 0.0
    fade_in: int = 0
    stamp: bool = True
    others: tuple[VideoSpec, ...] = ()
    default_track: int = 0
    encoder: dict[str, str] = field(default_factory=dict)

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the pictures as stored."""
        turned = self.rotation in (90, 270)
        width, height = (self.height, self.width) if turned else (self.width, self.height)
        return round(width / self.sample_aspect), height

    def frames_of(self, shot: ShotSpec) -> int:
        return shot.frames if shot.frames is not None else max(1, round(shot.duration_s * self.rate))
