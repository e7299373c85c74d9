"""JSON: a folder for each video, a file for each group of annotators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filled import box, everything, fill, identity, shot

from cortexia.documents import file_of
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export
from cortexia.exporters.json import JsonExporter
from cortexia.exporters.jsonl import row_to_dict
from cortexia.stores import open_store
from cortexia.types import Query


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = everything(tmp_path_factory.mktemp("full"))
    yield opened
    opened.close()


def export(store, folder: Path, query: Query | None = None) -> dict[str, dict]:
    write_export(JsonExporter(), ExportSource(store, query or Query()), folder)
    return {f"{path.parent.name[0]}/{path.stem}": json.loads(path.read_bytes()) for path in folder.rglob("*.json")}


def test_each_video_has_its_files(store, tmp_path):
    files = export(store, tmp_path / "out")
    assert sorted(files) == [
        "a/audio_processing",
        "a/job_metadata",
        "a/object_detection",
        "a/object_tracking",
        "a/scene_detection",
        "b/audio_processing",
        "b/captions",
        "b/job_metadata",
        "b/motion",
        "c/job_metadata",
        "c/object_detection",
        "d/job_metadata",
        "d/object_detection",
    ]


def test_all_rows_are_there_once_and_in_order(store, tmp_path):
    files = export(store, tmp_path / "out")
    read = [row for name in sorted(files) for row in files[name].get("annotations", [])]
    expected = [row_to_dict(row) for row in store.find(Query())]
    assert sorted(row["annotation_id"] for row in read) == sorted(row["annotation_id"] for row in expected)
    boxes = [row for row in expected if row["annotator"] == "objects" and row["video_id"][0] == "a"]
    assert files["a/object_detection"]["annotations"] == boxes


def test_nothing_found_and_failed_are_told_apart(store, tmp_path):
    files = export(store, tmp_path / "out")
    assert files["d/object_detection"]["annotations"] == files["b/motion"]["annotations"] == []
    assert [run["status"] for run in files["d/object_detection"]["runs"]] == ["completed"]
    assert [(run["status"], run["reason"]) for run in files["b/motion"]["runs"]] == [("failed", "why")]


def test_metadata_tells_the_video_and_its_runs(store, tmp_path):
    told = export(store, tmp_path / "out")["a/job_metadata"]
    assert (told["filename"], told["verdict"]["status"], told["media"]["video"]["width"]) == ("=a.mp4", "ok", 640)
    assert told["media"]["video"]["time_base"] == "1/90000"
    assert {run["annotator"]: run["file"] for run in told["runs"]} == {
        "loudness": "audio_processing.json",
        "objects": "object_detection.json",
        "shots": "scene_detection.json",
        "tracks": "object_tracking.json",
    }


def test_filters_leave_out_videos_annotators_and_rows(store, tmp_path):
    query = Query(video_ids=("a" * 64,), annotators=("objects",), labels=("cat",))
    files = export(store, tmp_path / "out", query)
    assert sorted(files) == ["a/job_metadata", "a/object_detection"]
    assert [row["label"] for row in files["a/object_detection"]["annotations"]] == ["cat"]


def test_a_superseded_run_is_not_exported(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    fill(store, identity(), "shots", [shot(0, 9)], options={"a": 1})
    newer = fill(store, identity(), "shots", [shot(0, 4), shot(5, 9)], options={"a": 2})
    told = export(store, tmp_path / "out")["a/scene_detection"]
    store.close()
    assert {row["run_id"] for row in told["annotations"]} == {run["run_id"] for run in told["runs"]} == {newer.run_id}


def test_golden(tmp_path):
    store = open_store(str(tmp_path / "s.db"))
    spec = fill(store, identity(), "objects", [box(0)])
    row = row_to_dict(next(store.find(Query())))
    write_export(JsonExporter(), ExportSource(store), tmp_path / "out")
    store.close()
    line = json.dumps(row, sort_keys=True, separators=(",", ":"))
    assert (tmp_path / "out" / ("a" * 64) / "object_detection.json").read_text() == (
        '{"runs":[{"annotations":1,"annotator":"objects","message":null,"options":{},"quarantined":0,"reason":"why",'
        f'"run_id":"{spec.run_id}","status":"completed","version":"1"}}],"uri":"/videos/a.mp4",'
        f'"video_id":"{"a" * 64}","annotations":[\n{line}\n]}}\n'
    )


def test_no_annotator_takes_the_place_of_the_metadata():
    assert file_of("job_metadata") == "annotator_job_metadata"
    assert file_of("loudness") == "audio_processing"
    assert file_of("mine") == "mine"
