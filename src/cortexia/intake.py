"""How inputs come in: videos from sources, their identity, and the media that is kept for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import cached_property
from io import BytesIO
from pathlib import Path

from cortexia.answers import Answers
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, MissingDependencyError, RejectedInput
from cortexia.models.shop import ModelShop
from cortexia.sources import IdentityCache, InputAdapter, RemoteAccess, SourceVideo, identify
from cortexia.stores.base import StorageBackend
from cortexia.types import VideoIdentity

Source = str | Path | bytes | BytesIO
Found = tuple[SourceVideo, VideoIdentity] | RejectedInput


class Intake(Answers):
    """Reads sources. Temporary files and fetched media last until ``close``. Use as a context manager."""

    def __init__(self, settings: Settings, store: StorageBackend | None = None) -> None:
        super().__init__(settings, store)
        self._stack = ExitStack()
        self._remote = RemoteAccess.from_settings(settings)

    def close(self, abandon: bool = False) -> None:
        """Close the store and remove temporary files, and fetched media that no unfinished job needs.

        ``abandon``: media of unfinished jobs goes too, as their store does.
        """
        try:
            self._drop_media(set(self._remote.cache.adopted), abandon)
        finally:
            self._stack.close()
            super().close()

    @cached_property
    def models(self) -> ModelShop:
        """The catalogue, what is here of it, and how to bring the rest."""
        return ModelShop(self.settings)

    def _videos(
        self, sources: Iterable[Source], left_out: list[str], fps: Fraction | None
    ) -> Iterator[SourceVideo | RejectedInput]:
        """Every video of the sources; what cannot be read comes as the error it gives, and the others follow."""
        for source in sources:
            try:
                stream = self._stack.enter_context(InputAdapter.adapt(source, fps, access=self._remote))
                yield from stream
                left_out += [str(path) for path in stream.left_out]
            except RejectedInput as error:
                yield error
            except MissingDependencyError as error:
                yield RejectedInput(error.code, f"{source!r:.200}: {error}")
            except ValueError as error:
                yield RejectedInput("not_an_input", f"{source!r:.200}: {error}")

    def _identify(self, sources: Iterable[Source], left_out: list[str], fps: Fraction | None = None) -> Iterator[Found]:
        cache = IdentityCache(self.settings.cache_path)
        for video in self._videos(sources, left_out, fps):
            if isinstance(video, RejectedInput):
                yield video
                continue
            try:
                yield video, identify(video, cache)
            except RejectedInput as error:
                yield error

    def _drop_media(self, video_ids: Collection[str], abandon: bool = False) -> None:
        """Forget fetched media, unless it shall be kept or a job still needs it."""
        if self.settings.keep_media or not video_ids:
            return
        cache = self._remote.cache
        store = None if abandon else self._existing_store()
        for video_id in video_ids:
            if store is None or all(job.status.is_final for job in store.jobs(video_id)):
                cache.drop(video_id)

    def identify_one(self, source: Source, fps: Fraction | None = None) -> VideoIdentity:
        """The one video that ``source`` holds. Raises ``RejectedInput``, or ``ConfigurationError`` for several."""
        items = list(self._identify([source], [], fps))
        if len(items) != 1:
            raise ConfigurationError(f"one video is needed here, the source holds {len(items)}")
        if isinstance(items[0], RejectedInput):
            raise items[0]
        return items[0][1]
