"""Who is there when, whose faces, what was said and which tags: what the page shows of ``Seen``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cortexia.report.axis import Axis
from cortexia.report.gather import Facts, ShotFacts
from cortexia.report.pictures import data_uri, encoded, evenly, fetched, fitted
from cortexia.report.seen import Presence, tail
from cortexia.report.style import TRACK_SHADES, Style
from cortexia.report.timeline import Lane
from cortexia.report.words import count, length, plural
from cortexia.wording import clock

PRESENT_SHOWN = 16
PRESENT_FOLDED = 300
CAPTIONS_SHOWN = 48
TAGS_SHOWN = 60
_THUMB = (240, 180)


@dataclass(frozen=True, slots=True)
class PresentLanes:
    """``shown`` at once, ``folded`` when asked for; ``note`` says what is in neither."""

    shown: list[Lane]
    folded: list[Lane]
    note: str


@dataclass(frozen=True, slots=True)
class FaceRow:
    name: str
    person: str
    boxes: str
    confidence: str
    length: str
    first: str


@dataclass(frozen=True, slots=True)
class CaptionCard:
    """``source`` is empty where no picture was kept."""

    source: str
    width: int
    height: int
    start: str
    texts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class TagChip:
    label: str
    note: str


def present_lanes(facts: Facts, axis: Axis, style: Style) -> PresentLanes:
    """A lane for each person, and for each track that is nobody's, the longest present first."""
    present = facts.seen.present()
    lanes = [_lane(one, axis, style) for one in present[: PRESENT_SHOWN + PRESENT_FOLDED]]
    left = len(present) - len(lanes)
    note = f"{plural(left, 'more track')} were present for a shorter time." if left else ""
    return PresentLanes(lanes[:PRESENT_SHOWN], lanes[PRESENT_SHOWN:], note)


def _lane(one: Presence, axis: Axis, style: Style) -> Lane:
    told = [length(one.length), plural(len(one.spans), "stretch", "stretches"), plural(one.boxes, "box", "boxes")]
    if one.confidence is not None:
        told.append(f"{one.confidence:.2f}")
    shade = style.track_shade(one.key)
    shade = TRACK_SHADES if shade is None else shade
    blocks = [axis.block(span, f"c{shade}", f"{one.name}, {axis.between(*span[:2])}") for span in one.spans]
    return Lane(one.name, ", ".join(told), blocks, shade=shade)


def present_counts(facts: Facts) -> list[tuple[str, str]]:
    """How many people, and how many tracks of each label, the most first."""
    people = set(facts.seen.people.values())
    labels: dict[str, int] = {}
    for track in facts.seen.tracks.values():
        labels[track.label or "track"] = labels.get(track.label or "track", 0) + 1
    ordered = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    told = [(count(len(people)), "person" if len(people) == 1 else "people")] if people else []
    return told + [(count(amount), f"{label} track" + ("" if amount == 1 else "s")) for label, amount in ordered]


def face_rows(facts: Facts) -> list[FaceRow]:
    """Faces that were followed, the longest present first."""
    return [
        FaceRow(
            name=face.name,
            person=tail(owner) if owner else "",
            boxes=count(face.boxes),
            confidence="" if face.confidence is None else f"{face.confidence:.2f}",
            length=length(face.length),
            first=clock(face.spans[0].start, 2),
        )
        for face, owner in facts.seen.present_faces()[:PRESENT_FOLDED]
    ]


def caption_cards(facts: Facts, blob: Callable[[str], bytes]) -> tuple[list[CaptionCard], str]:
    """Captions by shot with its picture, spread over the video where there are many, and a note that says so; without
    shots each for itself."""
    grouped: dict[int, tuple[ShotFacts | None, list[tuple[str, bool]]]] = {}
    starts: dict[int, int] = {}
    for words in facts.seen.captions:
        shot = facts.shot_at(words.start)
        key = shot.start if shot else words.start
        starts.setdefault(key, words.start)
        grouped.setdefault(key, (shot, []))[1].append((words.text, words.is_composed))
    keys = list(grouped)
    chosen = [keys[place] for place in evenly(keys, CAPTIONS_SHOWN)]
    cards = [_card(starts[key], *grouped[key], blob) for key in chosen]
    left_out = f"{len(chosen)} of {count(len(keys))} captioned shots, spread evenly" if len(keys) > len(chosen) else ""
    return cards, left_out


def _card(
    start: int, shot: ShotFacts | None, texts: list[tuple[str, bool]], blob: Callable[[str], bytes]
) -> CaptionCard:
    picture = fetched(blob, shot.picture.thumbnail) if shot and shot.picture else None
    small = fitted(picture, *_THUMB) if picture else None
    return CaptionCard(
        source=data_uri(encoded(small, 66)) if small else "",
        width=small.width if small else 0,
        height=small.height if small else 0,
        start=clock(start, 2),
        texts=tuple(texts),
    )


def tag_chips(facts: Facts) -> list[TagChip]:
    """Tags, those of the longest time first."""
    ordered = sorted(facts.seen.tags.items(), key=lambda item: (-item[1].length, -item[1].rows, item[0]))
    return [
        TagChip(label, plural(tag.rows, "time") + ("" if tag.best is None else f", up to {tag.best:.2f}"))
        for label, tag in ordered[:TAGS_SHOWN]
    ]
