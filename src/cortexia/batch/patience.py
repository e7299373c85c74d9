"""What a worker waits for instead of failing: a store that is away for a while, and room on the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import TypeVar

from cortexia.errors import DiskFullError, StoreError
from cortexia.stores.lifecycle import Backoff, Growth
from cortexia.telemetry import get_logger

T = TypeVar("T")
_PAUSES = Backoff(Growth.EXPONENTIAL, 0.5, cap_s=5.0)
_STEP_S = 0.1
_log = get_logger("cortexia.worker")


def is_away(error: Exception) -> bool:
    """Whether the store may do later what it did not do now: it is busy, or cannot be reached."""
    return isinstance(error, StoreError) and error.retryable


@dataclass(frozen=True)
class Patience:
    """Tries a call on the store again, with growing pauses, for at most ``most_s`` seconds (G9). ``stopped``: no more
    tries; ``waiting``: told now and then that it waits. ``waits_for_room``: a full disk is waited for too, without
    end."""

    most_s: float
    stopped: Callable[[], bool]
    waiting: Callable[[], None]
    waits_for_room: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    random: Random = field(default_factory=SystemRandom)

    def __call__(self, call: Callable[[], T]) -> T:
        """Raises what the last try raised."""
        began, tries = self.clock(), 0
        while True:
            try:
                return call()
            except (StoreError, DiskFullError) as error:
                tries += 1
                if self.stopped() or not self._is_worth_it(error, self.clock() - began):
                    raise
                _log.warning("store_away", error=str(error), tries=tries)
            self.pause(_PAUSES.delay_s(tries, self.random))

    def _is_worth_it(self, error: Exception, waited_s: float) -> bool:
        if isinstance(error, DiskFullError):
            return self.waits_for_room
        return is_away(error) and waited_s < self.most_s

    def pause(self, seconds: float) -> None:
        """Wait, unless stopped."""
        until = self.clock() + seconds
        while not self.stopped() and (left := until - self.clock()) > 0:
            self.waiting()
            self.sleep(min(left, _STEP_S))


@dataclass(frozen=True)
class FreeSpace:
    """The guard of G10: no new job where less than ``min_bytes``, or than ``min_share`` of a disk, is free below one of
    ``folders``."""

    folders: tuple[Path, ...]
    min_bytes: int
    min_share: float

    def has_room(self) -> bool:
        return all(self._is_roomy(folder) for folder in self.folders)

    def _is_roomy(self, folder: Path) -> bool:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            # what cannot be asked is found out by writing
            return True
        return usage.free >= max(self.min_bytes, self.min_share * usage.total)
