"""Average precision on annotated pictures, beside that of the reference decoding with the same weights."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from driving import Drive
from footage import context, frames_of
from PIL import Image
from pycocotools.coco import COCO
from shared_models import FILES, Models, load_reference

from cortexia.annotators.base import SessionContext
from cortexia.annotators.objects import Objects
from cortexia.cli.main import cli

pytestmark = pytest.mark.data
TOLERANCE = 0.005
Results = list[dict[str, Any]]


@pytest.fixture(scope="module")
def truth(data_dir: Path) -> Any:
    coco = COCO()
    coco.dataset = json.loads((data_dir / "gt/coco_ccby_instances.json").read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


@pytest.fixture(scope="module")
def pictures(data_dir: Path, truth: Any) -> dict[int, np.ndarray]:
    """BGR by image id."""
    opened = {
        image["id"]: Image.open(data_dir / "images/coco_ccby" / image["file_name"]) for image in truth.dataset["images"]
    }
    return {
        number: np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1]) for number, image in opened.items()
    }


def annotated(data_dir: Path, truth: Any, pictures: dict[int, np.ndarray], recipe: Objects) -> Results:
    """What the annotator finds, in the form of COCO results; each picture a frame of its own size."""
    bare = context()
    models = SessionContext(bare.media, bare.put_blob, Models(data_dir))
    said = Drive(recipe, models, frames_of(pictures.values(), 1)).run(batch=4)
    numbers = list(pictures)
    kinds = {category["name"]: category["id"] for category in truth.dataset["categories"]}
    return [
        {
            "image_id": numbers[at],
            "category_id": kinds[made.label],
            "bbox": list(made.bbox.xywh),
            "score": made.confidence,
        }
        for at, made in said
    ]


def decoded(data_dir: Path, pictures: dict[int, np.ndarray], model_id: str, kinds: list[int]) -> Results:
    """What the reference finds, at most a hundred in a picture."""
    reference = load_reference(data_dir)
    adapter, file = FILES[model_id]
    session = reference.sess(f"detect/{file}", 1)
    results: Results = []
    for number, picture in pictures.items():
        boxes, scores, classes = getattr(reference, adapter)(session, picture, 0.01)
        for index in np.argsort(-scores, kind="stable")[:100]:
            x1, y1, x2, y2 = map(float, boxes[index])
            box = [x1, y1, x2 - x1, y2 - y1]
            kind = kinds[int(classes[index])]
            results.append({"image_id": number, "category_id": kind, "bbox": box, "score": float(scores[index])})
    return results


def average_precision(truth: Any, results: Results) -> float:
    """AP over overlaps of 0.50 .. 0.95, all sizes, at most a hundred detections in a picture."""
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def kinds_of(truth: Any) -> list[int]:
    """Category ids in the order of the 80 labels: that of the ids."""
    kinds = sorted(category["id"] for category in truth.dataset["categories"])
    assert len(kinds) == 80
    return kinds


@pytest.mark.parametrize("model_id", FILES)
def test_average_precision_is_that_of_the_reference(data_dir, truth, pictures, model_id):
    recipe = Objects(model=model_id, threshold=0.01, max_per_frame=100)
    ours = average_precision(truth, annotated(data_dir, truth, pictures, recipe))
    theirs = average_precision(truth, decoded(data_dir, pictures, model_id, kinds_of(truth)))
    print(f"AP of {model_id}: {ours:.4f}, reference {theirs:.4f}")  # noqa: T201 - the figures belong in the record of the run
    assert theirs > 0.1
    assert abs(ours - theirs) <= TOLERANCE


def test_what_is_annotated_and_exported_scores_as_the_reference(data_dir, truth, pictures, tmp_path, monkeypatch):
    """Each picture an input of its own, from the command line to the file that pycocotools reads."""
    monkeypatch.setenv("CORTEXIA_MODELS", str(data_dir / "models"))
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("CORTEXIA_STORE", str(tmp_path / "s.db"))
    files = [str(data_dir / "images/coco_ccby" / image["file_name"]) for image in truth.dataset["images"]]
    options = ("model=yolox-nano", "threshold=0.01", "max_per_frame=100")
    given = [part for option in options for part in ("--option", f"objects.{option}")]
    run("annotate", *files, "--annotators", "objects", *given, "--executor", "inline")
    run("export", "--format", "coco", "--export-option", "image_ids=stem", "-o", str(tmp_path / "boxes.json"))
    exported = json.loads((tmp_path / "boxes.json").read_text())
    assert {image["id"] for image in exported["images"]} == set(pictures)
    found = Counter(result["image_id"] for result in exported["annotations"])
    assert max(found.values()) <= 100
    ours = average_precision(truth, exported["annotations"])
    theirs = average_precision(truth, decoded(data_dir, pictures, "yolox-nano", kinds_of(truth)))
    print(f"AP of yolox-nano, exported: {ours:.4f}, reference {theirs:.4f}")  # noqa: T201 - belongs in the record
    assert abs(ours - theirs) <= TOLERANCE


def run(*words: str) -> None:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output


def test_a_smaller_view_would_be_noticed(data_dir, truth, pictures):
    """Negative control: pictures shrunk before the adapter sees them give another AP."""
    recipe = Objects(model="yolox-nano", threshold=0.01)
    shrunk = {number: np.ascontiguousarray(picture[::2, ::2]) for number, picture in pictures.items()}
    found = annotated(data_dir, truth, shrunk, recipe)
    for result in found:
        result["bbox"] = [2 * side for side in result["bbox"]]
    whole = average_precision(truth, annotated(data_dir, truth, pictures, recipe))
    assert abs(average_precision(truth, found) - whole) > TOLERANCE
