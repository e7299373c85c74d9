"""Lines come back in the order of their keys, also where they do not fit into memory."""

from __future__ import annotations

import random

import pytest

from cortexia.exporters import sorted_spool
from cortexia.exporters.sorted_spool import SortedSpool


@pytest.mark.parametrize("chunk", [1, 100, 1 << 20])
def test_lines_come_in_the_order_of_their_keys(chunk, monkeypatch):
    monkeypatch.setattr(sorted_spool, "_CHUNK_BYTES", chunk)
    monkeypatch.setattr(sorted_spool, "_BLOCK_BYTES", 7)
    monkeypatch.setattr(sorted_spool, "_MERGED_CHUNKS", 3)
    numbers = list(range(300))
    random.Random(4).shuffle(numbers)
    with SortedSpool() as spool:
        for number in numbers:
            spool.add((number // 10, number % 10), b"line %d with spaces" % number)
        assert list(spool) == [b"line %d with spaces" % number for number in range(300)]


def test_lines_of_one_key_keep_their_order():
    with SortedSpool() as spool:
        for number in (3, 1, 2):
            spool.add((5,), b"%d" % number)
        assert list(spool) == [b"3", b"1", b"2"]
