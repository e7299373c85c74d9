"""Batches of scripted videos for real worker processes. What a video does to its worker stands in its file."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from filling import AT_ONCE
from recipes import Steps
from scripted import ScriptedDecoder, ScriptedStream

from cortexia.annotators.base import Emissions, SessionContext, Solver, StreamAnnotator, StreamSession
from cortexia.batch.devices import DeviceSlots
from cortexia.batch.recorder import FlightRecorder
from cortexia.batch.supervisor import Crew, Supervisor
from cortexia.batch.watch import Limits
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.engine import CancelToken, EngineOptions, WindowPolicy
from cortexia.executors.processes import ProcessExecutor
from cortexia.models.base import ModelEntry
from cortexia.plan import make_specs, resolve
from cortexia.stores import open_store
from cortexia.stores.base import JobRecord
from cortexia.types import VideoIdentity


def _spin() -> None:
    while True:
        pass


def _eat() -> None:
    eaten = []
    while True:
        eaten.append(b"x" * 50_000_000)


def _raise() -> None:
    raise RuntimeError("boom")


WAYS: dict[str, Callable[[], object]] = {
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "hang": lambda: time.sleep(600),
    "spin": _spin,
    "eat": _eat,
    "raise": _raise,
    "slow": lambda: time.sleep(0.1),
}


def misbehave(how: str, once: str = "") -> None:
    """``once``: a file that is made, so that it happens one time only."""
    if once and Path(once).exists():
        return
    if once:
        Path(once).touch()
    WAYS.get(how, lambda: None)()


@dataclass(frozen=True)
class Shaky(StreamAnnotator):
    """Does ``how`` at its 7th frame, or at each one where it is slow."""

    name: ClassVar[str] = "shaky"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    how: str = ""
    once: str = ""

    def session(self, context: SessionContext) -> StreamSession:
        return ShakySession(self)


class ShakySession(StreamSession):
    def __init__(self, recipe: Shaky) -> None:
        self._recipe = recipe

    def process(self, inputs: Sequence[Any], upstream: Emissions) -> Emissions:
        for item in inputs:
            if item.index == 7 or self._recipe.how == "slow":
                misbehave(self._recipe.how, self._recipe.once)
        return [[] for _ in inputs]


MODEL = ModelEntry("tiny", "object-detection", "tiny.onnx", 1, "0" * 64, "MIT", "", "yolox")


@dataclass(frozen=True)
class OnDevice(StreamAnnotator):
    """Works with a model, and writes down when its session came and went. At its 7th frame it does ``how``."""

    name: ClassVar[str] = "on_device"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    diary: str = ""
    how: str = ""
    once: str = ""

    @property
    def model_ids(self) -> tuple[str, ...]:
        return (MODEL.id,)

    def session(self, context: SessionContext) -> StreamSession:
        self.note("came")
        return OnDeviceSession(self)

    def note(self, what: str) -> None:
        with Path(self.diary).open("a") as diary:
            diary.write(f"{time.monotonic()} {os.getpid()} {what}\n")


class OnDeviceSession(StreamSession):
    def __init__(self, recipe: OnDevice) -> None:
        self._recipe = recipe

    def process(self, inputs: Sequence[Any], upstream: Emissions) -> Emissions:
        for item in inputs:
            time.sleep(0.02)
            if item.index == 7:
                misbehave(self._recipe.how, self._recipe.once)
        return [[] for _ in inputs]

    def close(self) -> None:
        self._recipe.note("went")


class Shelf:
    """Knows one model, which nobody opens."""

    threads = 1

    def entry(self, model_id: str) -> ModelEntry:
        return MODEL

    def open(self, model_id: str) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Ponder(Solver):
    """A solver that takes its time."""

    name: ClassVar[str] = "ponder"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("steps",)
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    seconds: float = 0.0

    def solve(self, stored: Any, context: SessionContext) -> list[Any]:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            time.sleep(0.01)
        return []


def recipes_of(config: Mapping[str, Any]) -> tuple[Any, ...]:
    if "diary" in config:
        return (OnDevice(config["diary"], config.get("session", ""), config.get("once", "")),)
    made = [Shaky(config.get("session", ""), config.get("once", "")), Steps()]
    return (*made, Ponder(config["ponder_s"])) if "ponder_s" in config else tuple(made)


class FileDecoder(ScriptedDecoder):
    """Does what stands in the file at the 7th frame; one without a word is well."""

    def open(self, path: Path, info: Any, request: Any) -> ScriptedStream:
        how = path.read_text().split()[0]
        return ShakyStream(self, request, how)


class ShakyStream(ScriptedStream):
    def __init__(self, decoder: ScriptedDecoder, request: Any, how: str) -> None:
        super().__init__(decoder, request)
        self._how = how

    def __iter__(self) -> Iterator[Any]:
        for at, item in enumerate(super().__iter__()):
            if at == 7:
                misbehave(self._how)
            yield item


def main(payload: Mapping[str, Any], emit: Callable[[Mapping[str, Any]], None], stopped: Callable[[], bool]) -> None:
    """A ``WorkerMain`` as ``batch.main`` is one, over scripted videos."""
    from cortexia.batch.main import _watching

    cancel = CancelToken()
    store = open_store(payload["store"], rules=AT_ONCE)
    engine = EngineOptions(WindowPolicy(media_s=payload["window_s"]), threads=1, cancel=cancel)
    options = WorkerOptions(
        engine,
        lease_s=payload["lease_s"],
        stall_timeout_s=payload.get("stall_timeout_s", 60.0),
        recorder=FlightRecorder(Path(payload["recorder"])),
        models=Shelf(),
        slots=DeviceSlots(Path(payload["slots_in"]), payload["slots"], lambda: payload.get("device", "cuda:0"))
        if "slots" in payload
        else None,
    )
    decoder = FileDecoder([40] * payload["frames"])
    with _watching(stopped, cancel):
        Worker(store, decoder, options, emit, recipes=recipes_of).work(payload["job_ids"])
    store.close()


@dataclass
class Batch:
    """Videos in a store, and what was told of them."""

    folder: Path
    events: list[dict] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = open_store(str(self.folder / "crew.db"), rules=AT_ONCE)
        self.jobs: dict[str, str] = {}

    def add(self, name: str, decoder: str = "well", priority: int = 0, **config: Any) -> str:
        path = self.folder / f"{name}.txt"
        path.write_text(f"{decoder} {name}")
        video_id = hashlib.sha256(path.read_bytes()).hexdigest()
        video = VideoIdentity(video_id, str(path), path.name, path.stat().st_size)
        recipes, needs = resolve(recipes_of(config))
        specs = make_specs(video_id, recipes, needs, weights_of=lambda model_id: MODEL.sha256)
        self.store.save_video(video)
        self.store.register_runs(list(specs.values()), {})
        run_ids = [spec.run_id for spec in specs.values()]
        self.jobs[name] = self.store.submit_job(video, run_ids, config, priority=priority)
        return self.jobs[name]

    def job(self, name: str) -> JobRecord:
        found = self.store.job(self.jobs[name])
        assert found is not None
        return found

    def runs(self, name: str) -> dict[str, tuple[str, str | None]]:
        return {run.spec.annotator: (run.status.value, run.reason) for run in self.store.job_runs(self.jobs[name])}

    def deaths(self, name: str) -> list[dict]:
        mine = [event for event in self.events if event.get("job_id") == self.jobs[name]]
        return [event for event in mine if event["event"] == "worker_died"]

    def given(self, **more: Any) -> dict[str, Any]:
        common = {"store": self.store.location, "job_ids": list(self.jobs.values())}
        return {**common, "lease_s": 30.0, "window_s": 1e9, "frames": 20, **self.payload, **more}

    def run(
        self,
        workers: int = 1,
        limits: Limits | None = None,
        stopped: Callable[[], bool] = lambda: False,
        **more: Any,
    ) -> None:
        crew = Crew(workers, limits or Limits())
        Supervisor(self.store, ProcessExecutor(), self.events.append, stopped, crew).run(self.given(**more))


def small(limits: Limits | None = None, **changes: Any) -> Limits:
    return dataclasses.replace(limits or Limits(), **changes)
