"""Files: whole or not at all, and never outside."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cortexia import files
from cortexia.errors import DiskFullError, ReadOnlyError, ResourceError, ValidationError


def test_a_write_is_whole_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "a.json"
    files.atomic_write(target, b"one")
    files.atomic_write(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EROFS, ReadOnlyError),
        (errno.EACCES, ReadOnlyError),
        (errno.EIO, ResourceError),
    ],
)
def test_an_error_is_named_and_the_old_content_stays(tmp_path, monkeypatch, number, kind):
    target = tmp_path / "a.json"
    files.atomic_write(target, b"old")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(kind, match=r"a\.json"):
        files.atomic_write(target, b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_made_with_their_parents(tmp_path):
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../x",
        "a//b",
        "/etc/passwd",
        "a\\b",
        "C:x",
        "c:/x",
        "a\0b",
        "a\nb",
        "con",
        "con.mp4",
        "nul.txt",
        "COM1",
        "a.",
        "a ",
        "a:stream",
        "x" * 256,
        "a/" + "x" * 256,
        "\udcff",
    ],
)
def test_names_that_lead_astray_are_refused(tmp_path, name):
    with pytest.raises(ValidationError):
        files.safe_join(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "a/b.json", "%03d", "$(touch x).mp4", "-dash", "\U0001f3ac.mp4", "x" * 255])
def test_odd_names_that_stay_inside_are_allowed(tmp_path, name):
    assert files.safe_join(tmp_path, name).is_relative_to(tmp_path)


def test_links_are_not_followed(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(tmp_path)
    with pytest.raises(ValidationError, match="symbolic link"):
        files.safe_join(base, "link/x")


def test_file_systems_are_known_by_their_mounts(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/root / ext4 rw 0 0\nserver:/a /mnt/with\\040space nfs rw 0 0\n")
    assert files.filesystem_type(Path("/usr/x"), mounts) == "ext4"
    assert files.filesystem_type(Path("/mnt/with space/x"), mounts) == "nfs"
    assert files.filesystem_type(Path("/x"), tmp_path / "missing") is None
    assert files.is_network_filesystem("nfs")
    assert not files.is_network_filesystem("ext4")
    assert not files.is_network_filesystem(None)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_file_gets_the_permissions_that_any_new_file_gets(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        files.atomic_write(tmp_path / "page.html", b"to be looked at by others")
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == mode
