"""Faces followed, linked to people and grouped, on rows with known truth."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from footage import context

from cortexia.annotators._face_links import held_share, linked
from cortexia.annotators._face_sums import Kept
from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.face_groups import FaceGroups, of_one
from cortexia.annotators.faces import Faces
from cortexia.clustering import united
from cortexia.errors import ConfigurationError
from cortexia.types import BBox, Embedding, Face, FaceTrack, Person, Shot, TimeSpan, Timestamp, TrackBox
from cortexia.types.embedding import packed

BASE = Fraction(1, 1000)
VIDEO = "0123456789abcdef" * 4
STEP_S = 0.2
LOOKS = Faces(model="offline", head_pose="none", expression="none", embedding="none", per_second=1 / STEP_S)


def span(start_s: float, end_s: float) -> TimeSpan:
    return TimeSpan(Timestamp(round(start_s * 1000), BASE), Timestamp(round(end_s * 1000), BASE))


def looks(who: int) -> np.ndarray:
    return np.eye(8)[who] + 0.2 * np.eye(8)[(who + 1) % 8]


def seen(who: int, start_s: float, end_s: float, x: float, vector: bool = True, quality: float | None = None) -> list:
    """Human being ``who`` at ``x``, five times a second: faces, each with its vector."""
    rows: list = []
    for step in range(round((end_s - start_s) / STEP_S)):
        at = start_s + STEP_S * step
        common = {
            "span": span(at, at + 0.04),
            "frame_index": round(at * 25),
            "bbox": BBox(x + step, 20, x + step + 40, 60),
            "confidence": 0.9,
        }
        rows.append(Face(quality=quality, **common))
        if vector:
            rows.append(Embedding(model="m", of="face", **common, **packed(looks(who))))
    return rows


def body(name: str, start_s: float, end_s: float, x: float, width: float = 60) -> list:
    """A person around a face at ``x``, and its boxes, five times a second."""
    count = round((end_s - start_s) / STEP_S)
    rows: list = [
        Person(
            span=span(start_s, end_s),
            track_id=f"track {name}",
            first_frame=round(start_s * 25),
            last_frame=round(end_s * 25),
            boxes=count,
            person_id=name,
        )
    ]
    for step in range(count):
        at = start_s + STEP_S * step
        box = BBox(x - 10 + step, 10, x - 10 + step + width, 210)
        rows.append(TrackBox(span=span(at, at + 0.04), frame_index=round(at * 25), track_id=f"track {name}", bbox=box))
    return rows


def solved(*rows, **options) -> list:
    ordered = sorted((row for part in rows for row in part), key=lambda row: (row.span.start, row.type))
    stored = StoredAnnotations(lambda types: (row for row in ordered if row.type in types), {"faces": LOOKS})
    return list(FaceGroups(**options).solve(stored, dataclasses.replace(context(), video_id=VIDEO)))


def tracks(*rows, **options) -> list[FaceTrack]:
    return [row for row in solved(*rows, **options) if isinstance(row, FaceTrack)]


def numbers(*rows, **options) -> list[int]:
    """The number in the face id of each track, in order."""
    return [int(track.face_id[-3:]) for track in tracks(*rows, **options)]


# -- tracks


def test_a_face_that_is_followed_is_one_track():
    (track,) = tracks(seen(0, 1.0, 3.0, 100), link_people=False)
    assert (track.first_frame, track.last_frame, track.boxes, track.gaps) == (25, 70, 10, 0)
    assert (track.span.start.seconds, track.span.end.seconds) == (1.0, 2.84)
    assert (track.confidence, track.person_id) == (0.9, None)
    assert track.face_id == "face_0123456789ab_001"


def test_a_face_out_of_sight_is_found_again_within_the_buffer():
    rows = [*seen(0, 0.0, 1.0, 100), *seen(0, 2.0, 3.0, 105)]
    (track,) = tracks(rows, link_people=False, buffer_s=2.0)
    assert (track.boxes, track.gaps, track.gap_s) == (10, 1, pytest.approx(1.0))
    assert len(tracks(rows, link_people=False, buffer_s=0.5)) == 2


def test_neither_uneven_looks_nor_the_order_of_rows_change_what_is_said():
    """At 10 frames a second 4 looks a second lie 2 and 3 frames apart; and rows of a frame come in any order."""
    frames = (0, 2, 5, 7, 10, 12, 15)
    rows = [
        Face(span=span(at / 10, (at + 1) / 10), frame_index=at, bbox=BBox(x, 20, x + 40, 60), confidence=0.9)
        for at in frames
        for x in (300.0, 20.0)
    ]
    recipes = {"faces": dataclasses.replace(LOOKS, per_second=4.0)}
    said = []
    for ordered in (rows, sorted(rows, key=lambda row: (row.frame_index, row.bbox.x1))):
        stored = StoredAnnotations(lambda types, kept=ordered: [row for row in kept if row.type in types], recipes)
        said.append(list(FaceGroups(link_people=False).solve(stored, dataclasses.replace(context(), video_id=VIDEO))))
    assert said[0] == said[1]
    assert [(track.gaps, track.gap_s, track.attributes["path"][0][2]) for track in said[0]] == [(0, 0, 20), (0, 0, 300)]


def test_the_path_is_told_once_a_second_and_at_both_ends():
    (track,) = tracks(seen(0, 0.0, 3.0, 100), link_people=False)
    path = track.attributes["path"]
    assert [entry[:2] for entry in path] == [[0, 0.0], [25, 1.0], [50, 2.0], [70, 2.8]]
    assert path[1][2:] == [105.0, 20.0, 145.0, 60.0]


def test_a_single_face_is_a_track():
    """As in a picture."""
    (track,) = tracks(seen(0, 0.0, 0.2, 100), link_people=False)
    assert (track.boxes, len(track.attributes["path"])) == (1, 1)


def test_nothing_found_is_no_row():
    assert solved([]) == []


# -- groups


def test_who_comes_back_has_the_same_face():
    rows = [*seen(0, 0, 2, 100), *seen(1, 1, 3, 300), *seen(0, 8, 10, 500)]
    assert numbers(rows, link_people=False) == [1, 2, 1]


def test_tracks_that_overlap_in_time_are_never_one():
    apart = [*seen(0, 0, 2, 100), *seen(0, 8, 10, 500)]
    assert numbers(apart, link_people=False) == [1, 1]
    assert numbers([*seen(0, 0, 2, 100), *seen(0, 1, 3, 500)], link_people=False) == [1, 2]


def test_the_vector_of_a_track_is_weighted_by_quality():
    good, bad = seen(0, 0.0, 1.0, 100, quality=0.9), seen(3, 1.0, 2.0, 105, quality=0.1)
    (row,) = [row for row in solved(good, bad, link_people=False) if isinstance(row, Embedding)]
    wanted = 0.9 * looks(0) + 0.1 * looks(3)
    assert row.values() == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-6)
    assert (row.of, row.model, row.track_id) == ("face", "m", "face_track_001")
    assert row.attributes == {"face_id": "face_0123456789ab_001"}


def test_without_vectors_each_track_is_somebody():
    rows = [*seen(0, 0, 2, 100, vector=False), *seen(0, 8, 10, 100, vector=False)]
    assert numbers(rows, link_people=False) == [1, 2]
    assert not [row for row in solved(rows, link_people=False) if isinstance(row, Embedding)]


def test_what_counts_as_alike_can_be_chosen():
    rows = [*seen(0, 0, 2, 100), *seen(1, 8, 10, 500)]
    alike = float(looks(0) @ looks(1) / np.linalg.norm(looks(0)) ** 2)
    assert numbers(rows, link_people=False, similarity=alike - 0.01) == [1, 1]
    assert numbers(rows, link_people=False, similarity=alike + 0.01) == [1, 2]


# -- people


def test_a_face_belongs_to_the_person_around_it():
    rows = [seen(0, 0, 2, 100), seen(1, 0, 2, 400), body("ada", 0, 2, 100), body("bob", 0, 2, 400)]
    assert [track.person_id for track in tracks(*rows)] == ["ada", "bob"]
    assert [track.person_id for track in tracks(*rows, link_people=False)] == [None, None]


def test_a_face_at_the_feet_of_somebody_is_not_theirs():
    lower = [dataclasses.replace(row, bbox=BBox(row.bbox.x1, 150, row.bbox.x2, 190)) for row in seen(0, 0, 2, 100)]
    assert [track.person_id for track in tracks(lower, body("ada", 0, 2, 100))] == [None]
    assert [track.person_id for track in tracks(lower, body("ada", 0, 2, 100), upper_part=1.0)] == ["ada"]


def test_a_face_that_two_hold_is_nobodys():
    rows = [seen(0, 0, 2, 100), body("ada", 0, 2, 100), body("bob", 0, 2, 95)]
    assert [track.person_id for track in tracks(*rows)] == [None]


def test_most_of_the_faces_decide():
    """The person is there for a part of the track only."""
    rows = [seen(0, 0, 4, 100), body("ada", 0, 1, 100)]
    assert [track.person_id for track in tracks(*rows)] == [None]
    assert [track.person_id for track in tracks(*rows, majority=0.2)] == ["ada"]


def test_people_who_were_looked_for_in_other_frames_are_found_too():
    shifted = [
        dataclasses.replace(row, span=span(row.span.start.seconds + 0.08, row.span.end.seconds + 0.08))
        for row in body("ada", 0, 2, 100)
    ]
    assert [track.person_id for track in tracks(seen(0, 0, 2, 100), shifted)] == ["ada"]
    far = [
        dataclasses.replace(row, span=span(row.span.start.seconds + 9, row.span.end.seconds + 9))
        for row in body("ada", 0, 2, 100)
    ]
    assert [track.person_id for track in tracks(seen(0, 0, 2, 100), far)] == [None]


def test_faces_of_one_person_are_one_whatever_they_look_like():
    rows = [seen(0, 0, 2, 100), seen(5, 6, 8, 130), body("ada", 0, 8, 100, width=120)]
    assert numbers(*rows) == [1, 1]
    assert numbers(*rows, link_people=False) == [1, 2], "without the person they are two"


def test_two_faces_at_once_are_not_one_persons():
    """Somebody looks over Ada's shoulder: the face that more frames speak for is hers."""
    rows = [seen(0, 0, 4, 100), seen(1, 1, 2, 150), body("ada", 0, 4, 100, width=120)]
    assert [track.person_id for track in tracks(*rows)] == ["ada", None]


