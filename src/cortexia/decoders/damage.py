"""What went wrong in a pass: corrupt pictures, decode errors, and FFmpeg's own error log, counted.

"No exception" is not success: most damaged files decode without one. FFmpeg tells in three places, and all count.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import av.logging

from cortexia.decoders.base import DamageFound
from cortexia.wording import one_line

_ERROR_LIMIT = 300


class _ErrorLog:
    """FFmpeg's error log, switched on while at least one pass is under way and put back after the last.

    Lines of the calling thread are taken by a local capture around each call. Lines of FFmpeg's own worker threads
    cannot be told apart by pass; they go to one shared list and are matched by the codec's name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: tuple[int | None, bool] = (None, True)
        self._capture: Any = None
        self.worker_lines: list[tuple[int, str, str]] = []

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            self._before = (av.logging.get_level(), av.logging.get_skip_repeated())
            av.logging.set_skip_repeated(False)  # else a line equal to the last of another file is swallowed
            self._capture = av.logging.Capture(False)
            self.worker_lines = self._capture.__enter__()
            av.logging.set_level(av.logging.ERROR)

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            level, skip_repeated = self._before
            av.logging.set_level(level)
            self._capture.__exit__(None, None, None)
            av.logging.set_skip_repeated(skip_repeated)
            self.worker_lines = []


ERROR_LOG = _ErrorLog()


def said(text: str) -> str:
    """What a decoder said, as one printable line of bounded length."""
    return one_line(text, _ERROR_LIMIT)


@dataclass(slots=True)
class Damage:
    """The ledger of one pass. With ``strict`` the first entry raises ``DamageFound``.

    Pictures of damaged input differ from run to run when several threads decode, so such a pass is begun again with
    one. ``codec`` names the picture codec whose worker threads may log.
    """

    strict: bool
    codec: str | None = None
    corrupt: int = 0
    errors: int = 0
    first_error: str | None = None
    _seen: int = 0

    def __post_init__(self) -> None:
        self._seen = len(ERROR_LOG.worker_lines)

    @property
    def found(self) -> bool:
        return bool(self.corrupt or self.errors)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)`` at the boundary to FFmpeg, or ``None`` when it failed; failures and log lines count.

        ``StopIteration`` passes through: it is how a demuxer ends. ``EOFError`` is how a drained decoder ends.
        """
        result = None
        failure: str | None = None
        with av.logging.Capture(True) as lines:
            try:
                result = function(*args)
            except (StopIteration, EOFError) as end:
                if isinstance(end, StopIteration):
                    raise
            except Exception as error:  # noqa: BLE001 - foreign code ends here; whatever it raises is damage
                failure = f"{type(error).__name__}: {error}"
        for _, name, message in lines:
            self.error(f"{name}: {message}")
        if failure is not None:
            self.error(failure)
        if self.strict:
            self._check_workers()
        return result

    def error(self, text: str) -> None:
        self.errors += 1
        if self.first_error is None:
            self.first_error = said(text)
        self._alarm()

    def corrupt_picture(self, where: str) -> None:
        self.corrupt += 1
        if self.first_error is None:
            self.first_error = where
        self._alarm()

    def _check_workers(self) -> None:
        lines = ERROR_LOG.worker_lines
        if len(lines) < self._seen:
            self._seen = 0
        fresh = lines[self._seen :]
        self._seen += len(fresh)
        for _, name, message in fresh:
            if name == self.codec:
                self.error(f"{name}: {message}")

    def _alarm(self) -> None:
        if self.strict:
            raise DamageFound(self.first_error or "damage")
