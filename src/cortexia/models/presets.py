"""Presets: named sets of annotators with the models that they open, as data in ``presets.toml``."""

from __future__ import annotations

import functools
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from cortexia.config import merged_options
from cortexia.errors import ConfigurationError, CortexiaError, UnknownNameError
from cortexia.models.base import ModelEntry
from cortexia.models.catalogue import Catalogue, read_tables
from cortexia.models.library import ModelLibrary

AUTO = "auto"
OFFLINE = "offline"
"""What an annotator does without weights, in place of a model's id."""


@dataclass(frozen=True, slots=True)
class Preset:
    """``models``: ids of what its annotators open. ``options``: by annotator name; those of a request go before."""

    name: str
    summary: str
    annotators: tuple[str, ...]
    models: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def options_under(self, given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The options of the preset, with those that are given on top, by annotator name."""
        return merged_options(self.options, given)


@dataclass(frozen=True, slots=True)
class PresetChoice:
    """The preset in force; and, chosen by ``auto``, the next better one. ``lacking``: models that are not here of the
    better one, or of the preset itself where it was named."""

    preset: Preset
    better: Preset | None = None
    lacking: tuple[ModelEntry, ...] = ()

    @property
    def lacking_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.lacking)


@functools.cache
def load_presets() -> tuple[Preset, ...]:
    """Those shipped, from what needs no download to what finds most."""
    return parse_presets(resources.files("cortexia.models").joinpath("presets.toml").read_text(encoding="utf-8"))


def parse_presets(text: str) -> tuple[Preset, ...]:
    """Presets of a TOML text with one ``[[preset]]`` table each. Raises ``ConfigurationError``."""
    try:
        presets = tuple(_preset(table) for table in read_tables(text, "preset"))
    except (tomllib.TOMLDecodeError, CortexiaError) as error:
        raise ConfigurationError(f"presets: {error}") from error
    names = [preset.name for preset in presets]
    if not presets or len(set(names)) < len(names) or AUTO in names:
        raise ConfigurationError(f"presets: names must differ, and none may be {AUTO!r} (got {', '.join(names)})")
    return presets


def _preset(table: Mapping[str, Any]) -> Preset:
    known = typing.get_type_hints(Preset)
    for key in table:
        if key not in known:
            raise UnknownNameError(f"key of preset {table.get('name')!r}", key, known)
    for key in ("name", "summary", "annotators"):
        if not table.get(key):
            raise ConfigurationError(f"preset {table.get('name')!r} lacks {key}")
    preset = Preset(**{**table, "annotators": tuple(table["annotators"]), "models": tuple(table.get("models", ()))})
    for annotator, options in preset.options.items():
        if annotator not in preset.annotators:
            raise UnknownNameError(f"annotator in the options of preset {preset.name!r}", annotator, preset.annotators)
        if "model" in options and options["model"] not in (*preset.models, OFFLINE):
            raise UnknownNameError(f"model in the options of preset {preset.name!r}", options["model"], preset.models)
    return preset


def find_preset(name: str, presets: Sequence[Preset] | None = None) -> Preset:
    """The preset ``name`` of ``presets`` (those shipped). Raises ``UnknownNameError`` with the known names."""
    known = load_presets() if presets is None else presets
    for preset in known:
        if preset.name == name:
            return preset
    raise UnknownNameError("preset", name, [AUTO, *(preset.name for preset in known)])


def choose_preset(
    name: str, catalogue: Catalogue, library: ModelLibrary, presets: Sequence[Preset] | None = None
) -> PresetChoice:
    """The preset ``name``, or for ``auto`` the best one whose models are all here.

    Raises ``UnknownNameError`` for a name that no preset has.
    """
    ordered = tuple(presets) if presets is not None else load_presets()
    if name != AUTO:
        preset = find_preset(name, ordered)
        return PresetChoice(preset, lacking=lacking_models(preset, catalogue, library))
    lacking = {preset.name: lacking_models(preset, catalogue, library) for preset in ordered}
    ready = [number for number, preset in enumerate(ordered) if not lacking[preset.name]]
    if not ready:
        raise ConfigurationError(f"no preset is ready: each lacks models; run: cortexia models pull {ordered[0].name}")
    best = ready[-1]
    if best + 1 == len(ordered):
        return PresetChoice(ordered[best])
    better = ordered[best + 1]
    return PresetChoice(ordered[best], better, lacking[better.name])


def lacking_models(preset: Preset, catalogue: Catalogue, library: ModelLibrary) -> tuple[ModelEntry, ...]:
    entries = [catalogue[model_id] for model_id in preset.models]
    return tuple(entry for entry in entries if library.find(entry) is None)
