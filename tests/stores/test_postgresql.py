"""What only PostgreSQL has: many writers at once, a network in between, types of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import postgres
import pytest
from cutting import CuttingProxy
from filling import AT_ONCE, box, claimed, commit, completed, identity, part, spec, submitted
from sqlalchemy import make_url

from cortexia.errors import (
    ConfigurationError,
    DataInconsistencyError,
    MissingDependencyError,
    SchemaError,
    StoreBusyError,
    StoreError,
    StoreUnreachableError,
)
from cortexia.stores import open_store, without_password
from cortexia.stores.lifecycle import Backoff, Growth
from cortexia.stores.sql import migrations, postgresql, repeating, runs
from cortexia.stores.sql.copying import for_jsonb
from cortexia.stores.sql.door import Collision
from cortexia.stores.sql.jobs import JobRows
from cortexia.stores.sql.postgresql import PostgreSQLStorageBackend
from cortexia.stores.sql.schema import metadata
from cortexia.types import JobState, KeyPicture, Query, RunSpec, VideoIdentity


@pytest.fixture
def url(tmp_path) -> str:
    return postgres.fresh_url(tmp_path)


@pytest.fixture
def store(url):
    opened = PostgreSQLStorageBackend(url, rules=AT_ONCE)
    yield opened
    opened.close()


@pytest.fixture
def proxy():
    made = CuttingProxy(next((postgres.own_server().folder / "data").glob(".s.PGSQL.*[0-9]")))
    yield made
    made.close()


# -- the connection


def test_commits_are_durable_whatever_the_default_of_the_database(url):
    name = make_url(url).database
    postgres.execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store, store._door.write() as connection:
        settings = {
            setting: connection.exec_driver_sql(f"SHOW {setting}").scalar_one()
            for setting in ("synchronous_commit", "transaction_isolation", "timezone", "lock_timeout")
        }
    assert settings == {
        "synchronous_commit": "on",
        "transaction_isolation": "read committed",
        "timezone": "UTC",
        "lock_timeout": "30s",
    }


def test_a_stronger_promise_of_the_database_is_kept(url):
    postgres.execute(url, f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = remote_apply")
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store, store._door.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "remote_apply"


def test_when_all_connections_are_in_use_the_error_says_so(url, monkeypatch):
    monkeypatch.setattr(postgresql, "POOL_TIMEOUT_S", 0.1)
    with contextlib.closing(PostgreSQLStorageBackend(url)) as store, contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(store._door.read())
        with pytest.raises(StoreBusyError, match="all connections are in use"):
            store.count(Query())


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path):
    with pytest.raises(StoreUnreachableError, match="does not answer") as caught:
        open_store(f"postgresql://me:secret@/db?host={tmp_path}")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("postgresql://me:a:b@c@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?user=me&password=secret&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("folder:a@b/store.db", "folder:a@b/store.db"),
    ],
)
def test_passwords_are_not_shown(location, shown):
    assert without_password(location) == shown


def test_the_location_of_a_store_keeps_the_password_to_itself(url):
    with_password = make_url(url).set(password="secret").render_as_string(hide_password=False)
    for address in (with_password, with_password.replace(":secret@", "@") + "&password=secret"):
        with contextlib.closing(open_store(address)) as store:
            assert "secret" not in store.location
            assert store.address == address, "workers have to open it"


def test_what_is_no_address_is_refused():
    for wrong in ("postgresql://host:port:port/db", "postgresql://host/db?blobs=a&blobs=b"):
        with pytest.raises(ConfigurationError, match="address of the store"):
            open_store(wrong)


def test_a_database_that_is_not_there_is_named(url):
    with pytest.raises(StoreError, match="createdb"):
        open_store(make_url(url).set(database="nowhere").render_as_string(hide_password=False))


def test_a_store_outlives_a_restart_of_its_server(store, monkeypatch):
    monkeypatch.setattr(repeating, "_PAUSE", Backoff(Growth.FIXED, 3.0))
    job_id = submitted(store, spec())
    server = postgres.own_server()
    server.stop()
    try:
        with pytest.raises(StoreUnreachableError):
            store.count(Query())
        threading.Timer(0.5, server.start).start()
        claim = store.claim("w", 30.0, job_id)
    finally:
        time.sleep(0.6)
        server.start()
    assert claim is not None, "a whole transaction is repeated until the server is back"
    commit(store, claim, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 1


def test_without_psycopg_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "cortexia.stores.sql.postgresql_door", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'cortexia\[postgresql\]'"):
        open_store("postgresql://host/db")


def test_pictures_lie_in_a_folder_of_the_user_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert postgresql._parse("postgresql://me@host:99/films")[1] == tmp_path / "cortexia" / "host_99_films.blobs"
    assert postgresql._parse("postgresql:///films?blobs=/srv/b")[1].as_posix() == "/srv/b"


# -- commits


def test_a_row_that_changes_on_its_way_is_noticed(store, url):
    claim = claimed(store, spec())
    _trigger(url, "BEFORE", "NEW.confidence := 0.1; RETURN NEW;")
    with pytest.raises(DataInconsistencyError, match="rows differ"):
        commit(store, claim, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 0
    assert store.run(spec().run_id).windows == 0


def test_rows_that_vanish_are_noticed(store, url):
    claim = claimed(store, spec())
    _trigger(url, "BEFORE", "IF NEW.start_us > 0 THEN RETURN NULL; END IF; RETURN NEW;")
    with pytest.raises(DataInconsistencyError, match="1 rows where 2 were written"):
        commit(store, claim, part(spec(), 0, [box(0), box(40)]))
    assert store.count(Query()) == 0


def _trigger(url: str, when: str, body: str) -> None:
    postgres.execute(url, f"CREATE FUNCTION vandal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    postgres.execute(url, f"CREATE TRIGGER vandal {when} INSERT ON annotations FOR EACH ROW EXECUTE FUNCTION vandal()")


def test_windows_that_are_written_at_the_same_time_read_back_their_own_rows(store):
    """Numbers of rows interleave; each window still finds exactly its own."""
    claims = {letter: claimed(store, spec(letter), letter=letter, worker=letter) for letter in "abcd"}

    def write(letter: str) -> None:
        for ordinal in range(4):
            rows = [box(40 * at) for at in range(200 * ordinal, 200 * (ordinal + 1))]
            commit(store, claims[letter], part(spec(letter), ordinal, rows))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, claims))
    assert store.count(Query()) == 3200


def test_the_same_picture_of_two_videos_is_one_row(store):
    """Both see that it is missing; the second insert is a collision, and the repeat finds it."""
    digest = store.blobs.put(b"black", ".jpg")
    picture = KeyPicture(span=box(0).span, picture=digest, thumbnail=digest, width=1, height=1, quality=1.0)
    claims = {letter: claimed(store, spec(letter), letter=letter, worker=letter) for letter in "abcd"}
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda letter: commit(store, claims[letter], part(spec(letter), 0, [picture])), claims))
    assert store.count(Query()) == 4


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_commit_whose_answer_is_lost_happens_once(url, proxy, cut):
    """R-15: the server is asked what became of it; what was not stored is done again, what was is left alone."""
    with contextlib.closing(PostgreSQLStorageBackend(_through(url, proxy))) as store:
        claim = claimed(store, spec())
        proxy.cut = cut
        commit(store, claim, part(spec(), 0, [box(0)]))
        assert proxy.cuts == 1
        commit(store, claim, part(spec(), 1, [box(40)]))
        assert [row.start_us for row in store.find(Query())] == [0, 40_000]


def test_without_asking_it_would_be_done_twice(url, proxy, monkeypatch):
    """Negative control: the second try meets what the first one stored."""
    from cortexia.stores.sql.postgresql_door import PostgresDoor

    monkeypatch.setattr(PostgresDoor, "_was_committed", lambda self, xid: False)
    with contextlib.closing(PostgreSQLStorageBackend(_through(url, proxy))) as store:
        claim = claimed(store, spec())
        proxy.cut = "after"
        with pytest.raises(DataInconsistencyError, match="window 0 offered where window 1 is due"):
            commit(store, claim, part(spec(), 0, [box(0)]))


def _through(url: str, proxy: CuttingProxy) -> str:
    changed = make_url(url).difference_update_query(["host"]).update_query_dict({"host": str(proxy.folder)})
    return changed.render_as_string(hide_password=False)


# -- many at once


def test_two_workers_take_each_of_two_hundred_jobs_once(store, url):
    _jobs(store, videos=100, each=2)
    code = (
        "import sys; from cortexia.stores import open_store; from cortexia.types import JobState\n"
        "store = open_store(sys.argv[1]); waits = 0\n"
        "while waits < 3:\n"
        "    claim = store.claim(sys.argv[2], 30.0)\n"
        "    waits = waits + 1 if claim is None else 0\n"
        "    if claim is not None:\n"
        "        print(claim.job.job_id)\n"
        "        store.release(claim, JobState.COMPLETED, None, None)\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", code, url, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    taken = [set(worker.communicate(timeout=120)[0].split()) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all(taken)
    assert taken[0].isdisjoint(taken[1])
    assert {(job.status, job.attempt) for job in store.jobs()} == {(JobState.COMPLETED, 1)}
    assert len(taken[0] | taken[1]) == 200


def _jobs(store: PostgreSQLStorageBackend, videos: int, each: int) -> None:
    """All in one transaction, to be quick."""
    with store._door.write() as connection:
        rows = JobRows(connection, AT_ONCE)
        for number in range(videos):
            video = VideoIdentity(f"{number:064x}", f"/v/{number}", f"{number}", 1)
            rows.submit(video, [], config={})
            for other in range(1, each):
                run = RunSpec(video.video_id, f"a{other}", "1")
                runs.register(connection, run, {})
                rows.submit(video, [run.run_id], config={})


def test_two_jobs_of_a_video_claimed_at_the_same_moment_end_as_one_claim(store):
    """The second does not see the first's lease, meets the unique index, and then finds nothing to claim."""
    first, second = submitted(store, spec()), submitted(store, spec(annotator="other"))
    with ThreadPoolExecutor(1) as thread:
        with store._door.write() as connection:
            assert JobRows(connection, AT_ONCE).claim("a", 30.0, first) is not None
            late = thread.submit(store.claim, "b", 30.0, second)
            time.sleep(0.3)
            assert not late.done(), "it waits for the first to commit"
        assert late.result(30) is None
    assert store.job(second).status is JobState.QUEUED


