"""Groups of vectors joined further: the same as by the plain method, in little time and memory."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from cortexia.annotators._speaker_groups import SpeakerLimits, _grouped
from cortexia.annotators._vector_groups import VectorGroups, mean_directions
from cortexia.annotators._voice_groups import GroupLimits


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def unlike(count: int, dimension: int = 16, seed: int = 1) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dimension)))


def plainly(vectors: np.ndarray, most: int, apart: set[tuple[int, int]]) -> set[frozenset[int]]:
    """Average linkage as it is defined: every pair of groups looked at, every time."""
    groups = [frozenset([at]) for at in range(len(vectors))]
    alike = vectors @ vectors.T

    def mean(one: frozenset[int], other: frozenset[int]) -> float:
        return float(alike[np.ix_(sorted(one), sorted(other))].mean())

    while len(groups) > most:
        free = [
            (one, other)
            for one, other in combinations(groups, 2)
            if not any((a, b) in apart or (b, a) in apart for a in one for b in other)
        ]
        if not free:
            break
        one, other = max(free, key=lambda pair: mean(*pair))
        groups = [group for group in groups if group not in (one, other)] + [one | other]
    return set(groups)


def sets_of(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most", [1, 3, 11])
@pytest.mark.parametrize("barred", [0, 40])
def test_the_most_alike_are_joined_first(seed, most, barred):
    vectors = unlike(40, seed=seed)
    pairs = np.random.default_rng(seed).integers(0, 40, (barred, 2)).tolist()
    apart = {(one, other) for one, other in pairs if one != other}
    groups = VectorGroups(vectors, np.arange(40), apart)
    groups.reduce(most, lambda: None)
    assert sets_of(groups.labels()) == plainly(vectors, most, apart)


def test_whoever_joins_tells_that_it_moves():
    calls: list[int] = []
    groups = VectorGroups(unlike(100), np.arange(100))
    groups.reduce(5, lambda: calls.append(1))
    assert (groups.alive, len(calls)) == (5, 95)


def test_memory_does_not_grow_with_the_square():
    def peak(count: int) -> int:
        vectors = unlike(count)
        tracemalloc.start()
        VectorGroups(vectors, np.arange(count)).reduce(count - 20, lambda: None)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(2000) < 3 * peak(1000)


def test_too_many_asked_for_are_made_of_few_alike():
    rng = np.random.default_rng(2)
    vectors = unit(unlike(2, 64)[rng.integers(0, 2, 200)] + 0.05 * rng.normal(size=(200, 64)))
    calls: list[int] = []

    def count(fewest: int, most: int = 20) -> int:
        limits = SpeakerLimits(GroupLimits(2.0, fewest, most), 0.3, 0.0)
        return len(np.unique(_grouped(vectors, np.ones(200), limits, (), lambda: calls.append(1))))

    assert count(1) == 2
    assert [count(fewest) for fewest in (3, 7, 20)] == [3, 7, 20]
    assert calls
    same = np.repeat(vectors[:1], 5, axis=0)
    limits = SpeakerLimits(GroupLimits(2.0, 3, 20), 0.3, 0.0)
    assert len(np.unique(_grouped(same, np.ones(5), limits, (), lambda: None))) == 1


def test_the_least_is_taken_for_who_is_free_before_who_is_apart():
    vectors = unit(np.array([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.0, 1.0, 0.0]]))
    seconds = np.array([5.0, 1.0, 5.0])

    def labels(apart: list[tuple[int, int]]) -> list[int]:
        groups = VectorGroups(vectors, np.arange(3), apart)
        groups.absorb(seconds, 2.0, 1)
        return groups.labels().tolist()

    assert labels([]) == [0, 0, 1]
    assert labels([(0, 1)]) == [0, 1, 1]
    assert labels([(0, 1), (1, 2)]) == [0, 0, 1]


def test_mean_directions_are_weighed_and_of_length_one():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    plain, weighed = (mean_directions(vectors, np.array([0, 0, 1]), weights) for weights in (None, np.array([1, 0, 1])))
    assert np.allclose(plain, [[0.5**0.5, 0.5**0.5], [0.0, 1.0]])
    assert np.allclose(weighed, [[1.0, 0.0], [0.0, 1.0]])
