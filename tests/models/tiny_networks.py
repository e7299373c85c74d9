"""Networks of a few operators with the inputs and outputs of real ones, whose answers follow from the picture."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from tiny_onnx import FLOAT, field, model, node

INT64 = 7
_FLOAT_ATTRIBUTE, _INT_ATTRIBUTE, _INTS_ATTRIBUTE = 1, 2, 7


class Graph:
    """An ONNX graph, built operator by operator; values are told by their names."""

    def __init__(self) -> None:
        self._body = field(2, "tiny")
        self._count = 0

    def input(self, name: str, shape: Sequence[int | str]) -> str:
        self._body += field(11, _value(name, shape))
        return name

    def output(self, value: str, name: str, shape: Sequence[int | str]) -> None:
        self._body += field(1, node("Identity", [value], [name])) + field(12, _value(name, shape))

    def constant(self, array: np.ndarray) -> str:
        name = self._name()
        kind = INT64 if array.dtype == np.int64 else FLOAT
        sides = b"".join(field(1, side) for side in array.shape)
        self._body += field(5, sides + field(2, kind) + field(8, name) + field(9, array.tobytes()))
        return name

    def add(self, operator: str, *inputs: str | np.ndarray, **attributes: int | float | list[int]) -> str:
        """The value that ``operator`` makes of values and constants."""
        name = self._name()
        names = [item if isinstance(item, str) else self.constant(item) for item in inputs]
        told = b"".join(field(5, _attribute(*item)) for item in attributes.items())
        self._body += field(1, node(operator, names, [name], attributes=told))
        return name

    def bytes(self) -> bytes:
        return model(self._body)

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def brightness(graph: Graph, picture: str, channels: int = 3) -> str:
    """The mean of the channels, (n, 1, h, w)."""
    return graph.add("Conv", picture, np.full((1, channels, 1, 1), 1 / channels, np.float32))


def yunet(side: int, box: Sequence[float], landmarks: Sequence[float]) -> bytes:
    """Of the layout of the OpenCV zoo's: a face for each cell of stride 8, as likely as the cell is bright. ``box`` and
    ``landmarks``: the four and ten numbers that stand in every cell."""
    graph = Graph()
    grey = graph.add("Mul", brightness(graph, graph.input("input", (1, 3, side, side))), floats(1 / 255))
    for stride in (8, 16, 32):
        cells = (side // stride) ** 2
        pooled = graph.add("AveragePool", grey, kernel_shape=[stride, stride], strides=[stride, stride])
        chance = graph.add("Reshape", pooled, np.array((1, cells, 1), np.int64))
        weight = floats(1.0 if stride == 8 else 0.0)
        graph.output(graph.add("Mul", chance, weight), f"cls_{stride}", (1, cells, 1))
        graph.output(graph.add("Mul", chance, weight), f"obj_{stride}", (1, cells, 1))
        for name, values in (("bbox", box), ("kps", landmarks)):
            shape = (1, cells, len(values))
            same = graph.add("Add", graph.add("Mul", chance, floats(*[0.0] * len(values))), floats(*values))
            graph.output(same, f"{name}_{stride}", shape)
    return graph.bytes()


def face_vector() -> bytes:
    """Of the shapes of SFace: the means of 8 x 8 blocks of the red, then the green channel, as RGB comes in."""
    graph = Graph()
    pooled = graph.add("AveragePool", graph.input("data", (1, 3, 112, 112)), kernel_shape=[14, 14], strides=[14, 14])
    flat = graph.add("Reshape", pooled, np.array((1, 192), np.int64))
    graph.output(graph.add("Slice", flat, *(np.array([n], np.int64) for n in (0, 128, 1))), "fc1", (1, 128))
    return graph.bytes()


def expression(as_shares: bool) -> bytes:
    """Of the shapes of the zoo's: seven scores, the higher the nearer the face's brightness (-1..1) to the class's."""
    graph = Graph()
    grey = brightness(graph, graph.input("data", (1, 3, 112, 112)))
    level = graph.add("Reshape", graph.add("GlobalAveragePool", grey), np.array((1, 1), np.int64))
    scores = nearness(graph, level, np.linspace(-0.9, 0.9, 7, dtype=np.float32))
    graph.output(graph.add("Softmax", scores, axis=1) if as_shares else scores, "label", (1, 7))
    return graph.bytes()


