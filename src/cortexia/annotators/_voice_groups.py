"""Which stretches of speech are of one voice, by what is known of their spectra, and how many voices there are.

Stretches are joined, the most alike first, while one Gaussian explains both as well as two do, given how many more
numbers two have (S. S. Chen and P. S. Gopalakrishnan, "Speaker, environment and channel change detection and clustering
via the Bayesian information criterion", DARPA Broadcast News Workshop 1998).

Frames that follow each other are not independent, so what a long stretch says counts for no more than ``_COUNTED``
frames: else any two stretches of one voice would differ in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._voice_statistics import CEPSTRA, VoiceStatistics

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_COUNTED = 2000.0
_PRIOR = 30.0
"""Frames with the covariance of the whole video that every group is thought to have besides its own."""
_AT_ONCE = 384
"""Groups that are compared with each other, at most: what bounds memory, and time per hour."""
_CARRIED = 64
"""Groups, at most, that go on into the next comparison."""
_PARAMETERS = (CEPSTRA + CEPSTRA * (CEPSTRA + 1) / 2) / 2
_DIGITS = 6
"""Gains are compared after so many decimals."""


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """``penalty``: by how much two voices must explain more than one, as a multiple of what the criterion says.
    ``fewest``, ``most``: how many groups there are, as far as there are so many stretches."""

    penalty: float
    fewest: int
    most: int


class VoiceTable:
    """Statistics of many stretches as arrays: ``count`` (n,), ``sums`` (n, 16), ``products`` (n, 16, 16)."""

    def __init__(self, count: Reals, sums: Reals, products: Reals) -> None:
        self.count, self.sums, self.products = count, sums, products

    @classmethod
    def of(cls, voices: Sequence[VoiceStatistics]) -> VoiceTable:
        return cls(
            np.array([voice.count for voice in voices]),
            np.array([voice.sums for voice in voices]).reshape(-1, CEPSTRA),
            np.array([voice.products for voice in voices]).reshape(-1, CEPSTRA, CEPSTRA),
        )

    def __len__(self) -> int:
        return len(self.count)

    def summed(self, groups: Sequence[Sequence[int]]) -> VoiceTable:
        """One row for each group of rows."""
        return VoiceTable(
            np.array([self.count[list(group)].sum() for group in groups]),
            np.array([self.sums[list(group)].sum(axis=0) for group in groups]).reshape(-1, CEPSTRA),
            np.array([self.products[list(group)].sum(axis=0) for group in groups]).reshape(-1, CEPSTRA, CEPSTRA),
        )

    def spread(self) -> Reals:
        """The covariance (16, 16) of all of it; never quite flat."""
        count = max(self.count.sum(), 1.0)
        mean = self.sums.sum(axis=0) / count
        return np.asarray(self.products.sum(axis=0) / count - np.outer(mean, mean) + 1e-3 * np.eye(CEPSTRA))


def voice_groups(
    table: VoiceTable,
    limits: GroupLimits,
    apart: Iterable[tuple[int, int]] = (),
    moved: Callable[[], None] = lambda: None,
) -> list[list[int]]:
    """Rows of ``table`` by voice, each group in order, groups in the order of their first rows.

    ``apart``: rows that are never of one voice, unless there would be more than ``limits.most``. A video of any length
    is taken ``_AT_ONCE`` rows at a time: the groups that these make, ``_CARRIED`` at most, are compared with the next.
    ``moved`` is called whenever two are joined.
    """
    spread = table.spread()
    forbidden: dict[int, set[int]] = {}
    for one, other in apart:
        forbidden.setdefault(one, set()).add(other)
        forbidden.setdefault(other, set()).add(one)
    groups: list[list[int]] = []
    for start in range(0, len(table), _AT_ONCE - _CARRIED):
        groups += [[row] for row in range(start, min(len(table), start + _AT_ONCE - _CARRIED))]
        is_last = start + _AT_ONCE - _CARRIED >= len(table)
        most = limits.most if is_last else _CARRIED
        groups = _joined(table, groups, forbidden, GroupLimits(limits.penalty, limits.fewest, most), spread, moved)
    return sorted((sorted(group) for group in groups), key=lambda group: group[0])


def rejoined(
    table: VoiceTable, groups: Sequence[list[int]], limits: GroupLimits, moved: Callable[[], None] = lambda: None
) -> list[list[int]]:
    """``groups`` joined as far as it goes, now that their rows have changed."""
    return _joined(table, list(groups), {}, limits, table.spread(), moved)


def _joined(
    table: VoiceTable,
    groups: list[list[int]],
    forbidden: dict[int, set[int]],
    limits: GroupLimits,
    spread: Reals,
    moved: Callable[[], None],
) -> list[list[int]]:
    work = _Joining(table.summed(groups), spread, limits.penalty)
    for at, group in enumerate(groups):
        barred = set().union(*(forbidden.get(row, ()) for row in group)) if forbidden else set()
        for other in range(at):
            if barred and not barred.isdisjoint(groups[other]):
                work.forbid(at, other)
    while work.alive > max(1, limits.fewest):
        kept, gone, gain = work.best()
        if not np.isfinite(gain) or (gain > 0 and work.alive <= limits.most):
            break
        work.join(kept, gone)
        groups[kept] = groups[kept] + groups[gone]
        groups[gone] = []
        moved()
    made = [group for group in groups if group]
    if forbidden and len(made) > max(1, limits.most):
        # nothing free is left: how many there may be goes before who is not the same
        few = GroupLimits(limits.penalty, limits.most, limits.most)
        return _joined(table, made, {}, few, spread, moved)
    return made


class _Joining:
    """Groups by number, and what is lost by joining any two of them: below 0, one voice explains them better."""

    def __init__(self, table: VoiceTable, spread: Reals, penalty: float) -> None:
        self._table = table
        self._prior = _PRIOR * spread
        self._penalty = penalty
        self._flat = float(np.linalg.slogdet(spread)[1])
        self._is_alive = np.ones(len(table), np.bool_)
        self._cut = _counted(table)
        self._volume = self._volumes(self._cut)
        self._loss = np.full((len(table), len(table)), np.inf)
        self._barred = np.zeros((len(table), len(table)), np.bool_)
        for one in range(1, len(table)):
            self._compare(one, np.arange(one))

    @property
    def alive(self) -> int:
        return int(self._is_alive.sum())

    def forbid(self, one: int, other: int) -> None:
        self._barred[one, other] = self._barred[other, one] = True
        self._loss[one, other] = self._loss[other, one] = np.inf

    def best(self) -> tuple[int, int, float]:
        """The two that lose least together, the lower number first, and that loss."""
        one, other = np.unravel_index(int(np.argmin(self._loss)), self._loss.shape)
        low, high = sorted((int(one), int(other)))
        return low, high, float(self._loss[low, high])

    def join(self, kept: int, gone: int) -> None:
        table = self._table
        for values in (table.count, table.sums, table.products):
            values[kept] += values[gone]
        self._is_alive[gone] = False
        self._loss[gone, :] = self._loss[:, gone] = np.inf
        self._barred[kept] |= self._barred[gone]
        self._barred[:, kept] = self._barred[kept]
        own = VoiceTable(table.count[[kept]], table.sums[[kept]], table.products[[kept]])
        cut = _counted(own)
        self._cut.count[kept], self._cut.sums[kept], self._cut.products[kept] = (
            cut.count[0],
            cut.sums[0],
            cut.products[0],
        )
        self._volume[kept] = self._volumes(cut)[0]
        others = np.flatnonzero(self._is_alive)
        self._compare(kept, others[others != kept])

    def _compare(self, one: int, others: Integers) -> None:
        cut, volume = self._cut, self._volume
        both = VoiceTable(
            cut.count[one] + cut.count[others],
            cut.sums[one] + cut.sums[others],
            cut.products[one] + cut.products[others],
        )
        gained = self._weighed(both.count, self._volumes(both)) + _PRIOR * self._flat
        gained -= self._weighed(cut.count[one], volume[one]) + self._weighed(cut.count[others], volume[others])
        loss = np.round(gained / 2 - self._penalty * _PARAMETERS * np.log(np.maximum(both.count, 2.0)), _DIGITS)
        self._loss[one, others] = self._loss[others, one] = np.where(self._barred[one, others], np.inf, loss)

    def _weighed(self, count: Reals, volume: Reals) -> Reals:
        return np.asarray((count + _PRIOR) * volume)

    def _volumes(self, table: VoiceTable) -> Reals:
        """Logarithms of the determinants of the covariances, (n,)."""
        return np.asarray(np.linalg.slogdet(covariances(table, self._prior))[1])


def covariances(table: VoiceTable, prior: Reals) -> Reals:
    """(n, 16, 16): of each row, with the ``_PRIOR`` frames whose sum of products is ``prior``."""
    count = table.count[:, None, None]
    own = table.products - table.sums[:, :, None] * table.sums[:, None, :] / np.maximum(count, 1.0)
    return np.asarray((own + prior) / (count + _PRIOR))


def likelihoods(table: VoiceTable, groups: Sequence[Sequence[int]]) -> Reals:
    """(n, groups): logarithm of how likely each row of ``table`` is for the voice of each group, up to a constant."""
    prior = _PRIOR * table.spread()
    voices = table.summed(groups)
    means = voices.sums / np.maximum(voices.count, 1.0)[:, None]
    spreads = covariances(voices, prior)
    made = np.empty((len(table), len(groups)))
    for at, (mean, spread) in enumerate(zip(means, spreads, strict=True)):
        inverse = np.linalg.inv(spread)
        leaning = np.einsum("ij,j->i", inverse, mean)
        # einsum in place of @: its sums do not depend on how many threads there are
        squares = np.einsum("nij,ij->n", table.products, inverse) - 2 * np.einsum("ni,i->n", table.sums, leaning)
        squares += table.count * float(np.einsum("i,i->", mean, leaning))
        made[:, at] = -0.5 * (table.count * float(np.linalg.slogdet(spread)[1]) + squares)
    return made


def _counted(table: VoiceTable) -> VoiceTable:
    share = np.minimum(1.0, _COUNTED / np.maximum(table.count, 1.0))
    return VoiceTable(table.count * share, table.sums * share[:, None], table.products * share[:, None, None])
