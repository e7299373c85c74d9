"""Which vectors are alike: average linkage that respects what must, and what can never, be together.

Of unit vectors the mean similarity of two groups is the product of their mean vectors. So no table of similarities is
kept, but for each of ``n`` vectors which others are near: four bytes for each of these, or ``n`` bits where that is
less. At the worst, where all are alike, it is ``n * n / 8`` bytes: 12.5 MB for 10,000 vectors, 50 MB for 20,000.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Near = NDArray[np.integer[Any]]
"""Numbers of groups as an int32 list, or one bit for each group as uint8."""
Pair = tuple[int, int]

_DIGITS = 9
"""Similarities are compared after so many decimals: how sums are split among threads shows later only."""
_BLOCK = 512
_SLACK = 1e-5


def united(count: int, pairs: Iterable[Pair]) -> Integers:
    """The group of each of ``count`` things, (count,), where ``pairs`` belong together: its lowest member."""
    above = list(range(count))

    def root(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        above[high] = low
    return np.array([root(one) for one in range(count)], np.int64)


def grouped(
    vectors: NDArray[np.floating[Any]],
    threshold: float,
    together: Iterable[Pair] = (),
    apart: Iterable[Pair] = (),
    late: Collection[int] = (),
) -> Integers:
    """The group of each vector, (n,) int64: 0, 1, 2, in the order of their first members.

    ``vectors``: (n, d), of length 1 (L2), or zeros for what nothing is known of: that is like nothing, and counts in no
    mean. Two groups are joined while the mean cosine of their pairs is at least ``threshold`` (above 0), the most alike
    first; of equals those that come first. ``together`` and ``apart``: pairs of indexes that must, or can never, share
    a group; what must goes before what can never. ``late``: indexes that join only when all others are grouped.
    Method: agglomerative clustering by average linkage, without a table of distances (Müllner 2011 on the generic
    algorithm with a heap of nearest neighbours).
    """
    count = len(vectors)
    if not count:
        return np.empty(0, np.int64)
    owners, begun = np.unique(united(count, together), return_inverse=True)
    work = _Agglomeration(np.asarray(vectors, np.float64), begun, len(owners), threshold)
    work.forbid((int(begun[first]), int(begun[second])) for first, second in apart)
    waiting = set(map(int, begun[sorted(set(late))])) - set(map(int, begun[_others(count, late)]))
    work.join([one for one in range(len(owners)) if one not in waiting])
    if waiting:
        work.join(sorted(waiting))
    return _numbered(work.owner[begun])


def _others(count: int, some: Iterable[int]) -> Sequence[int]:
    left_out = set(some)
    return [one for one in range(count) if one not in left_out]


def _numbered(groups: Integers) -> Integers:
    _, first, members = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[members]


class _Agglomeration:
    """Groups by number; a joined group keeps the lower one. ``owner``: (k,) the group that each one is in now."""

    def __init__(self, vectors: Floats, begun: Integers, count: int, threshold: float) -> None:
        known = np.linalg.norm(vectors, axis=1) > 0.0
        self.owner = np.arange(count)
        self._threshold = threshold
        self._counts = np.bincount(begun[known], minlength=count).astype(np.float64)
        self._sums = np.zeros((count, vectors.shape[1]))
        np.add.at(self._sums, begun[known], vectors[known])
        self._near = _near(self._sums / np.maximum(self._counts, 1.0)[:, None], threshold)
        self._members = [[one] for one in range(count)]
        self._apart: list[set[int]] = [set() for _ in range(count)]
        self._changes = [0] * count
        self._active = np.zeros(count, bool)
        self._heap: list[tuple[float, int, int, int, int]] = []

    def forbid(self, pairs: Iterable[Pair]) -> None:
        for first, second in pairs:
            if first != second:
                self._apart[first].add(second)
                self._apart[second].add(first)

    def join(self, more: Iterable[int]) -> None:
        """Take ``more`` groups in, and join all that are in as far as it goes."""
        self._active[list(more)] = True
        self._heap = []
        for one in np.flatnonzero(self._active):
            if self.owner[one] == one:
                self._offer(int(one))
        while self._heap:
            _, first, second, *seen = heapq.heappop(self._heap)
            if seen[0] != self._changes[first]:
                continue
            if seen[1] == self._changes[second] and second not in self._apart[first]:
                self._merge(*sorted((first, second)))
            else:
                self._offer(first)

    def _offer(self, one: int) -> None:
        """Put the nearest group that ``one`` may join into the heap. By average linkage no later group is nearer than
        the nearer of its parts, so an old offer is never too low."""
        near = np.unique(self.owner[_numbers(self._near[one], len(self.owner))])
        self._near[one] = _shorter(near, len(self.owner))
        near = near[self._active[near] & (near != one)]
        apart = self._apart[one]
        if apart:
            near = np.array([other for other in near.tolist() if other not in apart], np.int64)
        if not len(near):
            return
        alike = np.round(self._sums[near] @ self._sums[one] / (self._counts[near] * self._counts[one]), _DIGITS)
        best = int(np.argmax(alike))
        if alike[best] >= self._threshold:
            other = int(near[best])
            offer = (-float(alike[best]), one, other, self._changes[one], self._changes[other])
            heapq.heappush(self._heap, offer)

    def _merge(self, kept: int, gone: int) -> None:
        self._sums[kept] += self._sums[gone]
        self._counts[kept] += self._counts[gone]
        self.owner[self._members[gone]] = kept
        self._members[kept] += self._members[gone]
        both = [_numbers(self._near[one], len(self.owner)) for one in (kept, gone)]
        self._near[kept], self._near[gone] = _shorter(np.concatenate(both), len(self.owner)), np.empty(0, np.int32)
        for other in self._apart[gone]:
            self._apart[other].add(kept)
        self._apart[kept] |= self._apart[gone]
        self._changes[kept] += 1
        self._changes[gone] += 1
        self._offer(kept)


def _near(means: Floats, threshold: float) -> list[Near]:
    """For each group those at least as alike as ``threshold``: two groups whose mean is, have such a pair."""
    single = means.astype(np.float32)
    found: list[Near] = []
    for start in range(0, len(single), _BLOCK):
        is_near = single[start : start + _BLOCK] @ single.T >= threshold - _SLACK
        found += [_shorter(np.flatnonzero(row), len(single)) for row in is_near]
    return found


def _shorter(numbers: Integers, count: int) -> Near:
    """What takes less: the list, or a bit for each of ``count`` groups."""
    if 32 * len(numbers) <= count:
        return numbers.astype(np.int32)
    is_in = np.zeros(count, bool)
    is_in[numbers] = True
    return np.packbits(is_in)


def _numbers(near: Near, count: int) -> Integers:
    """Of the groups in ``near``; in a list some may come twice."""
    if near.dtype == np.uint8:
        return np.flatnonzero(np.unpackbits(near.astype(np.uint8, copy=False), count=count))
    return near.astype(np.int64)
