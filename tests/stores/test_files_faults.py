"""A store that is a folder, when something goes wrong: damage, half-done work, locks that are held, wrong places."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filing import drop_index, eventful, export, files_of
from filling import box, claimed, commit, completed, identity, media, part, spec

from cortexia.errors import (
    ConfigurationError,
    DataInconsistencyError,
    SchemaError,
    StoreBusyError,
    StoreError,
    ValidationError,
)
from cortexia.stores import open_store
from cortexia.stores.base import Window
from cortexia.stores.files import backend, folder, sealed
from cortexia.stores.files.backend import FileStorageBackend
from cortexia.types import JobState, Query, RunStatus, VideoIdentity

A = identity("a").video_id


@pytest.fixture
def store(files_store):
    return files_store


# -- damage of the truth


def test_a_half_written_file_is_not_there(store, base):
    completed(store, spec(), [box(0)])
    (base / A / "windows" / ".000002.json.0123456789abcdef.tmp").write_bytes(b'{"sha256":"')
    store.close()
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert opened.count(Query()) == 1
        completed(opened, spec(annotator="other"), [box(40)])
    assert (base / A / "windows" / "000002.json").exists()


@pytest.mark.parametrize("name", ["windows/000001.json", "record/runs.json", "record/video.json"])
@pytest.mark.parametrize(
    "harm",
    [lambda data: data[:-20], lambda data: data.replace(b"null", b"NULL", 1), lambda data: b"", None],
    ids=["torn", "changed", "empty", "gone"],
)
def test_a_damaged_file_is_named_and_left_alone(store, base, name, harm):
    completed(store, spec(), [box(0, "boxes")])
    store.close()
    path = base / A / name
    whole = path.read_bytes()
    if harm is None:
        path.unlink()
    else:
        path.write_bytes(harm(whole))
    files = files_of(base)
    with pytest.raises(DataInconsistencyError, match=rf"{name} is .*restore .* from a backup"):
        FileStorageBackend(base)
    assert files_of(base) == files
    path.write_bytes(whole)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        assert opened.count(Query()) == 1


def test_a_window_that_is_missing_between_others_is_named(store, base):
    claim = claimed(store, spec())
    for ordinal in range(3):
        commit(store, claim, part(spec(), ordinal, [box(40 * ordinal)]))
    store.close()
    (base / A / "windows" / "000002.json").unlink()
    drop_index(base)
    with pytest.raises(DataInconsistencyError, match=r"000002\.json is missing"):
        FileStorageBackend(base)


def test_the_file_of_a_job_that_windows_name_must_be_there(store, base):
    completed(store, spec(), [box(0)])
    shutil.rmtree(base / "jobs" / next(store.jobs()).job_id)
    store.close()
    drop_index(base)
    with pytest.raises(DataInconsistencyError, match=r"job\.json from a backup"):
        FileStorageBackend(base)


def test_bytes_that_come_back_otherwise_are_no_commit(store, base, monkeypatch):
    """Negative control of the read-back: a disk that turns a byte around."""
    atomic_file = sealed.atomic_file

    @contextlib.contextmanager
    def vandal(path):
        with atomic_file(path) as file:
            file.write(b" ")
            yield file

    claim = claimed(store, spec())
    monkeypatch.setattr(sealed, "atomic_file", vandal)
    with pytest.raises(DataInconsistencyError, match="read-back"):
        commit(store, claim, part(spec(), 0, [box(0)]))
    monkeypatch.undo()
    assert not list((base / A / "windows").iterdir())
    assert store.count(Query()) == 0
    commit(store, claim, part(spec(), 0, [box(0)]))


def test_a_file_of_the_future_is_refused(store, base, monkeypatch):
    monkeypatch.setattr(sealed, "FORMAT", 99)
    store.save_video(identity(), media())
    store.close()
    monkeypatch.undo()
    drop_index(base)
    with pytest.raises(SchemaError, match="newer cortexia"):
        FileStorageBackend(base)


# -- half-done work


def test_an_end_that_only_the_window_tells_reaches_the_job(store, base):
    claim = claimed(store, spec())
    path = base / "jobs" / claim.job.job_id / "job.json"
    running = path.read_bytes()
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(A, (part(spec(), 0, [box(0)], status=RunStatus.COMPLETED),)))
        transaction.finish_job(JobState.COMPLETED)
    ended = store.job(claim.job.job_id)
    store.close()
    path.write_bytes(running)
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as opened:
        job = opened.job(claim.job.job_id)
        assert (job.status, job.windows) == (ended.status, 1) == (JobState.COMPLETED, 1)
    assert json.loads(path.read_bytes())["content"]["status"] == "completed"


def test_named_files_written_twice_have_the_same_bytes(store, base):
    eventful(store)
    completed(store, spec("c", annotator="last"), [box(0)], letter="c")
    store.close()
    files = files_of(base)
    for path in (base / ("c" * 64)).glob("*.json"):
        path.write_bytes(b"half of it")
    assert files_of(base) != files
    drop_index(base)
    FileStorageBackend(base).close()
    assert files_of(base) == files


@pytest.mark.parametrize("died_before", ["write_annotations", "atomic_write", "write_summary", "done"])
def test_named_files_are_finished_by_the_next_who_opens(store, base, tmp_path, monkeypatch, died_before):
    """A death in the midst of writing them, at each step."""
    completed(store, spec(annotator="first"), [box(0)])

    class DiedError(BaseException):
        pass

    def die(*arguments, **named):
        raise DiedError

    owner = {"write_annotations": backend.named.documents}.get(died_before, backend.named)
    monkeypatch.setattr(owner, died_before, die)
    with pytest.raises(DiedError):
        completed(store, spec(annotator="second"), [box(0)])
    monkeypatch.undo()
    store.close()
    FileStorageBackend(base).close()
    told = json.loads((base / A / "second.json").read_bytes())
    assert len(told["annotations"]) == 1
    assert json.loads((base / "batch_summary.json").read_bytes())["job_count"] == 2
    assert len(json.loads((base / A / "job_metadata.json").read_bytes())["jobs"]) == 2


def test_named_files_that_cannot_be_written_are_no_loss(store, base, caplog):
    claim = claimed(store, spec(annotator="boxes"))
    commit(store, claim, part(spec(), 0, [box(0)], status=RunStatus.COMPLETED))
    (base / A / "boxes.json").mkdir()
    assert store.release(claim, JobState.COMPLETED, None, None) is JobState.COMPLETED
    (base / A / "boxes.json").rmdir()
    store.close()
    FileStorageBackend(base).close()
    assert (base / A / "boxes.json").is_file()


# -- locks


HOLD = (
    "import fcntl, os, sys, time\n"
    "handle = os.open(sys.argv[1], os.O_RDONLY)\n"
    "fcntl.flock(handle, fcntl.LOCK_EX)\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


@contextlib.contextmanager
def held_elsewhere(path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    try:
        yield holder
    finally:
        holder.communicate()


def test_a_held_lock_is_waited_for_and_then_named(store, base, monkeypatch):
    claim = claimed(store, spec())
    monkeypatch.setattr(folder, "PATIENCE_S", 0.2)
    with held_elsewhere(base / A), pytest.raises(StoreBusyError, match=f"{A}: another process holds the lock"):
        commit(store, claim, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 0
    monkeypatch.setattr(folder, "PATIENCE_S", 30.0)
    with held_elsewhere(base / A) as holder:
        threading.Timer(0.3, holder.stdin.close).start()
        started = time.monotonic()
        commit(store, claim, part(spec(), 0, [box(0)]))
        assert time.monotonic() - started > 0.2
        holder.stdin = None
    assert store.count(Query()) == 1


def test_without_the_lock_nobody_would_wait(store, base, monkeypatch):
    """Negative control."""
    claim = claimed(store, spec())
    monkeypatch.setattr(backend, "held", lambda path: contextlib.nullcontext())
    with held_elsewhere(base / A):
        commit(store, claim, part(spec(), 0, [box(0)]))
    assert store.count(Query()) == 1


def test_reading_waits_for_nobody(store, base):
    completed(store, spec(), [box(0)])
    store.close()
    drop_index(base)
    with contextlib.closing(FileStorageBackend(base)) as opened, held_elsewhere(base / A):
        assert opened.count(Query()) == 1
        assert opened.run(spec().run_id).status is RunStatus.COMPLETED


def test_two_processes_write_side_by_side(store, base):
    code = (
        "import sys; from cortexia.stores import open_store; from cortexia.types import VideoIdentity\n"
        "store = open_store(sys.argv[1])\n"
        "for n in range(20):\n"
        "    store.save_video(VideoIdentity(f'{n % 10:064}', f'/x/{n}', sys.argv[2], n))\n"
        "store.close()\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(base), letter]) for letter in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    assert [video.identity.size_bytes for video in store.videos()] == list(range(10, 20))


# -- places


def test_network_file_systems_are_refused(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(ConfigurationError, match="network file system"):
        FileStorageBackend(tmp_path / "s", mounts=mounts)
    assert not (tmp_path / "s").exists()


def test_what_is_no_store_is_not_made_one_where_it_was_not_asked_for(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no store"):
        open_store(str(tmp_path / "none"), create=False)
    with pytest.raises(StoreError, match="there is no store in"):
        open_store(str(tmp_path), create=False)
    (tmp_path / "text").write_text("x")
    with pytest.raises(ConfigurationError, match="is no folder"):
        open_store(str(tmp_path / "text"))
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_what_could_name_any_folder_is_no_video(store, base):
    for name in ("../x", "jobs", "blobs", "A" * 64):
        with pytest.raises(ValidationError, match="SHA-256"):
            store.save_video(VideoIdentity(name, "/x", "x", 1))
        assert store.video(name) is None


def test_a_base_may_be_a_link(store, base, tmp_path):
    completed(store, spec(), [box(0)])
    (tmp_path / "link").symlink_to(base)
    with contextlib.closing(FileStorageBackend(tmp_path / "link")) as opened:
        assert opened.count(Query()) == 1


def test_a_folder_may_move(store, base, tmp_path):
    completed(store, spec(), [box(0)])
    before = export(store)
    store.close()
    shutil.move(base, tmp_path / "elsewhere %20?#")
    with contextlib.closing(FileStorageBackend(tmp_path / "elsewhere %20?#")) as opened:
        assert export(opened) == before
