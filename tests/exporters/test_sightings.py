"""Rows of several annotators that speak of the same thing are one thing."""

from __future__ import annotations

import pytest
from filled import box, face, fill, identity, mask, media, person, pose, track, track_box

from cortexia.exporters.base import ExportSource
from cortexia.exporters.sequences import SequenceNames
from cortexia.exporters.tracks import TrackNumber, Tracks
from cortexia.sightings import APPEARANCES, REGIONS, moments
from cortexia.stores.base import VideoRecord
from cortexia.types import BBox

LEFT, RIGHT = BBox(10, 20, 60, 120), BBox(300, 20, 360, 120)
NEAR_LEFT = BBox(15, 25, 60, 120)


def seen(store, *types: str) -> list:
    """Every sighting as (index of its frame, left edge, type, track, mask, pose), from left to right."""
    found = moments(ExportSource(store).rows(*(types or REGIONS)))
    return sorted(
        (moment.frame_index, made.box.x1, made.region.type, made.track_id, made.mask is not None, made.pose is not None)
        for moment in found
        for made in moment.sightings
    )


def test_box_track_mask_and_pose_of_one_thing_are_one(store):
    fill(store, identity(), "objects", [box(0, bbox=LEFT), box(0, bbox=RIGHT)])
    fill(store, identity(), "tracks", [track_box(0, "t", bbox=LEFT)])
    fill(store, identity(), "masks", [mask(0, bbox=NEAR_LEFT)])
    fill(store, identity(), "keypoints", [pose(0, label=None, bbox=NEAR_LEFT)])
    assert seen(store) == [(0, 10, "detection", "t", True, True), (0, 300, "detection", None, False, False)]


def test_a_mask_goes_to_the_box_that_it_overlaps_most(store):
    fill(store, identity(), "objects", [box(0, bbox=BBox(30, 20, 80, 120)), box(0, bbox=LEFT)])
    fill(store, identity(), "masks", [mask(0, bbox=NEAR_LEFT)])
    assert [(left, is_masked) for _, left, _, _, is_masked, _ in seen(store)] == [(10, True), (30, False)]


def test_a_track_that_is_named_says_more_than_overlap(store):
    boxes = [track_box(0, "a", bbox=LEFT), track_box(0, "b", bbox=NEAR_LEFT)]
    fill(store, identity(), "tracks", boxes)
    fill(store, identity(), "masks", [mask(0, bbox=LEFT, track_id="b")])
    assert [(track_id, is_masked) for *_, track_id, is_masked, _ in seen(store)] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    "other", [mask(0, "dog", bbox=LEFT), mask(0, bbox=RIGHT), mask(1, bbox=LEFT)], ids=["label", "place", "frame"]
)
def test_a_mask_of_something_else_is_a_thing_of_its_own(store, other):
    fill(store, identity(), "objects", [box(0, bbox=LEFT)])
    fill(store, identity(), "masks", [other])
    assert sorted(kind for _, _, kind, *_ in seen(store)) == ["detection", "mask"]


def test_a_box_of_a_track_without_its_detection_is_a_thing(store):
    fill(store, identity(), "objects", [box(0, bbox=LEFT)])
    fill(store, identity(), "tracks", [track_box(0, "t", bbox=NEAR_LEFT)])
    assert seen(store) == [(0, 10, "detection", None, False, False), (0, 15, "track_box", "t", False, False)]
    assert seen(store, "track_box") == [(0, 15, "track_box", "t", False, False)]


def test_faces_are_things_of_their_own_with_a_label(store):
    fill(store, identity(), "faces", [face(0, bbox=LEFT)])
    (moment,) = moments(ExportSource(store).rows(*REGIONS))
    assert [made.label for made in moment.sightings] == ["face"]


# -- numbers of tracks


def all_tracks(store) -> list[TrackNumber]:
    source = ExportSource(store)
    tracks = Tracks(source)
    for moment in moments(source.rows(*APPEARANCES, *REGIONS), tracks.meet):
        for made in moment.sightings:
            tracks.of(made)
    return list(tracks.all())


def test_numbers_count_over_all_videos_and_places_within_one(store):
    for letter in "ab":
        fill(store, identity(letter), "tracks", [track_box(0, "9"), track_box(1, "4"), track_box(2, "9")])
    assert [(made.number, made.place) for made in all_tracks(store)] == [(1, 1), (2, 2), (3, 1), (4, 2)]


def test_the_row_of_a_track_tells_its_label(store):
    fill(store, identity(), "tracks", [track(0, 5, "1", "truck"), track_box(0, "1", "car"), track_box(0, "2", "bus")])
    assert {made.track_id: made.label for made in all_tracks(store)} == {"1": "truck", "2": "bus"}


def test_a_person_is_known_by_the_run_that_it_was_made_from(store):
    first = fill(store, identity(), "tracks", [track_box(0, "1")])
    second = fill(store, identity(), "others", [track_box(0, "1")])
    fill(store, identity(), "people", [person(0, 5, "1", "person_a_001")], upstream=(second.run_key,))
    known = {track.run_id: track.person_id for track in all_tracks(store)}
    assert known == {first.run_id: None, second.run_id: "person_a_001"}


# -- names


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("talk.mp4", "talk"),
        ("שלום.mkv", "שלום"),
        ("../../evil.mp4", "a" * 64),
        ("con.mp4", "a" * 64),
        ("x\n.mp4", "a" * 64),
        (".mp4", "a" * 64),
        (".hidden.mp4", "a" * 64),
        (f"{'a' * 64}.mp4", "a" * 64),
        (f"{'B' * 64}.mp4", "a" * 64),
    ],
)
def test_a_name_that_is_not_safe_is_the_id_of_the_video(filename, name):
    assert SequenceNames().of(VideoRecord(identity("a", filename), media(), None)) == name


def test_no_video_has_the_name_that_another_falls_back_to():
    names = SequenceNames()
    pairs = (("a", f"{'b' * 64}.mp4"), ("b", "con.mp4"))
    made = [names.of(VideoRecord(identity(*pair), media(), None)) for pair in pairs]
    assert made == ["a" * 64, "b" * 64]


def test_names_that_differ_in_case_only_are_told_apart():
    names = SequenceNames()
    assert [names.of(VideoRecord(identity(*pair), media(), None)) for pair in (("a", "X.mp4"), ("b", "x.mov"))] == [
        "X",
        "b" * 64,
    ]
