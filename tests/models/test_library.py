"""Weights are found by digest, opened only when every byte is right, and what is amiss is told with its remedy."""

from __future__ import annotations

import contextlib
import os
import pickle  # noqa: TID251 - to write what must be refused
import tempfile
from pathlib import Path

import pytest
from tiny_onnx import entry_of, external_tensor, field, model, scaling

from cortexia.digests import IdentityCache
from cortexia.errors import ModelError
from cortexia.models.library import ModelLibrary, incoming_path

DATA = scaling()
ENTRY = entry_of(DATA)


def reason(library: ModelLibrary, entry=ENTRY) -> str:
    with pytest.raises(ModelError, match=f"cortexia models pull {entry.id}") as raised:
        library.read(entry)
    return raised.value.reason


def settled(path, data: bytes):
    """A file old enough for its digest to be remembered."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_the_name_and_the_place_do_not_matter(tmp_path):
    path = settled(tmp_path / "b" / "deep" / "weights.bin", DATA)
    library = ModelLibrary([tmp_path / "nowhere", tmp_path / "b"])
    assert library.find(ENTRY) == path
    assert library.read(ENTRY) == (DATA, "onnx")


def test_earlier_folders_go_first(tmp_path):
    for name in ("a", "b"):
        settled(tmp_path / name / "w.onnx", DATA)
    assert ModelLibrary([tmp_path / "b", tmp_path / "a"]).where(ENTRY) == tmp_path / "b" / "w.onnx"


def test_links_to_files_count_and_hidden_files_do_not(tmp_path):
    hidden = settled(tmp_path / ".blobs" / "123", DATA)
    library = ModelLibrary([tmp_path])
    assert library.find(ENTRY) is None
    (tmp_path / "link.onnx").symlink_to(hidden)
    (tmp_path / "broken.onnx").symlink_to(tmp_path / "gone")
    library.forget()
    assert library.find(ENTRY) == tmp_path / "link.onnx"


def test_files_of_another_size_are_not_hashed(tmp_path, monkeypatch):
    settled(tmp_path / "large.onnx", DATA + b"more")
    hashed = []
    monkeypatch.setattr(ModelLibrary, "digest", lambda self, path: hashed.append(path))
    assert ModelLibrary([tmp_path]).find(ENTRY) is None
    settled(tmp_path / "same.onnx", b"\0" * len(DATA))
    assert ModelLibrary([tmp_path]).find(ENTRY) is None
    assert hashed == [tmp_path / "same.onnx"]


def test_nothing_there_is_missing(tmp_path):
    assert reason(ModelLibrary([tmp_path])) == "missing"
    assert reason(ModelLibrary([])) == "missing"


def test_a_flipped_byte_is_a_mismatch(tmp_path):
    settled(tmp_path / ENTRY.file, DATA[:-1] + bytes([DATA[-1] ^ 1]))
    assert reason(ModelLibrary([tmp_path])) == "digest_mismatch"


def test_a_byte_flipped_behind_the_memory_is_a_mismatch(tmp_path):
    path = settled(tmp_path / "w.onnx", DATA)
    library = ModelLibrary([tmp_path], IdentityCache(tmp_path / "cache"))
    assert library.read(ENTRY)
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(20)
        file.write(b"\xff")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert library.find(ENTRY) == path, "the remembered digest is that of before"
    assert reason(library) == "digest_mismatch"


def test_digests_are_remembered(tmp_path, monkeypatch):
    settled(tmp_path / "w.onnx", DATA)
    cache = IdentityCache(tmp_path / "cache")
    ModelLibrary([tmp_path], cache).find(ENTRY)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed again"))
    assert ModelLibrary([tmp_path], cache).find(ENTRY) is not None


@pytest.mark.parametrize("part", ["in place", "incoming"])
def test_half_a_file_is_half_written(tmp_path, part):
    incoming = incoming_path(tmp_path, ENTRY)
    path = tmp_path / ENTRY.file if part == "in place" else incoming.with_name(incoming.name + ".part")
    settled(path, DATA[:40])
    assert reason(ModelLibrary([tmp_path])) == "half_written"


def test_a_pickle_in_its_place_is_told_as_one(tmp_path):
    settled(tmp_path / ENTRY.file, pickle.dumps([1, 2]))
    assert reason(ModelLibrary([tmp_path])) == "pickle"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (pickle.dumps(print), "pickle"),
        (model(field(5, external_tensor("w", "../x"))), "external_data"),
        (b"just text", "unsupported"),
    ],
)
def test_the_right_digest_does_not_open_what_must_not_be(tmp_path, data, why):
    settled(tmp_path / "w.onnx", data)
    with pytest.raises(ModelError) as raised:
        ModelLibrary([tmp_path]).read(entry_of(data))
    assert raised.value.reason == why


def test_a_model_that_is_too_large_is_not_read(tmp_path):
    settled(tmp_path / "w.onnx", DATA)
    with pytest.raises(ModelError, match="at most 10 are opened") as raised:
        ModelLibrary([tmp_path], size_limit=10).read(ENTRY)
    assert raised.value.reason == "too_large"


def test_verify_hashes_anew_and_knows_what_is_claimed(tmp_path):
    path = settled(tmp_path / "w.onnx", DATA)
    cut = entry_of(scaling(3.0), "cut")
    settled(tmp_path / cut.file, b"\x08")
    library = ModelLibrary([tmp_path])
    assert library.verify(ENTRY) == path
    assert [entry.id for entry in library.claimed([ENTRY, cut, entry_of(b"x", "absent")])] == ["tiny", "cut"]


@contextlib.contextmanager
def as_nobody():
    """Root may read everything: for a while this process is somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_named_for_that():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = settled(folder / ENTRY.file, DATA)
        path.chmod(0)
        with as_nobody():
            assert reason(ModelLibrary([folder])) == "unreadable"
