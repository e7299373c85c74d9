"""The flight recorder: what a worker was at when it died, in a file that outlives it.

The worker writes into shared memory, which costs no system call and is kept by the machine whatever becomes of the
process; the supervisor reads it while the worker lives, to see that it moves, and after its death.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path

_SIZE = 512
_MOVES, _DECODING, _WEIGHTS = 0, 1, 2
_SESSION, _JOB, _WORKER = slice(64, 128), slice(128, 192), slice(192, 448)


@dataclass(frozen=True, slots=True)
class Flight:
    """What a recorder holds. ``moves`` rises while work goes on. ``weights_bytes``: of the models of the job.

    ``session``: the annotator whose code is being run; ``is_decoding``: whether the decoder was at work as well.
    """

    moves: int = 0
    is_decoding: bool = False
    weights_bytes: int = 0
    session: str = ""
    job_id: str = ""
    worker: str = ""

    @property
    def culprit(self) -> str:
        """The annotator that alone was at work; empty where the decoder may be to blame too."""
        return "" if self.is_decoding else self.session


class FlightRecorder:
    """An ``engine.Recorder``. Without ``path`` nobody reads it but this process. Not locked: a number that is lost
    between two threads is followed by the next."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._map = mmap.mmap(-1, _SIZE)
        else:
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), _SIZE)
        self._cells = memoryview(self._map).cast("Q")
        self._names: dict[str, bytes] = {}

    # -- by the engine

    def enter(self, annotator: str) -> None:
        name = self._names.get(annotator)
        if name is None:
            name = self._names[annotator] = _field(annotator, _SESSION)
        self._map[_SESSION] = name

    def leave(self) -> None:
        self._map[_SESSION.start] = 0
        self._cells[_MOVES] += 1

    def decoding(self, is_at_work: bool) -> None:
        self._cells[_DECODING] = is_at_work

    def moved(self) -> None:
        self._cells[_MOVES] += 1

    # -- by the worker

    def present(self, worker: str) -> None:
        """Say who writes here."""
        self._map[_WORKER] = _field(worker, _WORKER)
        self.moved()

    def begin(self, job_id: str) -> None:
        self._map[_JOB] = _field(job_id, _JOB)
        self.moved()

    def end(self) -> None:
        """The job is no longer this worker's."""
        self._map[_JOB.start] = 0
        self._map[_SESSION.start] = 0
        self._cells[_DECODING] = self._cells[_WEIGHTS] = 0
        self.moved()

    def weigh(self, weights_bytes: int) -> None:
        self._cells[_WEIGHTS] = weights_bytes

    # -- by whoever watches

    def read(self) -> Flight:
        cells = self._cells
        texts = (_text(self._map[part]) for part in (_SESSION, _JOB, _WORKER))
        return Flight(cells[_MOVES], bool(cells[_DECODING]), cells[_WEIGHTS], *texts)

    def close(self) -> None:
        self._cells.release()
        self._map.close()


def make_recorder(path: Path) -> FlightRecorder:
    """A new, empty recorder at ``path``."""
    path.write_bytes(bytes(_SIZE))
    return FlightRecorder(path)


def _field(text: str, part: slice) -> bytes:
    width = part.stop - part.start
    return text.encode("utf-8", "replace")[: width - 1].ljust(width, b"\0")


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")