def test_submissions_at_the_same_time_are_one_job_or_stand_in_a_row(store):
    store.save_video(identity())
    annotators = [f"a{number}" for number in range(8)] * 2
    store.register_runs([spec(annotator=name) for name in set(annotators)], {})
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda name: submitted(store, spec(annotator=name)), annotators))
    assert len(set(ids)) == 8
    assert ids[:8] == ids[8:]


def test_a_worker_that_stands_still_in_a_commit_does_not_stop_the_others(store):
    stuck, other = submitted(store, spec("a"), letter="a"), submitted(store, spec("b"), letter="b")
    zombie = store.claim("zombie", 0.01, stuck)
    with store._door.write() as connection:
        JobRows(connection, AT_ONCE).commit(zombie)
        time.sleep(0.05)
        assert store.claim("w", 30.0).job.job_id == other
    assert store.claim("w", 30.0).job.job_id == stuck


def test_transactions_that_lock_crosswise_are_repeated(store):
    """R-18: the server kills one of the two; it is done again, and both are stored."""
    tries = _cross(store, repeating.repeated)
    assert sorted(tries.values()) == [1, 2]
    assert {video.identity.filename for video in store.videos()} == {"done"}


def test_without_repeating_one_of_them_would_fail(store):
    """Negative control."""
    with pytest.raises(StoreBusyError, match="deadlock detected"):
        _cross(store, lambda method: method)


