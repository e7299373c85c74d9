"""What comes out of archives."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile

import pytest
from archiving import NOISE, unpack

from cortexia.archives import archive_format, extract
from cortexia.errors import RejectedInput

ODD_NAMES = ["%03d.mp4", "-dash", "$(touch x)", "<b>", "quo'te\"", "star*", "\U0001f3ac.mp4", "a/b/c", "x" * 255]


def test_files_come_out_whole_under_names_of_ours(make, tmp_path):
    files = {"a/one.bin": NOISE, "two": b"", "a/b/three": b"x" * 2_000_000}
    path = make("named.txt", files)
    assert archive_format(path) == make.kind
    found = unpack(path, tmp_path / "out")
    assert {file.name: file.path.read_bytes() for file in found.files} == files
    assert {file.name: file.sha256 for file in found.files} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["000000", "000001", "000002"]


def test_only_what_is_wanted_is_written(make, tmp_path):
    found = unpack(
        make("a", {"x.txt": b"text", "y": NOISE}), tmp_path / "out", None, lambda name, head: head != b"text"
    )
    assert [file.name for file in found.files] == ["y"]
    assert found.left_out == ("x.txt",)
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_odd_names_that_stay_inside_are_only_names(make, tmp_path):
    found = unpack(make("a", dict.fromkeys(ODD_NAMES, b"x")), tmp_path / "out")
    assert [file.name for file in found.files] == ODD_NAMES


def test_folders_may_be_listed_and_implied(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("a")
        archive.writestr("a/x", b"1")
        archive.writestr("a/y", b"2")
    assert [file.name for file in unpack(tmp_path / "a.zip", tmp_path / "out").files] == ["a/x", "a/y"]


def test_modes_do_not_come_along(make_tar, tmp_path):
    entry = tarfile.TarInfo("setuid")
    entry.mode = 0o6777
    (file,) = unpack(make_tar({"setuid": entry}), tmp_path / "out").files
    assert file.path.stat().st_mode & 0o7111 == 0


def test_archives_within_stay_as_they_are(make, make_zip, tmp_path):
    inner = make_zip({"deep": NOISE}).read_bytes()
    (file,) = unpack(make("outer", {"inner.zip": inner}), tmp_path / "out").files
    assert file.path.read_bytes() == inner


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_cut_archive_is_unreadable_unless_only_its_padding_is_gone(make, tmp_path, share):
    path = make("a", {"x": NOISE, "y": NOISE})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    reason, files = None, ()
    try:
        files = unpack(path, tmp_path / "out").files
    except RejectedInput as error:
        reason = error.reason
    assert reason in ("unreadable", "not_media") or [file.path.read_bytes() for file in files] == [NOISE, NOISE]


def test_a_changed_byte_in_a_zip_is_noticed(make_zip, tmp_path):
    path = make_zip({"a": NOISE})
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(RejectedInput, match="damaged"):
        unpack(path, tmp_path / "out")


def test_what_is_no_archive_is_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"\0" * 600)
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"only text, no tar"))
    for path in tmp_path.iterdir():
        assert archive_format(path) is None
        with pytest.raises(RejectedInput, match="not an archive"):
            extract(path, tmp_path, lambda name, head: True)
