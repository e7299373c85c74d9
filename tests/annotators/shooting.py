"""Clips with a camera that moves as told, what ``motion`` measures in them, and what is true."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from driving import Drive, annotations
from footage import StillFrame, context, frames_of, read_frames

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.motion import Motion
from cortexia.annotators.motion_summary import MotionSummary
from cortexia.annotators.shots import Shots
from cortexia.testing import Camera, Mover, ShotSpec, VideoSpec, render
from cortexia.testing.footage import ShotView, place_shots
from cortexia.types import Annotation, Measure

MOVES = ("pan", "tilt", "zoom", "roll")
STILL = Camera()
DEFAULT = Motion()


def take(camera: Camera = STILL, frames: int = 16, scene: str = "meadow", **more: object) -> VideoSpec:
    """One shot, without the painted number: it stands still on screen whatever the camera does."""
    shot = ShotSpec(frames=frames, scene=scene, camera=camera, **more)
    return VideoSpec(shots=(shot,), stamp=False)


def film(spec: VideoSpec) -> list[StillFrame]:
    return frames_of(render(spec), spec.rate)


def measure(frames: Sequence[StillFrame], recipe: Motion = DEFAULT) -> list[Measure]:
    return annotations(Drive(recipe, context(), frames).run())


def measured(spec: VideoSpec, recipe: Motion = DEFAULT) -> list[Measure]:
    """Rows of a clip in which everything could be measured."""
    first, *rows = measure(film(spec), recipe)
    assert first.reason == "first_frame"
    assert all(row.reason is None for row in rows)
    return rows


def truth(spec: VideoSpec, before: int, after: int, seconds: float) -> dict[str, float]:
    """What the camera of the only shot did from one frame to another, as ``motion`` counts it."""
    view = ShotView(spec, place_shots(spec)[0])
    first, second = view.pose(before), view.pose(after)
    halfway = dataclasses.replace(first, roll=(first.roll + second.roll) / 2)
    aspect, zoom = spec.width / spec.height, math.sqrt(first.zoom * second.zoom)
    x, y = halfway.turn() @ ((second.x - first.x) * aspect, second.y - first.y)
    return {
        "pan": float(x) / aspect * zoom / seconds,
        "tilt": float(y) * zoom / seconds,
        "zoom": math.log(second.zoom / first.zoom) / seconds,
        "roll": (second.roll - first.roll) / seconds,
    }


def errors(spec: VideoSpec, rows: Sequence[Measure]) -> dict[str, float]:
    """The largest error of each move over rows of consecutive samples."""
    worst = dict.fromkeys(MOVES, 0.0)
    indexes = [0, *(row.frame_index for row in rows)]
    for row, before in zip(rows, indexes, strict=False):
        right = truth(spec, before, row.frame_index, row.span.duration_s)
        worst = {name: max(worst[name], abs(row.values[name] - right[name])) for name in MOVES}
    return worst


def mean(rows: Sequence[Measure], name: str) -> float:
    return float(np.mean([row.values[name] for row in rows]))


class _Views:
    """The views of both annotators, for one pass over a file."""

    views = (*Motion().views, *Shots().views)


def read(path: Path, limit: int | None = None) -> list[StillFrame]:
    """The first ``limit`` frames of a file, or all."""
    return read_frames(path, _Views(), limit)


def summaries(frames: Sequence[StillFrame]) -> list[Measure]:
    """What ``motion_summary`` says of frames, from the rows of ``motion`` and ``shots``."""
    said: list[Annotation] = [*measure(frames), *annotations(Drive(Shots(), context(), frames).run())]
    said.sort(key=lambda row: (row.span.start, row.type))
    stored = StoredAnnotations(read=lambda types: (row for row in said if row.type in types))
    return list(MotionSummary().solve(stored, context()))


def cameras(frames: Sequence[StillFrame]) -> list[str]:
    return [row.reason or row.attributes["camera"] for row in summaries(frames)]


SWARM = (
    Mover("car", (0.1, 0.35), (0.9, 0.35), 0.25),
    Mover("bird", (0.0, 0.15), (0.8, 0.1), 0.2),
    Mover("car", (0.2, 0.8), (1.0, 0.8), 0.3),
)
"""Things that all go to the right, over about a third of the picture."""
