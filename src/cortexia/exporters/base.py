"""What leaves the database, and in which form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, ClassVar, Protocol

from cortexia.types import StoredRow


class Exporter(Protocol):
    """One format. ``cannot_carry`` names in words what is lost on the way."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    cannot_carry: ClassVar[tuple[str, ...]]

    def write(self, rows: Iterable[StoredRow], out: IO[bytes]) -> int:
        """Write all rows, streamed; returns how many."""
