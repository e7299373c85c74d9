"""All that a store holds of one video, on its way to another store: streamed, and the same values on every store.

A protocol beside ``StorageBackend``, as ``stores.upkeep`` is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cortexia.errors import ConfigurationError
from cortexia.stores.base import BlobStore, StorageBackend
from cortexia.stores.sql.rows import Row

Values = Mapping[str, Any]
"""A row by column: JSON parsed, times as text in UTC."""


@dataclass(frozen=True, slots=True)
class VideoHead:
    """What there is of a video beside its windows. ``tables``: rows by table, in an order in which they can be
    inserted: whatever a row names comes before it."""

    video_id: str
    tables: Mapping[str, tuple[Values, ...]]


@dataclass(frozen=True, slots=True)
class WindowRows:
    """One window of one run. ``rows``: tuples of ``stores.sql.rows.COLUMNS``, in the order in which they were made;
    ``blobs``: rows of the pictures that they need; ``quarantined``: of what was put aside in this window."""

    window: Values
    rows: list[Row]
    blobs: tuple[Values, ...] = ()
    quarantined: tuple[Values, ...] = ()


class Transfer(Protocol):
    """Hands out videos whole, and takes them in whole or not at all."""

    def video_ids(self) -> list[str]:
        """All of them in order, also deleted ones."""

    def holds(self, video_id: str) -> bool: ...

    def reading(
        self, video_id: str, as_it_is: bool = False
    ) -> AbstractContextManager[tuple[VideoHead, Iterator[WindowRows]]]:
        """One state of the video; windows are streamed, those of each run in their order, and runs that others have
        superseded before those others. Raises ``DataInconsistencyError`` for a window whose rows are not those that
        were committed, unless it shall be read ``as_it_is``."""

    def write(self, head: VideoHead, windows: Iterable[WindowRows], blobs: BlobStore) -> None:
        """Take a video in that is not here, with its pictures from ``blobs``; on an error nothing of it is here."""


def transfer_of(store: StorageBackend) -> Transfer:
    """Raises ``ConfigurationError`` for a store that has none."""
    transfer: Transfer | None = getattr(store, "transfer", None)
    if transfer is None:
        raise ConfigurationError(f"{store.location} is a kind of store that 'cortexia db move' cannot move yet")
    return transfer
