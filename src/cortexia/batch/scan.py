"""What of a request is stored already, found out for many videos at once: resuming a large folder is one question for
every few hundred videos, and no job."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from cortexia.stores.base import StorageBackend

T = TypeVar("T")

MOST = 256
WITHIN_S = 0.5


def chunks(
    items: Iterable[T], ends: Callable[[T], bool] = lambda item: False, most: int = MOST, within_s: float = WITHIN_S
) -> Iterator[list[T]]:
    """Items in lists of at most ``most``; a list is not kept waiting for more than ``within_s`` and one item, nor
    beyond an item that ``ends`` it."""
    chunk: list[T] = []
    since = time.monotonic()
    for item in items:
        chunk.append(item)
        if ends(item) or len(chunk) >= most or time.monotonic() - since >= within_s:
            yield chunk
            chunk, since = [], time.monotonic()
    if chunk:
        yield chunk


def settled(store: StorageBackend, run_ids: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Ids of the videos for which nothing is left to do. ``run_ids``: what is wanted of each."""
    done = store.completed(run_ids)
    return frozenset(video_id for video_id, wanted in run_ids.items() if done.issuperset(wanted))
