"""A store moved to another one holds the same; what stops it on the way loses nothing."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3

import pytest
from filing import eventful, everything
from filling import AT_ONCE, box, claimed, completed, spec
from keeping import filled, opened, vandalised
from kinds import STORES

from cortexia.errors import ConfigurationError, DataInconsistencyError, StoreBusyError
from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.move import move
from cortexia.stores import open_store
from cortexia.stores.audit import verified

PAIRS = list(itertools.permutations(STORES, 2)) + [("sqlite", "sqlite")]


@contextlib.contextmanager
def both(tmp_path, first="sqlite", second="sqlite"):
    folders = [tmp_path / name for name in ("from", "to")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    with (
        contextlib.closing(open_store(STORES[first](folders[0]), rules=AT_ONCE)) as source,
        contextlib.closing(open_store(STORES[second](folders[1]), rules=AT_ONCE)) as target,
    ):
        yield source, target


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_everything_arrives(tmp_path, first, second):
    with both(tmp_path, first, second) as (source, target):
        eventful(source)
        before = everything(source)
        done = move(source, target)
        assert everything(target) == before
        assert everything(source) == before, "the source keeps what it has"
        assert (done.moved, done.kept) == (len(done.checksums), 0)
        told = [[one.message for one in check(store, CheckOptions()).problems] for store in (source, target)]
        assert told[0] == told[1]


def test_a_folder_gets_its_named_files(tmp_path):
    with both(tmp_path, "sqlite", "files") as (source, target):
        completed(source, spec(), [box(0)])
        move(source, target)
        assert (tmp_path / "to" / "store" / ("a" * 64) / "job_metadata.json").is_file()
        assert (tmp_path / "to" / "store" / "batch_summary.json").is_file()
        assert [entry.event.action for entry in target.upkeep.audit()][-1] == "store.moved_in"
        assert verified(source.upkeep.audit()).is_whole


@pytest.mark.parametrize("way", [("sqlite", "postgresql"), ("sqlite", "files")])
def test_there_and_back_is_as_before(tmp_path, way):
    with both(tmp_path, *way) as (source, target):
        eventful(source)
        before = everything(source)
        move(source, target, delete_source=True)
        assert list(source.videos()) == []
        move(target, source)
        assert everything(source) == before


def test_work_goes_on_where_it_was(tmp_path):
    with both(tmp_path) as (source, target):
        eventful(source)
        move(source, target)
        waiting = [job for job in target.jobs() if not job.status.is_final]
        assert [job.job_id for job in waiting] == [job.job_id for job in source.jobs() if not job.status.is_final]
        completed(target, spec("c"), [box(0)], letter="c")


def interrupted(*, at: int):
    """A move that is stopped when it has come to the window of this number."""
    number = itertools.count(1)

    def windows(stream):
        for window in stream:
            if next(number) == at:
                raise KeyboardInterrupt
            yield window

    return windows


@pytest.mark.parametrize("second", sorted(STORES))
def test_an_interrupted_move_goes_on(tmp_path, monkeypatch, second):
    path = filled(tmp_path / "from.db")
    (tmp_path / "to").mkdir()
    with opened(path) as source, contextlib.closing(open_store(STORES[second](tmp_path / "to"))) as target:
        write, stop = target.transfer.write, interrupted(at=3)
        monkeypatch.setattr(
            target.transfer, "write", lambda head, windows, blobs: write(head, stop(windows), blobs), raising=False
        )
        with pytest.raises(KeyboardInterrupt):
            move(source, target)
        assert len(list(target.videos())) == 1, "one video is whole, and nothing of the other is here"
        done = move(source, target)
        assert (done.moved, done.kept) == (1, 1)
        assert everything(target) == everything(source)


def test_a_video_that_is_another_one_there_stays_as_it_is(tmp_path):
    with both(tmp_path) as (source, target):
        completed(source, spec(), [box(0)])
        completed(target, spec(), [box(0), box(40)])
        before = everything(target)
        with pytest.raises(DataInconsistencyError, match=r"not the same: 1 runs and 1 rows .* 1 and 2"):
            move(source, target)
        assert everything(target) == before


def test_a_video_at_work_is_not_moved(tmp_path):
    with both(tmp_path) as (source, target):
        claimed(source, spec())
        with pytest.raises(StoreBusyError, match="being annotated by w1"):
            move(source, target)
        assert list(target.videos()) == []


def test_damaged_rows_do_not_travel(tmp_path):
    path = filled(tmp_path / "store.db")
    vandalised(path, "UPDATE annotations SET label = 'dog' WHERE seq = 1")
    with opened(path) as source, opened(tmp_path / "to.db") as target:
        with pytest.raises(DataInconsistencyError, match=r"window 0 of run .* is damaged"):
            move(source, target)
        assert "a" * 64 not in [record.identity.video_id for record in target.videos()]


def test_a_missing_picture_is_missed(tmp_path):
    path = filled(tmp_path / "store.db")
    for file in path.with_name("store.blobs").rglob("*.jpg"):
        file.unlink()
    missing = pytest.raises(DataInconsistencyError, match=r"blob .* is missing")
    with opened(path) as source, opened(tmp_path / "to.db") as target, missing:
        move(source, target)


def test_what_changes_on_the_way_is_seen(tmp_path, monkeypatch):
    """Negative control: a target that does not keep what it was given."""
    path = filled(tmp_path / "store.db")
    with opened(path) as source, opened(tmp_path / "to.db") as target:
        write = target.transfer.write

        def altering(head, windows, blobs):
            write(head, windows, blobs)
            with contextlib.closing(sqlite3.connect(tmp_path / "to.db")) as db, db:
                db.execute("UPDATE runs SET position = position + 1")

        monkeypatch.setattr(target.transfer, "write", altering, raising=False)
        with pytest.raises(DataInconsistencyError, match="changed on the way"):
            move(source, target)


def test_a_store_is_not_moved_to_itself(tmp_path):
    path = filled(tmp_path / "store.db")
    with opened(path) as source, opened(path) as target, pytest.raises(ConfigurationError, match="both ends"):
        move(source, target)


def test_progress_is_told(tmp_path):
    path, told = filled(tmp_path / "store.db"), []
    with opened(path) as source, opened(tmp_path / "to.db") as target:
        move(source, target, report=lambda *words: told.append(words))
    assert told == [("videos", 0, 2), ("videos", 1, 2), ("videos", 2, 2)]
