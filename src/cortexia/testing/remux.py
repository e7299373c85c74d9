"""Long and broken clips made from short ones, without encoding again."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream


def loop_video(path: Path | str, out: Path | str, times: int) -> None:
    """Write ``path`` ``times`` over into ``out`` by stream copy. Every round starts where the longest stream of the
    round before ended, rounded up to whole units of each stream's time base.

    Raises ``ValueError`` for a container that keeps no decode times beside B-frames (Matroska); it may be the target.
    """
    if times < 1:
        raise ValueError(f"a clip is looped at least once, got {times}")
    with av.open(str(out), "w", options={"fflags": "+bitexact"}) as container:
        length = _length(Path(path))
        clock = _Clock()
        targets: dict[int, Stream] = {}
        for turn in range(times):
            with av.open(f"file:{path}") as source:
                if not targets:
                    targets = {item.index: container.add_stream_from_template(item) for item in _media(source)}
                _copy(source, container, targets, turn * length, clock)


def truncate_file(path: Path | str, out: Path | str, fraction: float) -> int:
    """Copy the first ``fraction`` of a file's bytes; returns their number."""
    data = Path(path).read_bytes()
    kept = data[: int(len(data) * fraction)]
    Path(out).write_bytes(kept)
    return len(kept)


def _media(source: InputContainer) -> list[Stream]:
    return [*source.streams.video, *source.streams.audio]


def _length(path: Path) -> Fraction:
    """Seconds until the last packet of any stream has been shown. Times before zero (priming) take no room."""
    ends: dict[int, Fraction] = defaultdict(Fraction)
    with av.open(f"file:{path}") as source:
        for packet in source.demux(_media(source)):
            if packet.pts is not None and packet.time_base is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                ends[packet.stream_index] = max(ends[packet.stream_index], end)
    return max(ends.values(), default=Fraction(0))


class _Clock:
    """Decode times written so far, per stream, in seconds."""

    def __init__(self) -> None:
        self._last: dict[int, Fraction] = {}

    def lets_pass(self, packet: Packet[Stream]) -> bool:
        """False for what lies before the packet written last: the priming of an audio encoder, once more."""
        now = (packet.dts or 0) * packet.time_base
        if packet.stream_index in self._last and now <= self._last[packet.stream_index]:
            return False
        self._last[packet.stream_index] = now
        return True


def _copy(
    source: InputContainer, out: OutputContainer, targets: dict[int, Stream], offset: Fraction, clock: _Clock
) -> None:
    for packet in source.demux(_media(source)):
        if packet.pts is None:
            continue  # the empty packet that ends a stream
        if packet.dts is None:
            raise ValueError(f"{source.name} has packets without decode times; loop an MP4 instead")
        shift = -int(-offset // packet.time_base)
        packet.pts += shift
        packet.dts += shift
        if clock.lets_pass(packet):
            packet.stream = targets[packet.stream_index]
            out.mux_one(packet)
