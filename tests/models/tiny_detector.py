"""A network with the inputs and outputs of YOLOX for any number of pictures at once, in a few kilobytes.

It finds what is bright: each of its 52 x 52 smallest cells reports a box of six cells a side, surer the brighter the
five cells around it are. The two coarser grids report nothing.
"""

from __future__ import annotations

import struct

import numpy as np
from tiny_onnx import FLOAT, field, model, node

SIDE, CLASSES = 416, 80
STRIDES = (8, 16, 32)
_INT64, _INTS, _INT = 7, 7, 2
_LEVEL, _SLOPE = 180.0, 1 / 20
_CELLS = 6.0
_NEVER, _SURE = -20.0, 20.0


def bright_finder(label: int = 0, batch: int | str = "n") -> bytes:
    """The bytes of the model. ``label``: index of the class that it reports; ``batch``: how many pictures it takes, a
    number or a name for any."""
    parts = [field(1, node("ReduceMean", ["images"], ["luma"], attributes=_ints("axes", [1]) + _int("keepdims", 1)))]
    weights: list[bytes] = []
    for stride in STRIDES:
        nodes, held = _grid(stride, label)
        parts += nodes
        weights += held
    joined = node("Concat", [f"rows{stride}" for stride in STRIDES], ["output"], attributes=_int("axis", 1))
    cells = sum((SIDE // stride) ** 2 for stride in STRIDES)
    graph = b"".join(parts) + field(1, joined) + field(2, "bright") + b"".join(weights)
    graph += field(11, _value("images", [batch, 3, SIDE, SIDE])) + field(
        12, _value("output", [batch, cells, 5 + CLASSES])
    )
    return model(graph)


def _grid(stride: int, label: int) -> tuple[list[bytes], list[bytes]]:
    """Nodes and weights that make the rows of one grid from ``luma``."""
    name = str(stride)
    around = 5 * stride
    pooled = _ints("kernel_shape", [around, around]) + _ints("strides", [stride, stride])
    pooled += _ints("pads", [2 * stride] * 4) + _int("count_include_pad", 1)
    one = _ints("kernel_shape", [1, 1])
    nodes = [
        node("AveragePool", ["luma"], [f"cells{name}"], attributes=pooled),
        node("Conv", [f"cells{name}", f"place_w{name}", f"place_b{name}"], [f"place{name}"], attributes=one),
        node("Conv", [f"cells{name}", f"score_w{name}", f"score_b{name}"], [f"logits{name}"], attributes=one),
        node("Sigmoid", [f"logits{name}"], [f"scores{name}"]),
        node("Concat", [f"place{name}", f"scores{name}"], [f"both{name}"], attributes=_int("axis", 1)),
        node("Reshape", [f"both{name}", f"shape{name}"], [f"flat{name}"]),
        node("Transpose", [f"flat{name}"], [f"rows{name}"], attributes=_ints("perm", [0, 2, 1])),
    ]
    is_finest = stride == STRIDES[0]
    score_w, score_b = np.zeros(1 + CLASSES), np.full(1 + CLASSES, _NEVER)
    score_b[1 + label] = _SURE
    if is_finest:
        score_w[0], score_b[0] = _SLOPE, -_LEVEL * _SLOPE
    held = [
        _tensor(f"place_w{name}", np.zeros((4, 1, 1, 1))),
        _tensor(f"place_b{name}", np.array([0.5, 0.5, np.log(_CELLS), np.log(_CELLS)])),
        _tensor(f"score_w{name}", score_w.reshape(-1, 1, 1, 1)),
        _tensor(f"score_b{name}", score_b),
        _shape(f"shape{name}", [0, 5 + CLASSES, -1]),
    ]
    return [field(1, made) for made in nodes], [field(5, made) for made in held]


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(field(1, side) for side in values.shape)
    return dims + field(2, FLOAT) + field(8, name) + field(9, values.astype("<f4").tobytes())


def _shape(name: str, values: list[int]) -> bytes:
    raw = struct.pack(f"<{len(values)}q", *values)
    return field(1, len(values)) + field(2, _INT64) + field(8, name) + field(9, raw)


def _ints(name: str, values: list[int]) -> bytes:
    listed = b"".join(field(8, value) for value in values)
    return field(5, field(1, name) + listed + field(20, _INTS))


def _int(name: str, value: int) -> bytes:
    return field(5, field(1, name) + field(3, value) + field(20, _INT))


def _value(name: str, sides: list[int | str]) -> bytes:
    shape = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in sides)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))
