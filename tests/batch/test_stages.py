"""Cheap annotators of all videos come first, can be asked for at once, and the end is the same."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from cortexia.annotators.loudness import Loudness
from cortexia.annotators.shots import Shots
from cortexia.app import App, Request
from cortexia.batch import BatchOrchestrator, JobStatus
from cortexia.batch.account import batch_report
from cortexia.batch.stages import in_stages
from cortexia.batch.submission import Order
from cortexia.config import Settings
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.plan import make_recipes, resolve
from cortexia.stores import open_store
from cortexia.testing import SCENES, ShotSpec, SoundSpec, VideoSpec, click
from cortexia.types import Query

NAMES = ("shots", "loudness", "frames", "shot_summary")
CHEAP = {"shots", "frames"}


@pytest.fixture(autouse=True)
def costly_sound(monkeypatch):
    """Loudness, and the summary that requires it, belong to the second stage."""
    monkeypatch.setattr(Loudness, "cost", 1.0)


@pytest.fixture
def videos(clips, tmp_path):
    """Two videos, and a file that is none."""
    shots = (ShotSpec(0.6, scene=min(SCENES)),)
    clip = clips("stages.mp4", VideoSpec(shots=shots, sound=SoundSpec((click(0.3),))))[0]
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.mp4").write_bytes(clip.read_bytes() + name.encode())
    (folder / "bad.mp4").touch()
    return folder


def settings(tmp_path, store: str, **more) -> Settings:
    common = {"cache_dir": str(tmp_path / "cache"), "min_free_bytes": 0, "min_free_share": 0.0, "executor": "inline"}
    return Settings(store=str(tmp_path / store), **{**common, **more})


def export(store) -> bytes:
    out = io.BytesIO()
    JsonlExporter().write(ExportSource(store), out)
    return out.getvalue()


def run(tmp_path, videos, name: str, **more):
    """What is left of a whole run: its export, its results by file, its events, and what each stage began with."""
    events, seen = [], {}
    with App(settings(tmp_path, name, **more)) as app:

        def hear(event) -> None:
            events.append(event)
            if event["event"] == "stage_started":
                rows = Counter((row.video_id, row.annotator) for row in app.store().find(Query()))
                done = {run.spec.annotator for run in app.store().runs() if run.status == "completed"}
                seen[event["stage"]] = (rows, done)

        report = app.annotate([videos], Request(NAMES), hear)
        return export(app.store()), {video.uri[-5:]: video for video in report.videos}, events, seen


def test_rows_of_the_first_stage_are_there_before_the_second_begins(tmp_path, videos):
    whole, results, events, _ = run(tmp_path, videos, "whole.db")
    staged, staged_results, staged_events, seen = run(tmp_path, videos, "staged.db", progressive=True)
    rows, done = seen[2]
    assert (seen[1][1], done) == (set(), CHEAP)
    assert {name for _, name in rows} == CHEAP
    assert len({video for video, _ in rows}) == 2, "of every video"
    assert staged == whole
    assert b'"annotator":"loudness"' in whole
    passes = [sum(e["passes"] for e in told if e["event"] == "decoded") for told in (events, staged_events)]
    assert passes == [2, 4], "once for each video, and once for each stage"
    assert {name: video.status for name, video in staged_results.items()} == {
        name: video.status for name, video in results.items()
    }
    assert {len(video.runs) for video in staged_results.values() if video.is_well} == {len(NAMES)}


def test_in_processes_it_is_the_same(tmp_path, videos):
    whole = run(tmp_path, videos, "whole.db")[0]
    staged, results, _, seen = run(tmp_path, videos, "s.db", progressive=True, executor="processes", workers=2)
    assert staged == whole
    assert seen[2][1] == CHEAP
    assert sorted(video.status for video in results.values()) == ["completed", "completed", "failed"]


def test_a_failed_annotator_of_the_first_stage_is_not_tried_again_in_the_second(tmp_path, videos, monkeypatch):
    opened = []

    def broken(self, context):
        opened.append(context)
        raise RuntimeError("boom")

    monkeypatch.setattr(Shots, "session", broken)
    _, results, _, _ = run(tmp_path, videos, "s.db", progressive=True)
    assert len(opened) == 2, "once for each video"
    assert sorted(video.status for video in results.values()) == [
        "completed_with_errors",
        "completed_with_errors",
        "failed",
    ]
    assert all({run.spec.annotator for run in results[name].runs} == set(NAMES) for name in ("a.mp4", "b.mp4"))


def test_a_stop_between_stages_is_gone_on_with(tmp_path, videos):
    whole = run(tmp_path, videos, "whole.db")[0]
    made = settings(tmp_path, "s.db", progressive=True)
    second: list[bool] = []
    with App(made) as app:
        report = app.annotate(
            [videos],
            Request(NAMES),
            lambda event: second.append(event.get("stage") == 2) if event["event"] == "stage_started" else None,
            lambda: any(second),
        )
        assert report.interrupted
        assert "loudness" not in {run.spec.annotator for run in app.store().runs() if run.status == "completed"}
        app.annotate([videos], Request(NAMES))
        assert export(app.store()) == whole


def test_a_batch_goes_through_its_stages_too(tmp_path, videos):
    whole = run(tmp_path, videos, "whole.db")[0]
    made = settings(tmp_path, "b.db", progressive=True)
    store = open_store(made.store)
    checkpoint = tmp_path / "checkpoint.json"
    batch = BatchOrchestrator(store, made, checkpoint)
    batch.add_jobs_from_directory(videos, {"pipelines": list(NAMES)})
    report = batch.run_batch(1)
    assert Counter(job.status for job in report.jobs) == {JobStatus.COMPLETED: 2, JobStatus.FAILED: 1}
    assert {job.config["stage"] for job in report.having(JobStatus.COMPLETED)} == {2}
    assert {name for job in report.having(JobStatus.COMPLETED) for name in job.pipeline_results} == set(NAMES)
    assert export(store) == whole
    later = batch_report(store, report.batch_id)
    assert {job.job_id for job in later.jobs} == {job.job_id for job in report.jobs}, "one for each video"
    again = BatchOrchestrator(store, made).resume_batch(checkpoint)
    assert {job.job_id for job in again.jobs} == {job.job_id for job in report.jobs}
    store.close()


def stages_of(*names: str) -> list[list[str]]:
    recipes, needs = resolve(make_recipes(names, {}))
    orders = in_stages(Order(recipes, needs))
    return [sorted(recipe.name for recipe in order.recipes if recipe.name not in order.settled) for order in orders]


def test_who_belongs_to_which_stage():
    assert stages_of("shots", "objects") == [["shots"], ["objects"]]
    assert stages_of("shots", "quality") == [["quality", "shots"]]
    assert stages_of("objects") == [["objects"]]
    assert stages_of("shot_summary") == [["frames", "shots"], ["loudness", "shot_summary"]], (
        "nobody comes before those whom it requires"
    )
