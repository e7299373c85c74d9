"""What a download is bounded by, and what it comes to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cortexia.errors import TransferLimitError


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that came whole. ``sha256``: hex, over all of it."""

    path: Path
    sha256: str
    size_bytes: int


class Deadline:
    """An instant after which nothing more is waited for. ``setting``: the one that says when."""

    def __init__(self, seconds: float, setting: str = "download_timeout_s") -> None:
        self._seconds = seconds
        self._setting = setting
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Seconds that are left. Raises ``TransferLimitError`` (``too_slow``) when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TransferLimitError(
                "too_slow", f"not done after {self._seconds:g} s; raise the setting {self._setting}"
            )
        return left if at_most is None else min(left, at_most)
