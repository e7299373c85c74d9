"""Main of a worker, wherever an executor runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import cv2

from cortexia import registry
from cortexia.batch.devices import DeviceSlots
from cortexia.batch.patience import FreeSpace, Patience, is_away
from cortexia.batch.recorder import FlightRecorder
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.config import Settings
from cortexia.engine import CancelToken, EngineOptions, WindowPolicy
from cortexia.errors import CortexiaError
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.endpoint import Endpoints, EndpointSettings
from cortexia.models.manager import ResourceManager
from cortexia.models.onnx import gpu_of
from cortexia.sources import IdentityCache, MediaCache
from cortexia.stores import open_store, store_kind
from cortexia.stores.base import Cause, StorageBackend
from cortexia.stores.lifecycle import rules_for
from cortexia.stores.sql.postgresql import blob_folder
from cortexia.telemetry import configure_logs

TARGET = "cortexia.batch.main:main"


def worker_payload(store: str, job_ids: list[str], settings: Settings, workers: int = 1) -> dict[str, Any]:
    """What a worker process is told: where the store is, which jobs, and how to work. ``workers`` share the threads."""
    threads = max(1, settings.thread_budget // workers)
    return {
        "store": store,
        "job_ids": job_ids,
        "threads": threads,
        "batch_size": settings.batch_size,
        "window_s": settings.window_s,
        "commit_interval_s": settings.commit_interval_s,
        "commit_rows": settings.commit_rows,
        "lease_s": settings.lease_s,
        "max_attempts": settings.max_attempts,
        "stall_timeout_s": settings.stall_timeout_s,
        "store_patience_s": settings.store_patience_s,
        "on_full_disk": settings.on_full_disk,
        "min_free_bytes": settings.min_free_bytes,
        "min_free_share": settings.min_free_share,
        "log_level": settings.log_level,
        "log_format": settings.log_format,
        "cache": str(settings.cache_path),
        "media_cache": str(settings.media_cache),
        "workers": workers,
        "device_slots": settings.device_slots,
        "device_folder": str(settings.cache_path.absolute() / "devices"),
        "models": {**ModelSettings.of(settings).as_payload(), "threads": threads},
        "endpoint": EndpointSettings.of(settings).as_payload(),
    }


def worker_options(payload: Mapping[str, Any], cancel: CancelToken) -> WorkerOptions:
    policy = WindowPolicy(payload["window_s"], payload["commit_interval_s"], payload["commit_rows"])
    engine = EngineOptions(policy=policy, threads=payload["threads"], batch_size=payload["batch_size"], cancel=cancel)
    waits = payload["on_full_disk"] == "wait"
    recorder = payload.get("recorder")
    models = open_models(ModelSettings.from_payload(payload["models"]))
    return WorkerOptions(
        engine=engine,
        lease_s=payload["lease_s"],
        stall_timeout_s=payload["stall_timeout_s"],
        media_cache=MediaCache(Path(payload["media_cache"])),
        identities=IdentityCache(Path(payload["cache"])),
        models=models,
        endpoints=Endpoints(EndpointSettings(**payload["endpoint"]), stopped=lambda: cancel.is_cancelled),
        slots=_slots(payload, models),
        store_patience_s=payload["store_patience_s"],
        space=_space(payload) if waits else None,
        raises=() if waits else (Cause.MACHINE,),
        recorder=FlightRecorder(Path(recorder) if recorder else None),
    )


def _space(payload: Mapping[str, Any]) -> FreeSpace:
    """Guards the disks that a worker writes to. A database elsewhere has a disk of its own, but its blobs lie here."""
    location = payload["store"]
    written = blob_folder(location) if store_kind(location) == "postgresql" else Path(location).absolute().parent
    folders = (Path(payload["media_cache"]), written)
    return FreeSpace(folders, payload["min_free_bytes"], payload["min_free_share"])


def _slots(payload: Mapping[str, Any], models: ResourceManager) -> DeviceSlots:
    """Where more workers than slots take turns, each leaves the device empty to the next."""
    slots, device = payload["device_slots"], payload["models"]["device"]
    put_away = models.close if payload["workers"] > slots else lambda: None
    return DeviceSlots(Path(payload["device_folder"]), slots, lambda: gpu_of(device), put_away)


def main(payload: Mapping[str, Any], emit: Callable[[Mapping[str, Any]], None], stopped: Callable[[], bool]) -> None:
    """A ``WorkerMain``: works on ``payload["job_ids"]`` and tells of it by events."""
    configure_logs(payload["log_level"], payload["log_format"])
    cancel = CancelToken()
    try:
        with _watching(stopped, cancel), _threads_of_opencv(payload["threads"]):
            options = worker_options(payload, cancel)
            with _opened(payload, options) as store:
                decoder = registry.load("decoders", "content")()
                Worker(store, decoder, options, emit).work(payload["job_ids"])
    except CortexiaError as error:
        if not (cancel.is_cancelled and is_away(error)):
            emit({"event": "worker_failed", "code": error.code, "message": str(error)})


@contextmanager
def _threads_of_opencv(threads: int) -> Iterator[None]:
    """OpenCV, left to itself, takes every processor for each of its calls, whatever the other workers do."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _opened(payload: Mapping[str, Any], options: WorkerOptions) -> Iterator[StorageBackend]:
    """The store, waited for where it is away: a worker may be replaced just then (G9)."""
    cancel = options.engine.cancel
    patiently = Patience(options.store_patience_s, lambda: cancel.is_cancelled, options.recorder.moved)
    rules = rules_for(payload["max_attempts"])
    with closing(patiently(lambda: open_store(payload["store"], rules=rules))) as store:
        yield store


@contextmanager
def _watching(stopped: Callable[[], bool], cancel: CancelToken) -> Iterator[None]:
    """Carries ``stopped`` over to the token that the decode loop asks."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            if stopped():
                cancel.cancel()
                return

    thread = threading.Thread(target=watch, name="cortexia-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
