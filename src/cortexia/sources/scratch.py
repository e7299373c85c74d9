"""A media cache to build entries in: the one given, or one that lasts as long as its stream."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from cortexia.sources.cache import MediaCache


class CacheHolder:
    def __init__(self, cache: MediaCache | None) -> None:
        self._cache = cache
        self._stack = ExitStack()

    @property
    def cache(self) -> MediaCache:
        if self._cache is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cortexia-media-"))
            self._stack.callback(self._forget)
            self._cache = MediaCache(Path(folder))
        return self._cache

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder in the cache; what is left in it is removed."""
        return self.cache.scratch()

    def close(self) -> None:
        self._stack.close()

    def _forget(self) -> None:
        self._cache = None
