"""Groups of vectors of voices that are joined further, two at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_DIGITS = 9
"""Similarities are compared after so many decimals: how sums are split among threads shows later only."""
_BLOCK = 256


class VectorGroups:
    """``labels``: (n,), the group of each of ``vectors``, (n, dimension) of length 1. ``apart``: pairs of rows whose
    groups are never joined by ``reduce``.

    What counts is the mean cosine of all pairs (average linkage). By it a group that was joined is never more alike to
    a third than the nearer of its parts was, so that what was found for another group is never too low: it is looked
    for again only where it would count. Beside ``labels``, memory is that of one vector for each group.
    """

    def __init__(self, vectors: Reals, labels: Integers, apart: Iterable[tuple[int, int]] = ()) -> None:
        count = int(labels.max()) + 1
        self._sums = np.zeros((count, vectors.shape[1]))
        np.add.at(self._sums, labels, vectors)
        self._sizes = np.bincount(labels, minlength=count).astype(np.float64)
        self._apart: list[set[int]] = [set() for _ in range(count)]
        for one, other in {(int(labels[one]), int(labels[other])) for one, other in apart}:
            self._apart[one].add(other)
            self._apart[other].add(one)
        self._number(labels)

    def _number(self, labels: Integers) -> None:
        self._labels = labels
        self._owner = np.arange(len(self._sizes))
        self._is_alive = np.ones(len(self._sizes), np.bool_)
        self._changes = np.zeros(len(self._sizes), np.int64)

    def _forget_joined(self) -> None:
        """Numbers without gaps again, so that what is left takes less to compare."""
        kept = np.flatnonzero(self._is_alive)
        numbers = np.cumsum(self._is_alive) - 1
        apart = [{int(numbers[other]) for other in self._apart[one] if self._is_alive[other]} for one in kept]
        labels = self.labels()
        self._sums, self._sizes, self._apart = self._sums[kept], self._sizes[kept], apart
        self._number(labels)

    @property
    def alive(self) -> int:
        return int(self._is_alive.sum())

    def labels(self) -> Integers:
        """(n,): 0 and up, in the order of the groups' lowest numbers."""
        return np.unique(self._owner[self._labels], return_inverse=True)[1].astype(np.int64)

    def reduce(self, most: int, moved: Callable[[], None]) -> None:
        """Join the most alike first, until there are at most ``most``, as far as nothing is apart."""
        while (before := self.alive) > most:
            self._forget_joined()
            self._reduce_some(max(most, before // 2), moved)
            if self.alive == before:
                break

    def _reduce_some(self, most: int, moved: Callable[[], None]) -> None:
        best, at = self._all_nearest()
        seen = np.zeros(len(best), np.int64)
        while self.alive > most and np.isfinite(best.max()):
            one = int(np.argmax(best))
            other = int(at[one])
            if self._is_alive[other] and seen[one] == self._changes[other]:
                one, other = sorted((one, other))
                self._join(one, other)
                best[other] = -np.inf
                moved()
            best[one], at[one] = self._nearest(one)
            seen[one] = self._changes[at[one]]

    def absorb(self, seconds: Reals, least_s: float, fewest: int) -> None:
        """Who speaks for less than ``least_s`` is taken for the most alike of the others, the least first, until
        ``fewest`` are left. ``seconds``: (n,), of each row. What is apart counts only while there is another."""
        spoken = np.bincount(self._owner[self._labels], seconds, len(self._owner))
        spoken[~self._is_alive] = np.inf
        while self.alive > max(1, fewest) and spoken.min() < least_s:
            least = int(spoken.argmin())
            alike, other = self._nearest(least)
            if alike == -np.inf:
                self._apart[least] = set()
                _, other = self._nearest(least)
            kept, gone = sorted((least, other))
            spoken[kept] += spoken[gone]
            spoken[gone] = np.inf
            self._join(kept, gone)

    def _all_nearest(self) -> tuple[Reals, Integers]:
        """``_nearest`` of all, before any are joined."""
        best, at = np.empty(len(self._sizes)), np.empty(len(self._sizes), np.int64)
        for start in range(0, len(best), _BLOCK):
            rows = slice(start, start + _BLOCK)
            alike = np.round(self._sums[rows] @ self._sums.T / (self._sizes[rows, None] * self._sizes), _DIGITS)
            for place, own in enumerate(alike, start):
                own[[place, *self._apart[place]]] = -np.inf
            at[rows], best[rows] = alike.argmax(axis=1), alike.max(axis=1)
        return best, at

    def _nearest(self, one: int) -> tuple[float, int]:
        """The mean cosine of the most alike group, the first of equals, and its number; minus infinity for none."""
        alike = np.round(self._sums @ self._sums[one] / (self._sizes * self._sizes[one]), _DIGITS)
        alike[~self._is_alive] = -np.inf
        alike[[one, *self._apart[one]]] = -np.inf
        other = int(np.argmax(alike))
        return float(alike[other]), other

    def _join(self, kept: int, gone: int) -> None:
        self._sums[kept] += self._sums[gone]
        self._sizes[kept] += self._sizes[gone]
        self._owner[self._owner == gone] = kept
        self._is_alive[gone] = False
        for other in self._apart[gone]:
            self._apart[other].add(kept)
        self._apart[kept] |= self._apart[gone]
        self._changes[kept] += 1


def mean_directions(vectors: NDArray[np.floating[Any]], labels: Integers, weights: Reals | None = None) -> Reals:
    """(groups, dimension), of length 1: of all of each group, by their ``weights``, (n,). What points nowhere is 0."""
    exact = vectors.astype(np.float64)
    weighed = exact if weights is None else exact * weights[:, None]
    sums = np.array([weighed[labels == label].sum(axis=0) for label in range(int(labels.max()) + 1)])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))
