"""What users of a model hold in place of its weights, so that these can go between two runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, TypeVar

import numpy as np

from cortexia.errors import ModelError
from cortexia.models.base import InferenceSession, ModelEntry, Tensor, TensorSpec

T = TypeVar("T")
R = TypeVar("R")


class _Runner(Protocol):
    def run(self, entry: ModelEntry, function: Callable[[Any, int, int], R], count: int = 1) -> list[R]: ...


@dataclass(frozen=True)
class ManagedSession:
    """An ``InferenceSession``. Where memory is short and the batch is free, it goes through in parts."""

    runner: _Runner = field(repr=False)
    entry: ModelEntry
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        count = self._batch(feeds)

        def run_part(session: InferenceSession, start: int, stop: int) -> Sequence[Tensor]:
            is_whole = stop - start == count
            outputs = session.run(feeds if is_whole else {name: rows[start:stop] for name, rows in feeds.items()})
            if not is_whole and any(len(output) != stop - start for output in outputs):
                raise ModelError("no_memory", f"model {self.entry.id!r}: no memory for the batch, which has no parts")
            return outputs

        parts = self.runner.run(self.entry, run_part, count)
        return parts[0] if len(parts) == 1 else [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _batch(self, feeds: Mapping[str, Tensor]) -> int:
        """Rows that may go through apart: 1 where the first axis is fixed, or inputs differ in it."""
        if any(not spec.shape or spec.shape[0] is not None for spec in (*self.inputs, *self.outputs)):
            return 1
        lengths = {np.shape(rows)[0] for rows in feeds.values() if np.ndim(rows)}
        return max(1, lengths.pop()) if len(lengths) == 1 else 1


@dataclass(frozen=True)
class LentModel:
    """A ``Lent``."""

    runner: _Runner = field(repr=False)
    entry: ModelEntry

    def use(self, function: Callable[[Any], R]) -> R:
        return self.runner.run(self.entry, lambda loaded, *_: function(loaded))[0]

    def map(self, function: Callable[[Any, Sequence[T]], Sequence[R]], items: Sequence[T]) -> list[R]:
        parts = self.runner.run(self.entry, lambda model, start, stop: function(model, items[start:stop]), len(items))
        return list(chain.from_iterable(parts))
