"""One row for each person, numbered as they appear."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from footage import context

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.people import People
from cortexia.errors import ConfigurationError
from cortexia.types import Person, TimeSpan, Timestamp, Track

BASE = Fraction(1, 25)
VIDEO = "0123456789abcdef" * 4


def track(number: int, first: int, last: int, label: str = "person", confidence: float | None = 0.8, **more) -> Track:
    return Track(
        span=TimeSpan(Timestamp(first, BASE), Timestamp(last + 1, BASE)),
        label=label,
        confidence=confidence,
        frame_index=first,
        track_id=f"t{number:04d}",
        first_frame=first,
        last_frame=last,
        boxes=last - first + 1,
        **more,
    )


def people(*tracks: Track, **options) -> list[Person]:
    stored = StoredAnnotations(read=lambda types: (row for row in tracks if row.type in types))
    return list(People(**options).solve(stored, dataclasses.replace(context(), video_id=VIDEO)))


def test_each_person_has_an_id_in_order_of_appearance():
    found = people(track(2, 50, 90), track(1, 0, 30), track(3, 50, 60))
    assert [(person.person_id, person.track_id) for person in found] == [
        ("person_0123456789ab_001", "t0001"),
        ("person_0123456789ab_002", "t0002"),
        ("person_0123456789ab_003", "t0003"),
    ]


def test_length_gaps_and_confidence_are_those_of_the_track():
    (person,) = people(track(1, 10, 39, confidence=0.75, gaps=2, gap_s=0.4))
    assert person.span == TimeSpan(Timestamp(10, BASE), Timestamp(40, BASE))
    assert (person.first_frame, person.last_frame, person.boxes) == (10, 39, 30)
    assert (person.gaps, person.gap_s, person.confidence) == (2, 0.4, 0.75)


def test_only_people_are_people():
    assert [person.track_id for person in people(track(1, 0, 9, "car"), track(2, 0, 9))] == ["t0002"]
    found = people(track(1, 0, 9, "car"), track(2, 0, 9), track(3, 0, 9, "rider"), labels="person, rider")
    assert [person.track_id for person in found] == ["t0002", "t0003"]


def test_who_was_seen_too_shortly_or_too_unsurely_is_nobody():
    tracks = track(1, 0, 9), track(2, 0, 49, confidence=0.3), track(3, 0, 49, confidence=None), track(4, 0, 49)
    assert len(people(*tracks)) == 4
    assert [person.track_id for person in people(*tracks, min_seconds=1.0)] == ["t0002", "t0003", "t0004"]
    assert [person.track_id for person in people(*tracks, min_confidence=0.5)] == ["t0001", "t0004"]


def test_nobody_is_an_answer():
    assert people() == []


@pytest.mark.parametrize("options", [{"min_seconds": -1.0}, {"min_confidence": 1.5}, {"labels": " , "}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        People(**options)
