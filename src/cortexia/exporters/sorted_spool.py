"""Lines in the order of their keys, for formats that want another order than that of time; memory does not grow."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterator
from typing import IO

_CHUNK_BYTES = 1 << 19
_BLOCK_BYTES = 1 << 13
_MERGED_CHUNKS = 32
_DIGITS = 12


class SortedSpool:
    """Add lines in any order, then iterate once. Sorted chunks lie in one temporary file and are merged from there.

    Use as a context manager. Keys are whole numbers below ten to the twelfth; lines of one key keep their order.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._lines: list[bytes] = []
        self._held = 0
        self._added = 0
        self._levels: list[list[tuple[int, int]]] = []

    def __enter__(self) -> SortedSpool:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def add(self, key: tuple[int, ...], line: bytes) -> None:
        """``line`` holds no end of line."""
        parts = (*key, self._added)
        self._added += 1
        made = b"".join(b"%0*d" % (_DIGITS, part) for part in parts) + b" " + line + b"\n"
        self._lines.append(made)
        self._held += len(made)
        if self._held >= _CHUNK_BYTES:
            self._put_down()

    def _put_down(self) -> None:
        self._write_chunk(0, iter([b"".join(sorted(self._lines))]))
        self._lines, self._held = [], 0

    def _write_chunk(self, level: int, parts: Iterator[bytes]) -> None:
        """``parts``, sorted, as one chunk. As many as are merged at once become a single one of the next level, so that
        never many are read at a time."""
        start = end = self._file.seek(0, os.SEEK_END)
        for part in parts:
            end += self._file.write(part)
        self._file.flush()
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append((start, end))
        if len(self._levels[level]) == _MERGED_CHUNKS:
            merged, self._levels[level] = self._levels[level], []
            self._write_chunk(level + 1, heapq.merge(*(self._read(*chunk) for chunk in merged)))

    def __iter__(self) -> Iterator[bytes]:
        """The lines without their keys."""
        chunks = [chunk for level in self._levels for chunk in level]
        for line in heapq.merge(*(self._read(*chunk) for chunk in chunks), sorted(self._lines)):
            yield line[line.index(b" ") + 1 : -1]

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        rest = b""
        while start < end:
            block = os.pread(self._file.fileno(), min(_BLOCK_BYTES, end - start), start)
            start += len(block)
            *whole, rest = (rest + block).split(b"\n")
            yield from (line + b"\n" for line in whole)
