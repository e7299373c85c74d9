"""Masks by colour alone: what they cover, which detections have them, and that nothing but the picture decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from driving import END, Drive
from footage import context, frames_of, place
from PIL import Image
from pycocotools.coco import COCO

from cortexia import outlines, rle
from cortexia.annotators._offline_masks import Boxed, ColourSegmenter, Segment
from cortexia.annotators.masks import Masks, MasksSession
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.types import BBox, Detection, Mask, frame_span

BOX = BBox(100.0, 40.0, 220.0, 140.0)


class Blind:
    """Finds a pixel of nothing."""

    def segment(self, asked: Sequence[Boxed]) -> list[list[Segment]]:
        return [[Segment(np.zeros(one.picture.shape[:2], bool), 0.9) for _ in one.boxes] for one in asked]

    def close(self) -> None: ...


def disc() -> tuple[np.ndarray, np.ndarray]:
    """A red disc that fills ``BOX`` before a detailed place, and its pixels."""
    inside = np.zeros((180, 320), np.uint8)
    cv2.ellipse(inside, (160, 90), (60, 50), 0, 0, 360, 1, -1)
    picture = place(3)
    picture[inside > 0] = (30, 20, 220)
    return picture, inside.astype(bool)


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def detections(frames: Any, *boxes: tuple[str, float, BBox]) -> list[tuple[int, Detection]]:
    return [
        (
            frame.index,
            Detection(span=frame_span(frame), label=label, confidence=confidence, frame_index=frame.index, bbox=box),
        )
        for frame in frames
        for label, confidence, box in boxes
    ]


def masks(picture: np.ndarray, *boxes: tuple[str, float, BBox], count: int = 1, **options: Any) -> list[Mask]:
    frames = frames_of([picture] * count, 1)
    recipe = Masks(model="offline", **options)
    said = Drive(recipe, context(), frames, detections(frames, *boxes)).run()
    return [made for _, made in said]


def test_it_covers_the_thing_and_not_the_box():
    picture, inside = disc()
    (mask,) = masks(picture, ("disc", 0.9, BOX))
    found = rle.decode(mask.segmentation)
    whole_box = np.zeros_like(inside)
    whole_box[40:140, 100:220] = True
    assert agreement(found, inside) > 0.95
    assert agreement(whole_box, inside) < 0.85
    assert mask.area == found.sum()
    assert (mask.label, mask.bbox, mask.frame_index, mask.confidence) == ("disc", BOX, 0, None)


def test_outlines_hold_what_the_mask_holds():
    picture, _ = disc()
    (mask,) = masks(picture, ("disc", 0.9, BOX))
    assert agreement(outlines.bitmap_of(mask.polygons, (180, 320)), rle.decode(mask.segmentation)) > 0.95
    (bare,) = masks(picture, ("disc", 0.9, BOX), polygons=False)
    assert bare.polygons == []
    assert bare.segmentation == mask.segmentation


def test_only_detections_of_this_very_picture_have_masks():
    picture, _ = disc()
    frames = frames_of([picture] * 6, 2)
    said = detections(frames, ("disc", 0.9, BOX))
    drive = Drive(Masks(model="offline"), context(), frames, said)
    assert [made.frame_index for _, made in drive.run()] == [0, 2, 4]
    late = [(at, made) for at, made in said if made.frame_index % 2]
    assert Drive(Masks(model="offline"), context(), frames, late).run() == []


def test_labels_and_numbers_are_kept_within_what_is_asked_for():
    picture, _ = disc()
    boxes = [("a", 0.5, BOX), ("b", 0.9, BOX), ("a", 0.7, BOX)]
    assert [mask.label for mask in masks(picture, *boxes)] == ["b", "a", "a"]
    assert [mask.label for mask in masks(picture, *boxes, labels="a")] == ["a", "a"]
    assert [mask.label for mask in masks(picture, *boxes, max_per_frame=1)] == ["b"]


@pytest.mark.parametrize(
    "box",
    [
        BBox(0.0, 0.0, 320.0, 180.0),
        BBox(0.0, 0.0, 1.0, 1.0),
        BBox(319.5, 179.5, 320.0, 180.0),
        BBox(0.0, 50.0, 320.0, 50.4),
        BBox(-0.5, -0.5, 320.5, 180.5),
        BBox(10.0, 10.0, 10.0, 10.0),
    ],
)
def test_odd_boxes_do_no_harm(box):
    picture, _ = disc()
    for mask in masks(picture, ("thing", 0.9, box)):
        assert 0 < mask.area <= 320 * 180


@pytest.mark.parametrize("wide", [0.3, 1.0, 2.45, 8.0])
@pytest.mark.parametrize("long", [50.0, 700.0, 1000.0])
def test_slivers_at_the_border_do_no_harm(wide, long):
    """What is left of somebody who walks out of a large picture."""
    picture = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    for left in (0.0, 1920.0 - wide, 700.3):
        for top in (0.0, 30.7, 1080.0 - long):
            for mask in masks(picture, ("person", 0.9, BBox(left, top, left + wide, top + long))):
                assert mask.area > 0


def test_a_picture_of_one_colour_does_no_harm():
    (mask,) = masks(np.full((180, 320, 3), 128, np.uint8), ("nothing", 0.9, BOX))
    assert mask.area > 0


def test_nothing_detected_nothing_masked():
    picture, _ = disc()
    assert masks(picture, count=3) == []


def test_what_turns_out_empty_is_not_stored():
    picture, _ = disc()

    frames = frames_of([picture], 1)
    said = [made for _, made in detections(frames, ("a", 1.0, BOX))]
    assert MasksSession(Masks(), ColourSegmenter()).process(frames, [said]) != [[]]
    assert MasksSession(Masks(), Blind()).process(frames, [said]) == [[]]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_neither_threads_nor_the_dice_change_a_pixel(threads):
    picture, _ = disc()
    noisy = place(9, 640, 360)
    noisy[90:270, 200:440] = cv2.resize(picture, (240, 180))
    wanted = masks(noisy, ("a", 0.9, BBox(200.0, 90.0, 440.0, 270.0)))
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(threads)
        cv2.setRNGSeed(threads * 77)
        assert masks(noisy, ("a", 0.9, BBox(200.0, 90.0, 440.0, 270.0))) == wanted
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("option", ["per_second", "max_per_frame"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ConfigurationError, match=option):
        Masks(**{option: 0})


def test_points_are_for_models_that_are_shown_things():
    with pytest.raises(UnknownNameError, match="did you mean 'points'"):
        Masks(prompts="point")
    with pytest.raises(ConfigurationError, match="'offline' takes no points"):
        Masks(model="offline", prompts="points").session(context())


def test_a_session_needs_to_know_its_weights():
    for recipe in (Masks(), Masks(model="no-such")):
        with pytest.raises(ConfigurationError, match="which weights"):
            recipe.session(context())
    assert Masks().bound({}.get) == Masks(model="offline")
    here = {"semantic segmentation": "classes", "masks prompted": "prompts"}
    assert Masks().bound(here.get).model_ids == ("prompts",)
    del here["masks prompted"]
    assert Masks().bound(here.get).model_ids == ("classes",)


@pytest.mark.data
def test_on_photographs_colours_tell_more_than_boxes(data_dir: Path):
    """Boxes are the true ones, so that only the masks are judged."""
    coco = COCO(str(data_dir / "gt/coco_ccby_instances.json"))
    by_mask, by_box = [], []
    for image in coco.dataset["images"]:
        opened = Image.open(data_dir / "images/coco_ccby" / image["file_name"]).convert("RGB")
        picture = np.ascontiguousarray(np.asarray(opened)[..., ::-1])
        for truth in coco.loadAnns(coco.getAnnIds(image["id"], iscrowd=False)):
            x, y, width, height = truth["bbox"]
            if min(width, height) < 24:
                continue
            inside = coco.annToMask(truth).astype(bool)
            box = np.zeros_like(inside)
            box[int(y) : int(y + height), int(x) : int(x + width)] = True
            (mask,) = masks(picture, (str(truth["category_id"]), 1.0, BBox.from_xywh(x, y, width, height)))
            by_mask.append(agreement(rle.decode(mask.segmentation), inside))
            by_box.append(agreement(box, inside))
    assert np.mean(by_mask) > np.mean(by_box) + 0.05


def test_the_end_adds_nothing():
    picture, _ = disc()
    frames = frames_of([picture], 1)
    assert all(at != END for at, _ in Drive(Masks(model="offline"), context(), frames).run())
