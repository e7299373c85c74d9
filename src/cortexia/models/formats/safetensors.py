"""Whether the header of a safetensors file is sound. Nothing is loaded here.

Source: github.com/huggingface/safetensors, README, "Format": a little-endian uint64 N, N bytes of JSON, then the data.
"""

from __future__ import annotations

import json
import math
from typing import Any

_HEADER_LIMIT = 100_000_000
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


class MalformedSafetensors(ValueError):
    """The header says what cannot be."""


def looks_like_safetensors(data: memoryview) -> bool:
    return len(data) > 8 and data[8] == ord("{") and (bytes(data[9:10]) in (b'"', b"}", b" "))


def check_safetensors(data: memoryview) -> None:
    """Raises ``MalformedSafetensors`` unless the header fits the file and its tensors tile the data exactly."""
    length = int.from_bytes(data[:8], "little")
    if length > _HEADER_LIMIT or 8 + length > len(data):
        raise MalformedSafetensors(f"a header of {length} bytes in a file of {len(data)}")
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
    except (ValueError, RecursionError) as error:
        raise MalformedSafetensors(f"the header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise MalformedSafetensors("the header is no JSON object")
    spans = sorted(_span(name, tensor) for name, tensor in header.items() if name != "__metadata__")
    at = 0
    for begin, end in spans:
        if begin != at:
            raise MalformedSafetensors(f"a tensor begins at byte {begin}, the one before ends at {at}")
        at = end
    if at != len(data) - 8 - length:
        raise MalformedSafetensors(f"tensors end at byte {at}, the data at {len(data) - 8 - length}")


def _span(name: str, tensor: Any) -> tuple[int, int]:
    try:
        begin, end = (_count(value) for value in tensor["data_offsets"])
        bits = _BITS[tensor["dtype"]] * math.prod(_count(side) for side in tensor["shape"])
    except (TypeError, KeyError, ValueError) as error:
        raise MalformedSafetensors(f"tensor {name!r} is not described as one: {error!r}") from error
    if bits != 8 * (end - begin):
        raise MalformedSafetensors(f"tensor {name!r} has {bits} bits by its shape and {8 * (end - begin)} in the file")
    return begin, end


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
