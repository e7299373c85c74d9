"""What leaves the database, and in which form."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby, islice
from typing import IO, ClassVar, Literal, Protocol, runtime_checkable

from cortexia.documents import RunFacts as RunFacts
from cortexia.documents import VideoFacts as VideoFacts
from cortexia.errors import DataInconsistencyError
from cortexia.preference import disowned, preferred
from cortexia.types import Query, RunStatus, SpokenWord, StoredRow


class Stored(Protocol):
    """The part of a store that exporters read."""

    def find(self, query: Query) -> Iterator[StoredRow]: ...

    def video(self, video_id: str) -> VideoFacts | None: ...

    def videos(self) -> Iterator[VideoFacts]: ...

    def runs(self, video_id: str | None = None, current_only: bool = True) -> Iterator[RunFacts]: ...


class Pictures(Protocol):
    """Where an exporter gets pictures from, as JPEG."""

    def stored(self, digest: str) -> bytes:
        """A key picture. Raises ``DataInconsistencyError`` where it is gone."""

    def decoded(self, video: VideoFacts, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """Frames of ``video`` by their indexes, which ascend, in one decode. ``wanted`` is read in step. A frame that
        does not come out is passed over. Raises ``RejectedInput`` where the video is gone."""


_EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What is exported: the rows of ``store`` that ``query`` asks for, with their videos and runs; where there are any,
    with pictures."""

    store: Stored
    query: Query = _EVERYTHING
    pictures: Pictures | None = None

    def rows(self, *types: str) -> Iterator[StoredRow]:
        """A fresh stream of rows in canonical order (video, start, type, id); with ``types`` only these."""
        wanted = tuple(name for name in types if name in self.query.types) if self.query.types else types
        if types and not wanted:
            return iter(())
        return self.store.find(dataclasses.replace(self.query, types=wanted or self.query.types))

    def rows_of_things(self, *types: str) -> Iterator[StoredRow]:
        """As ``rows``, but where runs of one annotator overlap in time, of the preferred one alone: a thing that two
        runs saw is one thing. Words of speakers only where the runs that they were made from are told, too, not others
        of their annotators. Runs that were asked for by name all count."""
        if self.query.run_ids:
            return self.rows(*types)
        # the limit counts what is left
        whole = dataclasses.replace(self, query=dataclasses.replace(self.query, limit=None))
        return islice(whole._shown(types), self.query.limit)

    def things_by_video(self, *types: str) -> Iterator[tuple[VideoFacts, Iterator[StoredRow]]]:
        """Each video that has any with its own ``rows_of_things``, which are gone when the next one is asked for.
        Raises as ``video`` does."""
        for video_id, own in groupby(self.rows_of_things(*types), key=lambda row: row.video_id):
            yield self.video(video_id), own

    def _shown(self, types: tuple[str, ...]) -> Iterator[StoredRow]:
        for video_id, own in groupby(self.rows(*types), key=lambda row: row.video_id):
            runs = preferred(filter(_may_have_rows, self.store.runs(video_id)))
            shown, silent = {run.run_id for run in runs}, self._disowned(video_id, runs, types)
            yield from (row for row in own if row.run_id in shown and not _is_of(row, silent))

    def _disowned(self, video_id: str, shown: Sequence[RunFacts], types: tuple[str, ...]) -> frozenset[str]:
        """The runs whose words of speakers are not of the words that are told."""
        asked, kinds = self.query.annotators, self.query.types or types
        if "spoken_word" not in types or "word" not in kinds:
            return frozenset()
        told = [run for run in shown if not asked or run.spec.annotator in asked]
        return disowned(told, self.store.runs(video_id, current_only=False))

    def rows_of(self, runs: Sequence[RunFacts]) -> Iterator[StoredRow]:
        """The rows of these runs, which are of one video; the limit of the query counts for each call."""
        asked = frozenset(self.query.run_ids)
        run_ids = tuple(run.run_id for run in runs if not asked or run.run_id in asked)
        if not run_ids:
            return iter(())
        return self.store.find(dataclasses.replace(self.query, run_ids=run_ids))

    def video(self, video_id: str) -> VideoFacts:
        """Raises ``DataInconsistencyError`` for rows whose video is not there."""
        found = self.store.video(video_id)
        if found is None:
            raise DataInconsistencyError(f"video {video_id} has rows but is not in the store; restore it from a backup")
        return found

    def videos(self) -> Iterator[VideoFacts]:
        """The videos asked for in the order of their ids, also those that have no rows."""
        wanted = frozenset(self.query.video_ids)
        return (video for video in self.store.videos() if not wanted or video.identity.video_id in wanted)

    def runs(self, video_id: str) -> tuple[RunFacts, ...]:
        """Current runs of a video, of the annotators asked for."""
        wanted = self.query.annotators
        return tuple(run for run in self.store.runs(video_id) if not wanted or run.spec.annotator in wanted)


def _may_have_rows(run: RunFacts) -> bool:
    """Whether a run was done, or has rows already: one that only waits must not stand before it."""
    return run.status is RunStatus.COMPLETED or (run.status is RunStatus.RUNNING and run.annotation_count > 0)


def _is_of(row: StoredRow, runs: frozenset[str]) -> bool:
    return row.run_id in runs and isinstance(row.annotation, SpokenWord)


class ExportFolder(Protocol):
    """Where an exporter of several files puts them."""

    def file(self, name: str, durable: bool = True) -> AbstractContextManager[IO[bytes]]:
        """A file to write at ``name`` (parts joined by ``/``) below the root; in its place only when the block ended
        well. One that is not ``durable`` is sure to survive a power cut only when a durable one is written after it.
        Raises ``ValidationError`` for a name that would lead out of the root."""

    def holds(self, name: str) -> bool:
        """Whether a file or a folder ``name`` is there, of an earlier export or of something else."""

    def discard(self, name: str) -> None:
        """Remove the file ``name`` where it is there, and its folder where nothing else is in it."""


class FileExporter(Protocol):
    """A format of one file. Options are the fields of the dataclass that implements it.

    ``media_type`` is its MIME type; ``cannot_carry`` names in words what is lost on the way. The same store gives the
    same bytes: sorted, and no clocks. Memory does not grow with the number of rows.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    media_type: ClassVar[str]
    cannot_carry: ClassVar[tuple[str, ...]]
    target: ClassVar[Literal["file"]]

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        """Write what ``source`` holds; returns how many annotations. ``out`` need not be seekable."""


class FolderExporter(Protocol):
    """A format of several files; otherwise as ``FileExporter``."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    media_type: ClassVar[str]
    cannot_carry: ClassVar[tuple[str, ...]]
    target: ClassVar[Literal["folder"]]

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        """Write what ``source`` holds; returns how many annotations."""


@runtime_checkable
class PerVideoExporter(Protocol):
    """A ``FolderExporter`` whose folder has one file for each video, its name with ``suffix``, each whole by itself:
    that of one video may also be written alone, to a file or a stream. ``empty``: what is in a file that tells nothing.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    media_type: ClassVar[str]
    cannot_carry: ClassVar[tuple[str, ...]]
    target: ClassVar[Literal["folder"]]
    empty: ClassVar[bytes]

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        """Write what ``source`` holds; returns how many annotations."""


@runtime_checkable
class JoinableExporter(PerVideoExporter, Protocol):
    """One whose files may follow each other in one file: lines tell of which video they are. ``may_join`` is true."""

    may_join: ClassVar[bool]


Exporter = FileExporter | FolderExporter
