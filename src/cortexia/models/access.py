"""The one door to models: where they are searched, and the manager that opens them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortexia.config import Settings
from cortexia.digests import IdentityCache
from cortexia.errors import ModelError
from cortexia.models.base import InferenceSession, ModelEntry
from cortexia.models.catalogue import Catalogue, load_catalogue
from cortexia.models.families import is_on_gpu, load_family
from cortexia.models.formats.content import Format
from cortexia.models.library import ModelLibrary
from cortexia.models.litert import LiteRtSession
from cortexia.models.manager import ResourceManager
from cortexia.models.onnx import OnnxSession, gpu_of
from cortexia.models.shelf import Budget, need_bytes


@dataclass(frozen=True)
class ModelSettings:
    """What of the settings concerns models; it travels to workers as JSON.

    ``folders``: searched in this order. ``catalogue``: the user's own, if any. ``cache``: folder of remembered digests.
    """

    folders: tuple[Path, ...]
    catalogue: Path | None = None
    cache: Path | None = None
    device: str = "auto"
    threads: int = 1

    @classmethod
    def of(cls, settings: Settings) -> ModelSettings:
        return cls(
            folders=settings.model_folders,
            catalogue=Path(settings.model_catalog).absolute() if settings.model_catalog else None,
            cache=settings.cache_path.absolute(),
            device=settings.device,
            threads=settings.thread_budget,
        )

    def as_payload(self) -> dict[str, Any]:
        return {
            "folders": [str(folder) for folder in self.folders],
            "catalogue": self.catalogue and str(self.catalogue),
            "cache": self.cache and str(self.cache),
            "device": self.device,
            "threads": self.threads,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> ModelSettings:
        return cls(
            folders=tuple(map(Path, payload["folders"])),
            catalogue=payload["catalogue"] and Path(payload["catalogue"]),
            cache=payload["cache"] and Path(payload["cache"]),
            device=payload["device"],
            threads=payload["threads"],
        )

    def library(self) -> ModelLibrary:
        return ModelLibrary(self.folders, IdentityCache(self.cache) if self.cache else None)


class PinnedCatalogue(Catalogue):
    """A catalogue whose entries say which bytes they are as soon as those are here: a worker tells the identity of a
    run by them, as whoever made the job did."""

    def __init__(self, entries: Mapping[str, ModelEntry], library: ModelLibrary) -> None:
        super().__init__(entries)
        self._library = library

    def __getitem__(self, model_id: str) -> ModelEntry:
        entry = super().__getitem__(model_id)
        if entry.is_pinned:
            return entry
        # somebody may have pulled it since the folders were listed
        self._library.forget()
        try:
            return self._library.pinned(entry)
        except ModelError:
            return entry


def open_models(settings: Settings | ModelSettings) -> ResourceManager:
    """Models for a worker. Reads nothing before a model is asked for."""
    chosen = ModelSettings.of(settings) if isinstance(settings, Settings) else settings

    library = chosen.library()

    @functools.cache
    def catalogue() -> Catalogue:
        return PinnedCatalogue(load_catalogue(chosen.catalogue, chosen.folders), library)

    def need(entry: ModelEntry) -> int:
        if not entry.is_pinned:
            library.forget()
        return need_bytes(library.pinned(entry))

    def load(entry: ModelEntry, device: str = chosen.device) -> object:
        library.forget()
        if entry.is_folder:
            return load_family(library.read_folder(entry), device, chosen.threads)
        data, found = library.read(entry)
        return start_session(entry, data, found, device)

    return ResourceManager(
        catalogue,
        load,
        load_on_cpu=functools.partial(load, device="cpu"),
        threads=chosen.threads,
        budget=Budget(need=need, uses_gpu=lambda entry: uses_gpu(entry, chosen.device)),
    )


def uses_gpu(entry: ModelEntry, device: str) -> bool:
    """Whether the runtime for ``entry`` takes a GPU where the setting is ``device``. Loads that runtime."""
    if device == "cpu" or not entry.is_folder:
        return gpu_of(device) is not None
    return is_on_gpu(entry, device)


def start_session(entry: ModelEntry, data: bytes, found: Format, device: str) -> InferenceSession:
    """Verified bytes in the runtime for their format. LiteRT runs on the CPU, whatever ``device`` says.

    Raises ``ModelError`` (``unsupported``) for a format without a runtime, and what the runtime raises.
    """
    match found:
        case Format.ONNX:
            return OnnxSession(entry.id, data, device)
        case Format.TFLITE:
            return LiteRtSession(entry.id, data)
    raise ModelError("unsupported", f"model {entry.id!r} is in the format {found}, which nothing here runs")