def _cross(store: PostgreSQLStorageBackend, wrapped) -> dict[str, int]:
    for letter in "ab":
        store.save_video(identity(letter))
    meet = threading.Barrier(2)
    tries = {"a": 0, "b": 0}

    @wrapped
    def write(first: str, second: str) -> None:
        tries[first] += 1
        with store._door.write() as connection:
            for letter in (first, second):
                connection.exec_driver_sql(
                    "UPDATE videos SET filename = 'done' WHERE video_id = %s", (identity(letter).video_id,)
                )
                if tries[first] == 1 and letter == first:
                    meet.wait(10)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, "ab", "ba"))
    return tries


def test_what_collides_each_time_is_told_after_five_repeats():
    calls = []

    @repeating.repeated
    def never() -> None:
        calls.append(1)
        raise Collision("again")

    with pytest.raises(StoreBusyError):
        never()
    assert len(calls) == 6


# -- what users see


def test_the_statements_that_users_already_have(store, url):
    completed(store, spec(annotator="faces"), [box(40 * i) for i in range(12)])
    failed = claimed(store, spec("b"), letter="b")
    store.release(failed, JobState.FAILED, "rejected", "broken")
    found = [
        postgres.execute(url, statement)
        for statement in (
            "SELECT job_id, video_path, error_message FROM jobs WHERE status = 'failed'"
            " AND created_at > now() - interval '1 day'",
            "SELECT p.name, COUNT(*) AS total_jobs, AVG(jps.processing_time_seconds) AS avg_time,"
            " AVG(jps.annotation_count) AS avg_annotations FROM job_pipeline_status jps"
            " JOIN pipelines p ON jps.pipeline_id = p.pipeline_id WHERE jps.status = 'completed' GROUP BY p.name",
            "SELECT DISTINCT video_id, COUNT(*) AS face_count FROM annotations"
            " WHERE annotation_type = 'object_detection' AND confidence > 0.8 GROUP BY video_id HAVING COUNT(*) > 10",
        )
    ]
    assert found[0] == [(failed.job.job_id, "/videos/b.mp4", "broken")]
    assert [(row[0], row[1], row[3]) for row in found[1]] == [("faces", 1, 12)]
    assert found[2] == [("a" * 64, 12)]


