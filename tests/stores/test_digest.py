"""The digest of a window's rows tells any change from none."""

from __future__ import annotations

import random

import pytest

from cortexia.errors import ValidationError
from cortexia.stores.sql.digest import rows_digest

COLUMNS = ("label", "confidence", "frame_index")


def test_it_is_what_it_says():
    """Worked out by hand: masks, doubles, integers and texts, column by column."""
    import hashlib
    import struct

    meant = b"\1\0" + b"cat\0" + b"\1\1" + struct.pack("<2d", 0.5, 1.0) + b"\0\1" + struct.pack("<q", 7)
    assert rows_digest([("cat", 0.5, None), (None, 1.0, 7)], COLUMNS) == hashlib.sha256(meant).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("", 0.0, 0)], [(None, 0.0, 0)]),
        ([("a", 0.0, 0), ("", 0.0, 0)], [("", 0.0, 0), ("a", 0.0, 0)]),
        ([("ab", 0.0, 0), ("c", 0.0, 0)], [("a", 0.0, 0), ("bc", 0.0, 0)]),
        ([(None, 0.0, 0), ("", 0.0, 0)], [("", 0.0, 0), (None, 0.0, 0)]),
        ([("a", None, 0)], [("a", 0.0, 0)]),
        ([("a", 0.1, 0)], [("a", 0.1 + 2**-56, 0)]),
        ([("a", 0.0, 1)], [("a", 0.0, 2)]),
        ([("a", 0.0, 1)], [("a", 0.0, 1)] * 2),
        ([], [(None, None, None)]),
    ],
)
def test_a_difference_is_seen(one, other):
    assert rows_digest(one, COLUMNS) != rows_digest(other, COLUMNS)


def test_rows_beyond_a_block_count():
    rng = random.Random(3)
    rows = [(str(rng.random()), rng.random(), rng.randrange(9)) for _ in range(9000)]
    same = [tuple(row) for row in rows]
    assert rows_digest(rows, COLUMNS) == rows_digest(same, COLUMNS)
    same[8999] = ("x", 0.0, 0)
    assert rows_digest(rows, COLUMNS) != rows_digest(same, COLUMNS)


def test_values_beyond_the_columns_are_not_looked_at():
    assert rows_digest([("a", 0.0, 0, "x")], COLUMNS) == rows_digest([("a", 0.0, 0, "y")], COLUMNS)


@pytest.mark.parametrize("row", [("\ud800", 0.0, 0), ("a", 0.0, 2**63)])
def test_what_no_database_takes_is_refused(row):
    with pytest.raises(ValidationError):
        rows_digest([row], COLUMNS)