def nearness(graph: Graph, value: str, places: np.ndarray) -> str:
    """Scores along a new last axis: the higher, the nearer ``value`` (..., 1) is to each of ``places``."""
    gap = graph.add("Sub", value, places)
    return graph.add("Mul", graph.add("Mul", gap, gap), floats(-4000.0))


def text_map(side: int | None, is_flat: bool = False) -> bytes:
    """Of the shapes of PP-OCR's detector: as likely text as the pixel is bright. ``None``: pictures of any size;
    ``is_flat``: the output has no axes but height and width."""
    graph = Graph()
    sides = ("height", "width") if side is None else (side, side)
    picture = graph.input("x", (1, 3, *sides))
    deviation, mean = np.array((58.395, 57.12, 57.375)), np.array((123.675, 116.28, 103.53))
    weights = (deviation / 255 / 3).astype(np.float32).reshape(1, 3, 1, 1)
    chance = graph.add("Conv", picture, weights, floats(float(mean.mean() / 255)))
    if is_flat:
        chance = graph.add("Reshape", chance, np.array(sides, np.int64))
    graph.output(chance, "chances", sides if is_flat else (1, 1, *sides))
    return graph.bytes()


def text_reader() -> bytes:
    """Of the shapes of CRNN: 26 steps of four columns, each the class whose grey is ``grey_of(class)``."""
    graph = Graph()
    picture = graph.input("input", (1, 1, 32, 100))
    pooled = graph.add("AveragePool", picture, kernel_shape=[32, 4], strides=[32, 4], pads=[0, 2, 0, 2])
    steps = graph.add("Transpose", graph.add("Reshape", pooled, np.array((1, 26, 1), np.int64)), perm=[1, 0, 2])
    graph.output(nearness(graph, steps, np.linspace(-0.9, 0.9, 37, dtype=np.float32)), "scores", (26, 1, 37))
    return graph.bytes()


def grey_of(number: int) -> int:
    """The grey (0..255) that ``text_reader`` takes for a class."""
    return round((np.linspace(-0.9, 0.9, 37)[number] + 1) * 127.5)


def _attribute(name: str, value: int | float | list[int]) -> bytes:
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, item) for item in value) + field(20, _INTS_ATTRIBUTE)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, _INT_ATTRIBUTE)
    return field(1, name) + b"\x15" + struct.pack("<f", value) + field(20, _FLOAT_ATTRIBUTE)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sides = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, sides)))


def pyannote(both_above: float = 0.3, one_above: float = 0.05) -> bytes:
    """Of the layout of pyannote/segmentation-3.0: by the mean of the magnitude in each frame nobody speaks, the first
    speaker, or the first and the second."""
    graph = Graph()
    level = graph.add("Abs", graph.input("input_values", ("batch", 1, 160_000)))
    frames = graph.add("AveragePool", level, kernel_shape=[991], strides=[270])
    each = graph.add("Transpose", frames, perm=[0, 2, 1])
    steps = np.array([[0.0, 10.0, 0.0, 0.0, 30.0, 0.0, 0.0]], np.float32)
    first = -10 * one_above
    begin = floats(0.0, first, -9.0, -9.0, first - 20 * both_above, -9.0, -9.0)
    graph.output(graph.add("Add", graph.add("MatMul", each, steps), begin), "logits", ("batch", 589, 7))
    return graph.bytes()


def wespeaker() -> bytes:
    """Of the layout of WeSpeaker: how far each band goes up and down."""
    graph = Graph()
    told = graph.add("Abs", graph.input("feats", ("batch", "frames", 80)))
    graph.output(graph.add("ReduceMean", told, axes=[1], keepdims=0), "embs", ("batch", 80))
    return graph.bytes()
