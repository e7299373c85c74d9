"""A video with nothing in it is complete and says nothing; what fails takes its dependents along, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from bright_clips import MODEL, OPTIONS, app_for, walks, write_clip

from cortexia.app import App, Request
from cortexia.types import ANNOTATION_TYPES, Query

EVERYBODY = ("tracks", "people", "masks", "faces", "face_groups", "captions", "tags", "regions", "appearance", "text")
FOUND = ("detection", "track_box", "track", "person", "mask", "face", "face_track", "caption", "classification")


def statuses(app: App) -> dict[str, tuple[str, str | None]]:
    return {run.spec.annotator: (run.status.value, run.reason) for run in app.store().runs()}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("empty") / "empty.mp4", 3.0)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("busy") / "busy.mp4", 3.0, (walks(0, 3, (50, 50), (150, 60)),))


def test_nothing_in_it_is_complete_with_none_of_each_kind(tmp_path, empty):
    wanted = tuple(name for name in EVERYBODY if name not in ("text", "captions"))
    with app_for(tmp_path) as app:
        report = app.annotate([empty], Request(wanted, OPTIONS))
        assert [video.status for video in report.videos] == ["completed"]
        assert all(status == ("completed", None) for status in statuses(app).values())
        store = app.store()
        counts = {kind: store.count(Query(types=(kind,))) for kind in ANNOTATION_TYPES}
    assert {kind: counts[kind] for kind in FOUND} == dict.fromkeys(FOUND, 0)
    assert counts["shot"] == counts["key_picture"] == 1, "it was looked at all the same"


def test_with_something_in_it_there_is_something(tmp_path, busy):
    """Negative control of the test above."""
    with app_for(tmp_path) as app:
        app.annotate([busy], Request(("tracks", "people", "masks"), OPTIONS))
        store = app.store()
        counts = {kind: store.count(Query(types=(kind,))) for kind in ("detection", "track", "person", "mask")}
    assert all(counts.values()), counts


def test_a_failing_model_fails_alone_and_its_dependents_are_skipped(tmp_path, busy):
    with app_for(tmp_path) as app:
        (model,) = (tmp_path / "models").iterdir()
        # the file is cut off: its digest is no longer that of the catalogue
        model.write_bytes(model.read_bytes()[:-1])
        report = app.annotate([busy], Request(EVERYBODY, OPTIONS))
        assert [video.status for video in report.videos] == ["completed_with_errors"]
        found = statuses(app)
    assert found["objects"] == ("failed", "model_half_written")
    for name in ("tracks", "people", "masks", "appearance", "face_groups", "captions", "tags", "regions"):
        assert found[name] == ("skipped", "upstream"), name
    for name in ("shots", "frames", "faces", "motion", "quality"):
        assert found[name] == ("completed", None), name
    assert found["text"] == ("failed", "model_missing")


def test_the_error_says_what_to_do(tmp_path, busy):
    with app_for(tmp_path) as app:
        app.annotate([busy], Request(("keypoints",), OPTIONS))
        (run,) = [run for run in app.store().runs() if run.spec.annotator == "keypoints"]
    assert (run.status.value, run.reason) == ("failed", "model_missing")
    assert "cortexia models pull movenet-lightning" in run.message


def test_a_wrong_model_for_a_task_is_told(tmp_path, busy):
    with app_for(tmp_path) as app:
        app.annotate([busy], Request(("faces",), {**OPTIONS, "faces": {"model": MODEL}}))
        (run,) = [run for run in app.store().runs() if run.spec.annotator == "faces"]
    assert run.status.value == "failed"
    assert "face detection" in run.message
