"""Sessions of LiteRT: an interpreter for each thread, one thread inside, exact across runs. The library's one door."""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cortexia.errors import ConfigurationError, InferenceError
from cortexia.models.base import Quantisation, Tensor, TensorSpec
from cortexia.models.failures import first_line, no_memory, not_loaded


class LiteRtSession:
    """Weights loaded from verified bytes, on the CPU. Shapes are fixed: pictures go in one at a time.

    An interpreter is not safe to share, so each thread has its own, made of the same bytes when it first runs; it goes
    with the thread, or with the session. Integers that stand for other numbers go in and come out as they are, with
    their ``quantisation`` in ``inputs`` and ``outputs``. The delegate XNNPACK, on by default, stays on: with it results
    are the same for every run and thread, and come sooner. Without it they would be others.

    Raises ``ModelError`` (``malformed``) for bytes that the runtime refuses, operators it does not have included, and
    ``ConfigurationError`` where LiteRT is not installed.
    """

    def __init__(self, model_id: str, data: bytes) -> None:
        self._id = model_id
        self._data = data
        self._own = threading.local()
        interpreter = self._interpreter()
        self._feeds = {item["name"]: item["index"] for item in interpreter.get_input_details()}
        self._results = [item["index"] for item in interpreter.get_output_details()]
        self.inputs = tuple(_spec(item) for item in interpreter.get_input_details())
        self.outputs = tuple(_spec(item) for item in interpreter.get_output_details())

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Outputs in the order of ``outputs``, as copies. Raises ``InferenceError`` for feeds that the model does not
        take, and ``ModelError`` (``no_memory``)."""
        if set(feeds) != set(self._feeds):
            raise InferenceError(self._id, f"takes {', '.join(self._feeds)}, got {', '.join(feeds) or 'nothing'}")
        interpreter = self._interpreter()
        try:
            for name, value in feeds.items():
                interpreter.set_tensor(self._feeds[name], value)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in self._results]
        except MemoryError as error:
            raise no_memory(self._id) from error
        except (RuntimeError, ValueError, TypeError) as error:
            raise InferenceError(self._id, first_line(error)) from error

    def _interpreter(self) -> Any:
        """This thread's own."""
        if not hasattr(self._own, "interpreter"):
            self._own.interpreter = self._started()
        return self._own.interpreter

    def _started(self) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ConfigurationError(_absence(self._id)) from error
        try:
            interpreter = Interpreter(model_content=self._data, num_threads=1)
            interpreter.allocate_tensors()
        except (MemoryError, RuntimeError, ValueError) as error:
            raise not_loaded(self._id, error) from error
        return interpreter


def _absence(model_id: str) -> str:
    return (
        f"model {model_id!r} needs LiteRT, which is not installed; run: pip install ai-edge-litert (it has wheels for"
        f" Linux and for macOS on arm64; this is {platform.system()} on {platform.machine()}), or choose another model"
    )


def _spec(item: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = item["quantization"]
    return TensorSpec(
        item["name"],
        tuple(int(side) for side in item["shape"]),
        np.dtype(item["dtype"]).name,
        Quantisation(float(scale), int(zero_point)) if scale else None,
    )
