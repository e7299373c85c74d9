"""From pieces of voices to speakers: by statistics of spectra where these are known, by vectors otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._speaker_paths import likeliest_path, shares_of
from cortexia.annotators._vector_groups import VectorGroups, mean_directions
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
_STRICT = (19, 12, 8, 6, 4, 2, 1)
"""Of 20 steps from the similarity that was asked for to 1, those at which groups are looked for."""


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
        return _by_vectors(pieces, limits, moved)
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
        groups = rejoined(table, found, limits, moved)
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


def _by_vectors(pieces: VoicePieces, limits: SpeakerLimits, moved: Callable[[], None]) -> FoundSpeakers:
    vectors = pieces.vectors.astype(np.float64)
    labels = _grouped(vectors, pieces.seconds, limits, (), moved)
    scores = np.einsum("nd,kd->nk", vectors, mean_directions(vectors, labels))
    path = likeliest_path(scores, pieces.interval, _VECTOR_CHANGE, _VECTOR_CHANGE_AFTER_PAUSE)
    if len(np.unique(path)) >= min(limits.groups.fewest, int(labels.max()) + 1):
        labels = np.unique(path, return_inverse=True)[1]
    return _told_by_vectors(vectors, labels)


def _told_by_vectors(vectors: Reals, labels: Integers) -> FoundSpeakers:
    scores = np.einsum("nd,kd->nk", vectors, mean_directions(vectors, labels))
    return _told(_members(labels), scores, _VECTOR_SHARPNESS)


def _grouped(
    vectors: Reals,
    seconds: Reals,
    limits: SpeakerLimits,
    apart: Sequence[tuple[int, int]],
    moved: Callable[[], None],
) -> Integers:
    """Groups by vectors: stricter where there are too few, and then the nearest joined where there are too many: first
    as far as nothing is ``apart``, then as far as ``max_speakers`` asks for, which goes before that."""
    fewest, most = limits.groups.fewest, limits.groups.most
    labels, is_enough = _enough(vectors, limits.similarity, fewest, apart, moved)
    groups = VectorGroups(vectors, labels, apart)
    groups.reduce(most if is_enough else fewest, moved)
    groups.absorb(seconds, limits.least_s, fewest)
    if groups.alive > most:
        groups = VectorGroups(vectors, groups.labels())
        groups.reduce(most, moved)
    return groups.labels()


def _enough(
    vectors: Reals, similarity: float, fewest: int, apart: Sequence[tuple[int, int]], moved: Callable[[], None]
) -> tuple[Integers, bool]:
    """Groups at ``similarity``, and whether there are enough; if not, at the least strict of ``_STRICT`` at which there
    are, else at the strictest. The stricter, the more groups, and the sooner they are found."""

    def at(step: int) -> Integers:
        moved()
        return grouped(vectors, similarity + (1 - similarity) * step / _STEPS, (), apart)

    labels = at(0)
    if labels.max() + 1 >= fewest:
        return labels, True
    labels = at(_STRICT[0])
    for step in _STRICT[1:]:
        tried = at(step)
        if tried.max() + 1 < fewest:
            break
        labels = tried
    return labels, False


def _of_locals(pieces: VoicePieces, limits: SpeakerLimits, moved: Callable[[], None]) -> FoundSpeakers:
    """Local speakers are put together as pieces are; those of one window are different people,
    unless ``max_speakers`` or ``least_s`` leave no other choice."""
    names = pieces.local or ()
    first = {name: at for at, name in reversed(list(enumerate(names)))}
    order = sorted(first, key=lambda name: first[name])
    chosen = [first[name] for name in order]
    apart = list(_of_one_window(order))
    place = {name: at for at, name in enumerate(order)}
    back = [place[name] for name in names]
    vectors = pieces.vectors[chosen].astype(np.float64)
    if pieces.table is None:
        labels = _grouped(vectors, np.bincount(back, pieces.seconds).astype(np.float64), limits, apart, moved)
        told = _told_by_vectors(vectors, labels)
    else:
        table = pieces.table.summed([[at] for at in chosen])
        groups = voice_groups(table, limits.groups, apart, moved)
        told = _told(groups, likelihoods(table, groups), _SHARPNESS)
    return FoundSpeakers(told.speaker[back], told.share[back])


def _of_one_window(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    windows: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        windows.setdefault(name.rpartition(".")[0], []).append(at)
    for own in windows.values():
        yield from combinations(own, 2)
