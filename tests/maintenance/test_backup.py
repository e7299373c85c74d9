"""A backup taken under load comes back equal; one that was cut off or altered is refused (R-31)."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import filling
import pytest
from keeping import canonical, filled, opened, vandalised

from cortexia.errors import ConfigurationError, DataInconsistencyError, StoreError
from cortexia.maintenance.backup import backup
from cortexia.maintenance.check import CheckOptions, check
from cortexia.maintenance.restore import restore
from cortexia.stores.audit import verified


@pytest.fixture
def path(tmp_path) -> Path:
    return filled(tmp_path / "store.db")


@pytest.fixture
def archive(path, tmp_path) -> Path:
    target = tmp_path / "backup.tar"
    with opened(path) as store:
        backup(store, target)
    return target


def restored(archive: Path, place: Path, verify: bool = True) -> bytes:
    restore(archive, str(place), verify)
    with opened(place) as store:
        return canonical(store)


def test_it_comes_back_equal(path, archive, tmp_path):
    with opened(path) as store:
        before = canonical(store)
    assert restored(archive, tmp_path / "new" / "place.db") == before
    with opened(tmp_path / "new" / "place.db") as store:
        assert check(store, CheckOptions()).is_clean
        assert verified(store.upkeep.audit()).is_whole
        assert [entry.event.action for entry in store.upkeep.audit()][-1] == "store.restored"
    with opened(path) as store:
        assert [entry.event.action for entry in store.upkeep.audit()][-1] == "store.backed_up"


def test_it_is_taken_while_others_write(path, tmp_path):
    """What is in it is what was committed at one moment, whole; writing goes on meanwhile."""
    writer = subprocess.Popen([sys.executable, filling.__file__, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"1\n"
        steps: list[int] = []

        def slowly(what: str, done: int, total: int | None) -> None:
            steps.append(done)
            time.sleep(0.1)

        with opened(path) as store:
            backup(store, tmp_path / "load.tar", report=slowly)
        ahead = int(writer.stdout.readline())
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert ahead >= 1
    restore(tmp_path / "load.tar", str(tmp_path / "place.db"), verify=True)
    with opened(tmp_path / "place.db") as store:
        done = [run for run in store.runs(current_only=False) if run.spec.annotator == "load" and run.windows]
        assert done
        assert all(run.annotation_count == 200 for run in done)


def test_any_cut_is_refused(archive, tmp_path):
    data = archive.read_bytes()
    for kept in (0, 100, 512, 5000, len(data) // 2, len(data) - 10240 - 1):
        archive.write_bytes(data[:kept])
        refused(archive, tmp_path / "place.db")


def test_any_altered_byte_of_a_member_is_refused(archive, tmp_path):
    """A byte of each member: what pads the archive between them says nothing."""
    data = archive.read_bytes()
    with tarfile.open(archive) as opened_archive:
        places = [member.offset_data + member.size // 2 for member in opened_archive.getmembers()]
    assert len(places) == 5
    for place in places:
        archive.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        refused(archive, tmp_path / "place.db")


def refused(archive: Path, place: Path) -> None:
    with pytest.raises(DataInconsistencyError, match="no whole backup"):
        restore(archive, str(place))
    left = [file for file in place.parent.rglob("*") if "place" in file.name]
    assert left == [], "nothing is left behind"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "blobs/../../evil", "blobs/" + "0" * 64, "other"])
def test_members_that_do_not_belong_there_are_refused(archive, tmp_path, name):
    with tarfile.open(archive, "a") as opened_archive:
        opened_archive.addfile(tarfile.TarInfo(name))
    refused(archive, tmp_path / "place.db")
    assert not (tmp_path / "evil").exists()


def test_links_are_refused(archive, tmp_path):
    with tarfile.open(archive, "a") as opened_archive:
        link = tarfile.TarInfo("blobs/" + "0" * 64)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened_archive.addfile(link)
    refused(archive, tmp_path / "place.db")


def test_a_blob_that_was_left_out_is_refused(archive, tmp_path):
    with tarfile.open(archive) as whole, tarfile.open(tmp_path / "less.tar", "w") as less:
        blobs = [member for member in whole.getmembers() if member.name.startswith("blobs/")]
        for member in whole.getmembers():
            if member is not blobs[0]:
                less.addfile(member, whole.extractfile(member))
    refused(tmp_path / "less.tar", tmp_path / "place.db")


def test_a_place_that_is_not_empty_is_refused(path, archive):
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="empty place"):
        restore(archive, str(path))
    assert path.read_bytes() == before


def test_blobs_may_be_named_only(path, tmp_path):
    target = tmp_path / "names.tar"
    with opened(path) as store:
        made = backup(store, target, with_blobs=False)
        before = canonical(store)
    assert (made.blobs, made.has_blobs) == (3, False)
    with tarfile.open(target) as archive:
        assert archive.getnames() == ["store.db", "manifest.json"]
    with pytest.raises(ConfigurationError, match="missing"):
        restore(target, str(tmp_path / "place.db"))
    shutil.copytree(tmp_path / "store.blobs", tmp_path / "place.blobs")
    assert restored(target, tmp_path / "place.db") == before


def test_the_manifest_names_every_file_by_digest(archive):
    with tarfile.open(archive) as opened_archive:
        manifest = json.load(opened_archive.extractfile("manifest.json"))
    assert {"format", "database", "blobs", "audit_head", "revision", "made_by", "sha256"} <= set(manifest)
    assert all(len(blob["sha256"]) == 64 for blob in manifest["blobs"])


def test_a_damaged_store_gives_no_backup(path, tmp_path):
    blob = next((tmp_path / "store.blobs").rglob("*.jpg"))
    blob.write_bytes(b"damaged")
    with opened(path) as store, pytest.raises(DataInconsistencyError, match="damaged"):
        backup(store, tmp_path / "b.tar")
    vandalised(path, "UPDATE annotations SET video_id = 'nobody' WHERE seq = 3")
    with opened(path) as store, pytest.raises(StoreError):
        backup(store, tmp_path / "b.tar", with_blobs=False)
    assert not list(tmp_path.glob("*.tar")) + list(tmp_path.glob(".*"))


def test_a_backup_replaces_nothing(path, archive):
    before = archive.read_bytes()
    with opened(path) as store, pytest.raises(ConfigurationError, match="replaces nothing"):
        backup(store, archive)
    assert archive.read_bytes() == before


def test_what_is_sound_by_its_bytes_and_wrong_by_its_rows_is_not_kept(path, tmp_path):
    """``--verify`` looks at what the digests cannot tell: the store was wrong when it was backed up."""
    vandalised(path, "UPDATE annotations SET confidence = 0.5 WHERE seq = 3")
    with opened(path) as store:
        backup(store, tmp_path / "wrong.tar")
    refused_by_check = tmp_path / "place.db"
    with pytest.raises(DataInconsistencyError, match="problems"):
        restore(tmp_path / "wrong.tar", str(refused_by_check), verify=True)
    assert not list(tmp_path.glob("place*"))
    restore(tmp_path / "wrong.tar", str(refused_by_check), verify=False)
    with contextlib.closing(sqlite3.connect(refused_by_check)) as db:
        assert db.execute("SELECT COUNT(*) FROM annotations").fetchone() == (24,)
