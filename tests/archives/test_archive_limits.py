"""How much an archive may hold: at the limit it is unpacked, one beyond it is refused."""

from __future__ import annotations

import struct
import tarfile
import zipfile
from dataclasses import replace

import pytest
from archiving import NOISE, refusal, unpack

from cortexia.archives import ArchiveLimits
from cortexia.archives.metered import CappedReads
from cortexia.errors import RejectedInput


def test_the_limits_are_those_promised():
    assert ArchiveLimits() == ArchiveLimits(
        total_bytes=10_000_000_000, entries=10_000, ratio=100, ratio_free_bytes=10_000_000
    )


@pytest.mark.parametrize(("limits", "reason"), [({"total_bytes": 6000}, "too_large"), ({"entries": 2}, "too_large")])
def test_an_archive_at_and_beyond_a_limit(make, tmp_path, limits, reason):
    path = make("a", {"x": NOISE, "y": NOISE})
    assert len(unpack(path, tmp_path / "in", replace(ArchiveLimits(), **limits)).files) == 2
    ((name, value),) = limits.items()
    assert refusal(path, tmp_path, replace(ArchiveLimits(), **{name: value - 1})) == reason


def test_folders_count_as_entries(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("a")
        archive.writestr("a/x", b"1")
    assert refusal(tmp_path / "a.zip", tmp_path, ArchiveLimits(entries=1)) == "too_large"


@pytest.mark.parametrize(("unpacked", "packed", "allowed"), [(1000, 10, True), (1001, 10, False), (50, 0, True)])
def test_the_ratio_holds_beyond_its_free_bytes(unpacked, packed, allowed):
    assert ArchiveLimits(ratio=100, ratio_free_bytes=50).allow_ratio(unpacked, packed) is allowed


def test_a_member_at_and_beyond_the_ratio(make_zip, tmp_path):
    path = make_zip({"a": bytes(100_000)})
    packed = zipfile.ZipFile(path).infolist()[0].compress_size
    exact = -(-100_000 // packed)
    assert unpack(path, tmp_path / "in", ArchiveLimits(ratio=exact, ratio_free_bytes=0)).files
    assert refusal(path, tmp_path, ArchiveLimits(ratio=exact - 1, ratio_free_bytes=0)) == "too_large"
    assert unpack(path, tmp_path / "in2", ArchiveLimits(ratio=1, ratio_free_bytes=100_000)).files
    assert refusal(path, tmp_path, ArchiveLimits(ratio=1, ratio_free_bytes=99_999)) == "too_large"


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_packed_tar_is_left_where_it_unpacks_too_far(make_tar, tmp_path, kind):
    path = make_tar({"a": bytes(3_000_000)}, f"w:{kind}")
    assert refusal(path, tmp_path, ArchiveLimits(ratio_free_bytes=1_000_000)) == "too_large"
    assert unpack(path, tmp_path / "in", ArchiveLimits(ratio=100_000)).files


def test_a_member_that_holds_more_than_it_states(make_zip, tmp_path):
    path = make_zip({"a": NOISE * 1000})
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(magic) + at, 100)
    path.write_bytes(data)
    out = tmp_path / "out"
    with pytest.raises(RejectedInput):
        unpack(path, out)
    assert sum(file.stat().st_size for file in out.iterdir()) <= 100


def test_members_that_share_their_data_are_refused(make_zip, tmp_path):
    path = make_zip({"a": NOISE, "b": NOISE})
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, second + 42, 0)
    path.write_bytes(data)
    assert refusal(path, tmp_path) == "unsafe_archive"


def test_a_directory_of_too_many_entries_is_not_read_at_all(tmp_path):
    """Entries are counted when each is an object already: 300,000 of them take seconds and 160 MB."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4000):
            archive.writestr(f"{number:03}", b"")
    with pytest.raises(RejectedInput, match="read at once") as caught:
        unpack(path, tmp_path / "out", ArchiveLimits(entries=100))
    assert caught.value.reason == "too_large"
    with pytest.raises(RejectedInput, match="more than 3999 entries"):
        unpack(path, tmp_path / "out2", ArchiveLimits(entries=3999))


def test_a_header_of_any_length_is_not_read_whole(make_tar, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("x" * 3_000_000))
    assert refusal(tmp_path / "a.tar", tmp_path, ArchiveLimits(header_bytes=1_000_000)) == "too_large"
    with (tmp_path / "a.tar").open("rb") as file, pytest.raises(RejectedInput):
        CappedReads(file, 100).read()
