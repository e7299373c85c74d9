"""Takes of real clips joined at random by cuts, dissolves and fades: exact truth over real movement."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from clips.shots_suite import HEIGHT, WIDTH, Clip, Picture, dim

_SOURCES = ("mdn/*.mp4", "misc/*.mp4", "intel/*.mkv", "intel/*.mp4", "intel/*.gif")
_MOST_FRAMES = 900
_TAKE = 23
_JOINS = 9

Pool = Sequence[Sequence[Picture]]


def joined_takes(data: Path, count: int = 16) -> Iterator[Clip]:
    """Nothing where the clips are not there."""
    paths = [path for pattern in _SOURCES for path in sorted((data / "videos").glob(pattern))]
    pool = [_pictures(path) for path in paths]
    for number in range(count if len(pool) > 2 else 0):
        pictures, boundaries = _join(pool, random.Random(100 + number))
        yield Clip(f"joined-{number:02d}", len(pictures), pictures.__getitem__, boundaries)


def _pictures(path: Path) -> list[Picture]:
    shown = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if len(shown) == _MOST_FRAMES:
                break
            picture = frame.to_ndarray(format="bgr24")
            shown.append(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    return shown


def _join(pool: Pool, rng: random.Random) -> tuple[list[Picture], tuple[tuple[int, int], ...]]:
    boundaries: list[tuple[int, int]] = []
    shown: list[Picture] = []
    source, take = _take(pool, rng, None)
    for _ in range(_JOINS):
        source, following = _take(pool, rng, source)
        kind, length = rng.choice(("cut", "cut", "dissolve", "dissolve", "fade")), rng.randint(4, 18)
        if kind == "cut":
            shown += take
            boundaries.append((len(shown) - 1, len(shown) + 1))
            take = following
            continue
        shown += take[:-length]
        between = _between(take[-length:], following[:length], None if kind == "dissolve" else rng.choice((0, 3, 15)))
        boundaries.append((len(shown), len(shown) + len(between)))
        shown += between
        take = following[length:]
    return shown + take, tuple(boundaries)


def _take(pool: Pool, rng: random.Random, other_than: int | None) -> tuple[int, list[Picture]]:
    """A second of a clip, forth and back."""
    source = rng.choice([n for n, clip in enumerate(pool) if n != other_than and len(clip) >= _TAKE])
    start = rng.randrange(len(pool[source]) - _TAKE + 1)
    forth = list(pool[source][start : start + _TAKE])
    return source, forth + forth[::-1]


def _between(before: Sequence[Picture], after: Sequence[Picture], hold: int | None) -> list[Picture]:
    """A dissolve, or with ``hold`` a fade through as many black pictures."""
    shares = [(step + 1) / (len(before) + 1) for step in range(len(before))]
    if hold is None:
        return [cv2.addWeighted(a, 1 - x, b, x, 0) for a, b, x in zip(before, after, shares, strict=True)]
    down = [dim(picture, 1 - share) for picture, share in zip(before, shares, strict=True)]
    up = [dim(picture, share) for picture, share in zip(after, shares, strict=True)]
    return [*down, *[np.zeros_like(before[0])] * hold, *up]
