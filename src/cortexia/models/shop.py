"""Models as people meet them: what there is, what is here, and how the rest comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cortexia.config import Settings
from cortexia.errors import ModelError, UnknownNameError
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import Catalogue, load_catalogue
from cortexia.models.manager import ResourceManager
from cortexia.models.presets import PresetChoice, choose_preset, lacking_models, load_presets
from cortexia.models.pull import Fetch, Puller, network_fetch


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalogue. ``path``: where it lies, ``None`` where it does not; ``used_by``: presets that open
    it."""

    entry: ModelEntry
    path: Path | None
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of hashing a model anew. ``reason`` and ``message`` where it may not be opened."""

    entry: ModelEntry
    path: Path | None
    reason: str | None = None
    message: str | None = None


class ModelShop:
    """``fetch``: how bytes come over the network; as the settings say where it is left out."""

    def __init__(self, settings: Settings, fetch: Fetch | None = None) -> None:
        self._settings = settings
        self._fetch = fetch or network_fetch(settings)
        self._chosen = ModelSettings.of(settings)
        self._library = self._chosen.library()

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self._chosen.catalogue)

    @cached_property
    def access(self) -> ResourceManager:
        """Models as sessions see them, for work in this process."""
        return open_models(self._chosen)

    def digest(self, model_id: str) -> str:
        """SHA-256 (hex) of a model's weights. Raises ``UnknownNameError``."""
        return self.catalogue[model_id].sha256

    def best(self, task: str) -> str | None:
        """Id of the model for ``task`` that the best preset opens whose models are here; ``None`` where none does.

        ``task``: how the task of its entry begins, such as ``object detection``.
        """
        for preset in reversed(load_presets()):
            if not lacking_models(preset, self.catalogue, self._library):
                for model_id in preset.models:
                    if self.catalogue[model_id].task.startswith(task):
                        return model_id
        return None

    def choose_preset(self, name: str) -> PresetChoice:
        """Raises ``UnknownNameError`` for a name that no preset has."""
        return choose_preset(name, self.catalogue, self._library)

    def statuses(self) -> Iterator[ModelStatus]:
        """Every model of the catalogue, in its order."""
        for entry in self.catalogue.values():
            used_by = tuple(preset.name for preset in load_presets() if entry.id in preset.models)
            yield ModelStatus(entry, self._library.find(entry), used_by)

    def named(self, names: Sequence[str]) -> tuple[ModelEntry, ...]:
        """Entries by ids and presets, each once. Raises ``UnknownNameError``."""
        presets = {preset.name: preset for preset in load_presets()}
        ids: list[str] = []
        for name in names:
            if name in presets:
                ids += presets[name].models
            elif name in self.catalogue:
                ids.append(name)
            else:
                raise UnknownNameError("model or preset", name, [*presets, *self.catalogue])
        return tuple(self.catalogue[model_id] for model_id in dict.fromkeys(ids))

    def find(self, entry: ModelEntry) -> Path | None:
        return self._library.find(entry)

    def pull(self, entry: ModelEntry, on_bytes: Callable[[int], None] = lambda done: None) -> Path:
        """Bring a model, unless it is here. Raises ``ModelError`` and what the network raises."""
        here = self._library.find(entry)
        if here is not None:
            return here
        signer = Path(self._settings.model_signer) if self._settings.model_signer else None
        try:
            return Puller(self._settings.model_folders[-1], self._fetch, signer).pull(entry, on_bytes)
        finally:
            self._library.forget()

    def verify(self, names: Sequence[str] = ()) -> Iterator[Verification]:
        """Hash models anew: those named, or every one whose file is here, whole or not."""
        for entry in self.named(names) if names else self._library.claimed(self.catalogue.values()):
            try:
                yield Verification(entry, self._library.verify(entry))
            except ModelError as error:
                yield Verification(entry, None, error.reason, str(error))

    def path(self, model_id: str) -> Path:
        """Where a model lies. Raises ``ModelError`` with the command that brings it."""
        return self._library.where(self.catalogue[model_id])
