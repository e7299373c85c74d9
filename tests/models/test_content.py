"""What files of weights are, whatever their name; and that nothing in them ever runs."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import pickle  # noqa: TID251 - to write what must be refused
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from tiny_onnx import scaling

from cortexia.errors import ModelError
from cortexia.models.formats.content import Format, check_model, holds_pickle, name_format

HDF5 = b"\x89HDF\r\n\x1a\n"


def sparse(path, head: bytes, tail: bytes = b"", size: int = 64 << 20):
    """A file of ``size`` bytes, most of which are zeros that take no room."""
    with path.open("wb") as file:
        file.write(head)
        file.seek(size - len(tail))
        file.write(tail or b"\0")
    return path


@pytest.mark.parametrize(
    ("head", "tail", "is_code"),
    [
        (b"\0\0", b"", False),
        (b"any text", b"", False),
        (b"\x89HDF\r\n\x1a\n", b"", False),
        (b"\x89HDF\r\n\x1a\n", b'"Lambda"', True),
        (pickle.dumps(print), b"", True),
    ],
)
def test_a_large_file_is_looked_at_and_not_copied(tmp_path, head, tail, is_code):
    path = sparse(tmp_path / "large", head, tail)
    tracemalloc.start()
    try:
        assert holds_pickle(path) is is_code
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_large_archive_is_looked_at_and_not_copied(tmp_path):
    archive = zipped(data_dot_pkl=pickled())
    path = sparse(tmp_path / "large", b"anything", archive, 64 << 20)
    tracemalloc.start()
    try:
        assert holds_pickle(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_an_empty_file_holds_nothing(tmp_path):
    (tmp_path / "empty").touch()
    assert not holds_pickle(tmp_path / "empty")


class Canary:
    """Unpickled, it leaves a mark."""

    def __reduce__(self):
        return (print, ("unpickled",))


def pickled(protocol: int = 2) -> bytes:
    return pickle.dumps([Canary(), list(range(50))], protocol=protocol)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


PICKLES = {
    **{f"protocol {number}": pickled(number) for number in range(6)},
    "protocol 0, long": pickle.dumps(list(range(5000)), protocol=0),
    "torch archive": zipped(archive__data_dot_pkl=pickled(), archive__version=b"3"),
    "member of another name": zipped(weights=pickled()),
    "polyglot": b"junk before" * 100 + zipped(archive__data_dot_pkl=pickled()),
    "joblib, zlib": zlib.compress(pickled()),
    "joblib, gzip": gzip.compress(pickled(), mtime=0),
    "joblib, bz2": bz2.compress(pickled()),
    "joblib, xz": lzma.compress(pickled()),
    "object array": npy(np.array([{}, None], dtype=object)),
    "object field": npy(np.zeros(2, dtype=[("a", "f4"), ("b", "O")])),
    "object array in npz": zipped(a_dot_npy=npy(np.array([{}], dtype=object))),
    "Lambda in HDF5": HDF5 + b"\0" * 600 + b'{"class_name": "Lambda", "config": {}}',
    "Lambda in HDF5 after a user block": b"\0" * 512 + HDF5 + b'{"class_name": "Lambda"}',
    "Lambda in Keras": zipped(config_dot_json=b'{"class_name": "Lambda"}'),
}


@pytest.mark.parametrize("data", PICKLES.values(), ids=PICKLES)
def test_pickles_are_refused_wherever_they_hide(data, capsys):
    with pytest.raises(ModelError, match="never loaded") as raised:
        check_model(data, "w.onnx")
    assert raised.value.reason == "pickle"
    assert "unpickled" not in capsys.readouterr().out


def test_the_canary_sings_when_unpickled(capsys):
    pickle.loads(pickled())
    assert "unpickled" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (scaling(), Format.ONNX),
        (struct.pack("<I", 28) + b"TFL3" + b"\0" * 40, Format.TFLITE),
        (struct.pack("<Q", 2) + b"{}", Format.SAFETENSORS),
        (npy(np.zeros(3)), Format.NPY),
        (zipped(a=b"text"), Format.ZIP),
        (HDF5 + b"\0" * 50, Format.HDF5),
        (gzip.compress(b"text", mtime=0), Format.COMPRESSED),
        (b"\x04\x22\x4d\x18 lz4", Format.COMPRESSED),
        (b"x\x9c no stream", Format.COMPRESSED),
        (b"\0\0\0\0ORTM", Format.ORT),
        (b"GGUF", Format.GGUF),
        (b"\0" * 257 + b"ustar", Format.TAR),
        (b"PK\x03\x04 broken", Format.ZIP),
        (b"a page of text, with commas. And stops.", Format.UNKNOWN),
        (b"", Format.UNKNOWN),
        (b"\0" * 5000, Format.UNKNOWN),
    ],
)
def test_formats_are_told_by_content(data, found):
    assert name_format(data) is found
    if found not in ("onnx", "tflite", "safetensors"):
        with pytest.raises(ModelError) as raised:
            check_model(data, "w.onnx")
        assert raised.value.reason == "unsupported"


@pytest.mark.data
def test_hostile_models_end_as_their_list_says(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("BADMEDIA_CANARY_DIR", str(tmp_path))
    rows = list(csv.DictReader((data_dir / "badmedia" / "manifest.csv").open(encoding="utf-8")))
    ended = {}
    for row in rows:
        if row["kind"] == "model":
            try:
                check_model((data_dir / "badmedia" / row["path"]).read_bytes(), row["path"])
                ended[row["path"]] = "ACCEPT"
            except ModelError:
                ended[row["path"]] = "REJECT"
    assert ended == {row["path"]: row["expected"] for row in rows if row["kind"] == "model"}
    assert len(ended) == 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.data
def test_real_models_are_known(data_dir):
    for path in (data_dir / "models").rglob("*.*"):
        if path.suffix in (".onnx", ".tflite"):
            assert check_model(path.read_bytes(), path.name) == path.suffix[1:]


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


@pytest.mark.parametrize(
    "data",
    [
        safetensors(b'{"a": 3}'),
        safetensors(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}', b"1234"),
        safetensors(b'{"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}', b"1234"),
        safetensors(b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}', b"1234"),
        safetensors(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"12345"),
        safetensors(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'),
        safetensors(b'{"a"' + b"[" * 100_000),
    ],
)
def test_safetensors_that_do_not_add_up_are_refused(data):
    with pytest.raises(ModelError) as raised:
        check_model(data, "w")
    assert raised.value.reason == "malformed"
