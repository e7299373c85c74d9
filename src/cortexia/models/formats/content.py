"""What a file of weights is, by its bytes and never by its name (S-30, S-31).

Three formats may be opened: ONNX, LiteRT (TFLite) and safetensors; and, as ``model.bin`` of a folder, CTranslate2.
Whatever unpickles, unmarshals or names other files is refused by reason; anything else is refused for being none of
them.
"""

from __future__ import annotations

import ast
import bz2
import errno
import io
import lzma
import mmap
import os
import pickletools  # it reads opcodes and runs none  # nosec B403
import re
import zipfile
import zlib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from cortexia.errors import ModelError
from cortexia.files import translate_os_error
from cortexia.models.formats.protobuf import MalformedProtobuf, external_data, is_onnx
from cortexia.models.formats.safetensors import MalformedSafetensors, check_safetensors, looks_like_safetensors
from cortexia.wording import one_line


class Format(StrEnum):
    ONNX = "onnx"
    TFLITE = "tflite"
    SAFETENSORS = "safetensors"
    CTRANSLATE2 = "ctranslate2"
    PICKLE = "pickle"
    ORT = "ort"
    ZIP = "zip"
    HDF5 = "hdf5"
    NPY = "npy"
    GGUF = "gguf"
    TAR = "tar"
    COMPRESSED = "compressed"
    UNKNOWN = "unknown"


OPENABLE = (Format.ONNX, Format.TFLITE, Format.SAFETENSORS)

_HEAD = 4096
_PICKLE_OPCODES = 2000
_MEMBERS = 1000
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NPY = b"\x93NUMPY"
_DECOMPRESSORS: dict[bytes, Callable[[], zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"x\x01": zlib.decompressobj,
    b"x\x5e": zlib.decompressobj,
    b"x\x9c": zlib.decompressobj,
    b"x\xda": zlib.decompressobj,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lzma.LZMADecompressor,
    b"]\x00\x00": lzma.LZMADecompressor,
}
_CTRANSLATE2 = re.compile(rb"[\x01-\x0f]\0{3}(?:[\x06-\x40]\0)[A-Z][A-Za-z0-9]{3,60}Spec\0")
_LZ4 = b"\x04\x22\x4d\x18"


class _File(io.RawIOBase):
    """The bytes of a view as a file, without a copy of them."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._view)}[whence]
        if begin + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning")
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        part = self._view[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def holds_pickle(path: Path) -> bool:
    """Whether a file is, or holds, pickled or marshalled code. However large it is, it is not copied into memory.
    Raises what ``translate_os_error`` does."""
    with translate_os_error(path), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(mapped)
    try:
        return name_format(view) is Format.PICKLE
    finally:
        view.release()
        mapped.close()


def check_model(data: bytes | memoryview, what: str) -> Format:
    """The format of weights that may be opened. ``what`` names them in errors.

    Raises ``ModelError``: ``pickle``, ``external_data``, ``malformed`` or ``unsupported``.
    """
    view = memoryview(data)
    found = name_format(view)
    if found is Format.PICKLE:
        raise ModelError("pickle", f"{what} holds pickled or marshalled code, which is never loaded; use ONNX weights")
    if found not in OPENABLE:
        raise ModelError("unsupported", f"{what} is no model that can be opened ({found}); ONNX is needed")
    try:
        place = external_data(view) if found is Format.ONNX else None
        if found is Format.SAFETENSORS:
            check_safetensors(view)
    except (MalformedProtobuf, MalformedSafetensors) as error:
        raise ModelError("malformed", f"{what} is no well-formed {found} file: {error}") from error
    if place is not None:
        raise ModelError(
            "external_data", f"{what} keeps tensors in other files ({one_line(place, 100)}); use one with them inside"
        )
    return found


def name_format(data: bytes | memoryview) -> Format:
    """What the bytes are. A container that holds a pickle (or code of Keras layers) counts as a pickle."""
    view = memoryview(data)
    head = bytes(view[:_HEAD])
    for claims, name in _CLAIMS:
        if claims(head):
            return name(view)
    if looks_like_safetensors(view):
        return Format.SAFETENSORS
    if is_onnx(view):
        return Format.ONNX
    if _is_hdf5_later(view):
        return _name_hdf5(view)
    # A zip archive is found from its end: anything may stand before it.
    if zipfile.is_zipfile(_File(view)):
        return _name_zip(view)
    return Format.PICKLE if _is_old_pickle(head) else Format.UNKNOWN


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 and later begin by saying so."""
    return head[:1] == b"\x80" and len(head) > 1 and head[1] <= 16


def _is_old_pickle(head: bytes) -> bool:
    """Protocols 0 and 1 say nothing, so the opcodes are read; text or numbers soon are none."""
    seen = 0
    try:
        for opcode, _, _ in pickletools.genops(head):
            seen += 1
            if opcode.name == "STOP" or seen >= _PICKLE_OPCODES:
                return seen > 1
    except (ValueError, UnicodeDecodeError, OverflowError):
        return len(head) == _HEAD and seen > _PICKLE_OPCODES // 50
    return False


def is_ctranslate2(head: bytes) -> bool:
    """A version, then the name of a specification with its length: plain arrays follow, and no code
    (``Model::load`` of CTranslate2)."""
    return _CTRANSLATE2.match(head) is not None


def _name_npy(view: memoryview) -> Format:
    header = bytes(view[10:_HEAD]).split(b"\n", 1)[0].decode("latin-1").strip().lstrip("\0")
    try:
        described = str(ast.literal_eval(header)["descr"])
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return Format.PICKLE
    return Format.PICKLE if "O" in described else Format.NPY


def _name_zip(view: memoryview) -> Format:
    """PyTorch's archives hold ``data.pkl``, NumPy's arrays, Keras's a config that may name Lambda layers."""
    try:
        with zipfile.ZipFile(io.BufferedReader(_File(view))) as archive:
            for member in archive.infolist()[:_MEMBERS]:
                if member.filename.endswith((".pkl", ".pickle")):
                    return Format.PICKLE
                with archive.open(member) as file:
                    head = file.read(_HEAD)
                    if _is_pickle(head) or (head.startswith(_NPY) and _name_npy(memoryview(head)) is Format.PICKLE):
                        return Format.PICKLE
                    if member.filename == "config.json" and _has_lambda(head + file.read(16 * 1024**2)):
                        return Format.PICKLE
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, NotImplementedError):
        return Format.ZIP
    return Format.ZIP


