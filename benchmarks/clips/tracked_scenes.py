"""Generated scenes with known tracks, and what a detector with faults would say of them. No pictures: boxes alone.

Things walk or drive through a world that a camera of 1280x720 pixels looks at. What stands lower hides what stands
higher. The confidence of a detection falls with what is hidden or cut off, drifts with time for each thing, and carries
noise; boxes tremble, more so where less is seen. There are false boxes for a moment, false boxes that stay for a while,
and second boxes on the same thing, after a suppression of overlaps such as detectors make.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WIDTH, HEIGHT = 1280.0, 720.0
_STEPS = 120  # of the simulation in a second
_GRID = np.stack(np.meshgrid(*[np.linspace(0.05, 0.95, 8)] * 2), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Faults:
    """Of the detector. ``miss``: chance that a box is left out. ``tremble``: standard deviation in sides of the box.
    ``flashes``: false boxes a frame. ``ghosts``: false boxes that stay, how many at a time. ``doubles``: chance of a
    second box. ``drift``: how far confidence wanders."""

    miss: float = 0.03
    tremble: float = 0.02
    flashes: float = 0.15
    ghosts: float = 0.3
    doubles: float = 0.02
    drift: float = 0.12


@dataclass(frozen=True)
class SceneSpec:
    """``per_second``: frames; with ``irregular`` their spacing varies by a factor of five. ``things``: in the world at
    a time. ``height``: of a thing in pixels, range. ``speed``: heights a second, range. ``wander``: how much speeds
    change; ``stops``: things stand still and turn back now and then. ``rows``: few of them make things meet.
    ``pillars`` hide what passes. ``camera``: still, pan or shake."""

    name: str
    per_second: float = 25.0
    seconds: float = 20.0
    things: int = 10
    height: tuple[float, float] = (90.0, 240.0)
    aspect: float = 0.42
    speed: tuple[float, float] = (0.4, 1.2)
    wander: float = 0.15
    stops: bool = False
    rows: int = 0
    pillars: int = 0
    camera: str = "still"
    irregular: bool = False
    faults: Faults = Faults()


@dataclass
class TrackedFrame:
    """``truth``: (n, 5) id and xyxy. ``boxes``: (m, 4), ``scores``: (m,)."""

    time_s: float
    truth: Array
    boxes: Array
    scores: Array


_CARS = SceneSpec("", height=(60.0, 130.0), aspect=1.9, speed=(1.5, 5.0), wander=0.05, things=8)
SCENES = (
    SceneSpec("walkers"),
    SceneSpec("crowd", things=32, height=(80.0, 200.0)),
    SceneSpec("few", things=3, per_second=30.0),
    SceneSpec("crossings", things=10, rows=2, per_second=12.5),
    SceneSpec("pillars", things=9, pillars=3),
    SceneSpec("pan", things=16, camera="pan"),
    SceneSpec("shake", things=10, camera="shake"),
    replace(_CARS, name="cars"),
    replace(_CARS, name="cars at 10", per_second=10.0),
    SceneSpec("turning", things=10, stops=True, wander=0.5),
    SceneSpec("2 a second", per_second=2.0, seconds=60.0, things=7, speed=(0.2, 0.8)),
    SceneSpec("5 a second", per_second=5.0, seconds=40.0, things=10),
    SceneSpec("60 a second", per_second=60.0, seconds=10.0, things=10),
    SceneSpec("irregular", per_second=12.0, seconds=25.0, irregular=True),
    SceneSpec("noisy", faults=Faults(0.15, 0.05, 1.5, 1.5, 0.06, 0.25)),
    SceneSpec("dim", faults=Faults(0.08, 0.03, 0.3, 0.5, 0.02, 0.45)),
)


def make_scene(spec: SceneSpec, seed: int) -> list[TrackedFrame]:
    """The same for the same seed."""
    rng = np.random.default_rng([seed, *spec.name.encode()])
    times = _frame_times(spec, rng)
    world = _World(spec, rng)
    detector = _Detector(spec.faults, rng, len(world.heights))
    frames, before = [], times[0]
    for time_s in times:
        boxes, offset = world.at(time_s)
        cut = np.clip(boxes, 0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        inside = _areas(cut) / np.maximum(_areas(boxes), 1e-9)
        seen = np.flatnonzero(inside > 0.2)
        inside, cut = inside[seen], cut[seen]
        hidden = _hidden(boxes[seen], world.pillars - np.array((offset[0], 0, offset[0], 0)))
        there = (inside >= 0.3) & (hidden <= 0.9)
        truth = np.column_stack((seen[there] + 1.0, cut[there]))
        found = detector.look(seen, cut, (1 - hidden) * inside, offset, time_s - before)
        frames.append(TrackedFrame(time_s, truth, *found))
        before = time_s
    return frames


def _frame_times(spec: SceneSpec, rng: np.random.Generator) -> list[float]:
    count = int(spec.seconds * spec.per_second)
    steps = rng.uniform(0.4, 1.6, count) if spec.irregular else np.ones(count)
    steps[rng.random(count) < (0.1 if spec.irregular else 0.0)] *= 2
    return [float(time) for time in np.round(np.cumsum(steps / steps.mean()) / spec.per_second, 6)]


class _World:
    """Where everything is at any time: simulated once, in small steps."""

    def __init__(self, spec: SceneSpec, rng: np.random.Generator) -> None:
        self._wide = WIDTH * (2.2 if spec.camera == "pan" else 1.0)
        self._offsets = _camera_path(spec, rng)
        mean_speed = sum(spec.speed) / 2 * sum(spec.height) / 2
        crossing_s = self._wide / mean_speed
        count = max(spec.things, round(spec.things * (spec.seconds + crossing_s) / crossing_s))
        self.heights = rng.uniform(*spec.height, count)
        self._widths = self.heights * spec.aspect * rng.uniform(0.85, 1.15, count)
        self._paths = self._walk(spec, rng, crossing_s)
        lefts = rng.uniform(0.1, 0.85, spec.pillars) * self._wide
        self.pillars = np.array([(x, 0, x + rng.uniform(70, 130), HEIGHT) for x in lefts]).reshape(-1, 4)

    def _walk(self, spec: SceneSpec, rng: np.random.Generator, crossing_s: float) -> Array:
        """(steps, things, 2): middle of the lower edge; not a number while a thing is not there."""
        count, steps = len(self.heights), int(spec.seconds * _STEPS * 1.1) + 2
        enters = np.sort(rng.uniform(-crossing_s, spec.seconds, count))
        speed = rng.uniform(*spec.speed, count) * self.heights
        heading = rng.choice((-1.0, 1.0), count)
        x = np.where(heading > 0, -self._widths / 2, self._wide + self._widths / 2)
        lanes = HEIGHT * np.linspace(0.5, 0.9, max(spec.rows, 1))
        low = (
            rng.choice(lanes, count) + rng.normal(0, 8, count) if spec.rows else rng.uniform(0.4, 0.98, count) * HEIGHT
        )
        rise, pace = rng.normal(0, 0.12, count) * speed, np.ones(count)
        x, low = x - heading * speed * np.minimum(enters, 0), low - rise * np.minimum(enters, 0)
        wander, paths = np.zeros((count, 2)), np.full((steps, count, 2), np.nan)
        for step in range(steps):
            there = enters <= step / _STEPS
            wander += (
                -wander / _STEPS + rng.normal(0, spec.wander / np.sqrt(_STEPS), (count, 2)) * self.heights[:, None]
            )
            if spec.stops:
                changes = rng.random(count) < 0.35 / _STEPS
                pace = np.where(changes, rng.choice((-1.0, 0.0, 1.0), count), pace)
            x = x + there * (heading * speed * pace + wander[:, 0]) / _STEPS
            low = low + there * (rise * pace + 0.5 * wander[:, 1]) / _STEPS
            paths[step] = np.where(there[:, None], np.column_stack((x, low)), np.nan)
        return paths

    def at(self, time_s: float) -> tuple[Array, Array]:
        """Boxes (things, 4) as the camera sees them, those not there empty and far away, and the camera's place."""
        step = round(time_s * _STEPS)
        offset = self._offsets[step]
        middle, low = (self._paths[step] - offset).T
        half = self._widths / 2
        boxes = np.column_stack((middle - half, low - self.heights, middle + half, low))
        return np.where(np.isnan(boxes), -1e6, boxes), offset


