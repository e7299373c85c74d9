"""Annotations that a program brings along: the same on every store."""

from __future__ import annotations

import contextlib

import pytest
from filling import AT_ONCE, box, claimed, completed, identity, media, part, spec, submitted
from kinds import STORES

from cortexia.errors import CortexiaError, StoreBusyError, StoreError, ValidationError
from cortexia.stores import open_store
from cortexia.stores.base import Window
from cortexia.types import JobState, Query, RunStatus


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    with contextlib.closing(open_store(STORES[request.param](tmp_path), rules=AT_ONCE)) as opened:
        yield opened


def job_of(store) -> str:
    """A job that has ended, with a run of an annotator."""
    completed(store, spec(), [box(0)])
    (job,) = store.jobs()
    return job.job_id


def test_they_are_rows_like_others(store):
    job_id = job_of(store)
    given = [box(80, "dog"), box(40, "cat"), box(40, "owl")]
    run_id = store.save_annotations(job_id, "zoo", given)
    assert store.load_annotations(job_id, "zoo") == tuple(sorted(given, key=lambda one: one.span.start))
    rows = list(store.find(Query(annotators=("zoo",))))
    assert {row.run_id for row in rows} == {run_id}
    assert len(rows) == 3
    assert store.job(job_id).status is JobState.COMPLETED, "as it was"
    assert store.load_annotations(job_id, "boxes") == (box(0),)


def test_the_same_again_changes_nothing(store):
    job_id = job_of(store)
    first = store.save_annotations(job_id, "zoo", [box(0)])
    windows = store.job(job_id).windows
    assert store.save_annotations(job_id, "zoo", [box(0)]) == first
    assert store.job(job_id).windows == windows


def test_others_take_their_place_and_can_come_back(store):
    job_id = job_of(store)
    first = store.save_annotations(job_id, "zoo", [box(0)])
    second = store.save_annotations(job_id, "zoo", [box(40)])
    assert store.run(first).status is RunStatus.SUPERSEDED
    assert store.load_annotations(job_id, "zoo") == (box(40),)
    assert store.save_annotations(job_id, "zoo", [box(0)]) == first
    assert store.run(second).status is RunStatus.SUPERSEDED
    assert store.load_annotations(job_id, "zoo") == (box(0),)


def test_none_found_is_not_the_same_as_not_looked(store):
    job_id = job_of(store)
    assert not store.annotation_exists(job_id, "zoo")
    assert store.load_annotations(job_id, "zoo") == ()
    store.save_annotations(job_id, "zoo", [])
    assert store.annotation_exists(job_id, "zoo")
    assert store.annotation_exists(job_id, "boxes")
    assert store.load_annotations(job_id, "zoo") == ()


def test_a_run_at_work_does_not_exist_yet(store):
    claim = claimed(store, spec())
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(claim.job.video_id, (part(spec(), 0, [box(0)]),)))
    assert not store.annotation_exists(claim.job.job_id, "boxes")
    assert store.load_annotations(claim.job.job_id, "boxes") == ()
    with pytest.raises(StoreBusyError, match="w1 is at video"):
        store.save_annotations(claim.job.job_id, "zoo", [box(0)])


def test_a_waiting_job_waits_on(store):
    job_id = submitted(store, spec())
    store.save_annotations(job_id, "zoo", [box(0)])
    assert store.job(job_id).status is JobState.QUEUED
    claim = store.claim("w", 30.0)
    assert claim.job.job_id == job_id


def test_bad_rows_and_names_leave_nothing(store):
    job_id = job_of(store)
    with pytest.raises(ValidationError):
        store.save_annotations(job_id, "zoo", [box(0), box(40, "nul\0")])
    assert list(store.find(Query(annotators=("zoo",)))) == []
    with pytest.raises(ValidationError, match="letters"):
        store.save_annotations(job_id, "../zoo", [box(0)])
    with pytest.raises(StoreError, match="there is no job nothing"):
        store.save_annotations("nothing", "zoo", [box(0)])


def test_metadata_comes_back_as_it_went(store):
    job_id = job_of(store)
    assert store.load_job_metadata(job_id) == {}
    told = {"camera": "left", "takes": [1, 2.5, None], "ünï": {"a": True}}
    store.save_job_metadata(job_id, told)
    assert store.load_job_metadata(job_id) == told
    store.save_job_metadata(job_id, {})
    assert store.load_job_metadata(job_id) == {}
    assert store.job(job_id).status is JobState.COMPLETED
    with pytest.raises(StoreError):
        store.load_job_metadata("nothing")


def test_they_outlive_the_process(store):
    job_id = job_of(store)
    store.save_annotations(job_id, "zoo", [box(0)])
    store.save_job_metadata(job_id, {"a": 1})
    store.close()
    with contextlib.closing(open_store(getattr(store, "address", store.location))) as again:
        assert again.load_annotations(job_id, "zoo") == (box(0),)
        assert again.load_job_metadata(job_id) == {"a": 1}


def test_a_video_without_media_info_is_named(store):
    store.save_video(identity("e"))
    job_id = store.submit_job(identity("e"), [], {})
    with pytest.raises(CortexiaError, match="never probed"):
        store.save_annotations(job_id, "zoo", [box(0)])
    store.save_video(identity("e"), media())
    store.save_annotations(job_id, "zoo", [box(0)])
    assert store.annotation_exists(job_id, "zoo")
