"""What a store holds about people, video by video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cortexia.people.members import VideoPeople, members_of
from cortexia.stores.base import JobRecord, RunRecord, StorageBackend, VideoRecord
from cortexia.stores.upkeep import Report, say_nothing
from cortexia.types import Identity, PersonNote, Query, RunStatus, StoredRow, digest_of

NOTES = "people_notes"
"""The pipeline of what people said."""
IDENTITIES = "identities"
"""The pipeline of what came of it."""
JOB_NOTE = "people"
"""Under this name a job keeps for which runs and statements identities were made."""
FACES = "face_groups"
FOUND = (FACES, "people")
"""Annotators that find people."""
EVERYTHING = (*FOUND, NOTES, IDENTITIES)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Which runs there are. ``runs``: by video and annotator, one of each. ``jobs``: the newest of each video, the
    videos in the order in which they came. ``made``: what jobs keep about identities that were made before."""

    videos: dict[str, VideoRecord]
    runs: dict[str, dict[str, RunRecord]]
    jobs: dict[str, JobRecord]
    made: tuple[Mapping[str, Any], ...] = ()

    def digest(self, annotators: Iterable[str], more: Any = None) -> str:
        """Over the keys of the runs of these annotators: the same, where they hold the same rows."""
        names = tuple(annotators)
        keys = [run.spec.run_key for runs in self.runs.values() for name, run in runs.items() if name in names]
        return digest_of([sorted(keys), more])

    def of_people(self) -> list[str]:
        """Ids of the videos with any run about people, in order."""
        return [video_id for video_id in self.jobs if video_id in self.runs and video_id in self.videos]


def inventory(store: StorageBackend) -> Inventory:
    """Of several runs of an annotator, over parts of a video, that over the whole counts, else the newest."""
    runs: dict[str, dict[str, RunRecord]] = {}
    for run in store.runs():
        if run.spec.annotator in EVERYTHING and run.status is RunStatus.COMPLETED:
            own = runs.setdefault(run.spec.video_id, {})
            if run.spec.annotator not in own or _rank(run) > _rank(own[run.spec.annotator]):
                own[run.spec.annotator] = run
    jobs: dict[str, JobRecord] = {}
    made = []
    for job in store.jobs():
        # the newest takes the place of the first: a video stays where it came
        jobs[job.video_id] = job
        made += [job.config[JOB_NOTE]] if JOB_NOTE in job.config else []
    return Inventory({record.identity.video_id: record for record in store.videos()}, runs, jobs, tuple(made))


def _rank(run: RunRecord) -> tuple[bool, str, str]:
    return run.spec.time_range.is_whole, run.completed_at or "", run.run_id


def gathered(store: StorageBackend, found: Inventory, report: Report = say_nothing) -> Iterator[VideoPeople]:
    """Every video with runs about people, in the order in which they came."""
    video_ids = found.of_people()
    for number, video_id in enumerate(video_ids):
        report("videos", number, len(video_ids))
        yield video_people(store, found, video_id)


def video_people(store: StorageBackend, found: Inventory, video_id: str) -> VideoPeople:
    """What is stored of one video of ``found``."""
    run_ids = tuple(run.run_id for run in found.runs.get(video_id, {}).values())
    rows = store.find(Query(video_ids=(video_id,), run_ids=run_ids)) if run_ids else ()
    return _video(found, video_id, list(rows))


def made_of(store: StorageBackend, found: Inventory, pipeline: str) -> Iterator[VideoPeople]:
    """Every video with runs about people, in order; of its rows those of ``pipeline``, one of ours, only."""
    rows: dict[str, list[StoredRow]] = {}
    for row in store.find(Query(annotators=(pipeline,))):
        rows.setdefault(row.video_id, []).append(row)
    for video_id in found.of_people():
        yield _video(found, video_id, rows.get(video_id, []))


def _video(found: Inventory, video_id: str, rows: list[StoredRow]) -> VideoPeople:
    runs = found.runs.get(video_id, {})
    return VideoPeople(
        video_id,
        found.videos[video_id].identity.filename,
        found.jobs[video_id].job_id,
        digest_of([runs[name].run_id for name in FOUND if name in runs])[:12],
        _offset(rows),
        members_of(video_id, (row.annotation for row in rows if row.annotator in FOUND), _are_linked(runs)),
        tuple(row.annotation for row in rows if isinstance(row.annotation, PersonNote)),
        tuple(row.annotation for row in rows if isinstance(row.annotation, Identity)),
    )


def _are_linked(runs: Mapping[str, RunRecord]) -> bool:
    """Whether the person ids in rows of ``face_groups`` are those of the run of ``people`` that is current: each run
    numbers people anew."""
    return all(name in runs for name in FOUND) and runs["people"].spec.run_key in runs[FACES].spec.upstream


def _offset(rows: list[StoredRow]) -> float:
    return rows[0].annotation.span.start.seconds - rows[0].start_us / 1e6 if rows else 0.0
