"""RAR archives, with and without what they need."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import pytest
from archiving import NOISE, refusal, unpack

from cortexia.archives import archive_format
from cortexia.errors import MissingDependencyError, RejectedInput


def rar_of(path: Path, files: dict[str, bytes], packed: bool = False) -> Path:
    """A RAR 5 archive; its members are stored, or said to be packed."""

    def number(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    def block(body: bytes, data: bytes = b"") -> bytes:
        sized = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(sized)) + sized + data

    blocks = [block(number(1) + number(0) + number(0))]
    for name, data in files.items():
        text = name.encode()
        fields = [2, 2, len(data), 4, len(data), 0o644]
        body = b"".join(map(number, fields)) + struct.pack("<I", zlib.crc32(data))
        body += b"".join(map(number, [(3 << 7) if packed else 0, 1, len(text)])) + text
        blocks.append(block(body, data))
    path.write_bytes(b"Rar!\x1a\x07\x01\0" + b"".join(blocks) + block(number(5) + number(0) + number(0)))
    return path


def test_a_rar_is_unpacked(tmp_path):
    path = rar_of(tmp_path / "a.bin", {"a/x": NOISE, "y": b"1"})
    assert archive_format(path) == "rar"
    found = unpack(path, tmp_path / "out")
    assert {file.name: file.path.read_bytes() for file in found.files} == {"a/x": NOISE, "y": b"1"}


@pytest.mark.parametrize("name", ["../x", "/x", "a\\..\\x", "con"])
def test_a_rar_with_a_bad_name_is_refused(tmp_path, name):
    assert refusal(rar_of(tmp_path / "a.rar", {name: NOISE}), tmp_path) == "unsafe_archive"


def test_a_damaged_rar_is_unreadable(tmp_path):
    path = rar_of(tmp_path / "a.rar", {"x": NOISE})
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(RejectedInput):
        unpack(path, tmp_path / "out")


def test_without_a_program_the_error_names_it_and_the_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = rar_of(tmp_path / "a.rar", {"x": NOISE}, packed=True)
    with pytest.raises(RejectedInput, match=r"unar.*cortexia\[rar\]"):
        unpack(path, tmp_path / "out")


def test_without_rarfile_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rarfile", None)
    with pytest.raises(MissingDependencyError, match=r"cortexia\[rar\]"):
        unpack(rar_of(tmp_path / "a.rar", {"x": NOISE}), tmp_path / "out")
