"""A backup of a store: one tar file with the database, its blobs, and a manifest of what each has to be (G13).

Members in this order: a snapshot of the database (``store.db``, of PostgreSQL ``store.dump`` as ``pg_dump -Fc`` writes
it, of a folder ``store.tar``), ``blobs/<sha256><suffix>`` unless they are only referenced, and last
``manifest.json``: a file that was cut off has none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cortexia import provenance
from cortexia.errors import ConfigurationError
from cortexia.files import atomic_file, temporary_beside, translate_os_error
from cortexia.stores.audit import AuditEvent
from cortexia.stores.base import BlobStore, StorageBackend
from cortexia.stores.upkeep import Report, Snapshot, say_nothing, upkeep_of
from cortexia.types import canonical_json, digest_of

FORMAT = "cortexia-backup/1"
MANIFEST, BLOBS = "manifest.json", "blobs/"
SNAPSHOTS = {"sqlite": "store.db", "postgresql": "store.dump", "files": "store.tar"}
"""Name of the snapshot by kind of store."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """``has_blobs``: they are in the file; else they are only named there."""

    path: Path
    annotations: int
    database_bytes: int
    blobs: int
    blob_bytes: int
    has_blobs: bool


def backup(store: StorageBackend, target: Path, with_blobs: bool = True, report: Report = say_nothing) -> BackupReport:
    """Write what is committed now to ``target``, while others go on reading and writing; in its place only when whole.

    ``with_blobs=False``: pictures are named by digest only, and have to be where the store is restored. Raises
    ``ConfigurationError`` for a target that exists, ``StoreError`` for a damaged database, ``DataInconsistencyError``
    for a blob that is missing or damaged.
    """
    target = target.absolute()
    if target.exists():
        raise ConfigurationError(f"{target} exists already; name another file, a backup replaces nothing")
    if not target.parent.is_dir():
        raise ConfigurationError(f"there is no folder {target.parent}; make it first")
    upkeep = upkeep_of(store)
    with translate_os_error(target):
        copy = temporary_beside(target, ".snapshot")
    try:
        snapshot = upkeep.snapshot(copy, report)
        with atomic_file(target) as out:
            digest = _write(out, copy, snapshot, store.blobs if with_blobs else None, report)
        size = copy.stat().st_size
    finally:
        copy.unlink(missing_ok=True)
    blob_bytes = sum(blob.size_bytes for blob in snapshot.blobs)
    upkeep.remember(AuditEvent("store.backed_up", target.name, {"sha256": digest, "with_blobs": with_blobs}))
    return BackupReport(target, snapshot.annotations, size, len(snapshot.blobs), blob_bytes, with_blobs)


def _write(out: IO[bytes], copy: Path, snapshot: Snapshot, blobs: BlobStore | None, report: Report) -> str:
    """The SHA-256 of the database."""
    # as a stream: nothing is sought in the file, and a member never waits in memory
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        with translate_os_error(copy), copy.open("rb") as file:
            size = copy.stat().st_size
            digest = _add(archive, SNAPSHOTS[snapshot.kind], file, size)
        for number, blob in enumerate(snapshot.blobs if blobs is not None else ()):
            report("blobs", number, len(snapshot.blobs))
            assert blobs is not None  # noqa: S101 - else there is nothing to go through  # nosec B101
            # a copy of a damaged blob would be no backup: ``get`` refuses it
            data = blobs.get(blob.sha256)
            _add(archive, f"{BLOBS}{blob.sha256}{blob.suffix}", io.BytesIO(data), len(data))
        text = canonical_json(_manifest(snapshot, digest, size, blobs is not None)).encode()
        _add(archive, MANIFEST, io.BytesIO(text), len(text))
    return digest


def _manifest(snapshot: Snapshot, digest: str, size: int, has_blobs: bool) -> dict[str, Any]:
    body = {
        "format": FORMAT,
        **dataclasses.asdict(snapshot),
        "blobs": [dataclasses.asdict(blob) for blob in snapshot.blobs],
        "database": {"sha256": digest, "size_bytes": size},
        "has_blobs": has_blobs,
        "made_by": provenance.actor(),
        **provenance.software(),
    }
    # a manifest that was altered does not give its own digest
    return {**body, "sha256": digest_of(body)}


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> str:
    """Add a member; its SHA-256."""
    member = tarfile.TarInfo(name)
    member.size = size
    hashing = Hashing(file)
    archive.addfile(member, hashing)
    return hashing.digest.hexdigest()


class Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
