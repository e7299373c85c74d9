"""Archives that are refused whole, with nothing written (S-08, S-10)."""

from __future__ import annotations

import tarfile
import zipfile

import pytest
from archiving import NOISE, refusal

BAD_NAMES = [
    *("..", ".", "../x", "../../x", "a/../x", "a/../../x", "a/..", "./x", "a/./x", "a//x", "/x", "//x", "/etc/passwd"),
    *("a\\b", "..\\x", "\\\\server\\x", "C:x", "c:/x", "C:\\x", "x:stream", "a\nb", "a\x1bb", "a\x7fb"),
    *("con", "con.mp4", "nul", "COM1.txt", "lpt9", "a.", "a ", "x" * 256, "a/" + "x" * 256),
]


def test_there_are_thirty_bad_names():
    assert len(set(BAD_NAMES)) >= 30


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_astray_condemns_the_archive(make_zip, make_tar, tmp_path, name):
    for path in (make_zip({"good": NOISE, name: NOISE}), make_tar({"good": NOISE, name: NOISE})):
        assert refusal(path, tmp_path) == "unsafe_archive"


def test_a_name_cut_by_a_nul_is_judged_as_it_is_stored(make_zip, tmp_path):
    path = make_zip({"ok.mp4?../../x": NOISE})
    path.write_bytes(path.read_bytes().replace(b"ok.mp4?", b"ok.mp4\0"))
    assert zipfile.ZipFile(path).namelist() == ["ok.mp4"]  # what the library makes of it
    assert refusal(path, tmp_path) == "unsafe_archive"


def test_what_the_standard_library_would_write(make_zip, tmp_path):
    """Negative control: left alone it makes the names fit, and the odd file appears."""
    path = make_zip({"../../escaped.txt": NOISE})
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "naive")
    assert (tmp_path / "naive" / "escaped.txt").exists()


def test_a_tar_left_alone_escapes(make_tar, tmp_path):
    """Negative control: without a filter the file lies outside its target."""
    path = make_tar({"../escaped.txt": NOISE})
    with tarfile.open(path) as archive:
        (tmp_path / "a" / "naive").mkdir(parents=True)
        trusting = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path / "a" / "naive", **trusting)
    assert (tmp_path / "a" / "escaped.txt").exists()
    assert refusal(path, tmp_path) == "unsafe_archive"


@pytest.mark.parametrize(
    "names",
    [("a", "a"), ("A.mp4", "a.mp4"), ("stra\u00dfe", "STRASSE"), ("e\u0301", "\u00e9"), ("a", "a/b"), ("A/x", "a/y")],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_somewhere_collide(make_tar, tmp_path, names):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    assert refusal(tmp_path / "a.tar", tmp_path) == "unsafe_archive"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_condemn_a_tar(make_tar, tmp_path, kind):
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = kind, "good"
    assert refusal(make_tar({"good": NOISE, "link": entry}), tmp_path) == "unsafe_archive"


@pytest.mark.parametrize("kind", [0o120777, 0o020666, 0o010666, 0o140777])
def test_links_and_devices_condemn_a_zip(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = kind << 16
        archive.writestr(entry, "/etc/passwd")
    assert refusal(tmp_path / "a.zip", tmp_path) == "unsafe_archive"


def test_a_sparse_tar_is_refused(tmp_path):
    entry = tarfile.TarInfo("sparse")
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        entry.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000000000"}
        archive.addfile(entry)
    assert refusal(tmp_path / "a.tar", tmp_path) == "unsafe_archive"


def test_encrypted_members_are_told(make_zip, tmp_path):
    path = make_zip({"a": NOISE})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refusal(path, tmp_path) == "encrypted"