def _has_lambda(text: bytes | memoryview) -> bool:
    return re.search(rb'"Lambda"', text) is not None


def _name_hdf5(view: memoryview) -> Format:
    """Keras keeps the code of Lambda layers marshalled in an attribute."""
    return Format.PICKLE if _has_lambda(view) else Format.HDF5


def _is_hdf5_later(view: memoryview) -> bool:
    """The signature may stand at 512 bytes, 1024, and so on (HDF5 format specification, section II.A)."""
    at = 512
    while at < min(len(view), 1 << 20):
        if bytes(view[at : at + 8]) == _HDF5:
            return True
        at *= 2
    return False


def _name_compressed(view: memoryview) -> Format:
    """joblib compresses pickles."""
    head = bytes(view[:_HEAD])
    for magic, make in _DECOMPRESSORS.items():
        if head.startswith(magic):
            try:
                inner = make().decompress(head, 64)
            except (zlib.error, OSError, lzma.LZMAError, EOFError):
                return Format.COMPRESSED
            return Format.PICKLE if _is_pickle(inner) else Format.COMPRESSED
    return Format.COMPRESSED


def _always(name: Format) -> Callable[[memoryview], Format]:
    return lambda view: name


_CLAIMS: tuple[tuple[Callable[[bytes], bool], Callable[[memoryview], Format]], ...] = (
    (_is_pickle, _always(Format.PICKLE)),
    (lambda head: head[4:8] == b"TFL3", _always(Format.TFLITE)),
    (is_ctranslate2, _always(Format.CTRANSLATE2)),
    (lambda head: head[4:8] == b"ORTM", _always(Format.ORT)),
    (lambda head: head.startswith(b"PK\x03\x04"), _name_zip),
    (lambda head: head.startswith(_HDF5), _name_hdf5),
    (lambda head: head.startswith(_NPY), _name_npy),
    (lambda head: head.startswith(b"GGUF"), _always(Format.GGUF)),
    (lambda head: head[257:262] == b"ustar", _always(Format.TAR)),
    (lambda head: head.startswith((*_DECOMPRESSORS, _LZ4)), _name_compressed),
)
