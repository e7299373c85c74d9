"""The jobs that a worker may take, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from cortexia.batch.identity import is_surely_dead
from cortexia.stores.base import Claim, JobRecord, StorageBackend
from cortexia.types import JobState

_AT_ONCE = 64
_LOOKS = 8


class JobQueue:
    """Claims from the store, where other workers claim from the same list. ``job_ids``: in the order wished for."""

    def __init__(self, store: StorageBackend, worker: str, lease_s: float, job_ids: Iterable[str]) -> None:
        self._store = store
        self._worker = worker
        self._lease_s = lease_s
        self._left = deque(dict.fromkeys(job_ids))

    @property
    def is_empty(self) -> bool:
        """All of them have ended."""
        return not self._left

    def take(self) -> Claim | None:
        """The next job that may start. ``None``: not now, or never; ``is_empty`` tells."""
        for _ in range(min(_LOOKS, -(-len(self._left) // _AT_ONCE))):
            some = [self._left[at] for at in range(min(_AT_ONCE, len(self._left)))]
            claim = self._store.claim(self._worker, self._lease_s, among=some)
            if claim is None and self._look(some):
                claim = self._store.claim(self._worker, self._lease_s, among=some)
            if claim is not None:
                return claim
        return None

    def _look(self, some: Sequence[str]) -> bool:
        """Forget those of the first jobs that have ended, put the others behind, and free what the dead hold."""
        freed = False
        for job_id in some:
            self._left.popleft()
            job = self._store.job(job_id)
            if job is not None and not job.status.is_final:
                self._left.append(job_id)
                freed |= self._rescue(job)
        return freed

    def _rescue(self, job: JobRecord) -> bool:
        """Give back what a dead process of this machine holds on the video; no need to wait for its lease."""
        freed = False
        for other in list(self._store.jobs(job.video_id)):
            if other.status is JobState.RUNNING and other.worker and is_surely_dead(other.worker):
                self._store.abandon(other.job_id, other.worker, f"worker {other.worker} is gone")
                freed = True
        return freed
