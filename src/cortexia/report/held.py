"""What to draw on each frame, where not every frame was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cortexia.report.base import VideoData
from cortexia.report.gather import Facts
from cortexia.report.seen import Words
from cortexia.report.style import track_key
from cortexia.sightings import BOXES, REGIONS, Moment, Sighting, moments

HOLD_LIMIT_S = 2.0
_HOLD_STEPS = 1.5
_CAPTION_S = 5.0
_IN_PLACE = 0.7
"""Overlap of a thing's boxes from which on its mask still covers it."""
_PARTS = ("mask", "pose")
"""What may belong to a box, and is looked for at a rate of its own."""


@dataclass(slots=True)
class _Held:
    """``hold``: how long it stays when nothing later comes (µs)."""

    hold: int
    since: int = 0
    shown: list[Sighting] = field(default_factory=list)


class HeldSightings:
    """What stands in each frame, read in step with the frames. Boxes, masks, poses and faces that belong to no box stay
    each until there are later ones, at most one and a half times the usual time between them, never beyond two seconds
    or the end of their shot; masks and poses of a box as long as it is about where it was."""

    def __init__(self, data: VideoData, facts: Facts) -> None:
        self._moments: Iterator[Moment] = moments(data.rows(*REGIONS))
        self._next = next(self._moments, None)
        self._facts = facts
        self._kinds = {
            kind: _Held(_hold(facts.step(*(BOXES if kind == "box" else (kind,)))))
            for kind in ("box", "mask", "pose", "face")
        }
        self._worn = {part: _Held(self._kinds[part].hold) for part in _PARTS}

    def at(self, index: int, start: int) -> list[Sighting]:
        """For frame ``index``, shown from ``start`` (µs) on. Frames must come in order."""
        while self._next is not None and self._next.frame_index <= index:
            self._take(self._next)
            self._next = next(self._moments, None)
        for held in (*self._kinds.values(), *self._worn.values()):
            if held.shown and start != held.since and self._is_over(held, start):
                held.shown = []
        boxes = [self._dressed(sighting) for sighting in self._kinds["box"].shown]
        return boxes + [sighting for kind, held in self._kinds.items() if kind != "box" for sighting in held.shown]

    def _take(self, moment: Moment) -> None:
        for kind, held in self._kinds.items():
            own = [sighting for sighting in moment.sightings if _kind(sighting) == kind]
            wearing = [sighting for sighting in moment.sightings if kind in _PARTS and getattr(sighting, kind)]
            if own or wearing:
                held.since, held.shown = moment.start_us, own
            if wearing:
                worn = self._worn[kind]
                worn.since, worn.shown = moment.start_us, [made for made in wearing if _kind(made) == "box"]

    def _dressed(self, box: Sighting) -> Sighting:
        """With the mask and the pose that the same thing had when they were last looked for."""
        earlier = {part: held for part, held in self._worn.items() if held.since != self._kinds["box"].since}
        found = {part: getattr(had, part) for part, held in earlier.items() if (had := _same(box, held.shown))}
        return replace(box, **found) if found else box

    def _is_over(self, held: _Held, start: int) -> bool:
        shot = self._facts.shot_at(held.since)
        return start - held.since > held.hold or (shot is not None and start >= shot.end)


def _same(box: Sighting, among: list[Sighting]) -> Sighting | None:
    """What is of the same track, or without one of the same label, and has hardly moved since."""
    key = track_key(box)
    alike = [other for other in among if track_key(other) == key and (key is not None or other.label == box.label)]
    best = max(alike, key=lambda other: box.box.overlap(other.box), default=None)
    return best if best is not None and box.box.overlap(best.box) >= _IN_PLACE else None


def _kind(sighting: Sighting) -> str:
    return "box" if sighting.region.type in BOXES else sighting.region.type


def _hold(step: int) -> int:
    return min(round(step * _HOLD_STEPS), round(HOLD_LIMIT_S * 1e6))


class HeldCaptions:
    """The caption of each moment: within a shot the last one that has begun, before it the first. Without shots one
    stays until the next, at most five seconds after its end."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def at(self, start: int) -> str:
        """For a time (µs); nothing where there is none."""
        shot = self._facts.shot_at(start)
        if shot is None:
            begun = [
                words for words in self._facts.seen.captions if words.start <= start < words.end + _CAPTION_S * 1e6
            ]
            return _told(begun[-1]) if begun else ""
        own = [words for words in self._facts.seen.captions if shot.start <= words.start < shot.end]
        begun = [words for words in own if words.start <= start]
        return _told((begun or own)[-1 if begun else 0]) if own else ""


def _told(words: Words) -> str:
    # before the text: it must not be lost where the text is cut
    return f"composed: {words.text}" if words.is_composed else words.text