def test_needs_follow_the_option():
    assert FaceGroups().needs == ("faces", "shots", "tracks", "people")
    assert FaceGroups(link_people=False).needs == ("faces", "shots")


def test_a_track_ends_with_its_shot():
    """Who is there in the next picture is somebody else, unless a vector says that they are one."""
    shots = [Shot(span=span(*times), first_frame=0, last_frame=1) for times in ((0, 2), (2, 5))]
    faces = seen(0, 0, 4, 100, vector=False)
    assert len(tracks(faces, shots[:1], link_people=False)) == 1
    assert numbers(faces, shots, link_people=False) == [1, 2]
    assert numbers(seen(0, 0, 4, 100), shots, link_people=False) == [1, 1]


@pytest.mark.parametrize("option", ["buffer_s", "upper_part", "containment", "majority", "similarity"])
def test_an_option_out_of_range_is_refused(option):
    with pytest.raises(ConfigurationError, match=option):
        FaceGroups(**{option: -0.5})


def test_the_share_of_a_face_in_the_upper_part():
    person = BBox(0, 0, 100, 200)
    assert held_share(BBox(0, 0, 10, 10), person, 0.5) == 1.0
    assert held_share(BBox(-5, 95, 5, 105), person, 0.5) == pytest.approx(0.25)
    assert held_share(BBox(0, 0, 0, 0), person, 0.5) == 0.0