def _camera_path(spec: SceneSpec, rng: np.random.Generator) -> Array:
    steps = int(spec.seconds * _STEPS * 1.1) + 2
    times = np.arange(steps) / _STEPS
    path = np.zeros((steps, 2))
    if spec.camera == "pan":  # starts, stops and comes back
        knots = np.arange(0, times[-1] + 3, 2.5)
        stops = np.repeat(rng.uniform(0, 1.2, len(knots) // 2 + 1), 2)[: len(knots)] * WIDTH
        path[:, 0] = np.interp(times, knots, stops)
    elif spec.camera == "shake":
        for axis in range(2):
            for rate in rng.uniform(0.7, 4.0, 4):
                path[:, axis] += rng.uniform(3, 14) * np.sin(2 * np.pi * rate * times + rng.uniform(0, 6))
    return path


class _Detector:
    def __init__(self, faults: Faults, rng: np.random.Generator, things: int) -> None:
        self._faults = faults
        self._rng = rng
        self._mood = np.abs(rng.normal(0, faults.drift, things))
        self._ghosts: list[tuple[Array, float, float]] = []

    def look(self, seen: NDArray[np.intp], boxes: Array, clear: Array, offset: Array, dt: float) -> tuple[Array, Array]:
        """Boxes (m, 4) and scores (m,), after suppression. ``clear``: what part of each of ``boxes`` is to be seen."""
        faults, rng = self._faults, self._rng
        keeps = np.exp(-dt / 0.6)
        fresh = rng.normal(0, faults.drift, len(self._mood))
        self._mood = keeps * self._mood + np.sqrt(1 - keeps**2) * fresh
        scores = 0.92 * np.clip(0.15 + 1.1 * clear, 0, 1) - np.abs(self._mood[seen]) + rng.normal(0, 0.03, len(seen))
        caught = (scores >= 0.1) & (clear > 0.15) & (rng.random(len(seen)) >= faults.miss)
        found = self._trembling(boxes[caught], clear[caught])
        doubled = rng.random(len(found)) < faults.doubles
        second = self._trembling(found[doubled], np.full(int(doubled.sum()), -2.5))
        false, false_scores = self._false(offset, dt)
        everything = np.concatenate((found, second, false)).clip(0, (WIDTH, HEIGHT, WIDTH, HEIGHT))
        said = np.concatenate(
            (scores[caught], scores[caught][doubled] * rng.uniform(0.2, 0.8, len(second)), false_scores)
        )
        return _suppressed(everything, np.round(np.clip(said, 0.1, 0.98), 4))

    def _trembling(self, boxes: Array, clear: Array) -> Array:
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        return boxes + self._rng.normal(0, 1, boxes.shape) * sides * (self._faults.tremble * (2 - clear))[:, None]

    def _false(self, offset: Array, dt: float) -> tuple[Array, Array]:
        rng, faults = self._rng, self._faults
        self._ghosts = [(box, sure, left - dt) for box, sure, left in self._ghosts if left > dt]
        if rng.random() < faults.ghosts * max(dt, 1e-3):
            self._ghosts.append(
                (_somewhere(rng, 1)[0] + np.tile(offset, 2), rng.uniform(0.15, 0.6), rng.uniform(0.3, 2.0))
            )
        stay = [(box - np.tile(offset, 2), sure) for box, sure, _ in self._ghosts if rng.random() < 0.6]
        flashes = _somewhere(rng, rng.poisson(faults.flashes))
        boxes = np.concatenate(
            (self._trembling(np.array([b for b, _ in stay]).reshape(-1, 4), np.ones(len(stay))), flashes)
        )
        scores = [sure + rng.normal(0, 0.08) for _, sure in stay] + [0.1 + 0.7 * rng.beta(1.2, 4.0) for _ in flashes]
        return boxes, np.array(scores)


def _somewhere(rng: np.random.Generator, count: int) -> Array:
    height = rng.uniform(60, 260, count)
    left, top = rng.uniform(0, WIDTH - 60, count), rng.uniform(0, HEIGHT - 60, count)
    return np.column_stack((left, top, left + height * rng.uniform(0.3, 1.2, count), top + height))


def _hidden(boxes: Array, pillars: Array) -> Array:
    """What part of each box (n, 4) is behind others or behind ``pillars`` (p, 4)."""
    points = boxes[:, None, :2] + _GRID * (boxes[:, None, 2:] - boxes[:, None, :2])
    covers = np.concatenate((boxes, pillars))
    nearer = np.concatenate(
        (boxes[:, 3][None] > boxes[:, 3][:, None], np.ones((len(boxes), len(pillars)), bool)), axis=1
    )
    within = (points[:, :, None] >= covers[None, None, :, :2]) & (points[:, :, None] <= covers[None, None, :, 2:])
    return (within.all(-1) & nearer[:, None]).any(-1).mean(-1)


def _suppressed(boxes: Array, scores: Array) -> tuple[Array, Array]:
    boxes, scores = boxes[_areas(boxes) > 16], scores[_areas(boxes) > 16]
    order = np.argsort(-scores, kind="stable")
    stays: list[int] = []
    for place in order:
        if all(_iou(boxes[place], boxes[other]) <= 0.7 for other in stays):
            stays.append(place)
    return boxes[stays], scores[stays]


def _iou(one: Array, other: Array) -> float:
    common = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
    return float(common / (_areas(one[None])[0] + _areas(other[None])[0] - common))


def _areas(boxes: Array) -> Array:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
