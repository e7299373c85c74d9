"""What OpenCV finds without weights, on scenes whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import Drive, annotations
from footage import context, flat, frames_of, panned, place

from cortexia.annotators._offline_objects import PeopleFinder, _scales
from cortexia.annotators.objects import Objects
from cortexia.types import BBox, Detection

FPS = 25
SIZE = (320, 180)
GOLDEN = Path(__file__).parents[1] / "golden/objects_offline.json"


def watch(pictures, **options) -> list[Detection]:
    recipe = Objects(model="offline", **options)
    return annotations(Drive(recipe, context(), frames_of(pictures, FPS)).run())


def square_at(index: int) -> BBox:
    x = 4.0 * index - 160
    return BBox(x, 60.0, x + 48, 120.0)


def passing(count: int = 110, contrast: int = 120) -> list[np.ndarray]:
    """A square passes before a scene at rest, from the 40th picture on."""
    pictures = []
    for index in range(count):
        picture = place(3).copy()
        box = square_at(index)
        left, right = (int(min(max(x, 0), SIZE[0])) for x in (box.x1, box.x2))
        patch = picture[60:120, left:right].astype(int)
        picture[60:120, left:right] = np.where(patch > 127, patch - contrast, patch + contrast)
        pictures.append(picture)
    return pictures


def overlap(one: BBox, other: BBox) -> float:
    width = max(0.0, min(one.x2, other.x2) - max(one.x1, other.x1))
    height = max(0.0, min(one.y2, other.y2) - max(one.y1, other.y1))
    return width * height / (one.width * one.height + other.width * other.height - width * height)


def test_what_moves_is_found_where_it_is():
    rows = [row for row in watch(passing(), labels="moving") if 55 <= row.frame_index <= 105]
    assert {row.frame_index for row in rows} == set(range(55, 106))
    best = {row.frame_index: row for row in reversed(rows)}
    assert min(overlap(row.bbox, square_at(index)) for index, row in best.items()) > 0.5
    assert {(row.label, row.attributes["model"]) for row in rows} == {("moving", "motion-blobs")}


def test_confidence_grows_with_contrast():
    faint, strong = (
        [row.confidence for row in watch(passing(contrast=contrast), labels="moving") if row.frame_index == 70]
        for contrast in (50, 120)
    )
    assert max(strong) > max(faint) > 0.25


@pytest.mark.parametrize(
    "pictures",
    [[place(1)] * 80, panned(2, 80, 4), [flat(0)] * 30 + [flat(200)] * 50, [place(1)] * 40 + [place(5)] * 40],
    ids=["rest", "pan", "flash", "cut"],
)
def test_no_object_moves_at_rest_or_when_everything_does(pictures):
    assert watch(pictures, labels="moving") == []


def test_nothing_is_said_before_the_scene_is_known():
    assert min(row.frame_index for row in watch(passing()[45:], labels="moving")) > FPS


def test_a_filter_spares_the_search(monkeypatch):
    def search(*args):
        raise AssertionError("searched for people")

    monkeypatch.setattr(PeopleFinder, "find", search)
    assert watch(passing(80), labels="moving")
    with pytest.raises(AssertionError, match="searched"):
        watch(passing(80))


@pytest.fixture(scope="module")
def walker(data_dir: Path) -> np.ndarray:
    """A picture with a person from head to foot."""
    capture = cv2.VideoCapture(str(data_dir / "videos/intel/one-by-one-person-detection.mp4"))
    for _ in range(312):
        capture.grab()
    there, picture = capture.retrieve()
    capture.release()
    assert there
    return picture


@pytest.mark.data
def test_a_person_is_found_once_and_named(walker):
    rows = watch([walker] * 30, labels="person")
    assert {row.frame_index for row in rows} == {0, 13, 25}, "the first picture of each half second"
    assert {row.attributes["model"] for row in rows} == {"opencv-hog"}
    assert [len([row for row in rows if row.frame_index == at]) for at in (0, 13, 25)] == [1, 1, 1]


@pytest.mark.data
def test_people_come_in_the_same_order_however_many_threads_search(walker):
    threads = cv2.getNumThreads()
    found = []
    try:
        for count in (1, 2, 4, 4, 4):
            cv2.setNumThreads(count)
            found.append(PeopleFinder().find(walker, (768, 432)))
    finally:
        cv2.setNumThreads(threads)
    assert len(found[0]) >= 1
    assert all(other == found[0] for other in found)


@pytest.mark.data
@pytest.mark.parametrize("width", [768, 601, 250])
def test_hits_and_weights_are_those_of_opencv_with_one_thread(walker, width):
    """With more, OpenCV may give a hit the weight of another."""
    picture = cv2.resize(walker, (width, round(width * 9 / 16)), interpolation=cv2.INTER_AREA)
    finder, threads = PeopleFinder(), cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        told = finder._hog.detectMultiScale(picture, winStride=(8, 8), padding=(8, 8), scale=1.1, groupThreshold=0)
    finally:
        cv2.setNumThreads(threads)
    wanted = [(x, y, x + w, y + h, weight) for (x, y, w, h), weight in zip(told[0], np.ravel(told[1]), strict=True)]
    hits = [hit for scale in _scales(picture) for hit in finder._hits(picture, scale)]
    assert hits
    assert sorted(hits) == sorted(wanted)


@pytest.mark.parametrize("shape", [(1, 1), (127, 300), (300, 63), (5, 2000)])
def test_pictures_smaller_than_its_window_hold_no_people(shape):
    assert PeopleFinder().find(np.zeros((*shape, 3), np.uint8), shape[::-1]) == []


def test_golden():
    rows = [[row.frame_index, row.label, row.confidence, *row.bbox.xywh] for row in watch(passing(90), per_second=5.0)]
    wanted = json.loads(GOLDEN.read_text())
    assert [row[:2] for row in rows] == [row[:2] for row in wanted]
    for row, other in zip(rows, wanted, strict=True):
        assert row[2:] == pytest.approx(other[2:], abs=0.05)
