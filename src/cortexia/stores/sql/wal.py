"""Is the write-ahead log of an SQLite database whole? SQLite itself drops what follows a damaged frame without a word.

Format: https://www.sqlite.org/fileformat2.html#walformat. A crash may tear the last transaction, which nobody was told
is stored: that is no damage. Damage is a frame that does not add up in a transaction that others followed, because with
``synchronous=FULL`` a transaction is on the disk before the next one begins.
"""

from __future__ import annotations

import struct
import time
from pathlib import Path

from cortexia.errors import StoreError
from cortexia.files import translate_os_error

_HEADER = 32
_FRAME_HEADER = 24
_LITTLE_SUMS, _BIG_SUMS = 0x377F0682, 0x377F0683
_LOOKS = 3
_PAUSE_S = 0.05
_MASK = 0xFFFFFFFF


def require_whole_log(database: Path) -> None:
    """Raise ``StoreError`` for a database whose log has lost transactions that were stored. Nothing is changed."""
    log = database.with_name(f"{database.name}-wal")
    damaged_at: int | None = None
    for look in range(_LOOKS):
        # a log that is being written may look torn: one that is damaged looks the same again
        if look:
            time.sleep(_PAUSE_S)
        found = damaged_frame(_read(log))
        if found is None or (look and found != damaged_at):
            return
        damaged_at = found
    raise StoreError(
        f"the log {log} is damaged from frame {damaged_at} on, and holds what {database.name} does not have yet; "
        "nothing was changed: keep both files and restore a backup with 'cortexia db restore'"
    )


def _read(log: Path) -> bytes:
    with translate_os_error(log):
        try:
            return log.read_bytes()
        except FileNotFoundError:
            return b""


def damaged_frame(log: bytes) -> int | None:
    """Number (1, 2, ...) of the first frame that does not add up although a later transaction was written after it; 0
    for the header before them all."""
    if len(log) < _HEADER + _FRAME_HEADER:
        return None
    magic, _, page_size = struct.unpack_from(">III", log)
    order = ">" if magic == _BIG_SUMS else "<"
    salts, header_sums = log[16:24], struct.unpack_from(">II", log, 24)
    is_header = magic in (_LITTLE_SUMS, _BIG_SUMS) and _sums(log[:24], order) == header_sums
    if not is_header:
        # the header is on the disk before any frame; where all is nought, nothing ever came there
        return 0 if any(log[_HEADER:]) else None
    count = _frames_with(log, page_size, salts)
    bad = _first_bad(log, page_size, count, order, header_sums)
    return bad if bad is not None and _was_followed(log, page_size, count, bad) else None


def _frames_with(log: bytes, page_size: int, salts: bytes) -> int:
    """How many frames from the beginning are of this log: those behind are left over from before it was reset."""
    size = _FRAME_HEADER + page_size
    last = 0
    for number in range((len(log) - _HEADER) // size):
        start = _HEADER + number * size
        if log[start + 8 : start + 16] == salts:
            last = number + 1
    return last


def _was_followed(log: bytes, page_size: int, count: int, bad: int) -> bool:
    """Whether the transaction of frame ``bad`` ends before the last frame: a frame that commits names a page count."""
    size = _FRAME_HEADER + page_size
    commits = (struct.unpack_from(">I", log, _HEADER + number * size + 4)[0] for number in range(bad - 1, count - 1))
    return any(commits)


def _first_bad(log: bytes, page_size: int, count: int, order: str, sums: tuple[int, int]) -> int | None:
    """The sums run on from frame to frame. Each is linear in the one before, so that all frames are summed at once from
    nought, and chained after that."""
    import numpy as np

    if not count:
        return None
    size = _FRAME_HEADER + page_size
    frames = np.frombuffer(log, np.uint8, count * size, _HEADER).reshape(count, size)
    summed = np.concatenate([frames[:, :8], frames[:, _FRAME_HEADER:]], axis=1).copy().view(f"{order}u4")
    first = np.zeros(count, np.uint32)
    second = np.zeros(count, np.uint32)
    for at in range(0, summed.shape[1], 2):
        first += summed[:, at] + second
        second += summed[:, at + 1] + first
    (a, b), (c, d) = _carried(summed.shape[1] // 2)
    for number in range(count):
        one, two = sums
        sums = ((a * one + b * two + int(first[number])) & _MASK, (c * one + d * two + int(second[number])) & _MASK)
        start = _HEADER + number * size
        # the sums leave the salts out; frames of an earlier round never come before one of this
        if log[start + 8 : start + 16] != log[16:24] or struct.unpack_from(">II", log, start + 16) != sums:
            return number + 1
    return None


def _carried(pairs: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """What becomes of the sums before a frame of so many pairs of words that are nought."""
    one, other = (1, 0), (0, 1)
    for _ in range(pairs):
        one = ((one[0] + other[0]) & _MASK, (one[1] + other[1]) & _MASK)
        other = ((other[0] + one[0]) & _MASK, (other[1] + one[1]) & _MASK)
    return one, other


def _sums(data: bytes, order: str) -> tuple[int, int]:
    first = second = 0
    for one, two in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & _MASK
        second = (second + two + first) & _MASK
    return first, second
