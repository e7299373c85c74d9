"""Which packets must be decoded when only some pictures are wanted: known exactly from a demux before the decode.

Demuxing costs a few thousandths of decoding. From it come, for every packet, its picture's place in presentation order
and span, so that pictures nobody asked for can be skipped where that is exact: non-reference pictures one by one,
and what follows the last wanted picture of a closed group. Anything unusual (missing or repeated pts, open groups,
packets that an edit list discards) gives no schedule, and everything is decoded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from cortexia.types import Sampling, SamplingKind


@dataclass(frozen=True, slots=True)
class Schedule:
    """By packet, in file order: ``keep`` (1 feed, 0 drop) and ``wanted``; ``shown``: every pts in order of time."""

    keep: bytearray
    wanted: bytearray
    shown: array[int]

    @property
    def pictures(self) -> int:
        return len(self.keep)

    def index_of(self, pts: int) -> int | None:
        """Index of the picture shown at ``pts``, or ``None`` for a time that no packet has."""
        index = bisect_left(self.shown, pts)
        return index if index < len(self.shown) and self.shown[index] == pts else None

    def end_of(self, index: int) -> int | None:
        """pts of the next picture; ``None`` for the last."""
        return self.shown[index + 1] if index + 1 < len(self.shown) else None


@dataclass(frozen=True, slots=True)
class PacketList:
    """pts and key flags of all packets of a picture stream, in file order. ``last_ticks``: declared duration of the
    picture shown last, 0 if none is declared."""

    pts: array[int]
    keys: bytearray
    last_ticks: int


def scan(packets: Iterable[Any]) -> PacketList | None:
    """All packets of a picture stream; ``None`` where they cannot be relied on."""
    pts: array[int] = array("q")
    keys = bytearray()
    last_pts = last_ticks = 0
    for packet in packets:
        if packet.size == 0 and packet.dts is None:
            continue
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            return None
        if not pts or packet.pts > last_pts:
            last_pts, last_ticks = packet.pts, packet.duration or 0
        pts.append(packet.pts)
        keys.append(packet.is_keyframe)
    return PacketList(pts, keys, last_ticks) if pts and keys[0] else None


def make_schedule(
    packets: PacketList,
    samplings: Sequence[Sampling],
    in_range: Callable[[Fraction], bool],
    seconds: Callable[[int], Fraction],
    last_ticks: int,
) -> Schedule | None:
    """``seconds`` turns a pts into seconds from the origin; ``last_ticks`` is the duration of the last picture.

    ``None`` for streams that must be decoded whole.
    """
    pts, keys = packets.pts, packets.keys
    order = sorted(range(len(pts)), key=pts.__getitem__)
    if any(pts[a] == pts[b] for a, b in pairwise(order)) or _has_open_group(pts, keys):
        return None
    wanted = bytearray(len(pts))
    for index, packet in enumerate(order):
        start = seconds(pts[packet])
        if not in_range(start):
            continue
        end = seconds(pts[order[index + 1]]) if index + 1 < len(order) else start + seconds(last_ticks) - seconds(0)
        wanted[packet] = any(_wants(s, index, start, end, bool(keys[packet])) for s in samplings)
    return Schedule(_keep(keys, wanted), wanted, array("q", (pts[packet] for packet in order)))


def _wants(sampling: Sampling, index: int, start: Fraction, end: Fraction, is_key: bool) -> bool:
    if sampling.kind is SamplingKind.NTH:
        return index % sampling.nth == 0
    return sampling.wants(index, start, end, is_key)


def _has_open_group(pts: Sequence[int], keys: Sequence[int]) -> bool:
    """A picture shown before the key picture that it follows in the file needs the group before."""
    key_pts = pts[0]
    highest = pts[0]
    for packet_pts, is_key in zip(pts, keys, strict=True):
        if is_key:
            if packet_pts < highest:
                return True
            key_pts = packet_pts
        elif packet_pts < key_pts:
            return True
        highest = max(highest, packet_pts)
    return False


def _keep(keys: Sequence[int], wanted: bytearray) -> bytearray:
    keep = bytearray(len(wanted))
    needed = 0
    for packet in range(len(wanted) - 1, -1, -1):
        needed |= wanted[packet]
        keep[packet] = needed
        if keys[packet]:
            needed = 0
    return keep
