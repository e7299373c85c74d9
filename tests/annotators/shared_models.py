"""Models for tests: ONNX Runtime on the shared files, without catalogue, cache or checks."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime

from cortexia.models.base import InferenceSession, ModelEntry, Tensor, TensorSpec

FILES = {"yolox-nano": ("yolox", "yolox_nano.onnx"), "nanodet-m": ("nanodet", "nanodet_m_320.onnx")}


def entry_of(model_id: str, **changes: Any) -> ModelEntry:
    adapter, file = FILES[model_id]
    entry = ModelEntry(model_id, "detect", file, 0, f"{len(model_id):064x}", "Apache-2.0", "", adapter)
    return dataclasses.replace(entry, **changes)


def load_reference(folder: Path) -> ModuleType:
    """The reference decoding that lies beside the shared files."""
    spec = importlib.util.spec_from_file_location("refdecode", folder / "refdecode.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class OnnxSession:
    """One thread, no spinning: bit-exact. ``calls``: how many pictures each call brought."""

    def __init__(self, model: Path | bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = str(model) if isinstance(model, Path) else model
        self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.calls: list[int] = []

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return _specs(self._session.get_inputs())

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return _specs(self._session.get_outputs())

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        self.calls.append(len(next(iter(feeds.values()))))
        return self._session.run(None, dict(feeds))


def _specs(described: Sequence[Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(item.name, tuple(side if isinstance(side, int) else None for side in item.shape))
        for item in described
    )


@dataclass
class Models:
    """``ModelAccess`` over the shared files; the digest of each is made up. ``made``: sessions by model id."""

    folder: Path
    threads: int = 1
    made: dict[str, OnnxSession] = field(default_factory=dict)
    load: Callable[[Path], Path | bytes] = lambda path: path

    def entry(self, model_id: str) -> ModelEntry:
        return entry_of(model_id)

    def open(self, model_id: str) -> InferenceSession:
        if model_id not in self.made:
            self.made[model_id] = OnnxSession(self.load(self.folder / "models/detect" / FILES[model_id][1]))
        return self.made[model_id]

    def best(self, task: str) -> str | None:
        return "yolox-nano" if task == "detect" else None


def with_free_batch(path: Path) -> bytes:
    """YOLOX-nano with its batch left open: the side has no value (but an empty ``denotation``)."""
    return _with_batch(path, b"\x1a\x00")


def with_batch_of_four(path: Path) -> bytes:
    return _with_batch(path, b"\x08\x04")


def _with_batch(path: Path, side: bytes) -> bytes:
    """Changes bytes of the protobuf in place: the first side of every tensor shape that is 1 (``dim_value: 1``), and
    the 1 where the heads are reshaped to (1, 85, -1), which becomes a 0: as it comes in."""
    model = path.read_bytes()
    at = model.rfind(b"\x06images")
    shapes = re.sub(rb"(\x08\x01\x12[\x00-\x7f])\x0a\x02\x08\x01", lambda hit: hit[1] + b"\x0a\x02" + side, model[at:])
    one, free = (np.array((first, 85, -1), "<i8").tobytes() for first in (1, 0))
    assert model.count(one) == 3
    return model[:at].replace(one, free) + shapes
