"""Places that people pointed at are found again."""

from __future__ import annotations

import numpy as np
import pytest
from crowd import Shown, body_box, face_box, faces, persons, store_rows, video_id

from cortexia.people.gather import gathered, inventory
from cortexia.people.members import Place
from cortexia.people.places import Finder, box_at
from cortexia.types import BBox


def the_video(store):
    (video,) = gathered(store, inventory(store))
    return video


def name_at(store, time_s: float, box: BBox) -> str | None:
    found = Finder(store).member_at(the_video(store), Place(round(25 * time_s), time_s, box))
    return found.name[-3:] if found else None


def test_a_face_is_found_where_it_was_and_nowhere_else(sqlite):
    store_rows(sqlite, 1, "face_groups", faces(1, [Shown(1, 0, 4), Shown(2, 2, 6)]))
    assert name_at(sqlite, 2.5, face_box(1)) == "001"
    assert name_at(sqlite, 2.5, face_box(2)) == "002"
    assert name_at(sqlite, 2.5, face_box(3)) is None
    assert name_at(sqlite, 4.5, face_box(1)) is None, "more than a second after its last box"
    assert name_at(sqlite, 1.2, face_box(2)) == "002", "less than a second before its first one"


def test_a_body_is_found_and_so_is_the_face_in_it(sqlite):
    people, boxes = persons(1, [Shown(1), Shown(2)])
    store_rows(sqlite, 1, "tracks", boxes)
    store_rows(sqlite, 1, "people", people)
    assert name_at(sqlite, 1.0, body_box(2)) == "002"
    assert name_at(sqlite, 1.0, face_box(1)) == "001"
    assert name_at(sqlite, 1.0, BBox(900, 0, 910, 10)) is None


def test_a_body_that_is_known_by_its_face_only_is_found_by_it(sqlite):
    store_rows(sqlite, 1, "face_groups", faces(1, [Shown(1), Shown(2)]))
    assert name_at(sqlite, 1.0, body_box(2)) == "002"


def test_somebody_without_a_face_has_a_place_in_the_middle(sqlite):
    people, boxes = persons(1, [Shown(1, 0, 4)])
    store_rows(sqlite, 1, "tracks", boxes)
    store_rows(sqlite, 1, "people", people)
    video = the_video(sqlite)
    place = Finder(sqlite).place_of(video, video.members[0])
    assert place == Place(50, 2.0, body_box(1))


def test_videos_are_in_the_order_in_which_they_came(sqlite):
    for number in (5, 3, 9):
        store_rows(sqlite, number, "face_groups", faces(number, [Shown(1)]))
    store_rows(sqlite, 5, "face_groups", faces(5, [Shown(1)]), again=1)
    videos = list(gathered(sqlite, inventory(sqlite)))
    assert [video.video_id for video in videos] == [video_id(number) for number in (5, 3, 9)]


PATH = np.array([[0, 0.0, 0, 0, 10, 10], [25, 1.0, 10, 0, 20, 10], [250, 10.0, 100, 0, 110, 10]])


@pytest.mark.parametrize(
    ("time_s", "left"), [(0.0, 0.0), (0.5, 5.0), (1.0, 10.0), (1.9, 10.0), (5.0, None), (9.1, 100.0), (11.1, None)]
)
def test_between_boxes_of_a_track_it_is_on_its_way(time_s, left):
    found = box_at(PATH, time_s)
    assert (found and found.x1) == left
