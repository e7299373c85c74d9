"""Kills processes of a batch at random, and measures when the work of the dead goes on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import psutil
from storm_batch import CONFIG, POISON

from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores import open_store
from cortexia.stores.base import JobRecord, StorageBackend
from cortexia.testing import SCENES, ShotSpec, SoundSpec, VideoSpec, click, make_video, tone
from cortexia.types import JobState, Query

HERE = Path(__file__).parent
ANNOTATORS = ("shots", "frames", "loudness", "shot_summary", "dawdle")
_LOOK_S = 0.05


def make_clips(folder: Path, count: int, seconds: float = 4.0, with_poison: bool = True) -> None:
    """``count`` short videos with sound, no two alike, and with poison one among them that kills whoever decodes it."""
    folder.mkdir()
    scenes = sorted(SCENES)
    kinds = []
    for kind in range(4):
        shots = tuple(ShotSpec(seconds / 4, scene=scenes[(kind + at) % len(scenes)]) for at in range(4))
        sound = SoundSpec(events=(click(0.3), tone(seconds / 3, seconds / 4)))
        path = folder / f"kind-{kind}.mp4"
        make_video(path, VideoSpec(width=160, height=90, rate=Fraction(25), shots=shots, sound=sound))
        kinds.append(path.read_bytes())
        path.unlink()
    for number in range(count):
        # what comes after the last box is not looked at, and makes another file of it
        (folder / f"clip-{number:03}.mp4").write_bytes(kinds[number % 4] + f"clip {number}".encode())
    if with_poison:
        (folder / f"clip-{count // 3:03}-{POISON}.mp4").write_bytes(kinds[0] + POISON.encode())


def install_dawdle(folder: Path) -> Path:
    """The annotator of the storm as a package that is installed: a folder for ``PYTHONPATH``."""
    info = folder / "dawdle-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dawdle\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cortexia.annotators]\ndawdle = storm_batch:Dawdle\n")
    return folder


@dataclass(frozen=True)
class Blow:
    """One kill: of whom, and how many seconds later all that it had struck was at work again."""

    role: str
    struck: int
    back_s: float


@dataclass
class Batch:
    """A batch in processes of its own. ``pause_s``: what a frame takes while the storm lasts."""

    folder: Path
    clips: Path
    location: str
    pause_s: float = 0.0
    breaks: Sequence[str] = ()
    workers: int = 4
    settings: Mapping[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.pause = self.folder / "pause"
        self.store: StorageBackend = open_store(self.location)
        install_dawdle(self.folder / "plugins")
        given = {
            "store": self.location,
            "clips": str(self.clips),
            "annotators": ANNOTATORS,
            "checkpoint": str(self.folder / "batch.json"),
            "workers": self.workers,
            "settings": self._settings(),
            "pause": str(self.pause),
            "breaks": list(self.breaks),
        }
        (self.folder / "storm.json").write_text(json.dumps(given))
        if self.pause_s:
            self.pause.write_text(str(self.pause_s))
        self.start()
        assert self.process.wait(600) == 0, (self.folder / "log").read_text()
        self.start()

    def _settings(self) -> dict[str, Any]:
        return {
            "cache_dir": str(self.folder / "cache"),
            "lease_s": 3600.0 if "rescue" in self.breaks else 2.0,
            "window_s": 0.4,
            "commit_interval_s": 0.5,
            "threads": 2,
            "min_free_bytes": 0,
            "min_free_share": 0.0,
            **self.settings,
        }

    def start(self) -> None:
        """The first time, all jobs are submitted; then they are worked on, and gone on with after each death."""
        config = self.folder / "storm.json"
        # processes are killed by the hundred: measuring their coverage would only slow them down
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        path = os.pathsep.join([str(HERE), str(self.folder / "plugins"), *filter(None, [env.get("PYTHONPATH")])])
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "storm_batch.py"), str(config)],
                env={**env, "PYTHONPATH": path, CONFIG: str(config), "TMPDIR": str(self.folder)},
                stdout=log,
                stderr=log,
            )

    def end(self, timeout_s: float) -> int:
        self.pause.unlink(missing_ok=True)
        return self.process.wait(timeout_s)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.store.close()

    # -- what can be seen of it

    def jobs(self) -> dict[str, JobRecord]:
        return {job.job_id: job for job in self.store.jobs()}

    def held(self) -> dict[str, JobRecord]:
        """Jobs that somebody has."""
        return {job_id: job for job_id, job in self.jobs().items() if job.status is JobState.RUNNING}

    def healthy_at_work(self) -> dict[str, JobRecord]:
        """Jobs that somebody has, and that have no death of their own coming."""
        return {job_id: job for job_id, job in self.held().items() if POISON not in job.video_path}

    def worker_pids(self) -> list[int]:
        try:
            children = psutil.Process(self.process.pid).children()
            return [child.pid for child in children if "cortexia.executors.child" in " ".join(child.cmdline())]
        except psutil.Error:
            return []

    def export(self) -> list[bytes]:
        out = io.BytesIO()
        JsonlExporter().write(ExportSource(self.store), out)
        return out.getvalue().splitlines()

    def digest(self) -> str:
        return hashlib.sha256(b"\n".join(self.export())).hexdigest()

    def rows_told_twice(self) -> list[str]:
        ids = Counter(row.annotation_id for row in self.store.find(Query()))
        return [name for name, times in ids.items() if times > 1]


class Storm:
    """Strikes a batch ``kills`` times: a process of it, picked at random, at a random time after all that the last
    blow had struck was at work again."""

    def __init__(self, batch: Batch, seed: int, give_up_s: float = 120.0) -> None:
        self.batch = batch
        self.blows: list[Blow] = []
        self._chance = Random(seed)
        self._give_up_s = give_up_s

    def rage(self, kills: int) -> None:
        while len(self.blows) < kills:
            self._wait_for_crew()
            time.sleep(self._chance.uniform(0.0, 1.5))
            self._strike()

    def _wait_for_crew(self) -> None:
        while len(self.batch.worker_pids()) < self.batch.workers or len(self.batch.held()) < self.batch.workers:
            ended = self.batch.process.poll() is not None
            assert not ended, f"the batch ended after {len(self.blows)} kills; it needs more to do"
            time.sleep(_LOOK_S)

    def _strike(self) -> None:
        supervisor, workers = self.batch.process.pid, sorted(self.batch.worker_pids())
        victim = self._chance.choice([supervisor, *workers])
        before, held = self.batch.jobs(), self.batch.healthy_at_work()
        at = time.monotonic()
        if victim == supervisor:
            struck = held
            os.kill(victim, signal.SIGKILL)
            self.batch.process.wait()
            self.batch.start()
        else:
            struck = {name: job for name, job in held.items() if f"/{victim}/" in (job.worker or "")}
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        back_s = self._until_back(struck, before, len(held), at)
        self.blows.append(Blow("supervisor" if victim == supervisor else "worker", len(struck), back_s))
        print(f"{len(self.blows)} {self.blows[-1]}", flush=True)  # noqa: T201 - how far it came, should it fail

    def _until_back(
        self, struck: Mapping[str, JobRecord], before: Mapping[str, JobRecord], most: int, at: float
    ) -> float:
        """Seconds until the dead hold nothing, and as many jobs as before are at work and have committed since."""
        while True:
            jobs = self.batch.jobs()
            is_freed = all(_is_freed(jobs[job_id], job) for job_id, job in struck.items())
            if is_freed and len([job for job in jobs.values() if _has_moved(job, before[job.job_id])]) >= most:
                return time.monotonic() - at
            waited = time.monotonic() - at
            states = [(jobs[job_id].status.value, job.attempt, jobs[job_id].attempt) for job_id, job in struck.items()]
            assert waited <= self._give_up_s, f"not back at work within {self._give_up_s:g} s: {states}"
            time.sleep(_LOOK_S)

    def figures(self) -> dict[str, Any]:
        """For the record of the run."""
        times = [blow.back_s for blow in self.blows if blow.struck]
        roles = Counter(blow.role for blow in self.blows)
        by_role = {role: [b.back_s for b in self.blows if b.role == role and b.struck] for role in roles}
        attempts = [job.attempt for job in self.batch.jobs().values()]
        return {
            "kills": dict(roles),
            "kills that struck a job": len(times),
            "back_s": {role: _spread(found) for role, found in by_role.items()},
            "attempts": {"sum": sum(attempts), "most": max(attempts), "jobs": len(attempts)},
        }


def _spread(times: list[float]) -> dict[str, float]:
    if not times:
        return {}
    return {"median": round(statistics.median(times), 2), "max": round(max(times), 2)}


def _is_freed(job: JobRecord, before: JobRecord) -> bool:
    """The dead one no longer has it: another worker does, or may."""
    return job.attempt > before.attempt or job.status is not JobState.RUNNING


def _has_moved(job: JobRecord, before: JobRecord) -> bool:
    """A window was committed by whoever has it now, or it came to its end meanwhile."""
    if job.status.is_final:
        return not before.status.is_final and POISON not in job.video_path
    is_new = job.attempt > before.attempt
    return job.status is JobState.RUNNING and job.windows > (job.windows_at_claim if is_new else before.windows)
