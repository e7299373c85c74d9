"""R-04: any process of a batch is killed at random, again and again; nothing is lost, nothing is there twice, and work
goes on by itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import postgres
import pytest
from storm import Batch, Storm, make_clips
from storm_batch import POISON

from cortexia.types import JobState

STORES = ("sqlite", "postgresql")
FEW = 10
BACK_S = 30.0
MANY = 100


def location(kind: str, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return postgres.fresh_url(folder) if kind == "postgresql" else str(folder / "storm.db")


@contextmanager
def running(folder: Path, clips: Path, kind: str = "sqlite", **more) -> Iterator[Batch]:
    batch = Batch(folder, clips, location(kind, folder), **more)
    try:
        yield batch
    finally:
        batch.close()


@pytest.fixture(scope="module")
def few_clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("few") / "clips"
    make_clips(folder, FEW, seconds=2.0)
    return folder


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "clips"
    make_clips(folder, MANY)
    return folder


def undisturbed(folder: Path, clips: Path) -> str:
    with running(folder, clips) as batch:
        assert batch.end(240) == 0
        return batch.digest()


@pytest.fixture(scope="module")
def few_truth(few_clips, tmp_path_factory) -> str:
    return undisturbed(tmp_path_factory.mktemp("few-truth"), few_clips)


@pytest.fixture(scope="module")
def many_truth(many_clips, tmp_path_factory) -> str:
    return undisturbed(tmp_path_factory.mktemp("many-truth"), many_clips)


def weather(batch: Batch, kills: int, truth: str) -> None:
    """The storm, and all that must hold when it is over."""
    seed = int(os.environ.get("STORM_SEED") or int.from_bytes(os.urandom(4)))
    print(f"seed {seed}")  # noqa: T201 - it goes with a failure
    storm = Storm(batch, seed)
    storm.rage(kills)
    assert batch.end(300) == 0, (batch.folder / "log").read_text()[-3000:]
    print(json.dumps(storm.figures()))  # noqa: T201 - the figures belong in the record of the run
    jobs = batch.jobs()
    assert len(jobs) == len(list(batch.clips.iterdir())), "every job that was submitted is there"
    troubled = {job.video_path for job in jobs.values() if job.status is not JobState.COMPLETED}
    assert [Path(path).stem.endswith(POISON) for path in troubled] == [True]
    poison = next(job for job in jobs.values() if POISON in job.video_path)
    assert (poison.status, poison.reason, poison.deaths) == (JobState.FAILED, "quarantined", 3)
    assert batch.rows_told_twice() == []
    assert batch.digest() == truth, "the canonical export is that of an undisturbed run"
    assert max(blow.back_s for blow in storm.blows) <= BACK_S


@pytest.mark.timeout(280)
@pytest.mark.parametrize("kind", STORES)
def test_a_batch_outlives_a_few_kills(few_clips, few_truth, tmp_path, kind):
    with running(tmp_path / "batch", few_clips, kind, pause_s=0.3) as batch:
        weather(batch, 4, few_truth)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", STORES)
def test_a_batch_outlives_two_hundred_kills(many_clips, many_truth, tmp_path, kind):
    with running(tmp_path / "batch", many_clips, kind, pause_s=float(os.environ.get("STORM_PAUSE", "0.6"))) as batch:
        weather(batch, int(os.environ.get("STORM_KILLS", "200")), many_truth)


# -- negative controls: the same checks on builds that are broken on purpose


def test_without_rescue_the_storm_says_that_work_does_not_go_on(few_clips, tmp_path):
    with (
        running(tmp_path / "batch", few_clips, pause_s=0.3, breaks=["rescue"], workers=2) as batch,
        pytest.raises(AssertionError, match="not back at work within 6 s"),
    ):
        Storm(batch, seed=1, give_up_s=6.0).rage(20)


@pytest.mark.long
def test_with_rows_and_state_apart_the_storm_does_harm(few_clips, few_truth, tmp_path):
    with (
        running(tmp_path / "batch", few_clips, pause_s=0.3, breaks=["state"]) as batch,
        pytest.raises(AssertionError),
    ):
        weather(batch, 12, few_truth)
