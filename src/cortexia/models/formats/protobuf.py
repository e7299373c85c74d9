"""What must be known of an ONNX file before a runtime reads it, from the wire format alone.

A runtime follows the paths that a tensor with external data names (CVE-2022-25882, CVE-2024-27318), and loaded from
memory it takes them relative to the working folder. So the message is walked first, by the field numbers of
onnx.proto3 (ONNX 1.21), into everything that can hold a tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEPTH_LIMIT = 64
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14


class MalformedProtobuf(ValueError):
    """The bytes are no message of the wanted type."""


@dataclass
class _Message:
    """Which fields of a message lead on to tensors."""

    name: str
    fields: dict[int, _Message] = field(default_factory=dict)


_TENSOR = _Message("TensorProto")
_SPARSE = _Message("SparseTensorProto", {1: _TENSOR, 2: _TENSOR})
_GRAPH = _Message("GraphProto")
_ATTRIBUTE = _Message("AttributeProto", {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE})
_NODE = _Message("NodeProto", {5: _ATTRIBUTE})
_GRAPH.fields.update({1: _NODE, 5: _TENSOR, 15: _SPARSE})
_FUNCTION = _Message("FunctionProto", {7: _NODE, 11: _ATTRIBUTE})
_TRAINING = _Message("TrainingInfoProto", {1: _GRAPH, 2: _GRAPH})
_MODEL = _Message("ModelProto", {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION})
_MODEL_FIELDS = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26))


def is_onnx(data: memoryview) -> bool:
    """Whether the outermost message has a graph, and fields of a model only."""
    try:
        numbers = {number for number, _ in read_fields(data)}
    except MalformedProtobuf:
        return False
    return 7 in numbers and numbers <= _MODEL_FIELDS


def external_data(data: memoryview) -> str | None:
    """What the first tensor with data outside of the file says of where they are; ``None`` where there is none.

    Raises ``MalformedProtobuf``.
    """
    return next(_external(data, _MODEL, 0), None)


def _external(data: memoryview, message: _Message, depth: int) -> Iterator[str]:
    if depth > _DEPTH_LIMIT:
        raise MalformedProtobuf(f"messages in messages, more than {_DEPTH_LIMIT} deep")
    for number, value in read_fields(data):
        if message is _TENSOR:
            yield from _place(number, value)
        inner = message.fields.get(number)
        if inner is None:
            continue
        if not isinstance(value, memoryview):
            raise MalformedProtobuf(f"field {number} of {message.name} is no message")
        yield from _external(value, inner, depth + 1)


def _place(number: int, value: int | memoryview) -> Iterator[str]:
    if number == _TENSOR_EXTERNAL_DATA:
        yield bytes(value).decode("utf-8", "backslashreplace") if isinstance(value, memoryview) else str(value)
    # An enum is read as 32 bits, whatever was written.
    elif number == _TENSOR_DATA_LOCATION and (not isinstance(value, int) or value & 0xFFFFFFFF):
        yield "somewhere else"


def read_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers with their values: numbers as unsigned integers, anything of a length as a view of the bytes.

    Groups, which ONNX has none of, are refused. Raises ``MalformedProtobuf``. Source: protobuf.dev, "Encoding".
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or tag > 0xFFFFFFFF:
            raise MalformedProtobuf(f"no field at byte {at}")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise MalformedProtobuf(f"wire type {kind} at byte {at}")
        if at + length > end:
            raise MalformedProtobuf(f"a field of {length} bytes where {end - at} are left")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise MalformedProtobuf("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise MalformedProtobuf("a number of more than ten bytes")
