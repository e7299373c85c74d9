"""A store from its backup, in an empty place. Nothing is there before all of the file was read and compared."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cortexia import registry
from cortexia.errors import ConfigurationError, DataInconsistencyError
from cortexia.files import translate_os_error
from cortexia.maintenance.backup import FORMAT, MANIFEST, SNAPSHOTS, Hashing
from cortexia.maintenance.check import CheckOptions, CheckReport, check
from cortexia.stores import open_store, store_kind, without_password
from cortexia.stores.audit import AuditEvent
from cortexia.stores.blobs import FolderBlobStore
from cortexia.stores.upkeep import Place, Report, say_nothing, upkeep_of
from cortexia.types import digest_of

_BLOB = re.compile(r"blobs/([0-9a-f]{64})((?:\.[a-z0-9]{1,15})?)")
_MANIFEST_LIMIT_BYTES = 1_000_000_000
_BLOB_LIMIT_BYTES = 1_000_000_000
_CHUNK = 1024 * 1024
_KINDS = {name: kind for kind, name in SNAPSHOTS.items()}


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """``checked``: what a full check found in the new store, where one was asked for."""

    location: str
    annotations: int
    blobs: int
    made_at: str
    checked: CheckReport | None = None


@dataclass(slots=True)
class _Found:
    """What a file held."""

    kind: str | None = None
    database_sha256: str | None = None
    blobs: set[str] = field(default_factory=set)
    manifest: Mapping[str, Any] | None = None


def restore(archive: Path, location: str, verify: bool = False, report: Report = say_nothing) -> RestoreReport:
    """Make the store that ``archive`` is a backup of at ``location``, where nothing may be yet.

    Bytes are always compared with the manifest. ``verify``: also check the new store as ``db check`` does, and take it
    away again where something is amiss. Raises ``DataInconsistencyError`` for a file that is no whole, unaltered
    backup, ``ConfigurationError`` for a place that is not empty.
    """
    place = _place(location)
    had_blobs = place.blobs.base.exists()
    with contextlib.closing(place):
        part = place.part()
        try:
            found = _unpack(archive, part, place.blobs, report)
            manifest = _compared(archive, found, place, had_blobs)
            place.settle(part)
            checked = _checked(location, archive, verify, report)
        except BaseException:
            part.unlink(missing_ok=True)
            place.clear()
            if not had_blobs:
                shutil.rmtree(place.blobs.base, ignore_errors=True)
            raise
    return RestoreReport(place.location, manifest["annotations"], len(manifest["blobs"]), manifest["made_at"], checked)


def _place(location: str) -> Place:
    kind = store_kind(location)
    backend = registry.load("stores", kind) if kind in registry.names("stores") else None
    made = getattr(backend, "place", None)
    if made is None:
        raise ConfigurationError(f"{without_password(location)} is a store of kind {kind!r}, which takes no backup")
    place: Place = made(location)
    return place


def _unpack(archive: Path, part: Path, blobs: FolderBlobStore, report: Report) -> _Found:
    found = _Found()
    with _reading(archive) as members:
        for member, content in members:
            if member.name in _KINDS and found.kind is None:
                found.kind = _KINDS[member.name]
                found.database_sha256 = _copy(content, part)
            elif match := _BLOB.fullmatch(member.name):
                _require(member.size <= _BLOB_LIMIT_BYTES, archive, f"{member.name} is too large")
                digest = blobs.put(content.read(), match[2])
                _require(digest == match[1], archive, f"{member.name} holds other bytes")
                found.blobs.add(digest)
                report("blobs", len(found.blobs), None)
            elif member.name == MANIFEST and found.manifest is None:
                _require(member.size <= _MANIFEST_LIMIT_BYTES, archive, "its manifest is too large")
                found.manifest = _parsed(archive, content.read())
            else:
                raise _refused(archive, f"{member.name!r} does not belong there")
    return found


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    try:
        with translate_os_error(archive), tarfile.open(archive, mode="r|") as opened:
            yield _members(archive, opened)
    except (tarfile.TarError, EOFError) as error:
        raise _refused(archive, f"{error}") from error


def _members(archive: Path, opened: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for member in opened:
        content = opened.extractfile(member) if member.isreg() else None
        if content is None:
            raise _refused(archive, f"{member.name!r} is no plain file")
        yield member, content


def _copy(content: IO[bytes], part: Path) -> str:
    hashing = Hashing(content)
    with translate_os_error(part), part.open("wb") as out:
        while chunk := hashing.read(_CHUNK):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return hashing.digest.hexdigest()


def _parsed(archive: Path, text: bytes) -> Mapping[str, Any]:
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise _refused(archive, "its manifest cannot be read") from error
    _require(isinstance(manifest, dict), archive, "its manifest cannot be read")
    body = {key: value for key, value in manifest.items() if key != "sha256"}
    _require(digest_of(body) == manifest.get("sha256"), archive, "its manifest was altered")
    _require(body.get("format") == FORMAT, archive, f"it has the form {body.get('format')!r}, not {FORMAT}")
    return body


def _compared(archive: Path, found: _Found, place: Place, had_blobs: bool) -> Mapping[str, Any]:
    manifest = found.manifest
    if manifest is None:
        raise _refused(archive, "it ends before its manifest")
    _require(found.database_sha256 == manifest["database"]["sha256"], archive, "its database was altered")
    if found.kind != place.kind:
        raise ConfigurationError(
            f"{archive} is a backup of a store of kind {found.kind!r}, and {place.location} is one of kind "
            f"{place.kind!r}; restore it into one of its own kind"
        )
    blobs, named = place.blobs, {blob["sha256"] for blob in manifest["blobs"]}
    if manifest["has_blobs"]:
        _require(found.blobs == named, archive, f"it holds {len(found.blobs)} blobs where {len(named)} belong")
        return manifest
    for digest in sorted(named):
        if digest not in blobs:
            where = "" if had_blobs else ", which is not there"
            raise ConfigurationError(
                f"{archive} names its blobs only, and {digest} is missing from {blobs.base}{where}; put the folder of "
                "blobs there first"
            )
        blobs.get(digest)
    return manifest


def _checked(location: str, archive: Path, verify: bool, report: Report) -> CheckReport | None:
    store = open_store(location, create=False)
    try:
        checked = check(store, CheckOptions(), report) if verify else None
        if checked is not None and not checked.is_clean:
            first = checked.problems[0]
            raise _refused(archive, f"{len(checked.problems)} problems, the first: {first.subject} {first.message}")
        upkeep_of(store).remember(AuditEvent("store.restored", archive.name))
        return checked
    finally:
        store.close()


def _require(holds: bool, archive: Path, problem: str) -> None:
    if not holds:
        raise _refused(archive, problem)


def _refused(archive: Path, problem: str) -> DataInconsistencyError:
    return DataInconsistencyError(f"{archive} is no whole backup: {problem}; nothing was restored, use another one")
