"""A digest over the rows of a window: what was committed can be told from what is there now.

Column by column, because that takes a quarter of the time of JSON. For each column: one byte a row (1: there
is a value, 0: NULL), then the values that are there: reals as little-endian doubles, integers as little-endian 64-bit,
texts as UTF-8, each followed by a NUL (which no text may hold).
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from cortexia.errors import ValidationError
from cortexia.stores.sql.schema import annotation_rows

_CODES = {float: "d", int: "q"}
_NUMBERS = {
    column.name: _CODES[column.type.python_type]
    for column in annotation_rows.columns
    if column.type.python_type in _CODES
}
_STEP = 4096


def rows_digest(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> str:
    """SHA-256 (hex) over the first ``len(columns)`` values of each of ``rows``, in blocks of 4096 rows.

    Raises ``ValidationError`` for text that is no valid Unicode and integers beyond 64 bits.
    """
    digest = hashlib.sha256()
    try:
        for start in range(0, len(rows), _STEP):
            for name, values in zip(columns, zip(*rows[start : start + _STEP], strict=True), strict=False):
                for part in _parts(name, values):
                    digest.update(part)
    except UnicodeEncodeError as error:
        raise ValidationError(f"an annotation holds text that is no valid Unicode: {error}") from error
    except OverflowError as error:
        raise ValidationError(f"an annotation holds an integer beyond 64 bits: {error}") from error
    return digest.hexdigest()


def _parts(name: str, values: Sequence[Any]) -> Iterable[bytes]:
    missing = values.count(None)
    if missing == len(values):
        yield b"\0" * missing
        return
    yield bytes(value is not None for value in values) if missing else b"\1" * len(values)
    present = [value for value in values if value is not None] if missing else values
    if name in _NUMBERS:
        yield _little(array(_NUMBERS[name], present))
    else:
        yield ("\0".join(present) + "\0").encode()


def _little(numbers: array[Any]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
