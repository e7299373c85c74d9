"""Items in, results out: as many in a call as the network takes, by several threads, in the order they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cortexia.models.base import InferenceSession, Tensor
from cortexia.types import Picture

MAX_BATCH = 8
"""Items in one call of a network that takes several: more win nothing on a CPU and cost memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")
_Item = TypeVar("_Item", contravariant=True)


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A part of a picture (BGR, uint8, (h, w, 3)). ``where``: float pixels, as the family asks for it: a box (4,) xyxy,
    the landmarks (5, 2) of a face, or the corners (4, 2) of a text, clockwise from its top left."""

    picture: Picture
    where: NDArray[np.floating[Any]]


class Runner(Protocol[_Item, Result]):
    """A family of networks at work. What comes of an item never depends on the others, nor on the number of threads."""

    def run(self, items: Sequence[_Item]) -> list[Result]:
        """One result for each item, in order."""

    def begin(self, items: Sequence[_Item]) -> Iterator[Result]:
        """As ``run``, and each comes as soon as it and those before it are ready: who makes something of one does so
        while the network is at the next."""

    def close(self) -> None:
        """Give back threads."""


class SessionRunner(Generic[Item, Result]):
    """One network on an inference session that ``threads`` threads share.

    ``prepare``: the network's input for one item, without the axis of the batch. ``read``: the result from what is the
    item's own in every output; ``batch_axis`` tells the axis of outputs along which items lie. Both are called by
    several threads at once. As many items a call as a fixed batch says, filled up with zeros, and up to ``MAX_BATCH``
    where it may vary; inputs of different shapes never share a call.
    """

    def __init__(
        self,
        session: InferenceSession,
        prepare: Callable[[Item], Tensor],
        read: Callable[[Sequence[Tensor], Item], Result],
        threads: int = 1,
        batch_axis: int = 0,
    ) -> None:
        self._session = session
        self._prepare = prepare
        self._read = read
        self._threads = threads
        self._batch_axis = batch_axis
        self._input = session.inputs[0]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="cortexia-model") if threads > 1 else None

    def run(self, items: Sequence[Item]) -> list[Result]:
        return list(self.begin(items))

    def begin(self, items: Sequence[Item]) -> Iterator[Result]:
        size = self._call_size(len(items))
        calls = [items[at : at + size] for at in range(0, len(items), size)]
        done = self._pool.map(self._call, calls) if self._pool and len(calls) > 1 else map(self._call, calls)
        return chain.from_iterable(done)

    def _call_size(self, count: int) -> int:
        fixed = self._input.shape[0]
        return fixed if fixed is not None else max(1, min(MAX_BATCH, -(-count // self._threads)))

    def _call(self, items: Sequence[Item]) -> list[Result]:
        prepared = [(self._prepare(item), item) for item in items]
        alike = groupby(prepared, key=lambda pair: pair[0].shape)
        return [result for _, pairs in alike for result in self._call_alike(list(pairs))]

    def _call_alike(self, pairs: Sequence[tuple[Tensor, Item]]) -> list[Result]:
        """Results of items whose inputs have one shape."""
        outputs = self._session.run({self._input.name: self._batch([tensor for tensor, _ in pairs])})
        return [
            self._read([np.moveaxis(output, self._batch_axis, 0)[place] for output in outputs], item)
            for place, (_, item) in enumerate(pairs)
        ]

    def _batch(self, tensors: list[Tensor]) -> Tensor:
        """(n, ...), filled up with zeros where the network takes more than there are."""
        missing = (self._input.shape[0] or 0) - len(tensors)
        if missing > 0:
            tensors += [np.zeros_like(tensors[0])] * missing
        return tensors[0][None] if len(tensors) == 1 else np.stack(tensors)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
