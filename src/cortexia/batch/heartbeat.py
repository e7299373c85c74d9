"""The heartbeat of a job: keeps its lease while it moves, says who is at work, and hears of a cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cortexia.batch.recorder import FlightRecorder
from cortexia.engine import CancelToken
from cortexia.errors import CortexiaError, FenceLostError
from cortexia.stores.base import Claim, StorageBackend
from cortexia.telemetry import get_logger

_BEATS_PER_LEASE = 4
_log = get_logger("cortexia.worker")


class Heartbeat:
    """Beats from a thread of its own while the block runs. A job that stalls stops beating, so that another worker may
    take it over; one that was taken over, or is to be cancelled, stops at its next frame by way of ``cancel``."""

    def __init__(
        self,
        store: StorageBackend,
        claim: Claim,
        lease_s: float,
        stall_timeout_s: float,
        recorder: FlightRecorder,
        cancel: CancelToken,
    ) -> None:
        self._renew: Callable[[str | None], bool] = lambda session: (
            store.renew(claim, lease_s, session).cancel_requested
        )
        self._job_id = claim.job.job_id
        self._pause_s = lease_s / _BEATS_PER_LEASE
        self._stall_timeout_s = stall_timeout_s
        self._recorder = recorder
        self._cancel = cancel
        self._moves = -1
        self._moved_at = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="cortexia-heartbeat", daemon=True)

    def _beat(self) -> None:
        while not self._done.wait(self._pause_s):
            if self._is_stalled():
                _log.error("job_stalled", job_id=self._job_id)
                return
            try:
                if self._renew(self._recorder.read().culprit or None):
                    self._cancel.cancel()
            except FenceLostError:
                # whatever it still finds would be refused
                self._cancel.cancel()
                return
            except CortexiaError as error:
                _log.warning("lease_not_renewed", job_id=self._job_id, error=str(error))

    def _is_stalled(self) -> bool:
        moves, now = self._recorder.read().moves, time.monotonic()
        if moves != self._moves:
            self._moves, self._moved_at = moves, now
        return now - self._moved_at > self._stall_timeout_s

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()
