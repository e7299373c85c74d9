"""Device slots: so many workers may use a GPU at a time, whatever batch they belong to.

A slot is a locked file. The machine lets go of the lock when the process is gone, however it went: so there is nothing
to give back after a kill.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cortexia.files import make_folder, translate_os_error

_PAUSE_S = 0.05


@dataclass(frozen=True)
class DeviceSlots:
    """``slots`` workers of this user may use one device at a time; their locks lie in ``folder``.

    ``device``: names the GPU that models run on, ``None`` where they run on the CPU, which is not limited. It is asked
    when models are needed first. ``put_away``: called before a slot is given back, to empty the memory of the device.
    """

    folder: Path
    slots: int
    device: Callable[[], str | None]
    put_away: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def held(self, stopped: Callable[[], bool], waiting: Callable[[], None]) -> Iterator[bool]:
        """Hold a slot during the block. False: none was to be had before ``stopped`` turned true. ``waiting`` is called
        again and again meanwhile. Raises ``ResourceError`` where the locks cannot be made."""
        device = self.device()
        if device is None:
            yield True
            return
        handle = self._wait(device, stopped, waiting)
        try:
            yield handle is not None
        finally:
            if handle is not None:
                try:
                    self.put_away()
                finally:
                    os.close(handle)

    def _wait(self, device: str, stopped: Callable[[], bool], waiting: Callable[[], None]) -> int | None:
        make_folder(self.folder)
        paths = [self.folder / f"{device.replace(':', '-')}.slot-{number}" for number in range(self.slots)]
        while not stopped():
            for path in paths:
                handle = _locked(path)
                if handle is not None:
                    return handle
            waiting()
            time.sleep(_PAUSE_S)
        return None


def _locked(path: Path) -> int | None:
    """The open, locked file; ``None`` where another holds it. A child process does not inherit it."""
    with translate_os_error(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
    return handle