def test_documents_and_boxes_are_found_by_their_indexes(store, url):
    completed(store, spec(), [box(40 * i) for i in range(50)])
    inside = "box(point(bbox_x, bbox_y), point(bbox_x + bbox_width, bbox_y + bbox_height)) && box '((0,0),(3,3))'"
    statements = {
        "ix_annotations_bbox": f"SELECT * FROM annotations WHERE bbox_x IS NOT NULL AND {inside}",
        "ix_annotations_data": "SELECT * FROM annotations WHERE data @> '{\"area\": 1}'",
    }
    for index, statement in statements.items():
        plan = postgres.execute(url, f"SET enable_seqscan = off; SET enable_indexscan = off; EXPLAIN {statement}")
        assert any(index in row[0] for row in plan)
    assert len(postgres.execute(url, statements["ix_annotations_bbox"])) == 50


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE annotations SET confidence = 1.5",
        "UPDATE annotations SET confidence = 'NaN'",
        "UPDATE annotations SET end_us = start_us - 1",
        "UPDATE annotations SET run_id = 'nobody'",
        "UPDATE jobs SET status = 'finished'",
        "UPDATE videos SET duration = 0",
        "DELETE FROM runs",
    ],
)
def test_rows_that_break_a_rule_are_refused(store, change):
    completed(store, spec(), [box(0)])
    with pytest.raises(DataInconsistencyError, match="breaks the rules"), store._door.write() as connection:
        connection.exec_driver_sql(change)


def test_a_message_with_a_nul_does_not_stand_in_the_way(store):
    claim = claimed(store, spec())
    store.release(claim, JobState.FAILED, "error", "a\0b")
    assert store.job(claim.job.job_id).error_message == "a\\x00b"


def test_times_are_text_in_utc_as_elsewhere(store, url):
    job_id = submitted(store, spec())
    meant = postgres.execute(url, "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM jobs")
    assert store.job(job_id).created_at == meant[0][0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"a":1e+16}', '{"a":10000000000000000.0}'),
        ('{"a":1.5e-07,"b":-2e-05}', '{"a":0.00000015,"b":-0.00002}'),
        ('{"a":"1e+16 \\" 2e5","3e4":1}', '{"a":"1e+16 \\" 2e5","3e4":1}'),
        ('{"a":0.5}', '{"a":0.5}'),
    ],
)
def test_numbers_are_spelled_so_that_jsonb_keeps_them(text, kept):
    assert for_jsonb(text) == kept
    assert repr(json.loads(kept)) == repr(json.loads(text))


# -- revisions


def test_a_database_goes_down_and_up_again_with_its_data(store, url):
    completed(store, spec(), [box(0), box(40)])
    before = [row.annotation_id for row in store.find(Query())]
    with store._door.write() as connection:
        migrations.downgrade(connection, "0001")
    with contextlib.closing(PostgreSQLStorageBackend(url)) as reopened:
        assert [row.annotation_id for row in reopened.find(Query())] == before
        with reopened._door.write() as connection:
            migrations.downgrade(connection, "base")
    with contextlib.closing(PostgreSQLStorageBackend(url)) as again:
        assert again.count(Query()) == 0


def test_the_tables_are_what_the_schema_says(store):
    """Whoever adds a revision with a type of SQLite alone is told here."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store._door.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _comparable})
        assert compare_metadata(context, metadata) == []
        collations = connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
            " AND table_name NOT IN (SELECT table_name FROM information_schema.views)"
        ).all()
    assert collations == []


def _comparable(item, name, kind, reflected, other) -> bool:
    return name != "ix_annotations_bbox"  # an expression, which comes back spelled otherwise


def test_processes_that_open_an_empty_database_together_fill_it_once(tmp_path):
    url = postgres.empty_url(tmp_path)
    code = "import sys; from cortexia.stores import open_store; open_store(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert postgres.execute(url, "SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_only_databases_of_this_cortexia_are_opened(tmp_path):
    url = postgres.empty_url(tmp_path)
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_store(url, create=False)
    postgres.execute(url, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(SchemaError, match="another program"):
        open_store(url)


def test_a_database_of_the_future_is_refused(url):
    postgres.execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match="newer cortexia"):
        open_store(url)
