"""Files written so that they are there or not, and names that stay inside their folder.

The one door for errors of the file system: ``translate_os_error`` turns them into ``ResourceError`` and its kin.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from cortexia.errors import CortexiaError, DiskFullError, ReadOnlyError, ResourceError, ValidationError

PROC_MOUNTS = Path("/proc/self/mounts")
NETWORK_FILESYSTEMS = frozenset(
    (
        *("9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "webdav"),
        *("fuse.ceph", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs"),
        "fuse.sshfs",
    )
)

_NAME_LIMIT_BYTES = 255
_DISK_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_READ_ONLY = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@contextlib.contextmanager
def translate_os_error(path: Path) -> Iterator[None]:
    """Raise what the file system reports about ``path`` as an error of the tree, naming the path and the way out.

    No space (or quota) is ``DiskFullError``, no permission or a read-only file system ``ReadOnlyError``, anything else
    ``ResourceError``.
    """
    try:
        yield
    except OSError as error:
        raise from_os_error(error, path) from error


def from_os_error(error: OSError, path: Path) -> CortexiaError:
    """The error of the tree that ``error`` about ``path`` amounts to."""
    if error.errno in _DISK_FULL:
        return DiskFullError(f"no space left to write {path}; free some space there and run again")
    if error.errno in _READ_ONLY:
        return ReadOnlyError(f"cannot write {path} ({error.strerror}); choose a folder that you may write to")
    return ResourceError(f"cannot use {path}: {error.strerror or error}")


def atomic_write(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` as ``atomic_file`` does."""
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write whose content is at ``path`` only when the block ended well: after any crash the old or the new
    content is there, whole.

    Temporary file in the same folder, fsync, rename, fsync of the folder: after the block the bytes would survive a
    power cut, unless ``durable`` is off, which leaves out both fsyncs. The folder must exist. Nothing is left behind on
    error. Raises ``DiskFullError``, ``ReadOnlyError``, ``ResourceError``.
    """
    with translate_os_error(path):
        temporary = temporary_beside(path)
        try:
            with temporary.open("wb") as file:
                yield file
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            sync_folder(path.parent)


def temporary_beside(path: Path, suffix: str = ".tmp") -> Path:
    """A new, empty, hidden file in the folder of ``path``, which may take its place later.

    Others may read it as the umask says: unlike files of ``tempfile``, it is not for its owner alone. Raises
    ``OSError``.
    """
    made = path.with_name(f".{path.name[:64]}.{secrets.token_hex(8)}{suffix}")
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return made


def sync_folder(folder: Path) -> None:
    """Make the entries of ``folder`` durable. Raises ``OSError``: call it inside ``translate_os_error``."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its missing parents, durably. Raises as ``atomic_write`` does."""
    with translate_os_error(folder):
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for child in reversed(missing):
            child.mkdir(exist_ok=True)
            sync_folder(child.parent)


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[bool]:
    """Whether the folder is there and locked by nobody else; then it is locked until the block ends."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = folder.exists()
        except OSError:
            is_ours = False
        yield is_ours
    finally:
        os.close(handle)


def safe_join(base: Path, name: str) -> Path:
    """``base / name`` for a ``name`` that came from outside, or ``ValidationError`` (S-08).

    Refused, never repaired: absolute names, ``..``, ``.``, empty parts, NUL and control characters, backslashes,
    drives, names that Windows reserves, parts that end in a dot or a space, parts over 255 bytes, and any existing part
    below ``base`` that is a symbolic link.
    """
    check_name(name)
    target = base.joinpath(*PurePosixPath(name).parts)
    walked = base
    for part in PurePosixPath(name).parts:
        walked = walked / part
        if walked.is_symlink():
            raise ValidationError(f"name {name!r} leads through a symbolic link ({walked}); remove the link")
    if not target.resolve().is_relative_to(base.resolve()):
        raise ValidationError(f"name {name!r} leads out of {base}")
    return target


def check_name(name: str) -> None:
    """Raise ``ValidationError`` for a relative name that ``safe_join`` would refuse by its text alone."""
    for part in _checked_parts(name):
        _check_part(part, name)


def _checked_parts(name: str) -> list[str]:
    if not name or _CONTROL.search(name):
        raise ValidationError(f"name {name!r} is empty or holds a control character")
    if "\\" in name or PureWindowsPath(name).drive or PurePosixPath(name).is_absolute():
        raise ValidationError(f"name {name!r} is absolute, names a drive or holds a backslash; give a relative name")
    return name.split("/")


def _check_part(part: str, name: str) -> None:
    if part in ("", ".", ".."):
        raise ValidationError(f"name {name!r} holds an empty part, '.' or '..'")
    if ":" in part or part[-1] in ". " or _RESERVED.fullmatch(part.split(".")[0].strip()):
        raise ValidationError(f"name {name!r} is reserved on some systems; choose another")
    try:
        length = len(part.encode())
    except UnicodeEncodeError as error:
        raise ValidationError(f"name {name!r} is no valid text") from error
    if length > _NAME_LIMIT_BYTES:
        raise ValidationError(f"name {name[:40]!r}... has a part of {length} bytes, at most {_NAME_LIMIT_BYTES}")


def filesystem_type(path: Path, mounts: Path = PROC_MOUNTS) -> str | None:
    """Type of the file system that holds ``path`` (which need not exist), or ``None`` where ``mounts`` is absent."""
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return None
    wanted = path.resolve()
    best: tuple[int, str] | None = None
    for line in table.splitlines():
        _, mount_point, kind, *_ = line.split(" ")
        folder = Path(_unescape(mount_point))
        # later lines are mounted over earlier ones at the same place
        if wanted.is_relative_to(folder) and (best is None or len(folder.parts) >= best[0]):
            best = (len(folder.parts), kind)
    return best[1] if best else None


def is_network_filesystem(kind: str | None) -> bool:
    """Whether a file system of type ``kind`` lives on another machine, where locks and fsync cannot be relied on."""
    return kind in NETWORK_FILESYSTEMS


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
