"""Where everything lies below the base of the store, and the locks on its folders."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cortexia.errors import DataInconsistencyError, StoreBusyError, StoreError, ValidationError
from cortexia.files import locked_folder, make_folder, translate_os_error

PATIENCE_S = 5.0
_PAUSE_S = 0.005
_VIDEO = re.compile(r"[0-9a-f]{64}")
_WINDOW = re.compile(r"([0-9]{6,})\.json")
_JOB = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class VideoFolder:
    """``{base}/{video_id}/``: ``windows/`` holds the commits, ``record/`` the video and its runs as registered."""

    path: Path

    @property
    def video_id(self) -> str:
        return self.path.name

    @property
    def video(self) -> Path:
        return self.path / "record" / "video.json"

    @property
    def runs(self) -> Path:
        return self.path / "record" / "runs.json"

    def window(self, number: int) -> Path:
        return self.path / "windows" / f"{number:06}.json"

    @property
    def is_empty(self) -> bool:
        """Whether there is no video here: neither its record nor a window of it."""
        return not self.video.exists() and not self.window(1).exists()

    def make(self) -> None:
        make_folder(self.path / "record")
        make_folder(self.path / "windows")

    def windows(self) -> int:
        """How many windows there are. Raises ``DataInconsistencyError`` where one between them is missing."""
        try:
            names = [entry.name for entry in (self.path / "windows").iterdir()]
        except FileNotFoundError:
            names = []
        numbers = sorted(int(found[1]) for found in map(_WINDOW.fullmatch, names) if found)
        for due, number in enumerate(numbers, 1):
            if number != due:
                raise DataInconsistencyError(
                    f"{self.window(due)} is missing, though later windows are there; restore it from a backup"
                )
        return len(numbers)


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """The base: a folder for each video, ``jobs/{job_id}/``, ``blobs/``, ``audit/``, and the index."""

    path: Path

    @property
    def marker(self) -> Path:
        return self.path / "store.json"

    @property
    def index(self) -> Path:
        return self.path / ".index.db"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def audit(self) -> Path:
        return self.path / "audit"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def summary(self) -> Path:
        return self.path / "batch_summary.json"

    @property
    def incoming(self) -> Path:
        """Videos that another store hands over, until they are whole."""
        return self.path / ".incoming"

    def job(self, job_id: str) -> Path:
        return self.jobs / job_id / "job.json"

    def video(self, video_id: str) -> VideoFolder:
        """Raises ``ValidationError`` for what is no SHA-256: it could name any folder."""
        if not _VIDEO.fullmatch(video_id):
            raise ValidationError(f"a video is named by its SHA-256 in lower-case hex, got {video_id!r}")
        return VideoFolder(self.path / video_id)

    def video_ids(self) -> list[str]:
        with translate_os_error(self.path):
            return sorted(entry.name for entry in self.path.iterdir() if _VIDEO.fullmatch(entry.name))

    def job_ids(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self.jobs.iterdir() if _JOB.fullmatch(entry.name))
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """The lock on ``folder``, waited for. Raises ``StoreBusyError`` after ``PATIENCE_S`` seconds, ``StoreError`` where
    there is no such folder."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with locked_folder(folder) as is_ours:
            if is_ours:
                yield
                return
        if not folder.is_dir():
            raise StoreError(f"there is no folder {folder}; restore it from a backup")
        if time.monotonic() > deadline:
            raise StoreBusyError(f"{folder}: another process holds the lock; try again")
        time.sleep(_PAUSE_S)
