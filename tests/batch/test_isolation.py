"""R-08, R-09: videos and annotators that crash, hang, spin, eat or leave without a word: the parent lives, the batch
goes on, and blame is just."""

from __future__ import annotations

import time

import pytest
from crew import Batch, small

from cortexia.types import JobState

MEMORY = 700_000_000
SESSIONS = ("segfault", "abort", "leave", "hang", "spin", "eat")
DECODERS = ("segfault", "abort", "leave", "hang", "spin", "eat")


@pytest.fixture(scope="module")
def ended(tmp_path_factory, crew_target):
    """All of them in one batch, with two workers."""
    batch = Batch(tmp_path_factory.mktemp("isolation"))
    for how in SESSIONS:
        batch.add(f"session {how}", session=how)
    for how in DECODERS:
        batch.add(f"decoder {how}", decoder=how)
    batch.add("once", session="hang", once=str(batch.folder / "once"))
    batch.add("well")
    batch.run(workers=2, limits=small(memory_bytes=MEMORY, stall_timeout_s=3.0))
    yield batch
    batch.store.close()


@pytest.mark.parametrize("how", SESSIONS)
def test_an_annotator_that_kills_its_worker_twice_fails_alone(ended, how):
    name = f"session {how}"
    assert ended.runs(name) == {"shaky": ("failed", "poison"), "steps": ("completed", None)}
    assert ended.job(name).status is JobState.COMPLETED_WITH_ERRORS
    assert [event["session"] for event in ended.deaths(name)].count("shaky") == 2
    assert len(ended.deaths(name)) <= 3


@pytest.mark.parametrize("how", DECODERS)
def test_a_video_that_kills_the_decoder_is_put_aside_and_no_annotator_blamed(ended, how):
    job = ended.job(f"decoder {how}")
    assert (job.status, job.reason) == (JobState.FAILED, "quarantined")
    assert [event["session"] for event in ended.deaths(f"decoder {how}")] == [None] * 3


def test_a_hang_that_does_not_come_again_costs_one_attempt(ended):
    job = ended.job("once")
    assert (job.status, job.retry_count, job.deaths) == (JobState.COMPLETED, 1, 1)


def test_the_others_are_not_concerned(ended):
    assert ended.job("well").status is JobState.COMPLETED
    assert ended.job("well").retry_count == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("session segfault", "SIGSEGV"),
        ("session abort", "SIGABRT"),
        ("session leave", "exit code 0"),
        ("session hang", "nothing moved for 3 s"),
        ("session spin", "nothing moved for 3 s"),
        ("session eat", "GB of memory"),
    ],
)
def test_a_death_says_why(ended, name, words):
    assert all(words in event["message"] for event in ended.deaths(name))


def test_the_last_lines_of_a_crash_are_kept(ended):
    """The stack of the thread that crashed is among them."""
    job = ended.job("decoder segfault")
    assert "Segmentation fault" in job.log_tail
    assert "misbehave" in job.log_tail
    assert len(job.log_tail.splitlines()) <= 100


def test_without_a_limit_a_hang_goes_on(batch):
    """Negative control: nothing but the watch ends it."""
    batch.add("hang", session="hang")
    until = time.monotonic() + 6
    batch.run(limits=small(stall_timeout_s=1e6), stopped=lambda: time.monotonic() > until)
    assert batch.deaths("hang") == []
    assert batch.runs("hang")["steps"][0] != "completed"
