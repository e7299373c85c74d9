"""The decode thread: runs ahead of the annotators by a few chunks, so that both keep the cores busy."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from cortexia.decoders.base import MediaStream
from cortexia.engine.control import Recorder
from cortexia.engine.lane import Input
from cortexia.types import Anchor

DEPTH = 2
"""Chunks that wait between the two threads, at most."""


class Pump:
    """Iterates a media stream in a thread of its own and hands its items on in chunks.

    At most ``chunk * (DEPTH + 2)`` items exist at once. An exception of the stream is raised where it is consumed.
    """

    def __init__(self, stream: MediaStream, chunk: int, stopped: threading.Event, recorder: Recorder) -> None:
        """``stopped``: set by ``close``; the stream asks it too, so that it leaves off at the next packet."""
        self._stream = stream
        self._chunk = chunk
        self._queue: queue.Queue[list[Input] | BaseException | None] = queue.Queue(maxsize=DEPTH)
        self._stopped = stopped
        self._recorder = recorder
        self._anchors: dict[int, Anchor] = {}
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="cortexia-decode", daemon=True)
        self._thread.start()

    def _items(self) -> Iterator[Input]:
        """What the stream yields; the recorder knows when the decoder is at work."""
        items = iter(self._stream)
        while True:
            self._recorder.decoding(True)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self._recorder.decoding(False)
            yield item

    def _chunks(self) -> Iterator[list[Input]]:
        chunk: list[Input] = []
        full = 1  # annotators begin with the first item; chunks grow from there
        for item in self._items():
            chunk.append(item)
            if len(chunk) >= full:
                self._note_anchors()
                yield chunk
                chunk, full = [], min(2 * full, self._chunk)
        self._note_anchors()
        yield chunk

    def _run(self) -> None:
        try:
            for chunk in self._chunks():
                if not self._put(chunk):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that consumes
            self._put(error)

    def _note_anchors(self) -> None:
        """The stream remembers its last few only, and runs ahead of what is committed by more than that."""
        for anchor in self._stream.anchors():
            self._anchors.setdefault(anchor.frame_index, anchor)

    def newest_anchor(self, until: int) -> Anchor | None:
        """The newest anchor at or before frame ``until``. Older ones are forgotten."""
        reached = sorted(index for index in list(self._anchors) if index <= until)
        for index in reached[:-1]:
            del self._anchors[index]
        return self._anchors[reached[-1]] if reached else None

    def _put(self, item: list[Input] | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[list[Input]]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop the thread and wait for it."""
        self._stopped.set()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        self._thread.join()


class LockstepPump(Pump):
    """Decodes in the thread that consumes, one chunk when it is asked for: slower, and never two at work at once."""

    def _start(self) -> None: ...

    def __iter__(self) -> Iterator[list[Input]]:
        return self._chunks()

    def close(self) -> None:
        self._stopped.set()
