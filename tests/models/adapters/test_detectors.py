"""Adapters beside the reference decoding, and the same for every batch and number of threads."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from shared_models import FILES, Models, entry_of, load_reference, with_batch_of_four, with_free_batch

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters import open_detector, yolox
from cortexia.models.adapters.base import Limits
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.base import DetectionBatch, ModelEntry

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def reference(data_dir: Path) -> ModuleType:
    return load_reference(data_dir)


@pytest.fixture(scope="module")
def pictures(data_dir: Path) -> list[np.ndarray]:
    """The annotated pictures, BGR."""
    listed = json.loads((data_dir / "gt/coco_ccby_instances.json").read_text())["images"]
    files = [data_dir / "images/coco_ccby" / image["file_name"] for image in listed]
    return [np.ascontiguousarray(np.asarray(Image.open(file).convert("RGB"))[..., ::-1]) for file in files]


def wanted_of(reference: ModuleType, model_id: str, pictures: list[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    adapter, file = FILES[model_id]
    session = reference.sess(f"detect/{file}", 1)
    return [in_order(*getattr(reference, adapter)(session, picture, 0.01)) for picture in pictures]


def in_order(boxes, scores, classes) -> tuple[np.ndarray, ...]:
    """By falling score; equal scores by class and place, as the reference leaves their order open."""
    order = np.lexsort((boxes[:, 0], classes, -scores))
    return boxes[order], scores[order], classes[order]


def told(batches: list[DetectionBatch]) -> list[bytes]:
    return [b"".join(part.tobytes() for part in (batch.boxes, batch.scores, batch.classes)) for batch in batches]


def test_labels_are_those_of_the_reference(reference):
    assert list(COCO_LABELS) == reference.COCO


@pytest.mark.parametrize("model_id", FILES)
def test_detections_are_those_of_the_reference(data_dir, reference, pictures, model_id):
    found = open_detector(Models(data_dir), model_id, 0.01).detect(pictures)
    assert len(found) == len(pictures) == 6
    for (boxes, scores, classes), batch in zip(wanted_of(reference, model_id, pictures), found, strict=True):
        got = in_order(batch.boxes, batch.scores, batch.classes)
        assert got[2].tolist() == classes.tolist()
        assert np.abs(got[0] - boxes).max() <= 1e-3
        assert np.abs(got[1] - scores).max() <= 1e-5
        assert (np.diff(batch.scores) <= 0).all()
        assert (batch.boxes.dtype, batch.scores.dtype, batch.classes.dtype) == (np.float32, np.float32, np.int64)


def test_other_preprocessing_would_be_noticed(data_dir, reference, pictures, monkeypatch):
    """Negative control of the test above."""
    monkeypatch.setattr(yolox, "PADDING", 100)
    batch = open_detector(Models(data_dir), "yolox-nano", 0.01).detect(pictures[:1])[0]
    boxes, scores, _ = wanted_of(reference, "yolox-nano", pictures[:1])[0]
    assert len(batch) != len(scores) or np.abs(batch.boxes - boxes).max() > 1e-3


@pytest.mark.parametrize("model_id", FILES)
def test_threads_and_batches_change_no_bit(data_dir, pictures, model_id):
    alone = open_detector(Models(data_dir), model_id, 0.01)
    wanted = told([alone.detect([picture])[0] for picture in pictures])
    for threads in (2, 3):
        detector = open_detector(Models(data_dir, threads), model_id, 0.01)
        assert told(detector.detect(pictures)) == wanted
        detector.close()


@pytest.mark.parametrize(
    ("load", "threads", "calls"),
    [
        (with_free_batch, 1, [6]),
        (with_free_batch, 2, [3, 3]),
        (with_free_batch, 4, [2, 2, 2]),
        (with_batch_of_four, 1, [4, 4]),
        (lambda path: path, 1, [1] * 6),
    ],
)
def test_a_network_gets_as_many_pictures_at_once_as_it_takes(data_dir, pictures, load, threads, calls):
    wanted = told(open_detector(Models(data_dir), "yolox-nano", 0.01).detect(pictures))
    models = Models(data_dir, threads, load=load)
    detector = open_detector(models, "yolox-nano", 0.01)
    assert told(detector.detect(pictures)) == wanted
    assert models.made["yolox-nano"].calls == calls
    detector.close()


def test_a_call_brings_at_most_eight_pictures(data_dir, pictures):
    models = Models(data_dir, load=with_free_batch)
    open_detector(models, "yolox-nano", 0.9).detect([pictures[0]] * 9)
    assert models.made["yolox-nano"].calls == [8, 1]


def test_pictures_of_any_shape_are_taken(data_dir):
    shapes = ((1, 1), (1, 900), (900, 1), (33, 7))
    odd = [np.full((*shape, 3), 90, np.uint8) for shape in shapes]
    assert len(open_detector(Models(data_dir), "yolox-nano", 0.25).detect(odd)) == len(odd)
    assert open_detector(Models(data_dir), "yolox-nano", 0.25).detect([]) == []


class Renamed(Models):
    """A catalogue that says something else of the file."""

    changes: dict[str, object]

    def entry(self, model_id: str) -> ModelEntry:
        return entry_of(model_id, **self.changes)


def test_the_overlap_comes_from_option_entry_or_family(data_dir, pictures):
    def count(settings, max_overlap=None):
        models = Renamed(data_dir)
        models.changes = {"settings": settings}
        return len(open_detector(models, "yolox-nano", 0.01, max_overlap).detect(pictures[3:4])[0])

    assert count({}) == count({"max_overlap": 0.45}) == count({}, 0.45)
    assert count({"max_overlap": 0.1}) < count({}) < count({"max_overlap": 0.1}, 1.0)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("input_size", 416),
        ("input_size", "416"),
        ("input_size", [416]),
        ("input_size", [416, 320]),
        ("max_overlap", "x"),
    ],
)
def test_settings_that_do_not_fit_are_named(data_dir, setting, value):
    models = Renamed(data_dir)
    models.changes = {"settings": {setting: value}}
    with pytest.raises(ConfigurationError, match=f"'yolox-nano': setting '{setting}' must be .*, got"):
        open_detector(models, "yolox-nano", 0.25)


def test_a_family_that_is_no_detectors_is_refused(data_dir):
    models = Renamed(data_dir)
    models.changes = {"adapter": "yunet"}
    with pytest.raises(UnknownNameError, match=r"detector family.*'yunet'.*nanodet, yolox"):
        open_detector(models, "yolox-nano", 0.25)


def test_another_network_under_the_name_of_nanodet_is_refused(data_dir):
    models = Renamed(data_dir)
    models.changes = {"adapter": "nanodet"}
    with pytest.raises(ConfigurationError, match=r"no NanoDet-m.*dis_pred_stride_8"):
        open_detector(models, "yolox-nano", 0.25)


@pytest.mark.parametrize("shape", [(3549, 8), (8400, 85)], ids=["three classes", "another size"])
def test_the_output_of_another_network_is_refused(shape):
    """Its third class would be called a car, or its cells would lie elsewhere."""
    family = yolox.Yolox(416, Limits(0.25, 0.45))
    with pytest.raises(ConfigurationError, match=r"no YOLOX for COCO.*3549, 85"):
        family.read([np.ones(shape, np.float32)], 640, 480)
