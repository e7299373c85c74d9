"""Average linkage under constraints."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from cortexia.clustering import grouped, united


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def crowd(people: int, each: int, spread: float, seed: int = 0, size: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(people, size)))
    return unit(np.repeat(centres, each, axis=0) + spread * rng.normal(size=(people * each, size)))


def plane(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def same(first, second) -> bool:
    pairs = {(a, b) for a, b in zip(first, second, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@pytest.mark.parametrize("spread", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_it_is_the_average_linkage_of_scipy(spread, threshold):
    vectors = crowd(7, 9, spread, seed=int(100 * spread))
    wanted = fcluster(linkage(vectors, "average", metric="cosine"), 1 - threshold, "distance")
    assert same(grouped(vectors, threshold), wanted)


@pytest.mark.parametrize(("people", "each"), [(60, 4), (1, 200)], ids=["few near ones", "all near"])
def test_how_near_ones_are_kept_changes_nothing(people, each):
    vectors = crowd(people, each, 0.1)
    wanted = fcluster(linkage(vectors, "average", metric="cosine"), 0.5, "distance")
    assert same(grouped(vectors, 0.5), wanted)


def test_no_table_of_pairs_is_kept_where_all_are_alike():
    vectors = crowd(2, 1500, 0.05)
    tracemalloc.start()
    assert len(set(grouped(vectors, 0.5))) == 2
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pairs = len(vectors) ** 2
    assert used < 2 * pairs, "a list of all near ones would take four bytes a pair"


def test_groups_are_numbered_by_their_first_members():
    assert list(grouped(plane(0, 90, 1, 91, 180), 0.9)) == [0, 1, 0, 1, 2]


def test_no_vectors_no_groups():
    assert list(grouped(np.empty((0, 4)), 0.5)) == []


def test_what_is_not_known_is_like_nothing():
    vectors = np.vstack([plane(0, 1), np.zeros((2, 2))])
    assert list(grouped(vectors, 0.5)) == [0, 0, 1, 2]


def test_what_is_not_known_counts_in_no_mean():
    vectors = np.vstack([plane(0, 50), np.zeros((3, 2))])
    links = [(0, 2), (0, 3), (0, 4)]
    assert list(grouped(vectors, 0.6, together=links)) == [0, 0, 0, 0, 0]


def test_what_must_be_together_is_however_unlike():
    assert list(grouped(plane(0, 180, 90), 0.5, together=[(0, 1)])) == [0, 0, 1]


def test_what_can_never_be_together_is_not_however_alike():
    assert list(grouped(plane(0, 1), 0.5)) == [0, 0]
    assert list(grouped(plane(0, 1), 0.5, apart=[(1, 0)])) == [0, 1]


def test_a_group_inherits_what_its_members_can_never_join():
    """0 and 2 join first; 1 is as near, and may not, for it can never be with 0."""
    assert list(grouped(plane(0, 6, 2), 0.5, apart=[(0, 1)])) == [0, 1, 0]


def test_what_must_goes_before_what_can_never():
    assert list(grouped(plane(0, 90), 0.5, together=[(0, 1)], apart=[(0, 1)])) == [0, 0]


def test_who_comes_late_pulls_nobody_over():
    """2 is between 0 and 3, nearest to 3, which was taken out of the group of 0: alone it would draw 2 along."""
    vectors, apart = plane(0, 8, 14, 18), [(0, 3)]
    assert list(grouped(vectors, 0.5, apart=apart)) == [0, 0, 1, 1]
    assert list(grouped(vectors, 0.5, apart=apart, late=[3])) == [0, 0, 0, 1]


def test_who_comes_late_joins_when_nothing_is_against_it():
    assert list(grouped(plane(0, 2, 90), 0.5, late=[1])) == [0, 0, 1]


def test_the_order_of_vectors_does_not_change_who_is_together():
    vectors = crowd(5, 6, 0.2)
    order = np.random.default_rng(1).permutation(len(vectors))
    assert same(grouped(vectors[order], 0.5), grouped(vectors, 0.5)[order])


def test_constraints_hold_on_random_vectors():
    rng = np.random.default_rng(2)
    vectors = crowd(6, 10, 0.5)
    apart = [tuple(pair) for pair in rng.choice(len(vectors), (60, 2)) if pair[0] != pair[1]]
    found = grouped(vectors, 0.2, apart=apart)
    assert all(found[first] != found[second] for first, second in apart)
    free = grouped(vectors, 0.2)
    assert any(free[first] == free[second] for first, second in apart), "else nothing was held"


def test_links_unite_over_several_steps():
    assert list(united(6, [(4, 2), (2, 5), (0, 1)])) == [0, 0, 2, 3, 2, 2]
    assert list(united(3, [])) == [0, 1, 2]


def test_every_pair_of_a_chain_is_one_group():
    links = list(itertools.pairwise(range(50)))
    assert set(united(50, reversed(links))) == {0}
