"""The SQL that users already have runs unchanged, character by character."""

from __future__ import annotations

import contextlib
import sqlite3

from filling import box, claimed, completed, spec

from cortexia.stores.sql.sqlite import SQLiteStorageBackend
from cortexia.types import JobState

FAILURES = """SELECT job_id, video_path, error_message FROM jobs WHERE status = 'failed' AND created_at > datetime('now', '-1 day');"""  # noqa: E501
PIPELINES = """SELECT p.name, COUNT(*) AS total_jobs, AVG(jps.processing_time_seconds) AS avg_time, AVG(jps.annotation_count) AS avg_annotations
  FROM job_pipeline_status jps JOIN pipelines p ON jps.pipeline_id = p.pipeline_id WHERE jps.status = 'completed' GROUP BY p.name;"""  # noqa: E501
FACES = """SELECT DISTINCT video_id, COUNT(*) AS face_count FROM annotations WHERE annotation_type = 'face_detection' AND confidence > 0.8 GROUP BY video_id HAVING face_count > 10;"""  # noqa: E501


def test_the_statements_that_users_already_have(tmp_path):
    path = tmp_path / "store.db"
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        completed(store, spec(annotator="faces"), [box(40 * i) for i in range(12)])
        failed = claimed(store, spec("b"), letter="b")
        store.release(failed, JobState.FAILED, "rejected", "broken")
    with contextlib.closing(sqlite3.connect(path)) as db:
        failures, pipelines, faces = (db.execute(statement).fetchall() for statement in (FAILURES, PIPELINES, FACES))
        objects = db.execute(FACES.replace("face_detection", "object_detection")).fetchall()
        columns = [item[0] for item in db.execute(PIPELINES).description]
    assert failures == [(failed.job.job_id, "/videos/b.mp4", "broken")]
    assert [(row[0], row[1], row[3]) for row in pipelines] == [("faces", 1, 12.0)]
    assert columns == ["name", "total_jobs", "avg_time", "avg_annotations"]
    assert faces == []
    assert objects == [("a" * 64, 12)]


def test_current_annotations_leave_out_what_a_query_leaves_out(tmp_path):
    path = tmp_path / "store.db"
    with contextlib.closing(SQLiteStorageBackend(path)) as store:
        completed(store, spec(), [box(0), box(40)])
        completed(store, spec(options={"x": 1}), [box(0)])
        completed(store, spec("b"), [box(0)], letter="b")
        store.upkeep.delete_video("b" * 64)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT COUNT(*) FROM annotations").fetchone() == (4,)
        found = db.execute("SELECT video_id, annotator, run_id FROM current_annotations").fetchall()
    assert found == [("a" * 64, "boxes", spec(options={"x": 1}).run_id)]
