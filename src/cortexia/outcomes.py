"""What the App tells its faces: plans, reports and states of videos, as values."""

from __future__ import annotations

from dataclasses import dataclass

from cortexia.engine.estimate import Estimate
from cortexia.plan import Plan
from cortexia.staleness import Standing
from cortexia.stores.base import JobRecord, RunRecord, VideoRecord
from cortexia.types import JobState, MediaInfo, VideoIdentity


@dataclass(frozen=True)
class VideoPlan:
    """A plan with the video it is for; ``estimate`` is ``None`` where nothing is to be decoded."""

    identity: VideoIdentity
    media: MediaInfo
    plan: Plan
    estimate: Estimate | None


@dataclass(frozen=True)
class VideoResult:
    """What came of one video of an ``annotate``."""

    uri: str
    video_id: str | None
    status: str
    reason: str | None
    message: str | None
    record: VideoRecord | None = None
    runs: tuple[RunRecord, ...] = ()

    @property
    def is_well(self) -> bool:
        return self.status == JobState.COMPLETED


@dataclass(frozen=True)
class AnnotateReport:
    """``left_out``: files of folders that are plainly no video. ``interrupted``: stopped, and can be gone on with.
    ``batch_id``: of its jobs, where they are of one batch."""

    store: str
    videos: tuple[VideoResult, ...]
    left_out: tuple[str, ...] = ()
    interrupted: bool = False
    batch_id: str | None = None


@dataclass(frozen=True)
class VideoStatus:
    """A stored video with its current runs and its jobs. ``standings``: of the annotators that would run now."""

    record: VideoRecord
    runs: tuple[RunRecord, ...]
    jobs: tuple[JobRecord, ...]
    standings: tuple[Standing, ...] = ()


@dataclass(frozen=True)
class JobStanding:
    """A job with its video and its runs, as they are now."""

    job: JobRecord
    record: VideoRecord | None
    runs: tuple[RunRecord, ...]
