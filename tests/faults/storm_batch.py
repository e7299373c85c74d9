"""A batch as a service runs it: whenever it dies it is started again, and goes on from its checkpoint.

Run as ``python storm_batch.py CONFIG``: a JSON file with ``store``, ``clips``, ``checkpoint``, ``workers``,
``settings``, ``pause``, and ``breaks`` for negative controls. The first time it submits the jobs. Its workers run the
real main; a file whose name says so kills them while they decode.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cortexia.annotators.base import SessionContext, StreamSession
from cortexia.annotators.base import StreamAnnotator as Stream
from cortexia.testing.fakes import FrameByFrame
from cortexia.types import Annotation, Frame, Measure, frame_span

CONFIG = "STORM_CONFIG"
POISON = "poison"


def config() -> dict[str, Any]:
    return json.loads(Path(os.environ[CONFIG]).read_text())


# -- an annotator that is slow while the storm lasts


@dataclass(frozen=True)
class Dawdle(Stream):
    """A running count at every fifth frame, each of which takes as long as stands in the file ``pause``."""

    name: ClassVar[str] = "dawdle"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def session(self, context: SessionContext) -> StreamSession:
        return _Dawdling(Path(config()["pause"]))


class _Dawdling(FrameByFrame):
    def __init__(self, pause: Path) -> None:
        self._pause = pause
        self._seen = 0

    def look(self, frame: Frame, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        with contextlib.suppress(FileNotFoundError):
            time.sleep(float(self._pause.read_text()))
        self._seen += 1
        if frame.index % 5:
            return ()
        return [Measure(span=frame_span(frame), frame_index=frame.index, values={"seen": self._seen})]

    def state(self) -> Mapping[str, Any]:
        return {"seen": self._seen}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._seen = state["seen"]


# -- a file that kills its decoder


def let_poison_kill() -> None:
    """As a broken codec does: the process reads where nothing is, in foreign code, at the first frame."""
    from cortexia.decoders.choice import ContentDecoder

    inner = ContentDecoder.open

    def open_or_die(self: ContentDecoder, path: Path, info: Any, request: Any) -> Any:
        if POISON in path.name:
            ctypes.string_at(0)
        return inner(self, path, info, request)

    ContentDecoder.open = open_or_die  # type: ignore[method-assign]


# -- negative controls


def break_rescue() -> None:
    """Nobody takes over what the dead held."""
    from cortexia.batch import queue, supervisor
    from cortexia.stores.sql.jobs import JobRows

    queue.is_surely_dead = lambda worker: False
    supervisor.Supervisor._abandon = lambda self, flight, message, log_tail: None
    JobRows.rescue = lambda self, now=None: ()


def break_state() -> None:
    """Rows are committed before their state and position: there is a moment in which a kill parts them."""
    from cortexia.stores.sql import backend, runs

    advance, transaction = runs.advance, backend.SqlStorageBackend.transaction
    waiting: list[Any] = []
    runs.advance = lambda connection, part, final_until_us: waiting.append((part, final_until_us))

    @contextlib.contextmanager
    def apart(self: Any, claim: Any) -> Any:
        with transaction(self, claim) as inner:
            yield inner
        time.sleep(0.3)
        with self._door.write() as connection:
            for part, final_until_us in waiting:
                advance(connection, part, final_until_us)
            waiting.clear()

    backend.SqlStorageBackend.transaction = apart


def break_full() -> None:
    """A full disk is an error like any other."""
    import sqlite3

    from cortexia.errors import StoreError
    from cortexia.stores.sql import door

    for code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        door._SQLITE_ERRORS[code] = (StoreError, "broken on purpose")
    door._is_full = lambda location: False


def break_thrift() -> None:
    """Something of every job is kept: memory, and a file that is open."""
    from cortexia.batch.worker import Worker

    inner, kept = Worker._plan, []

    def plan(self: Any, job: Any, media: Any) -> Any:
        kept.append((b"x" * 300_000, open(os.devnull)))  # noqa: PTH123, SIM115 - never closed on purpose
        return inner(self, job, media)

    Worker._plan = plan  # type: ignore[method-assign]


BREAKS = {"rescue": break_rescue, "state": break_state, "full": break_full, "thrift": break_thrift}


def prepare() -> None:
    let_poison_kill()
    for name in config().get("breaks", ()):
        BREAKS[name]()


# -- the two mains


def work(payload: Mapping[str, Any], emit: Any, stopped: Any) -> None:
    from cortexia.batch.main import main

    prepare()
    main(payload, emit, stopped)


def supervise() -> None:
    from cortexia.batch import BatchOrchestrator, supervisor
    from cortexia.config import Settings
    from cortexia.stores import open_store

    prepare()
    given = config()
    supervisor.TARGET = "storm_batch:work"
    store = open_store(given["store"])
    batch = BatchOrchestrator(store, Settings(**given["settings"]), checkpoint=given["checkpoint"])
    if not Path(given["checkpoint"]).exists():
        batch.add_jobs_from_directory(given["clips"], {"pipelines": given["annotators"]})
    else:
        batch.resume_batch(given["checkpoint"], given["workers"])
    store.close()


if __name__ == "__main__":
    os.environ[CONFIG] = sys.argv[1]
    supervise()
