"""What things are called and which colour they have, in the page and in the annotated video."""

from __future__ import annotations

from dataclasses import dataclass, field

from cortexia.report.gather import NO_LABEL, Facts
from cortexia.report.heard import Heard
from cortexia.report.palette import LABEL_COLOURS, colour_indexes
from cortexia.report.seen import Key, Seen
from cortexia.sightings import Sighting

TRACK_SHADES = len(LABEL_COLOURS) - 1
"""The last colour, a grey, is for no track."""


@dataclass(frozen=True, slots=True)
class Style:
    """``labels``: places in the palette. ``turns``: of tracks, by which they take colours."""

    labels: dict[str, int]
    seen: Seen = field(default_factory=Seen)
    turns: dict[Key, int] = field(default_factory=dict)

    def shade(self, sighting: Sighting) -> int:
        """Of the track, as long as it is in one; else of the label."""
        key = track_key(sighting)
        shade = self.track_shade(key) if key else None
        if shade is not None:
            return shade
        return self.labels.get(sighting.label or NO_LABEL, TRACK_SHADES)

    def track_shade(self, key: Key) -> int | None:
        """Of a track of things or of faces; ``None`` for one that is not known."""
        turn = self.turns.get(key)
        return None if turn is None else turn % TRACK_SHADES

    def name(self, sighting: Sighting) -> str:
        """A person, ``car #7``, or the label; a face that nobody knows has none."""
        key = track_key(sighting)
        if key and (key in self.seen.tracks or key in self.seen.faces):
            return self.seen.name(key)
        if sighting.region.type == "face":
            return ""
        return sighting.label or NO_LABEL


def style_of(facts: Facts) -> Style:
    return Style(colour_indexes(facts.labels), facts.seen, facts.seen.turns())


def track_key(sighting: Sighting) -> Key | None:
    row = sighting.tracked
    return None if row is None else (row.run_id, row.annotation.track_id or "")


def speaker_shades(heard: Heard) -> dict[str, int]:
    """A place in the palette for each speaker, in order of appearance; the grey is for those that nobody knows."""
    return {key: place % TRACK_SHADES for place, key in enumerate(heard.speakers)}
