"""ONNX models of a few bytes, written field by field: no package for it is needed."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from cortexia.models.base import ModelEntry

FLOAT = 1
EXTERNAL = 1


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: list[float], more: bytes = b"") -> bytes:
    raw = struct.pack(f"<{len(values)}f", *values)
    return field(1, len(values)) + field(2, FLOAT) + field(8, name) + field(9, raw) + more


def external_tensor(name: str, location: str) -> bytes:
    entry = field(1, "location") + field(2, location)
    return field(1, 4) + field(2, FLOAT) + field(8, name) + field(13, entry) + field(14, EXTERNAL)


def value_info(name: str, length: int | str) -> bytes:
    side = field(1, length) if isinstance(length, int) else field(2, length)
    shape = field(1, side)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def node(op: str, inputs: list[str], outputs: list[str], domain: str = "", attributes: bytes = b"") -> bytes:
    named = b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs)
    return named + field(4, op) + attributes + field(7, domain)


def model(graph: bytes, domains: tuple[str, ...] = ("",), more: bytes = b"") -> bytes:
    imports = b"".join(field(8, field(1, domain) + field(2, 13)) for domain in domains)
    return field(1, 8) + imports + field(7, graph) + more


def scaling(factor: float = 2.0, length: int = 4) -> bytes:
    """``y = x * factor`` over ``length`` numbers."""
    graph = field(1, node("Mul", ["x", "w"], ["y"])) + field(2, "scaling") + field(5, tensor("w", [factor] * length))
    return model(graph + field(11, value_info("x", length)) + field(12, value_info("y", length)))


def entry_of(data: bytes, model_id: str = "tiny", url: str = "https://example.org/tiny.onnx", **more) -> ModelEntry:
    """The entry of a catalogue for these bytes."""
    return ModelEntry(
        id=model_id,
        task="a test",
        file=more.pop("file", f"{model_id}.onnx"),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        url=url,
        adapter="none",
        **more,
    )


def write_catalogue(path: Path, *entries: ModelEntry) -> Path:
    """The entries as a user's own catalogue."""
    keys = ("id", "task", "file", "size_bytes", "sha256", "licence", "url", "adapter", "signature_url")
    lines = []
    for entry in entries:
        lines.append("[[model]]")
        for key in keys:
            value = getattr(entry, key)
            if value is not None:
                lines.append(f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"')
    path.write_text("\n".join(lines) + "\n")
    return path
