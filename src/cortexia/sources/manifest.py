"""Lists of videos: CSV and JSON Lines with a column ``path`` or ``uri``, and optionally ``sha256``."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from cortexia.archives import archive_format
from cortexia.errors import MissingDependencyError, RejectedInput
from cortexia.sources.base import InputStream, SourceVideo
from cortexia.sources.identity import identify
from cortexia.sources.remote import is_remote
from cortexia.sources.uris import path_to_uri

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_COLUMNS = ("path", "uri")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A row: what to read, and the digest it must have. ``line``: where the row ends, from 1."""

    source: str
    sha256: str | None
    line: int


class ManifestInputStream:
    """The videos that a manifest names. Relative paths are relative to the manifest; other columns are ignored.

    A row that cannot be used comes as a ``RejectedInput`` with its line number, and so does an input that cannot be
    read; the others follow. ``adapt`` opens what a row names.
    """

    SUFFIXES: ClassVar[tuple[str, ...]] = (".csv", ".jsonl")

    def __init__(self, path: Path, adapt: Callable[[str], InputStream]) -> None:
        self._path = path
        self._adapt = adapt
        self._stack = ExitStack()
        self._left_out: list[Path | str] = []

    def __iter__(self) -> Iterator[SourceVideo | RejectedInput]:
        for entry in read_manifest(self._path):
            if isinstance(entry, RejectedInput):
                yield entry
                continue
            try:
                yield from self._videos(entry)
            except RejectedInput as error:
                yield self._refused(entry, error.reason, error)
            except MissingDependencyError as error:
                yield self._refused(entry, error.code, error)
            except ValueError as error:
                yield self._refused(entry, "not_an_input", error)

    def _refused(self, entry: ManifestEntry, reason: str, error: Exception) -> RejectedInput:
        return RejectedInput(reason, f"{self._path}, line {entry.line}: {error}")

    def _videos(self, entry: ManifestEntry) -> Iterator[SourceVideo | RejectedInput]:
        source = entry.source
        digest = entry.sha256
        if is_remote(source):
            source, digest = _with_digest(source, digest), None
        elif "://" not in source:
            source = str(self._path.parent / source)
        stream = self._stack.enter_context(self._adapt(source))
        if isinstance(stream, ManifestInputStream):
            raise ValueError("a manifest in a manifest is not read")
        if digest is not None and _check_archive(Path(source), digest):
            digest = None
        for video in stream:
            if isinstance(video, RejectedInput):
                yield self._refused(entry, video.reason, video)
            else:
                yield video if digest is None else replace(video, sha256=digest)
        self._left_out += stream.left_out

    @property
    def left_out(self) -> tuple[Path | str, ...]:
        return tuple(self._left_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what rows named."""
        self._stack.close()


def _with_digest(address: str, sha256: str | None) -> str:
    """The address with the digest as it states one. Raises ``ValueError`` for one that states another already."""
    stated = f"#sha256={sha256}"
    if sha256 is None or address.lower().endswith(stated):
        return address
    if "#sha256=" in address:
        raise ValueError("the address and the column sha256 state different digests")
    return address + stated


def _check_archive(path: Path, sha256: str) -> bool:
    """Whether ``path`` is an archive: then the digest is that of all of it. ``RejectedInput`` if it has another."""
    if archive_format(path) is None:
        return False
    identify(SourceVideo(path, path_to_uri(path), path.name, sha256=sha256))
    return True


def read_manifest(path: Path) -> Iterator[ManifestEntry | RejectedInput]:
    """Rows in order, blank ones left out. Raises ``RejectedInput`` for a file that cannot be read, or names no column
    ``path`` or ``uri``."""
    read = _csv_rows if path.suffix.lower() == ".csv" else _json_rows
    try:
        # undecodable bytes may be part of a name on disk, which is bytes too
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for line, row in read(file, path):
                try:
                    yield _entry(row, line)
                except ValueError as error:
                    yield RejectedInput("bad_row", f"{path}, line {line}: {error}")
    except OSError as error:
        raise RejectedInput("unreadable", f"{path} cannot be read: {error.strerror or error}") from error


def _csv_rows(file: Any, path: Path) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(file, strict=True)
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield reader.line_num, error
            continue
        if header is None:
            header = [cell.strip().lower() for cell in cells]
            if not set(header).intersection(_COLUMNS):
                raise RejectedInput("bad_manifest", f"{path} has no column 'path' or 'uri' in its first line")
        elif len(cells) > len(header):
            yield reader.line_num, ValueError("more cells than columns")
        elif any(cells):
            yield reader.line_num, dict(zip(header, cells, strict=False))
    if header is None:
        raise RejectedInput("bad_manifest", f"{path} is empty")


def _json_rows(file: Any, path: Path) -> Iterator[tuple[int, Any]]:
    for line, text in enumerate(file, 1):
        if text.strip():
            try:
                yield line, json.loads(text)
            except (ValueError, RecursionError) as error:
                yield line, error


def _entry(row: Any, line: int) -> ManifestEntry:
    """Raises ``ValueError`` for a row that does not name one input."""
    if isinstance(row, Exception):
        raise ValueError(f"not readable ({row})")
    if not isinstance(row, Mapping):
        raise ValueError("not an object")
    named = [row[name] for name in _COLUMNS if row.get(name)]
    if len(named) != 1 or not isinstance(named[0], str) or "\0" in named[0]:
        raise ValueError("give either 'path' or 'uri', as text")
    stated = row.get("sha256") or None
    match = _SHA256.fullmatch(stated) if isinstance(stated, str) else None
    if stated is not None and match is None:
        raise ValueError(f"sha256 must be 64 hexadecimal digits, got {str(stated)[:80]!r}")
    return ManifestEntry(named[0], match[1].lower() if match else None, line)
