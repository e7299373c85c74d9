"""A deleted video is left out of every answer, keeps its rows, and can come back."""

from __future__ import annotations

import io

import pytest
from filling import AT_ONCE, box, claimed, completed, identity, spec, submitted
from keeping import blank

from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores import open_store
from cortexia.types import JobState, Query

A, B = "a" * 64, "b" * 64


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(blank(tmp_path / "store.db")), rules=AT_ONCE)
    completed(opened, spec(), [box(0), box(40)])
    completed(opened, spec("b"), [box(0)], letter="b")
    yield opened
    opened.close()


def exported(store) -> bytes:
    out = io.BytesIO()
    JsonlExporter().write(ExportSource(store), out)
    return out.getvalue()


def test_every_answer_leaves_it_out(store):
    store.upkeep.delete_video(B)
    assert [record.identity.video_id for record in store.videos()] == [A]
    assert store.video(B) is None
    assert {row.video_id for row in store.find(Query())} == {A}
    assert list(store.find(Query(video_ids=(B,)))) == []
    assert store.count(Query()) == 2
    assert {run.spec.video_id for run in store.runs()} == {A}
    assert store.upkeep.counts().rows == {"object_detection": 2}
    assert B.encode() not in exported(store)


def test_it_comes_back_as_it_was(store):
    before = exported(store)
    store.upkeep.delete_video(B)
    assert exported(store) != before
    store.upkeep.restore_video(B)
    assert exported(store) == before


def test_a_video_that_is_given_again_is_wanted_again(store):
    before = exported(store)
    store.upkeep.delete_video(B)
    store.save_video(identity("b"))
    assert exported(store) == before


def test_its_jobs_are_cancelled(store):
    waiting = submitted(store, spec("b", options={"x": 1}), letter="b")
    store.upkeep.delete_video(B)
    assert store.job(waiting).status is JobState.CANCELLED
    running = claimed(store, spec("a", options={"x": 1}))
    store.upkeep.delete_video(A)
    assert store.renew(running, 10.0).cancel_requested
