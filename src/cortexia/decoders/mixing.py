"""Sound in any form to mono float32 at one rate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

_UNORDERED = re.compile(r"\d+ channels.*")
"""How a layout is called of which only the number of channels is known."""
_REALS = {"flt": np.float32, "fltp": np.float32, "dbl": np.float64, "dblp": np.float64}


class Mixer:
    """Takes decoded frames of one form (sample format, layout, rate), gives samples (n,).

    Channels are weighted as in ITU-R BS.775 (the low-frequency channel not at all), and the weights brought to a sum
    of 1: what all channels share keeps its level, and nothing gets beyond full scale that was not there before. Of
    channels that nobody says the places of, all count alike.
    Samples that are no finite numbers are silence, or full scale where they are infinite; they are put right before
    the rate is changed, so that they spoil no others.
    """

    def __init__(self, frame: Any, rate: int) -> None:
        self._graph = Graph()
        base = Fraction(1, frame.sample_rate)
        form = {"sample_rate": frame.sample_rate, "format": frame.format.name, "layout": frame.layout.name}
        source = self._graph.add_abuffer(**form, time_base=base)
        last = source
        if _UNORDERED.fullmatch(frame.layout.name):
            last = self._graph.add("pan", alike(frame.layout.nb_channels))
            source.link_to(last)
        mono = self._graph.add("aresample", f"osr={rate}:ochl=mono:osf=flt:rematrix_maxval=1")
        sink = self._graph.add("abuffersink")
        last.link_to(mono)
        mono.link_to(sink)
        self._graph.configure()

    def mix(self, frame: Any | None) -> list[NDArray[np.float32]]:
        """What is complete once ``frame`` is in; ``None``: what is left."""
        if frame is not None:
            frame.pts = None  # the filters keep a clock of their own; ours is the count of samples
            put_right(frame)
        self._graph.push(frame)
        return list(self._ready())

    def _ready(self) -> Iterator[NDArray[np.float32]]:
        while True:
            try:
                frame: Any = self._graph.pull()
            except (BlockingIOError, av.EOFError):
                return
            yield np.frombuffer(frame.planes[0], np.float32, frame.samples).copy()


def alike(channels: int) -> str:
    """What makes the filter ``pan`` mix so many channels with equal weights."""
    return "mono|c0=" + "+".join(f"{1 / channels:.9f}*c{number}" for number in range(channels))


def put_right(frame: Any) -> None:
    """Make every sample of a frame a finite number, in place."""
    kind = _REALS.get(frame.format.name)
    if kind is None:
        return
    for plane in frame.planes:
        values = np.frombuffer(plane, kind)
        if not np.isfinite(values).all():
            plane.update(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=-1.0).tobytes())
