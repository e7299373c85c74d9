"""What happens in a batch, told from its store."""

from __future__ import annotations

import pytest
from filling import AT_ONCE, box, commit, identity, media, part, spec

from cortexia.batch.follow import Follower
from cortexia.stores import open_store
from cortexia.stores.base import Cause
from cortexia.types import JobState, RunStatus


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(tmp_path / "s.db"), rules=AT_ONCE)
    yield opened
    opened.close()


def submitted(store, letter: str = "a", batch_id: str = "one") -> str:
    store.save_video(identity(letter), media())
    store.register_runs([spec(letter)], {})
    return store.submit_job(identity(letter), [spec(letter).run_id], {}, batch_id=batch_id)


def kinds(follower: Follower) -> list[str]:
    return [event["event"] for event in follower.look()]


def test_each_thing_is_told_once(store):
    job_id = submitted(store)
    submitted(store, "b", batch_id="another")
    follower = Follower(store, "one")
    assert kinds(follower) == ["job_submitted"]
    assert kinds(follower) == []
    claim = store.claim("w", 9.0, job_id)
    assert kinds(follower) == ["job_started", "progress"]
    assert kinds(follower) == ["progress"]
    commit(store, claim, part(spec(), 0, [box(0)], status=RunStatus.COMPLETED))
    store.release(claim, JobState.COMPLETED, None, None)
    (ended,) = follower.look()
    assert (ended["event"], ended["status"], ended["job_id"]) == ("job_finished", "completed", job_id)
    assert follower.is_over


def test_progress_is_that_of_the_last_commit(store):
    claim = store.claim("w", 9.0, submitted(store))
    follower = Follower(store, "one")
    commit(store, claim, part(spec(), 0, [box(0)], processing_s=2.5))
    commit(store, claim, part(spec(), 1, [box(1000)], processing_s=1.0))
    told = next(event for event in follower.look() if event["event"] == "progress")
    assert (told["media_s"], told["duration_s"], told["rows"]) == (1.0, 12.5, 2)
    assert (told["processing_s"], told["status"]) == (3.5, "running")


def test_a_job_that_goes_back_is_told_and_told_again_when_it_starts(store):
    claim = store.claim("w", 9.0, submitted(store))
    follower = Follower(store, "one")
    assert kinds(follower) == ["job_submitted", "job_started", "progress"]
    store.set_back(claim, Cause.NETWORK, "no answer")
    (back,) = follower.look()
    assert (back["status"], back["message"]) == ("retrying", "no answer")
    assert not follower.is_over
    assert store.claim("w", 9.0, claim.job.job_id) is not None
    assert kinds(follower) == ["job_started", "progress"]


def test_what_was_stored_already_is_settled(store):
    store.release(store.claim("w", 9.0, submitted(store)), JobState.COMPLETED, None, None)
    assert kinds(Follower(store, "one")) == ["job_submitted", "job_settled"]
