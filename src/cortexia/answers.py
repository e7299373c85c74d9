"""What can be asked of a store: rows, videos, runs, exports, reports and pictures. Nothing here writes to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cortexia import lookup, registry
from cortexia.buckets import is_object_address, publish
from cortexia.config import Settings
from cortexia.decoders.base import Decoder
from cortexia.errors import ConfigurationError, NoStoreError, UnknownNameError
from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource, VideoFacts
from cortexia.exporters.destination import write_export, write_stream
from cortexia.lookup import NotLooked, StoredVideo
from cortexia.outcomes import VideoStatus
from cortexia.report.drawn import CONTACT_SHEET, DRAWN, MAX_SIDE, VIDEO, DrawnFormat, drawn_options, the_video
from cortexia.sources import MediaCache, open_path
from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.stores.lifecycle import rules_for
from cortexia.types import Query, StoredRow

if TYPE_CHECKING:
    from cortexia.report.base import VideoData


class Answers:
    """Opens the store when it is first needed. Use as a context manager."""

    def __init__(self, settings: Settings, store: StorageBackend | None = None) -> None:
        self.settings = settings
        self._store = store
        self._decoder: Decoder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def store(self, create: bool = True) -> StorageBackend:
        """The store of the settings. With ``create=False`` it must be there: ``ConfigurationError`` otherwise."""
        if self._store is None:
            self._store = open_store(self.settings.store, create, rules_for(self.settings.max_attempts))
        return self._store

    @property
    def decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = registry.load("decoders", "content")()
        return self._decoder

    def _existing_store(self) -> StorageBackend | None:
        try:
            return self.store(create=False)
        except NoStoreError:
            return None

    def video_status(self, video_id: str) -> VideoStatus | None:
        """One stored video with its runs and jobs."""
        store = self.store(create=False)
        record = store.video(video_id)
        if record is None:
            return None
        return VideoStatus(record, tuple(store.runs(video_id)), tuple(store.jobs(video_id)))

    def status(self) -> Iterator[VideoStatus]:
        """Every stored video with its runs and jobs."""
        store = self.store(create=False)
        for record in store.videos():
            video_id = record.identity.video_id
            yield VideoStatus(record, tuple(store.runs(video_id)), tuple(store.jobs(video_id)))

    def rows(self, query: Query) -> Iterator[StoredRow]:
        return self.store(create=False).find(query)

    def videos(self, name: str | None = None, verdict: str | None = None) -> Iterator[StoredVideo]:
        """Stored videos whose file name matches the pattern ``name``, and whose verdict is ``verdict``."""
        return lookup.stored_videos(self.store(create=False), name, verdict)

    def video_ids(self, words: Iterable[str]) -> tuple[str, ...]:
        """Ids of the videos that ids, beginnings of ids and file names name. Raises ``UnknownNameError``."""
        return lookup.video_ids(self.store(create=False), words)

    def find(self, query: Query) -> Iterator[StoredRow]:
        """Rows in canonical order. Raises ``UnknownNameError`` for a type that is not in the vocabulary."""
        lookup.require_types(query.types)
        return self.rows(query)

    def not_looked(self, query: Query) -> Iterator[NotLooked]:
        """The videos of ``query`` about which "found nothing" would be wrong: nobody has looked at all of it yet."""
        return lookup.not_looked(self.store(create=False), query)

    def export(
        self,
        format_name: str,
        output: str | Path | None,
        query: Query,
        out: Any = None,
        options: Mapping[str, Any] | None = None,
        on_frame: Callable[[float], None] = lambda time_s: None,
    ) -> int:
        """Write current rows in a format, to a file or folder (replaced only when complete) or to the stream ``out``.

        ``s3://`` and ``gs://`` addresses are written here first, and uploaded when complete. Returns how many
        annotations; for ``video`` how many frames, for ``contact-sheet`` how many shots: these take one video and no
        other filter. ``on_frame`` is told how far a video that is decoded is (seconds). Raises ``UnknownNameError`` for
        a format that does not exist, ``ConfigurationError`` where ``output`` is needed, or is the store or the video
        itself, or several videos would be one file.
        """
        if format_name in DRAWN:
            return self._draw(DRAWN[format_name], output, query, options or {}, on_frame)
        if format_name not in registry.names("exporters"):
            raise UnknownNameError("format", format_name, [*registry.names("exporters"), *DRAWN])
        # it brings the libraries of pictures along
        from cortexia.footage import Footage

        exporter = make_exporter(format_name, options)
        store = self.store(create=False)
        footage = Footage(lambda: self.decoder, self._open, store.blobs.get, self.settings.thread_budget, on_frame)
        source = ExportSource(store, query, footage)
        if output is not None:
            with self._placed(output, exporter.suffix) as path:
                return write_export(exporter, source, path)
        return write_stream(exporter, source, out)

    def _open(self, video: VideoFacts) -> Path:
        identity = video.identity
        return open_path(identity.uri, identity.video_id, MediaCache(self.settings.media_cache))

    def _draw(
        self,
        drawn: DrawnFormat,
        output: str | Path | None,
        query: Query,
        options: Mapping[str, Any],
        on_frame: Callable[[float], None],
    ) -> int:
        video_id, chosen = the_video(drawn, query), drawn_options(drawn, options)
        if output is None:
            raise ConfigurationError(f"{drawn.name} is not written to stdout: name a file with --output")
        if drawn.name == CONTACT_SHEET:
            return self.contact_sheet(video_id, output)
        return self.annotated_video(video_id, output, chosen["max_side"], on_frame)

    @contextmanager
    def _placed(self, output: str | Path, suffix: str) -> Iterator[Path]:
        """Where to write what belongs at ``output``: an object address is uploaded to when the block ended well."""
        if not is_object_address(str(output)):
            store = Path(self.settings.store)
            if store.exists() and Path(output).exists() and store.samefile(output):
                raise ConfigurationError(f"{output} is the store that is read; name another file")
            yield Path(output)
            return
        with tempfile.TemporaryDirectory(prefix="cortexia-") as folder:
            made = Path(folder) / (str(output).rpartition("/")[2] or f"annotations{suffix}")
            yield made
            publish(made, str(output), self.settings)

    # -- reports: imported when asked for, they bring templates and pictures along

    def report_data(self, video_id: str) -> VideoData:
        """What reports of one video are made from. Raises ``ConfigurationError`` for a video that is not stored."""
        from cortexia.report.base import video_data

        return video_data(self.store(create=False), video_id)

    def report(self, video_id: str, output: str | Path) -> None:
        """Write one video's page: a single HTML file."""
        from cortexia.report.desk import write_page

        write_page(self.report_data(video_id), Path(output))

    def batch_report(self, output: str | Path, on_page: Callable[[str, Path], None] = lambda name, file: None) -> int:
        """Write a page for each stored video and an index over them into a folder; returns how many videos."""
        from cortexia.report.desk import write_pages

        video_ids = [record.identity.video_id for record in self.store(create=False).videos()]
        return write_pages((self.report_data(video_id) for video_id in video_ids), Path(output), on_page)

    def contact_sheet(self, video_id: str, output: str | Path) -> int:
        """Write the shots of a video as one JPEG picture; returns how many are on it."""
        from cortexia.report.contact_sheet import write_contact_sheet

        with self._placed(output, DRAWN[CONTACT_SHEET].suffix) as path:
            return write_contact_sheet(self.report_data(video_id), path)

    def annotated_video(
        self,
        video_id: str,
        output: str | Path,
        max_side: int = MAX_SIDE,
        on_frame: Callable[[float], None] = lambda time_s: None,
    ) -> int:
        """Write the video with boxes, shot number and time drawn in, as MP4; returns how many frames.

        ``max_side``: the longer side shrinks to at most this (pixels). ``on_frame`` is told how far it is (seconds).
        Raises ``ConfigurationError`` where ``output`` is the video itself.
        """
        from cortexia.report.annotated_video import DecodeSource, write_annotated_video

        data = self.report_data(video_id)
        source = DecodeSource(self.decoder, self._open(data.record), self.settings.thread_budget)
        with self._placed(output, DRAWN[VIDEO].suffix) as target:
            return write_annotated_video(data, source, target, max_side, on_frame)
