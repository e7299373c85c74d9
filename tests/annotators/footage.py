"""Frames and sound for annotator tests, straight from PyAV: no decoder of the product is involved."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators.base import SessionContext, StreamAnnotator
from cortexia.types import (
    AudioBlock,
    MediaInfo,
    Picture,
    TimeSource,
    Timestamp,
    Verdict,
    VerdictStatus,
    ViewSpec,
)

AUDIO_RATE = 16_000


@dataclass
class StillFrame:
    """A frame made from a BGR picture; views come from OpenCV."""

    index: int
    timestamp: Timestamp
    end: Timestamp
    bgr: NDArray[np.uint8]
    is_keyframe: bool = False
    is_corrupt: bool = False
    time_source: TimeSource = TimeSource.PTS
    views: dict[ViewSpec, Picture] = field(default_factory=dict)

    @property
    def pts(self) -> int:
        return self.timestamp.pts

    @property
    def time_s(self) -> float:
        return self.timestamp.seconds

    @property
    def size(self) -> tuple[int, int]:
        return self.bgr.shape[1], self.bgr.shape[0]

    def view(self, spec: ViewSpec) -> Picture:
        if spec not in self.views:
            self.views[spec] = _make_view(self.bgr, spec)
        return self.views[spec]


def _make_view(bgr: NDArray[np.uint8], spec: ViewSpec) -> Picture:
    size = spec.fit(bgr.shape[1], bgr.shape[0])
    picture = bgr if size == (bgr.shape[1], bgr.shape[0]) else cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    if spec.pixel_format == "i420":
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    elif spec.pixel_format == "gray":
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    elif spec.pixel_format == "rgb":
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    else:
        picture = picture.copy()
    picture.flags.writeable = False
    return picture


def frames_of(pictures: Iterable[NDArray[np.uint8]], fps: float | Fraction = 25) -> list[StillFrame]:
    """Frames at a constant rate, time base 1/90000."""
    step = Fraction(90_000) / Fraction(fps).limit_denominator(100_000)
    base = Fraction(1, 90_000)
    return [
        StillFrame(i, Timestamp(round(i * step), base), Timestamp(round((i + 1) * step), base), picture)
        for i, picture in enumerate(pictures)
    ]


def read_frames(path: Path, annotator: StreamAnnotator, limit: int | None = None) -> list[StillFrame]:
    """Every frame of a clip with exactly the views that ``annotator`` declares (plus none of the full picture).

    ``limit``: so many from the start.
    """
    return list(itertools.islice(_read(path, annotator), limit))


def _read(path: Path, annotator: StreamAnnotator) -> Iterator[StillFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        held: StillFrame | None = None
        step = 1
        for index, picture in enumerate(container.decode(stream)):
            start = Timestamp(picture.pts, picture.time_base)
            if held is not None:
                step = start.pts - held.timestamp.pts
                held.end = start
                yield held
            held = StillFrame(index, start, start, np.empty((picture.height, picture.width, 0), np.uint8))
            held.views = {spec: _reformat(picture, spec) for spec in annotator.views}
        if held is not None:
            held.end = Timestamp(held.timestamp.pts + step, held.timestamp.time_base)
            yield held


_FORMATS = {"i420": "yuv420p", "gray": "gray", "bgr": "bgr24", "rgb": "rgb24"}


def _reformat(picture: av.VideoFrame, spec: ViewSpec) -> Picture:
    width, height = spec.fit(picture.width, picture.height)
    how = "FAST_BILINEAR" if spec.resample == "fast" else "AREA"
    array = picture.reformat(width, height, _FORMATS[spec.pixel_format], interpolation=how).to_ndarray()
    array.flags.writeable = False
    return array


def sound_of(samples: NDArray[np.float32], sizes: Iterable[int] | None = None, start: int = 0) -> list[AudioBlock]:
    """Blocks of the given sizes (the last size repeats); ``start``: timestamp of the first sample, in samples."""
    blocks, at = [], 0
    sizes = iter(sizes or (1024,))
    size = next(sizes)
    while at < len(samples):
        part = samples[at : at + size]
        blocks.append(AudioBlock(at, Timestamp(start + at, Fraction(1, AUDIO_RATE)), part, AUDIO_RATE))
        at += len(part)
        size = next(sizes, size)
    return blocks


def read_sound(path: Path) -> NDArray[np.float32]:
    """The sound of a file: mono, 16 kHz."""
    parts = []
    with av.open(str(path)) as container:
        to_mono = av.AudioResampler("flt", "mono", AUDIO_RATE)
        for frame in container.decode(audio=0):
            parts += [piece.to_ndarray()[0] for piece in to_mono.resample(frame)]
        parts += [piece.to_ndarray()[0] for piece in to_mono.resample(None)]
    return np.concatenate(parts)


def media() -> MediaInfo:
    return MediaInfo("mp4", 0, None, Fraction(0), None, None, Verdict(VerdictStatus.OK))


class Blobs(dict[str, bytes]):
    """A blob folder in memory."""

    def put(self, data: bytes, suffix: str) -> str:
        import hashlib

        digest = hashlib.sha256(data).hexdigest()
        self[digest] = data
        return digest


def context(blobs: Blobs | None = None) -> SessionContext:
    return SessionContext(media(), (blobs if blobs is not None else Blobs()).put)


# -- pictures without files


def place(seed: int, width: int = 320, height: int = 180) -> NDArray[np.uint8]:
    """A picture with detail at several scales and colours of its own."""
    rng = np.random.Generator(np.random.PCG64(seed))
    total = np.full((height, width, 3), rng.uniform(60, 190, 3), np.float32)
    for cells, strength in ((3, 70.0), (6, 50.0), (12, 40.0), (40, 25.0)):
        spots = rng.uniform(-strength, strength, (cells, 2 * cells, 3)).astype(np.float32)
        total += cv2.resize(spots, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(total, 0, 255).astype(np.uint8)


def drawn_face(side: int = 90) -> NDArray[np.uint8]:
    """A face of a few ellipses, from the front, that a detector for photographs takes for one (BGR, square)."""
    picture = np.full((side, side), 110, np.uint8)
    ellipses = [((50, 52), (36, 46), 190), ((50, 22), (36, 20), 60), ((50, 40), (32, 14), 190)]
    for eye in (34, 66):
        ellipses += [((eye, 36), (11, 3), 90), ((eye, 44), (10, 6), 120), ((eye, 44), (5, 4), 40)]
    ellipses += [((50, 60), (4, 9), 215), ((50, 67), (8, 3), 150), ((50, 80), (14, 4), 100)]
    for middle, axes, level in ellipses:
        scaled = [max(1, round(value * side / 100)) for value in (*middle, *axes)]
        cv2.ellipse(picture, (scaled[0], scaled[1]), (scaled[2], scaled[3]), 0, 0, 360, level, -1)
    soft = cv2.GaussianBlur(picture, (0, 0), side / 60)
    return np.clip(soft[..., None] * np.array((0.8, 0.9, 1.05)), 0, 255).astype(np.uint8)


def with_face(picture: NDArray[np.uint8], left: int, top: int, side: int = 90) -> NDArray[np.uint8]:
    """The picture with ``drawn_face`` in it."""
    shown = picture.copy()
    shown[top : top + side, left : left + side] = drawn_face(side)
    return shown


def flat(level: int, width: int = 320, height: int = 180) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def mixed(first: NDArray[np.uint8], second: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """The ``count`` pictures of a dissolve; with a flat picture, those of a fade."""
    shares = [(step + 1) / (count + 1) for step in range(count)]
    return [cv2.addWeighted(first, 1 - share, second, share, 0) for share in shares]


def lit(picture: NDArray[np.uint8], gain: float, lift: float = 0.0) -> NDArray[np.uint8]:
    return np.clip(picture * gain + lift, 0, 255).astype(np.uint8)


def panned(seed: int, count: int, step: int) -> list[NDArray[np.uint8]]:
    """``step`` pixels to the right in every picture."""
    wide = place(seed, 320 + count * step)
    return [np.ascontiguousarray(wide[:, number * step : number * step + 320]) for number in range(count)]
