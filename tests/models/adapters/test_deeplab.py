"""Classes of pixels beside the reference decoding and against masks drawn by people."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from opened_models import OpenedModels, frames_of
from shared_models import load_reference

from cortexia.models.adapters import open_segmenter
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.adapters.deeplab import PASCAL_LABELS, ClassMap, pascal_class


@pytest.fixture(scope="module")
def street(data_dir: Path) -> np.ndarray:
    return frames_of(data_dir / "images/coco_ccby/000000303818.jpg")[0]


@pytest.fixture(scope="module")
def found(data_dir: Path, street: np.ndarray) -> ClassMap:
    return open_segmenter(OpenedModels(data_dir), "deeplab-v3-mnv2").run([street])[0]


@pytest.mark.data
def test_labels_are_those_of_the_file_beside_the_weights(data_dir):
    lines = (data_dir / "models/seg/pascal_voc_segmentation_labels.txt").read_text().splitlines()
    assert list(PASCAL_LABELS) == lines[: len(PASCAL_LABELS)]


@pytest.mark.data
def test_classes_are_those_of_the_reference(data_dir, street, found):
    reference = load_reference(data_dir)
    wanted = reference.deeplab(reference.tfl("seg/deeplabv3_mnv2_pascal_quant.tflite", 1), street)
    height, width = street.shape[:2]
    for label in ("bus", "person", "car"):
        mask = found.mask(label, np.array((0, 0, width, height)))
        assert mask is not None
        assert (mask == (wanted == PASCAL_LABELS.index(label))).all()
    assert (wanted == PASCAL_LABELS.index("bus")).sum() > 1000


@pytest.mark.data
def test_the_mask_of_a_bus_covers_what_people_drew(data_dir, found):
    truth = json.loads((data_dir / "gt/coco_ccby_instances.json").read_text())
    bus = next(kind["id"] for kind in truth["categories"] if kind["name"] == "bus")
    (drawn,) = [item for item in truth["annotations"] if (item["image_id"], item["category_id"]) == (303818, bus)]
    x, y, width, height = drawn["bbox"]
    mask = found.mask("bus", np.array((x, y, x + width, y + height)))
    assert mask is not None
    wanted = np.zeros(mask.shape, np.uint8)
    for outline in drawn["segmentation"]:
        cv2.fillPoly(wanted, [np.array(outline).reshape(-1, 2).round().astype(np.int32)], 1)
    assert (mask & (wanted == 1)).sum() / (mask | (wanted == 1)).sum() > 0.7


def test_a_mask_stays_inside_its_box_and_the_picture():
    everywhere = ClassMap(np.full((10, 10), PASCAL_LABELS.index("sofa"), np.uint8), (40, 20))
    mask = everywhere.mask("couch", np.array((3.2, -5.0, 7.5, 4.0)))
    assert mask is not None
    assert mask.shape == (20, 40)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 3, 3, 7)
    outside = everywhere.mask("couch", np.array((50.0, 0.0, 60.0, 10.0)))
    assert outside is not None
    assert not outside.any()


def test_only_pixels_of_the_class_are_in_a_mask():
    classes = np.zeros((2, 2), np.uint8)
    classes[0, 1] = PASCAL_LABELS.index("dog")
    mask = ClassMap(classes, (6, 4)).mask("dog", np.array((0.0, 0.0, 6.0, 4.0)))
    assert mask is not None
    assert mask.astype(int).tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[0] * 6] * 2


def test_labels_of_coco_have_their_class():
    known = {label for label in COCO_LABELS if pascal_class(label) is not None}
    assert len({pascal_class(label) for label in known}) == len(known) == len(PASCAL_LABELS) - 1
    assert PASCAL_LABELS[pascal_class("motorcycle") or 0] == "motorbike"
    assert pascal_class("umbrella") is None
    assert pascal_class("background") is None
    assert ClassMap(np.zeros((2, 2), np.uint8), (2, 2)).mask("umbrella", np.zeros(4)) is None
