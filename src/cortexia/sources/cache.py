"""Media that is no local file of its own (members of archives, remote objects, image sequences), kept by content.

A worker opens a video at the path its uri names; where the uri names none, it is here, under the video's id.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cortexia.errors import RejectedInput
from cortexia.files import locked_folder, make_folder, translate_os_error
from cortexia.sources.uris import uri_to_path

_SCRATCH = ".incoming-"


class MediaCache:
    """``<folder>/<video id>`` is a file, or a folder for an image sequence. Content never changes under its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.adopted: set[str] = set()
        """Ids of what was put here through this object."""

    def path(self, video_id: str) -> Path:
        return self.folder / video_id

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new empty folder on the same file system, to build an entry in; what is left in it is removed.

        It is locked as long as its process lives, and those that killed processes left behind are removed first.
        """
        make_folder(self.folder)
        with ExitStack() as stack:
            with translate_os_error(self.folder):
                for left in self.folder.glob(_SCRATCH + "*"):
                    with locked_folder(left) as is_ours:
                        if is_ours:
                            shutil.rmtree(left, ignore_errors=True)
                is_locked = False
                while not is_locked:  # another process may take it for a left one before it is locked
                    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self.folder))
                    is_locked = stack.enter_context(locked_folder(folder))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder

    def adopt(self, made: Path, video_id: str) -> Path:
        """Move ``made`` (a file or folder inside a scratch folder) to its place. What is there already stays."""
        target = self.path(video_id)
        with translate_os_error(target):
            try:
                made.rename(target)
            except OSError:
                if not target.exists():
                    raise
        self.adopted.add(video_id)
        return target

    def drop(self, video_id: str) -> None:
        """Remove an entry; no error if it is not there."""
        path = self.path(video_id)
        self.adopted.discard(video_id)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def open_path(uri: str, video_id: str, cache: MediaCache | None) -> Path:
    """Where the video can be opened. Raises ``RejectedInput`` (``unreadable``) where it is nowhere any more."""
    if cache is not None and cache.path(video_id).exists():
        return cache.path(video_id)
    path = Path(os.path.abspath(uri_to_path(uri)))  # noqa: PTH100 - resolve() would follow links
    if not path.exists() and ("://" in uri.removeprefix("file://") or "!/" in uri):
        raise RejectedInput("unreadable", f"{uri} was fetched before and is gone; run the same command again")
    return path