# -- long videos


def crowd(count: int) -> Iterator:
    """Five faces at a time, ten times a second, each with a vector; every twenty seconds others."""
    for at in range(count // 5):
        start_s, who = at / 10, at // 200 % 8
        for place in range(5):
            common = {
                "span": span(start_s, start_s + 0.1),
                "frame_index": at,
                "bbox": BBox(100.0 * place, 20, 100.0 * place + 40, 60),
                "confidence": 0.9,
            }
            yield Face(**common)
            yield Embedding(model="m", of="face", **common, **packed(looks((who + place) % 8)))


def shots(count: int) -> Iterator[Shot]:
    for start in range(0, count // 50, 20):
        yield Shot(span=span(start, start + 20), first_frame=start * 10, last_frame=start * 10 + 199)


def test_memory_does_not_hold_the_faces_nor_their_vectors():
    def peak(count: int) -> int:
        parts = {"face": crowd, "embedding": crowd, "shot": shots}
        reading = StoredAnnotations(
            read=lambda types: (
                row for name in types if name in parts for row in parts[name](count) if row.type == name
            ),
            recipes={"faces": LOOKS},
        )
        tracemalloc.start()
        rows = FaceGroups(link_people=False).solve(reading, context())
        found = sum(row.boxes for row in rows if isinstance(row, FaceTrack))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == count
        return used

    peak(200)  # what is imported on the way counts for nothing
    assert peak(6_000) - peak(2_000) < 100 * 4_000


# -- many of one person


def test_tracks_of_one_person_are_linked_each_to_the_next():
    """All pairs of ten thousand would be fifty million."""
    people = {at: ("ada", "bob")[at % 2] for at in range(10_000)}
    pairs = of_one(people)
    assert len(pairs) == 9_998
    assert set(united(10_000, pairs)) == {0, 1}


def kept(start_s: float, end_s: float, votes: Counter[str]) -> Kept:
    return Kept(span(start_s, end_s), None, 0, 0, sum(votes.values()), 0, 0.0, [], votes, {})


def test_of_tracks_at_once_that_with_most_faces_is_the_persons():
    spans = [(0, 4, 3), (3, 6, 9), (6, 8, 1), (5, 9, 2), (1, 2, 8), (2, 3, 1)]
    made = [kept(start, end, Counter(ada=count)) for start, end, count in spans]
    assert sorted(linked(made, 0.5)) == [1, 2, 4, 5]
