"""Models as people meet them: what there is, what is here, and how the rest comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cortexia.config import Settings
from cortexia.errors import ModelError, UnknownNameError
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.adapters.openers import ADAPTERS
from cortexia.models.adoption import Adoption, Tell
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import Catalogue, load_catalogue
from cortexia.models.families import is_installed
from cortexia.models.fetching import Fetch, network_fetch
from cortexia.models.manager import ResourceManager
from cortexia.models.manifest import NO_FILES
from cortexia.models.presets import PresetChoice, choose_preset, lacking_models, load_presets
from cortexia.models.pull import Puller


def _can_run(entry: ModelEntry) -> bool:
    """Whether there is an adapter for it, and what that needs."""
    if entry.is_folder:
        return is_installed(entry)
    return entry.adapter in ADAPTERS


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
        return load_catalogue(self._chosen.catalogue, self._chosen.folders)

    @cached_property
    def access(self) -> ResourceManager:
        """Models as sessions see them, for work in this process."""
        return open_models(self._chosen)

    def digest(self, model_id: str) -> str:
        """SHA-256 (hex) of a model's weights: of the catalogue where that pins them, else of what was pulled, else of
        no files at all. Raises ``UnknownNameError``."""
        entry = self.catalogue[model_id]
        try:
            return self._library.pinned(entry).sha256
        except ModelError:
            return NO_FILES

    def best(self, task: str) -> str | None:
        """Id of the model for ``task`` that the best preset opens whose models are here; where none opens one, the
        first of the catalogue that is here and can run here; ``None`` where there is none. What was adopted is taken
        by name only: naming a model once changes nothing for others.

        ``task``: how the task of its entry begins, such as ``object detection``.
        """
        ready = [preset for preset in load_presets() if not lacking_models(preset, self.catalogue, self._library)]
        opened = [model_id for preset in reversed(ready) for model_id in preset.models]
        for model_id in opened:
            if self.catalogue[model_id].task.startswith(task):
                return model_id
        entries = (entry for entry in self.catalogue.values() if entry.id not in self.catalogue.adopted)
        able = (entry for entry in entries if entry.task.startswith(task) and _can_run(entry))
        return next((entry.id for entry in able if self._library.find(entry) is not None), None)

    def choose_preset(self, name: str) -> PresetChoice:
        """Raises ``UnknownNameError`` for a name that no preset has."""
        return choose_preset(name, self.catalogue, self._library)

    def statuses(self) -> Iterator[ModelStatus]:
        """Every model of the catalogue, in its order."""
        for entry in self.catalogue.values():
            used_by = tuple(preset.name for preset in load_presets() if entry.id in preset.models)
            here = self._library.find(entry)
            yield ModelStatus(self._library.pinned(entry) if here else entry, here, used_by)

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

    def adopt(self, source: str, tell: Tell = lambda event: None) -> ModelEntry:
        """The entry of a model that is named by its id or by where it is. See ``Adoption.adopt``."""
        made = Adoption(self._settings, self.catalogue, self._library, tell, self._fetch).adopt(source)
        if made.id not in self.catalogue or self.catalogue[made.id] != made:
            # both are made anew when they are asked for, and know it then
            del self.catalogue
            if (access := self.__dict__.pop("access", None)) is not None:
                access.close()
        return made

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
