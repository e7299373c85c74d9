"""Open vocabulary and prompted masks on tiny models of the real architectures, from the command line to the rows.

Weights are random: nothing is claimed of what they see.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_models
from bright_clips import walks, write_clip

from cortexia.app import App, Request
from cortexia.config import load_settings
from cortexia.types import Annotation, Mask, Query

TASKS = {
    "grounding-dino": "open-vocabulary detection, tiny",
    "sam": "masks prompted by boxes, tiny",
    "sam2": "masks prompted by boxes, tiny",
}
PROMPT = "forklift, Hard Hat"
WORDS: dict[str, dict[str, Any]] = {
    "objects": {"prompt": PROMPT, "threshold": 0.01, "per_second": 2.0, "max_per_frame": 4},
    "masks": {"model": "tiny-sam", "per_second": 2.0},
    "tracks": {"low": 0.0, "high": 0.0, "birth": 0.0, "min_hits": 1},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    tiny_models.make_catalogue(root, TASKS)
    return root


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 3.0, (walks(0, 3, (50, 50), (150, 60)),))


def app_for(place: Path, models: Path, **more: Any) -> App:
    given = {
        "store": str(place / "store.db"),
        "cache_dir": str(place / "cache"),
        "models": [str(models)],
        "model_catalog": str(models / "own.toml"),
        "executor": "inline",
        "device": "cpu",
        **more,
    }
    return App(load_settings(given, environ={}).settings)


def rows(app: App, *types: str) -> Iterator[Annotation]:
    return (row.annotation for row in app.store().find(Query(types=types)))


def test_words_become_labels_as_they_were_written(tmp_path, folders, clip):
    with app_for(tmp_path, folders) as app:
        report = app.annotate([clip], Request(("objects", "masks", "tracks"), WORDS))
        assert [(video.status, video.message) for video in report.videos] == [("completed", None)]
        found = list(rows(app, "detection"))
        masks = list(rows(app, "mask"))
        tracked = list(rows(app, "track_box"))
        (run,) = [run for run in app.store().runs() if run.spec.annotator == "objects"]
    assert found
    assert {row.label for row in found} <= {"forklift", "Hard Hat"}
    assert {row.attributes["model"] for row in found} == {"tiny-grounding-dino"}
    assert run.spec.weights_sha256 == app.models.digest("tiny-grounding-dino")
    assert tracked, "what is found by words can be followed"
    assert {row.bbox for row in masks} <= {row.bbox for row in found}
    assert all(row.confidence is not None for row in masks)


@pytest.mark.parametrize("model", ["tiny-sam", "tiny-sam2"])
def test_windows_and_processes_change_nothing(tmp_path, folders, clip, model):
    options = {**WORDS, "masks": {**WORDS["masks"], "model": model}}
    made = []
    for name, settings in {"plain": {"window_s": 60.0}, "other": {"window_s": 0.5, "executor": "processes"}}.items():
        with app_for(tmp_path / name, folders, **settings) as app:
            app.annotate([clip], Request(("masks",), options))
            made.append(list(rows(app, "detection", "mask")))
    assert made[0] == made[1]
    assert any(row.type == "mask" for row in made[0])


@pytest.mark.parametrize("model", ["tiny-sam", "tiny-sam2"])
def test_things_are_shown_by_boxes_by_points_or_by_both(tmp_path, folders, clip, model):
    made = []
    with app_for(tmp_path, folders) as app:
        video = app.identify_one(clip)
        for prompts in ("boxes", "points", "both"):
            options = {**WORDS, "masks": {**WORDS["masks"], "model": model, "prompts": prompts}}
            found = [row.annotation for row in app.stream(video, Request(("masks",), options))]
            made.append([(row.frame_index, row.bbox, row.segmentation) for row in found if isinstance(row, Mask)])
    assert all(made)
    assert made[0] != made[1] != made[2] != made[0], "what is shown matters"


def test_a_model_that_is_tampered_with_fails_alone(tmp_path, folders, clip):
    models = tmp_path / "models"
    shutil.copytree(folders, models)
    (weights,) = (models / "grounding-dino").glob("*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with app_for(tmp_path / "here", models) as app:
        options = {**WORDS, "objects": {**WORDS["objects"], "model": "tiny-grounding-dino"}}
        app.annotate([clip], Request(("masks", "shots"), options))
        found = {run.spec.annotator: (run.status.value, run.reason) for run in app.store().runs()}
    assert found["objects"][0] == "failed"
    assert str(found["objects"][1]).startswith("model_")
    assert (found["masks"], found["shots"]) == (("skipped", "upstream"), ("completed", None))


def test_without_such_a_model_the_error_says_what_to_pull(tmp_path, clip):
    (tmp_path / "own.toml").write_text("")
    with app_for(tmp_path, tmp_path) as app:
        app.annotate([clip], Request(("objects",), WORDS))
        (run,) = app.store().runs()
    assert run.status.value == "failed"
    assert "cortexia models pull grounding-dino-tiny" in run.message
