"""The truth of a clip, from its declaration alone: nothing here looks at what was encoded, but for key pictures."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

from cortexia.testing.footage import PlacedShot, ShotView
from cortexia.testing.movers import Corners
from cortexia.testing.sound import event_samples
from cortexia.testing.spec import Mover, SoundSpec, VideoSpec
from cortexia.testing.tracks import PictureTrack
from cortexia.testing.truth import BoundaryTruth, CameraMove, ObjectTruth, ShotTruth, SoundTruth, Truth
from cortexia.types import Transition


def known_truth(track: PictureTrack | None, sound: SoundSpec | None, hidden: int = 0) -> Truth:
    """What holds for a track that has been written, and for the sound beside it.

    ``hidden``: so many frames at the start are stored and never shown; frames are counted from the first shown one.
    """
    sounds = _sounds(sound) if sound else ()
    if track is None:
        return Truth(0, 0, Fraction(0), (), (), sounds=sounds)
    times = list(track.times())[hidden:]
    last = track.shots[-1]
    fading = last.spec.transition_out
    fade_out = (last.last - fading.frames + 1, last.last) if fading.kind is Transition.FADE else None
    whole = Truth(
        width=track.spec.width,
        height=track.spec.height,
        time_base=track.time_base,
        pts=tuple(start for start, _ in times),
        durations=tuple(duration for _, duration in times),
        keyframes=track.keyframes(),
        shots=tuple(ShotTruth(shot.first, shot.last, shot.spec.scene) for shot in track.shots),
        boundaries=tuple(_boundary(*pair) for pair in itertools.pairwise(track.shots)),
        fade_out=fade_out,
        camera_moves=tuple(move for shot in track.shots for move in _moves(shot)),
        objects=tuple(_object(track.spec, shot, mover) for shot in track.shots for mover in shot.spec.movers),
        flashes=tuple(shot.first + at for shot in track.shots for at in shot.spec.flashes),
        sounds=sounds,
    )
    return _without_start(whole, hidden) if hidden else whole


def _without_start(truth: Truth, hidden: int) -> Truth:
    """Frame numbers counted from the frame ``hidden``, which is the first that is shown."""

    def moved(item: Any) -> Any:
        first, last = max(0, item.first_frame - hidden), item.last_frame - hidden
        return replace(item, first_frame=first, last_frame=last)

    return replace(
        truth,
        first_number=hidden,
        keyframes=tuple(item - hidden for item in truth.keyframes if item >= hidden),
        flashes=tuple(item - hidden for item in truth.flashes if item >= hidden),
        shots=tuple(moved(item) for item in truth.shots if item.last_frame >= hidden),
        camera_moves=tuple(moved(item) for item in truth.camera_moves if item.last_frame >= hidden),
        boundaries=tuple(
            replace(moved(item), frame=item.frame - hidden) for item in truth.boundaries if item.frame > hidden
        ),
        fade_out=truth.fade_out and (truth.fade_out[0] - hidden, truth.fade_out[1] - hidden),
        objects=tuple(replace(item, first_frame=item.first_frame - hidden) for item in truth.objects),
    )


def _boundary(before: PlacedShot, after: PlacedShot) -> BoundaryTruth:
    out = before.spec.transition_out
    if out.kind is Transition.DISSOLVE:
        return BoundaryTruth(out.kind, after.first, after.first, before.last)
    if out.kind is Transition.FADE:
        return BoundaryTruth(out.kind, after.first, before.last - out.frames + 1, after.first + out.frames - 1)
    return BoundaryTruth(out.kind, after.first, after.first, after.first)


def _moves(shot: PlacedShot) -> list[CameraMove]:
    camera = shot.spec.camera
    amounts = {
        "pan": (camera.pan_x, camera.pan_y),
        "zoom": (camera.zoom_from, camera.zoom_to),
        "shake": (camera.shake,),
        "roll": (camera.roll,),
    }
    return [CameraMove(kind, shot.first, shot.last, amounts[kind]) for kind in camera.kinds]


def _object(spec: VideoSpec, shot: PlacedShot, mover: Mover) -> ObjectTruth:
    view = ShotView(spec, shot)
    frames = range(shot.first, shot.last + 1)
    boxes = tuple(_clipped(view.corners(mover, frame), spec.width, spec.height) for frame in frames)
    return ObjectTruth(mover.shape, shot.first, boxes)


def _clipped(corners: Corners, width: int, height: int) -> Corners | None:
    left, top, right, bottom = corners
    clipped = max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)
    return clipped if clipped[0] < clipped[2] and clipped[1] < clipped[3] else None


def _sounds(spec: SoundSpec) -> tuple[SoundTruth, ...]:
    found = []
    for event in spec.events:
        first, stop = event_samples(spec, event)
        begin = round(spec.start_s * spec.rate)
        found.append(SoundTruth(event.kind, (begin + first) / spec.rate, (begin + stop) / spec.rate))
    return tuple(sorted(found, key=lambda item: item.start_s))
