"""Hand-made scenes: boxes of things that follow a rule, frame by frame, and who is who."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cortexia.trackers import TrackerOptions, make_tracker

Box = tuple[float, float, float, float]
Seen = tuple[str, Box, float]
"""Who it is, where, and with which score."""
Rule = Callable[[float], "tuple[float, float] | None"]
"""Centre at a time in seconds; ``None`` while it is not to be seen."""


@dataclass
class Scene:
    """Frames in order of time, each with what the detector says."""

    frames: list[tuple[float, list[Seen]]] = field(default_factory=list)

    def track(self, name: str = "bytetrack", **options: float) -> list[list[tuple[str, int]]]:
        """Who got which id, frame by frame, in the order of the frame's detections."""
        ids = iter(ids_of(self.frames, name, **options))
        return [[(who, next(ids)) for who, _, _ in seen] for _, seen in self.frames]

    def identities(self, name: str = "bytetrack", **options: float) -> dict[str, set[int]]:
        """By name, all ids that it got."""
        found: dict[str, set[int]] = {}
        for row in self.track(name, **options):
            for who, track in row:
                found.setdefault(who, set()).add(track)
        return found


def ids_of(frames: Iterable[tuple[float, Sequence[Seen]]], name: str = "bytetrack", **options: float) -> list[int]:
    tracker = make_tracker(name, TrackerOptions(**options))  # type: ignore[arg-type]
    for time_s, seen in frames:
        boxes = np.array([box for _, box, _ in seen], np.float64).reshape(-1, 4)
        tracker.update(time_s, boxes, np.array([score for _, _, score in seen], np.float64))
    return [int(track) for track in tracker.finish()]


def around(x: float, y: float, width: float = 40.0, height: float = 80.0) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def scene(
    rules: Mapping[str, Rule], rate: float, seconds: float, score: Callable[[float], float] | None = None
) -> Scene:
    """Things that follow ``rules``, looked at ``rate`` times a second; ``score`` by time, 0.9 by default."""
    made = Scene()
    for index in range(round(seconds * rate)):
        time_s = index / rate
        places = [(who, rule(time_s)) for who, rule in rules.items()]
        sure = 0.9 if score is None else score(time_s)
        made.frames.append((time_s, [(who, around(*at), sure) for who, at in places if at is not None]))
    return made
