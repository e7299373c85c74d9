"""Batches from a program: added, run, stopped, resumed from a checkpoint, and told of."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from cortexia import batch as face
from cortexia.batch import BatchOrchestrator, BatchReport, JobStatus
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, RejectedInput, UnknownNameError
from cortexia.stores import open_store
from cortexia.testing import SCENES, ShotSpec, SoundSpec, VideoSpec, click

CONFIG = {"pipelines": ["audio"]}


@pytest.fixture
def videos(clips, tmp_path):
    """Three videos, and a file that is none."""
    clip = clips("batch.mp4", VideoSpec(shots=(ShotSpec(1.0, scene=min(SCENES)),), sound=SoundSpec((click(0.5),))))[0]
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.mp4").write_bytes(clip.read_bytes() + name.encode())
    (folder / "empty.mp4").touch()
    return folder


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(tmp_path / "s.db"))
    yield opened
    opened.close()


def orchestrator(store, tmp_path, **more) -> BatchOrchestrator:
    settings = Settings(cache_dir=str(tmp_path / "cache"), executor="inline", min_free_bytes=0, min_free_share=0.0)
    return BatchOrchestrator(store, settings, **more)


def test_a_folder_becomes_a_batch_with_a_report(store, videos, tmp_path):
    made = orchestrator(store, tmp_path)
    job_ids = made.add_jobs_from_directory(videos, {**CONFIG, "output_dir": str(tmp_path / "out")})
    assert len(job_ids) == 4
    assert made.get_status().counts == {"queued": 4}
    report = made.run_batch(max_workers=2)
    assert len(report.having(JobStatus.COMPLETED)) == 3
    assert [job.error_message for job in report.having(JobStatus.FAILED)] == ["the file is empty"]
    assert (made.get_status().ended, made.get_status().total, report.interrupted) == (4, 4, False)
    result = report.jobs[0].pipeline_results["audio"]
    lines = [json.loads(line) for line in Path(result.output_file).read_text().splitlines()]
    assert (result.status, result.annotation_count) == ("completed", len(lines))
    assert {line["annotator"] for line in lines} == {"loudness"}
    json.dumps(report.as_dict())


def test_the_same_video_twice_is_one_job(store, videos, tmp_path):
    """R-21."""
    made = orchestrator(store, tmp_path)
    first = made.add_job(videos / "a.mp4", CONFIG)
    (videos / "copy.mp4").write_bytes((videos / "a.mp4").read_bytes())
    assert made.add_job(videos / "copy.mp4", CONFIG) == first
    assert len(list(store.jobs())) == 1
    assert made.add_job(videos / "a.mp4", {"pipelines": "shots"}) != first, "other annotators are another job"


def test_a_stopped_batch_goes_on_from_its_checkpoint(store, videos, tmp_path):
    checkpoint = tmp_path / "queue.json"
    made = orchestrator(store, tmp_path, checkpoint=checkpoint)
    made.add_jobs_from_directory(videos, CONFIG)
    made.stop_batch()
    assert made.run_batch().interrupted
    report = orchestrator(store, tmp_path).resume_batch(checkpoint)
    assert (len(report.having(JobStatus.COMPLETED)), len(report.having(JobStatus.FAILED))) == (3, 1)
    assert {job.job_id for job in report.jobs} == set(json.loads(checkpoint.read_text())["jobs"])


def test_a_checkpoint_serves_a_store_that_knows_nothing(store, videos, tmp_path):
    checkpoint = tmp_path / "queue.json"
    orchestrator(store, tmp_path, checkpoint=checkpoint).add_job(videos / "a.mp4", CONFIG)
    other = open_store(str(tmp_path / "other.db"))
    report = orchestrator(other, tmp_path).resume_batch(checkpoint)
    assert [job.status for job in report.jobs] == [JobStatus.COMPLETED]
    other.close()


def test_a_folder_costs_one_checkpoint(store, videos, tmp_path, monkeypatch):
    """Not one for each of its videos: a thousand of them would write a hundred megabytes."""
    made, written = orchestrator(store, tmp_path, checkpoint=tmp_path / "queue.json"), []
    save = made.save_checkpoint
    monkeypatch.setattr(made, "save_checkpoint", lambda path: (written.append(path), save(path)))
    job_ids = made.add_jobs_from_directory(videos, CONFIG)
    assert len(written) == 1
    assert set(json.loads((tmp_path / "queue.json").read_text())["jobs"]) == set(job_ids)


def test_a_batch_can_be_stopped_while_it_runs(store, videos, tmp_path):
    """Real workers, asked to leave as soon as they are at it."""
    settings = Settings(cache_dir=str(tmp_path / "cache"), min_free_bytes=0, min_free_share=0.0)
    made = BatchOrchestrator(store, settings)
    made.add_jobs_from_directory(videos, CONFIG)
    reports: list[BatchReport] = []
    thread = threading.Thread(target=lambda: reports.append(made.run_batch(2)))
    thread.start()
    while not made.get_status().is_running:
        time.sleep(0.01)
    made.stop_batch()
    thread.join(60)
    assert len(reports) == 1
    assert all(job.status is not JobStatus.RUNNING for job in reports[0].jobs)


def test_workers_wait_while_the_disk_is_nearly_full(store, videos, tmp_path):
    """G10, and its negative control: the same batch with room."""
    full = Settings(cache_dir=str(tmp_path / "cache"), executor="inline", min_free_bytes=10**18)
    made = BatchOrchestrator(store, full)
    made.add_job(videos / "a.mp4", CONFIG)
    timer = threading.Timer(1.0, made.stop_batch)
    timer.start()
    assert [job.status for job in made.run_batch().jobs] == [JobStatus.QUEUED]
    again = orchestrator(store, tmp_path)
    again.add_job(videos / "a.mp4", CONFIG)
    assert [job.status for job in again.run_batch().jobs] == [JobStatus.COMPLETED]


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"pipeline": "audio"}, UnknownNameError),
        ({"pipelines": "sound"}, UnknownNameError),
        ({"pipelines": "audio", "options": {"loudness": {"x": 1}}}, ConfigurationError),
    ],
)
def test_what_cannot_be_is_refused_at_once(store, videos, tmp_path, config, error):
    with pytest.raises(error):
        orchestrator(store, tmp_path).add_job(videos / "a.mp4", config)
    assert list(store.jobs()) == []


def test_what_is_no_video_or_checkpoint_is_refused(store, videos, tmp_path):
    made = orchestrator(store, tmp_path)
    with pytest.raises(RejectedInput):
        made.add_job(videos / "missing.mp4", CONFIG)
    with pytest.raises(ConfigurationError):
        made.add_job(videos, CONFIG)
    for content in ("", "[]", '{"version": 99, "jobs": {}}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(ConfigurationError, match="checkpoint"):
            made.resume_batch(tmp_path / "bad.json")


def test_the_face_is_what_it_says():
    assert all(getattr(face, name).__name__ for name in face.__all__)
    with pytest.raises(AttributeError):
        face.nothing  # noqa: B018
