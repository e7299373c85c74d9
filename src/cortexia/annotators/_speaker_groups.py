"""From pieces of voices to speakers: by statistics of spectra where these are known, by vectors otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._speaker_paths import likeliest_path, shares_of
from cortexia.annotators._voice_groups import GroupLimits, VoiceTable, likelihoods, rejoined, voice_groups
from cortexia.annotators._voice_pieces import VoicePieces
from cortexia.clustering import grouped

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]

_BEGUN = 4
"""Pieces of half a second, at most, that are taken together before they are compared: two seconds say enough."""
_ROUNDS = 5
_CHANGE, _CHANGE_AFTER_PAUSE = 30.0, 9.0
"""What a change of speaker costs, as a logarithm of likelihoods of frames."""
_SHARPNESS = 0.05
_VECTOR_SHARPNESS = 15.0
_VECTOR_CHANGE, _VECTOR_CHANGE_AFTER_PAUSE = 0.1, 0.03
"""The same for cosines."""
_STEPS = 20


@dataclass(frozen=True, slots=True)
class SpeakerLimits:
    """``similarity``: mean cosine of two groups that are one speaker. ``least_s``: seconds of speech, at least, that
    make a speaker where vectors are compared."""

    groups: GroupLimits
    similarity: float
    least_s: float


@dataclass(frozen=True, slots=True)
class FoundSpeakers:
    """``speaker``: (n,), of each piece, 0 and up. ``share``: (n,), how likely that is beside the others."""

    speaker: Integers
    share: Reals


def find_speakers(pieces: VoicePieces, limits: SpeakerLimits, moved: Callable[[], None]) -> FoundSpeakers:
    if not len(pieces):
        return FoundSpeakers(np.empty(0, np.int64), np.empty(0))
    if pieces.local is not None:
        return _of_locals(pieces, limits, moved)
    if pieces.table is None:
        return _by_vectors(pieces, limits)
    return _by_statistics(pieces.table, pieces.interval, limits.groups, moved)


def _by_statistics(
    table: VoiceTable, interval: Integers, limits: GroupLimits, moved: Callable[[], None]
) -> FoundSpeakers:
    begun = list(_begun(interval))
    groups = [
        [piece for one in group for piece in begun[one]]
        for group in voice_groups(table.summed(begun), limits, (), moved)
    ]
    for _ in range(_ROUNDS if len(groups) > 1 else 0):
        path = likeliest_path(likelihoods(table, groups), interval, _CHANGE, _CHANGE_AFTER_PAUSE)
        found = _members(path)
        if len(found) < limits.fewest or found == [sorted(group) for group in groups]:
            break
        groups = rejoined(table, found, limits)
        moved()
    return _told(groups, likelihoods(table, groups), _SHARPNESS)


def _begun(interval: Integers) -> Iterator[list[int]]:
    """Pieces that follow each other in one interval of speech, a few at a time."""
    for number in np.unique(interval):
        own = np.flatnonzero(interval == number)
        parts = max(1, round(len(own) / _BEGUN))
        yield from (part.tolist() for part in np.array_split(own, parts))


def _members(labels: Integers) -> list[list[int]]:
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _told(groups: Sequence[Sequence[int]], scores: Reals, sharpness: float) -> FoundSpeakers:
    speaker = np.empty(len(scores), np.int64)
    for number, group in enumerate(groups):
        speaker[list(group)] = number
    shares = shares_of(scores, sharpness)
    return FoundSpeakers(speaker, shares[np.arange(len(scores)), speaker])


def _by_vectors(pieces: VoicePieces, limits: SpeakerLimits) -> FoundSpeakers:
    vectors = pieces.vectors.astype(np.float64)
    labels = _absorbed(vectors, _counted(vectors, limits, (), ()), pieces.seconds, limits)
    means = _means(vectors, labels)
    scores = np.einsum("nd,kd->nk", vectors, means)
    path = likeliest_path(scores, pieces.interval, _VECTOR_CHANGE, _VECTOR_CHANGE_AFTER_PAUSE)
    if len(np.unique(path)) >= min(limits.groups.fewest, int(labels.max()) + 1):
        labels = np.unique(path, return_inverse=True)[1]
    groups = _members(labels)
    return _told(groups, np.einsum("nd,kd->nk", vectors, _means(vectors, labels)), _VECTOR_SHARPNESS)


def _counted(
    vectors: Reals,
    limits: SpeakerLimits,
    together: Iterable[tuple[int, int]],
    apart: Iterable[tuple[int, int]],
) -> Integers:
    """Groups by vectors: stricter where there are too few, and then the nearest joined where there are too many."""
    together, apart = list(together), list(apart)
    labels = grouped(vectors, limits.similarity, together, apart)
    most = limits.groups.most if labels.max() + 1 >= limits.groups.fewest else limits.groups.fewest
    for step in range(1, _STEPS):
        if labels.max() + 1 >= limits.groups.fewest:
            break
        labels = grouped(vectors, limits.similarity + (1 - limits.similarity) * step / _STEPS, together, apart)
    barred = {(int(labels[one]), int(labels[other])) for one, other in apart}
    return _reduced(vectors, labels, most, barred)


def _reduced(vectors: Reals, labels: Integers, most: int, barred: set[tuple[int, int]]) -> Integers:
    """Joined, the most alike first, until there are at most ``most``, as far as nothing is ``barred``."""
    labels = labels.copy()
    while (count := int(labels.max()) + 1) > most:
        alike = np.einsum("id,jd->ij", means := _means(vectors, labels), means)
        pairs = [(-round(float(alike[pair]), 9), pair) for pair in combinations(range(count), 2)]
        free = [(loss, pair) for loss, pair in pairs if pair not in barred and pair[::-1] not in barred]
        if not free:
            break
        _, (kept, gone) = min(free)
        renumbered = np.array([kept if one == gone else one - (one > gone) for one in range(count)])
        labels = renumbered[labels]
        barred = {(int(renumbered[one]), int(renumbered[other])) for one, other in barred}
    return labels


def _absorbed(vectors: Reals, labels: Integers, seconds: Reals, limits: SpeakerLimits) -> Integers:
    """Who speaks for less than ``least_s`` is taken for the most alike of the others, as far as enough are left."""
    while (count := int(labels.max()) + 1) > max(1, limits.groups.fewest):
        spoken = np.bincount(labels, seconds, count)
        least = int(spoken.argmin())
        if spoken[least] >= limits.least_s:
            break
        means = _means(vectors, labels)
        alike = np.einsum("kd,d->k", means, means[least])
        alike[least] = -np.inf
        labels = np.where(labels == least, int(np.round(alike, 9).argmax()), labels)
        labels = labels - (labels > least)
    return labels


def _means(vectors: Reals, labels: Integers) -> Reals:
    """(groups, dimension), of length 1."""
    sums = np.array([vectors[labels == label].sum(axis=0) for label in range(int(labels.max()) + 1)])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))


def _of_locals(pieces: VoicePieces, limits: SpeakerLimits, moved: Callable[[], None]) -> FoundSpeakers:
    """Local speakers are put together as pieces are; those of one window are different people."""
    names = pieces.local or ()
    first = {name: at for at, name in reversed(list(enumerate(names)))}
    order = sorted(first, key=lambda name: first[name])
    chosen = [first[name] for name in order]
    apart = list(_of_one_window(order))
    vectors = pieces.vectors[chosen].astype(np.float64)
    if pieces.table is None:
        labels = _counted(vectors, limits, (), apart)
        groups = _members(labels)
        scores, sharpness = np.einsum("nd,kd->nk", vectors, _means(vectors, labels)), _VECTOR_SHARPNESS
    else:
        table = pieces.table.summed([[at] for at in chosen])
        groups = voice_groups(table, limits.groups, apart, moved)
        scores, sharpness = likelihoods(table, groups), _SHARPNESS
    told = _told(groups, scores, sharpness)
    place = {name: at for at, name in enumerate(order)}
    back = [place[name] for name in names]
    return FoundSpeakers(told.speaker[back], told.share[back])


def _of_one_window(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    windows: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        windows.setdefault(name.rpartition(".")[0], []).append(at)
    for own in windows.values():
        yield from combinations(own, 2)
