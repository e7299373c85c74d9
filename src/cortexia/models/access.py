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
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import Catalogue, load_catalogue
from cortexia.models.formats.content import Format
from cortexia.models.library import ModelLibrary
from cortexia.models.manager import ResourceManager
from cortexia.models.onnx import OnnxSession


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


def open_models(settings: Settings | ModelSettings) -> ResourceManager:
    """Models for a worker. Reads nothing before a model is asked for."""
    chosen = ModelSettings.of(settings) if isinstance(settings, Settings) else settings

    @functools.cache
    def catalogue() -> Catalogue:
        return load_catalogue(chosen.catalogue)

    library = chosen.library()

    def load(entry: ModelEntry) -> OnnxSession:
        library.forget()
        data, found = library.read(entry)
        if found is not Format.ONNX:
            raise ModelError("unsupported", f"model {entry.id!r} is in the format {found}, which nothing here runs yet")
        return OnnxSession(entry.id, data, chosen.device)

    return ResourceManager(catalogue, load, threads=chosen.threads)
