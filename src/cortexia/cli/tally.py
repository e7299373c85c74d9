"""How far a batch is, counted up from its events: what is at work, throughput, time left."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cortexia.wording import printable

Event = Mapping[str, Any]
WAITING, RUNNING, STORED = "waiting", "running", "stored already"
_WINDOW_S = 30.0
_SETTLED_AFTER_S = 1.0
_FIRST_LOOK_S = 0.5
_WAITS_AGAIN = ("queued", "retrying", "pending", "lost")


@dataclass(slots=True)
class AnnotatorProgress:
    """``media_s``: seconds of media consumed; ``processing_s``: seconds at work; ``before``: how much was done when it
    was first seen, 0 to 1."""

    media_s: float
    duration_s: float | None
    rows: int
    is_running: bool
    processing_s: float
    before: float = 0.0

    @property
    def fraction(self) -> float:
        if not self.is_running:
            return 1.0
        return min(1.0, self.media_s / self.duration_s) if self.duration_s else 0.0


@dataclass(slots=True)
class VideoAtWork:
    """``worker``: its name; ``began``: when it was first seen."""

    name: str
    size_bytes: int
    worker: str
    began: float
    annotators: dict[str, AnnotatorProgress] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Done of all that is known to do, 0 to 1."""
        parts = [progress.fraction for progress in self.annotators.values()]
        return sum(parts) / len(parts) if parts else 0.0

    @property
    def done(self) -> float:
        """As ``fraction``, since it was first seen."""
        parts = [progress.fraction - progress.before for progress in self.annotators.values()]
        return max(0.0, sum(parts) / len(parts)) if parts else 0.0

    @property
    def duration_s(self) -> float | None:
        return next((one.duration_s for one in self.annotators.values() if one.duration_s), None)

    @property
    def media_s(self) -> float:
        """Seconds of video done this time."""
        if self.duration_s:
            return self.done * self.duration_s
        return max((one.media_s for one in self.annotators.values()), default=0.0)

    def rate(self, now: float) -> float | None:
        """Seconds of video for each second; ``None`` in the first moments."""
        wall_s = now - self.began
        return self.media_s / wall_s if wall_s > _SETTLED_AFTER_S and self.media_s else None

    def left_s(self, now: float) -> float | None:
        wall_s = now - self.began
        if wall_s <= _SETTLED_AFTER_S or not self.done:
            return None
        return wall_s * (1.0 - self.fraction) / self.done


class Tally:
    """Takes events. ``clock``: seconds of a steady clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, str] = {}
        self._videos: dict[str, tuple[str, str, int]] = {}
        self.at_work: dict[str, VideoAtWork] = {}
        self._began: float | None = None
        self._media_s = 0.0
        self._bytes = 0.0
        self._ended = 0
        self._samples: deque[tuple[float, float]] = deque()

    def take(self, event: Event) -> None:
        kind = event["event"]
        if kind == "job_submitted":
            self._states[event["job_id"]] = WAITING
            name, size = printable(event["filename"]), event.get("size_bytes", 0)
            self._videos[event["job_id"]] = (event["video_id"], name, size)
        elif kind == "job_settled":
            self._states[event["job_id"]] = STORED
        elif kind == "video_settled":
            self._states[event["video_id"]] = STORED
        elif kind == "job_started":
            self._start(event)
        elif kind == "progress":
            self._progress(event)
        elif kind in ("job_finished", "worker_died"):
            self._end(event)

    def name(self, event: Event) -> str:
        """Of the video that an event is of; empty where it is not known."""
        known = self._videos.get(event.get("job_id", ""))
        return known[1] if known else ""

    def _start(self, event: Event) -> None:
        now = self._clock()
        self._began = now if self._began is None else self._began
        video_id, name, size = self._videos.get(event["job_id"], (event["video_id"], event["video_id"][:12], 0))
        self._states[event["job_id"]] = RUNNING
        self.at_work[video_id] = VideoAtWork(name, size, event.get("worker") or "", now)

    def _progress(self, event: Event) -> None:
        video = self.at_work.get(event["video_id"])
        if video is None:
            return
        is_running = event["status"] in ("running", "pending")
        told = (event["media_s"], event["duration_s"], event["rows"], is_running, event.get("processing_s", 0.0))
        progress = AnnotatorProgress(*told)
        known = video.annotators.get(event["annotator"])
        if known is not None:
            progress.before = known.before
        elif is_running or self._clock() - video.began < _FIRST_LOOK_S:
            # what comes to its end later all at once was done in between
            progress.before = progress.fraction
        video.annotators[event["annotator"]] = progress

    def _end(self, event: Event) -> None:
        known = self._videos.get(event["job_id"])
        video = self.at_work.pop(known[0] if known else event.get("video_id", ""), None)
        state = str(event["status"])
        is_ended = state not in _WAITS_AGAIN
        if video is not None:
            self._media_s += video.media_s
            self._bytes += video.size_bytes * (1.0 - video.fraction + video.done if is_ended else video.done)
            self._ended += is_ended
        self._states[event["job_id"]] = state.replace("_", " ") if is_ended else WAITING

    # -- what it comes to

    @property
    def total(self) -> int:
        return len(self._states)

    def counts(self) -> Counter[str]:
        """Jobs by state, in words."""
        return Counter(self._states.values())

    @property
    def ended(self) -> int:
        return sum(state not in (WAITING, RUNNING) for state in self._states.values())

    def rate(self) -> float | None:
        """Seconds of video for each second, over the last half minute."""
        now = self._clock()
        done = self._media_s + sum(video.media_s for video in self.at_work.values())
        if self._began is None:
            return None
        self._samples = self._samples or deque([(self._began, 0.0)])
        if now - self._samples[-1][0] >= 1.0:
            self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _WINDOW_S:
            self._samples.popleft()
        then, before = self._samples[0]
        return (done - before) / (now - then) if now - then > _SETTLED_AFTER_S and done > before else None

    def videos_per_minute(self) -> float | None:
        wall_s = self._clock() - self._began if self._began is not None else 0.0
        return 60.0 * self._ended / wall_s if wall_s > _SETTLED_AFTER_S and self._ended else None

    def left_s(self) -> float | None:
        """Seconds to the end, if what is left takes as long for each byte as what was done."""
        wall_s = self._clock() - self._began if self._began is not None else 0.0
        done = self._bytes + sum(video.size_bytes * video.done for video in self.at_work.values())
        if wall_s <= _SETTLED_AFTER_S or not done:
            return None
        sizes = {job_id: size for job_id, (_, _, size) in self._videos.items()}
        waiting = sum(sizes.get(job_id, 0) for job_id, state in self._states.items() if state == WAITING)
        left = waiting + sum(video.size_bytes * (1.0 - video.fraction) for video in self.at_work.values())
        return wall_s * left / done
