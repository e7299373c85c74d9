"""Vectors of looks: alike for the same clothes, unlike for others, and only for what was detected."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from driving import Drive
from footage import context, frames_of, lit, place

from cortexia.annotators.appearance import Appearance, describe
from cortexia.errors import ConfigurationError
from cortexia.types import BBox, Detection, Embedding, frame_span

RED, BLUE, GREEN, WHITE, BLACK = (30, 30, 200), (190, 60, 30), (40, 160, 40), (230, 230, 230), (15, 15, 15)


def dressed(shirt, trousers, seed=0, size=(40, 120)) -> np.ndarray:
    """A body in two colours, with folds."""
    width, height = size
    body = np.zeros((height, width, 3), np.float32)
    body[: height // 2], body[height // 2 :] = shirt, trousers
    folds = np.random.default_rng(seed).normal(0, 12, (12, 4, 1)).astype(np.float32)
    body += cv2.resize(folds, size, interpolation=cv2.INTER_LINEAR)[..., None]
    return np.clip(body, 0, 255).astype(np.uint8)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(describe(one) @ describe(other))


def vectors(frames, *boxes: BBox, label: str = "person", **options) -> list[Embedding]:
    said = [
        (f.index, Detection(span=frame_span(f), label=label, confidence=0.9, frame_index=f.index, bbox=box))
        for f in frames
        for box in boxes
    ]
    return [made for _, made in Drive(Appearance(**options), context(), frames, said).run()]


def test_the_same_clothes_are_alike_and_others_are_not():
    worn = dressed(RED, BLUE)
    for again in (dressed(RED, BLUE, seed=5), lit(worn, 0.8), dressed(RED, BLUE, size=(22, 70))):
        assert likeness(worn, again) > 0.8
    for other in (dressed(BLUE, RED), dressed(GREEN, BLUE), dressed(RED, WHITE), dressed(BLACK, WHITE)):
        assert likeness(worn, other) < 0.75


def test_black_white_and_grey_are_told_apart():
    assert likeness(dressed(BLACK, BLACK), dressed(WHITE, WHITE)) < 0.3


def test_each_detection_has_a_vector_with_its_box():
    picture = place(1)
    boxes = [BBox(10.0, 10.0, 60.0, 150.0), BBox(200.0, 20.0, 250.0, 160.0)]
    picture[10:150, 10:60] = dressed(RED, BLUE, size=(50, 140))
    picture[20:160, 200:250] = dressed(GREEN, BLACK, size=(50, 140))
    first, second = vectors(frames_of([picture], 1), *boxes)
    assert [first.bbox, second.bbox] == boxes
    assert (first.of, first.label, first.frame_index) == ("crop", "person", 0)
    assert float(first.values() @ describe(dressed(RED, BLUE, size=(50, 140)))) > 0.9
    assert float(first.values() @ second.values()) < 0.5


def test_boxes_are_found_again_in_a_smaller_view():
    wide = cv2.resize(place(1), (1600, 900))
    wide[100:800, 300:600] = dressed(RED, BLUE, size=(300, 700))
    (found,) = vectors(frames_of([wide], 1), BBox(300.0, 100.0, 600.0, 800.0))
    assert float(found.values() @ describe(dressed(RED, BLUE))) > 0.9


def test_other_labels_and_other_pictures_have_none():
    frames = frames_of([place(1)] * 8, 8)
    box = BBox(10.0, 10.0, 60.0, 150.0)
    assert vectors(frames, box, label="car") == []
    assert len(vectors(frames, box, label="car", labels=None)) == 8
    assert [made.frame_index for made in vectors(frames, box, per_second=4.0)] == [0, 2, 4, 6]


@pytest.mark.parametrize(
    "box", [BBox(0.0, 0.0, 0.2, 0.2), BBox(319.9, 179.9, 320.0, 180.0), BBox(0.0, 0.0, 320.0, 180.0)]
)
def test_odd_boxes_do_no_harm(box):
    assert len(vectors(frames_of([place(1)], 1), box)) == 1


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(ConfigurationError, match="per_second"):
        Appearance(per_second=0)
