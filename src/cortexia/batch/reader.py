"""What the engine may read of a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from cortexia.annotators.base import StoredPicture
from cortexia.stores.base import StorageBackend
from cortexia.types import Annotation, KeyPicture, Query


class StoreReader:
    """The engine's ``StoredReader`` over a storage backend."""

    def __init__(self, store: StorageBackend, video_id: str) -> None:
        self._store = store
        self._video_id = video_id

    def emitted(self, run_id: str, start: int, end: int | None) -> Iterator[tuple[int, Annotation]]:
        for row in self._store.emitted(run_id, start, end):
            yield row.emitted_at, row.annotation

    def annotations(self, run_ids: tuple[str, ...], types: tuple[str, ...]) -> Iterable[Annotation]:
        query = Query(types=types, video_ids=(self._video_id,), run_ids=run_ids)
        return (row.annotation for row in self._store.find(query))

    def pictures(self, run_ids: tuple[str, ...], skip: int) -> Iterator[StoredPicture]:
        found = self.annotations(run_ids, (KeyPicture.type,))
        kept = (picture for picture in found if isinstance(picture, KeyPicture) and picture.is_representative)
        for picture in itertools.islice(kept, skip, None):
            yield StoredPicture(picture, self._store.blobs.get(picture.picture))
