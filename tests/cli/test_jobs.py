"""``cortexia jobs`` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filling import AT_ONCE, box, commit, identity, media, part, spec

from cortexia.cli.main import cli
from cortexia.errors import ConfigurationError
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.types import JobState, RunStatus


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = open_store("cortexia.db", rules=AT_ONCE)
    yield opened
    opened.close()


def jobs(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["jobs", *arguments], catch_exceptions=True)


def submit(store: StorageBackend, letter: str, batch_id: str | None = None, annotator: str = "boxes") -> str:
    store.save_video(identity(letter), media())
    store.register_runs([spec(letter, annotator)], {})
    return store.submit_job(identity(letter), [spec(letter, annotator).run_id], {}, batch_id=batch_id)


def fail(store: StorageBackend, letter: str, batch_id: str | None = None, reason: str = "error") -> str:
    """A job that committed some, and whose run failed."""
    claim = store.claim("w", 9.0, submit(store, letter, batch_id))
    commit(store, claim, part(spec(letter), 0, [box(0)]))
    commit(store, claim, part(spec(letter), 1, [], status=RunStatus.FAILED, reason="annotator", message="boom"))
    store.release(claim, JobState.FAILED, reason, "boxes failed: boom")
    return claim.job.job_id


def test_a_list_says_state_and_why(store):
    failed, waiting = fail(store, "a"), submit(store, "b")
    lines = jobs("list").stdout.splitlines()
    assert lines[1].split() == [failed[:8], "failed", "1", "a.mp4", "error:", "boxes", "failed:", "boom"]
    assert lines[2].split() == [waiting[:8], "queued", "0", "b.mp4"]


def test_a_list_may_be_narrowed(store):
    first, second, third = submit(store, "a", "one"), submit(store, "b", "one"), fail(store, "c", "two")

    def listed(*arguments: str) -> list[str]:
        return [job["job_id"] for job in json.loads(jobs("list", "--json", *arguments).stdout)]

    assert listed() == [first, second, third]
    assert listed("--status", "failed") == [third]
    assert listed("--status", "failed", "--status", "queued", "--batch", "one") == [first, second]
    assert listed("--limit", "1") == [third]


def test_a_job_is_shown_with_its_runs_and_who_is_suspected(store):
    job_id = submit(store, "a", "one")
    store.claim("w", 9.0, job_id)
    store.abandon(job_id, "w", "worker killed by signal 9", "line one\n\x1b[31mline two", "boxes")
    shown = jobs("show", job_id[:8])
    assert shown.exit_code == 0, shown.output
    assert f"job {job_id}: retrying (death)" in shown.stdout
    assert "suspects:   boxes 1" in shown.stdout
    assert "\\x1b[31mline two" in shown.stdout, "a log is only shown"
    told = json.loads(jobs("show", job_id, "--json").stdout)
    assert (told["deaths"], told["suspects"], told["batch_id"]) == (1, {"boxes": 1}, "one")
    assert told["log_tail"].startswith("line one")


def test_how_far_a_run_is_shows(store):
    claim = store.claim("w", 9.0, submit(store, "a"))
    commit(store, claim, part(spec(), 0, [box(0)]))
    commit(store, claim, part(spec(), 1, [box(1000)]))
    assert "2 rows, 0.0 s, final until 1.0 of 12.5 s" in jobs("show", claim.job.job_id).stdout


def test_a_retried_job_waits_again_and_its_failed_runs_begin_anew(store):
    job_id = fail(store, "a")
    assert store.job_runs(job_id)[0].status is RunStatus.FAILED
    done = jobs("retry", job_id[:8])
    assert done.exit_code == 0, done.output
    assert "go on with: cortexia annotate --resume" in done.stderr
    job, (run,) = store.job(job_id), store.job_runs(job_id)
    assert (job.status, job.error_message) == (JobState.QUEUED, None)
    assert (run.status, run.windows, run.annotation_count) == (RunStatus.PENDING, 0, 0)


def test_all_that_failed_is_retried_but_what_cannot_end_otherwise(store):
    failed, other = fail(store, "a", "one"), fail(store, "b", "two")
    unusable, waiting = fail(store, "c", "one", reason="rejected"), submit(store, "d")
    assert "1 job waits again" in jobs("retry", "--failed", "--batch", "one").stderr
    assert [store.job(job).status.value for job in (failed, other, unusable)] == ["queued", "failed", "failed"]
    jobs("retry", "--failed")
    assert [store.job(job).status.value for job in (failed, other, unusable)] == ["queued", "queued", "failed"]
    assert store.job(waiting).status is JobState.QUEUED


def test_of_several_tries_only_the_last_is_retried(store):
    first = fail(store, "a")
    second = fail(store, "a")
    assert first != second
    jobs("retry", "--failed")
    assert (store.job(first).status, store.job(second).status) == (JobState.FAILED, JobState.QUEUED)


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(store):
    waiting, claim = submit(store, "a"), store.claim("elsewhere/x/1/1", 9.0, submit(store, "b"))
    done = jobs("cancel", waiting, claim.job.job_id)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["cancelled", "cancelling"]
    assert store.release(claim, JobState.COMPLETED, None, None) is JobState.CANCELLED, "never a success"


def test_what_a_dead_worker_holds_is_cancelled_at_once(store):
    import socket

    gone = f"{socket.gethostname()}/an-earlier-boot/1/1"
    claim = store.claim(gone, 9.0, submit(store, "a"))
    done = jobs("cancel", claim.job.job_id)
    assert done.stdout.split()[1] == "cancelled"
    assert store.job(claim.job.job_id).status is JobState.CANCELLED


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["show", "abcd"], "there is no job 'abcd'"),
        (["show", "a"], "there is no job 'a'"),
        (["retry"], "name jobs, or give --failed"),
        (["retry", "--batch", "one"], "name jobs, or give --failed"),
        (["retry", "QUEUED"], "is queued: only what failed or was cancelled"),
        (["list", "--status", "broken"], "'broken' is not one of"),
        (["list", "--batch", "nope"], "there is no batch 'nope'"),
    ],
)
def test_usage_errors_say_what_to_do(store, arguments, hint):
    queued = submit(store, "a", "one")
    done = jobs(*(queued if word == "QUEUED" else word for word in arguments))
    assert done.exit_code != 0
    assert hint in done.output + str(done.exception)
    assert isinstance(done.exception, ConfigurationError | SystemExit)


def test_names_from_files_are_only_shown(store):
    hostile = "a\x1b[2J\n.mp4"
    store.save_video(identity())
    video = type(identity())(identity().video_id, f"/videos/{hostile}", hostile, 1)
    store.submit_job(video, [], {})
    assert "a\\x1b[2J\\n.mp4" in jobs("list").stdout
    assert Path("cortexia.db").exists()
