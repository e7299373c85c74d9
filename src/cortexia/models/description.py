"""What a folder that somebody names holds: a model of the hub's form, or one file with a description beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cortexia.errors import ConfigurationError, ModelError, UnknownNameError
from cortexia.files import translate_os_error
from cortexia.models.adapters.openers import ADAPTERS
from cortexia.models.adopted import adopted_id
from cortexia.models.base import ModelEntry, ModelFile
from cortexia.models.catalogue import make_entry
from cortexia.models.folders import json_object, refuse_pickles
from cortexia.models.hub import wanted_names
from cortexia.models.manifest import (
    CONFIG,
    CTRANSLATE2,
    MANIFEST,
    MANIFEST_LIMIT,
    Manifest,
    check_names,
    digest_of,
    is_weights,
    parse_manifest,
)
from cortexia.models.whisper import TRANSCRIPTION, WHISPER

DESCRIPTION = "cortexia-model.toml"
"""Name of the file, beside a single file of weights, that says how it is used."""

SINGLE = (".onnx", ".tflite")

_DETECTION = "open-vocabulary detection, boxes for prompts"
_MASKS = "masks prompted by boxes or points"
_VECTORS = "picture and text embedding"
MODEL_TYPES: Mapping[str, tuple[str, str]] = {
    "grounding-dino": ("grounding-dino", _DETECTION),
    "sam": ("sam", _MASKS),
    "sam2": ("sam2", _MASKS),
    "sam2_video": ("sam2", _MASKS),
    "florence2": ("florence-2", "captions, objects and region descriptions"),
    "blip": ("blip", "captions"),
    "siglip": ("siglip", _VECTORS),
    "wavlm": ("wavlm-xvector", "voice embedding"),
    "clip": ("clip", _VECTORS),
    "audio-spectrogram-transformer": ("ast", "sound events"),
}
"""Adapter and task by the ``model_type`` that the settings of a model name."""

_WHISPER_KEYS = {"alignment_heads", "lang_ids"}
"""What the settings of a Whisper model for CTranslate2 name, which name no ``model_type``."""

_UNKNOWN = "unknown"
_DESCRIBED = ("adapter", "task", "licence", "settings")
_EXAMPLE = """\
adapter = "yolox"
task = "object detection, our classes"
licence = "proprietary"
settings = { input_size = [416, 416] }"""


def names_in(folder: Path) -> list[str]:
    """Files of ``folder`` itself, by name; hidden ones are left out."""
    with translate_os_error(folder):
        return sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def needed_names(names: Iterable[str], place: str) -> list[str]:
    """Of the files of a folder those that make the model. ``place`` names the folder in errors.

    Raises ``ConfigurationError`` for a single file without a description, ``ModelError`` (``unsupported``) where there
    is no model, or more than one.
    """
    there = [name for name in names if "/" not in name and not name.startswith(".")]
    single = [name for name in there if name.endswith(SINGLE)]
    if DESCRIPTION in there:
        if len(single) != 1:
            raise ModelError(
                "unsupported",
                f"{place} has a {DESCRIPTION}, which is for one file (*.onnx, *.tflite), and {len(single)} of them",
            )
        return [DESCRIPTION, *single]
    if CONFIG in there and any(map(is_weights, there)):
        return [*wanted_names(there), *(name for name in there if name == MANIFEST)]
    if single:
        raise ConfigurationError(
            f"{place} has {', '.join(single)} and no {DESCRIPTION}; write one that says how it is used, such as:\n"
            f"{_EXAMPLE}"
        )
    raise ModelError(
        "unsupported",
        f"{place} holds no model: neither {CONFIG} with *.safetensors or {CTRANSLATE2}, nor one *.onnx or *.tflite with"
        f" a {DESCRIPTION}",
    )


def describe_folder(folder: Path, digest: Callable[[Path], str | None]) -> ModelEntry:
    """The pinned entry of the model in ``folder``, with the id that follows from it. A manifest, where one is there,
    says which files count; where it says that they come from is not believed. ``digest``: SHA-256 (hex) of a file.

    Raises ``ModelError``: ``pickle`` for a folder with pickled code in any file, ``unsupported`` for a family that is
    not known here; ``ConfigurationError`` for a description or a manifest that is none.
    """
    needed = needed_names(names_in(folder), str(folder))
    refuse_pickles(folder, needed)
    if needed[0] == DESCRIPTION:
        return _described(folder, needed[1], digest)
    manifest = _manifest(folder / MANIFEST) if MANIFEST in needed else None
    check_names(needed)
    files = (
        manifest.files
        if manifest
        else tuple(
            ModelFile(name, _known(digest(folder / name), folder / name), (folder / name).stat().st_size)
            for name in needed
        )
    )
    return entry_of_files(folder, files)


def entry_of_files(folder: Path, files: tuple[ModelFile, ...]) -> ModelEntry:
    """The entry of a model of the hub's form, by the ``model_type`` of its settings. Raises ``ModelError``."""
    adapter, task = _family(folder)
    size = sum(file.size_bytes for file in files)
    entry = ModelEntry(
        id="",
        task=task,
        file="",
        size_bytes=size,
        sha256=digest_of(files),
        licence=_UNKNOWN,
        url="",
        adapter=adapter,
        files=files,
        checked=False,
    )
    return replace(entry, id=adopted_id(entry))


def _family(folder: Path) -> tuple[str, str]:
    """Adapter and task."""
    settings = json_object(_bytes(folder / CONFIG, MANIFEST_LIMIT), folder / CONFIG)
    found = settings.get("model_type")
    if found is None and set(settings) >= _WHISPER_KEYS:
        return WHISPER, TRANSCRIPTION
    if not isinstance(found, str) or found not in MODEL_TYPES:
        raise ModelError(
            "unsupported",
            f"{folder / CONFIG} names the model_type {found!r}, which nothing here runs"
            f" (known: {', '.join(MODEL_TYPES)})",
        )
    return MODEL_TYPES[found]


def _described(folder: Path, name: str, digest: Callable[[Path], str | None]) -> ModelEntry:
    path = folder / DESCRIPTION
    try:
        table = _read_description(path)
        sha256 = _known(digest(folder / name), folder / name)
        size = (folder / name).stat().st_size
        values = {"id": "described", "licence": _UNKNOWN, **table, "file": name, "size_bytes": size, "sha256": sha256}
        entry = make_entry(values)
        return replace(entry, id=adopted_id(entry), checked=False)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ConfigurationError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _read_description(path: Path) -> dict[str, Any]:
    table = tomllib.loads(_bytes(path, MANIFEST_LIMIT).decode())
    for key in table:
        if key not in _DESCRIBED:
            raise UnknownNameError("key", key, _DESCRIBED)
    if missing := [key for key in ("adapter", "task") if key not in table]:
        raise ConfigurationError(f"it lacks {', '.join(missing)}; write, for instance:\n{_EXAMPLE}")
    if table["adapter"] not in ADAPTERS:
        raise UnknownNameError("adapter", str(table["adapter"]), ADAPTERS)
    return table


def _manifest(path: Path) -> Manifest:
    try:
        return parse_manifest(_bytes(path, MANIFEST_LIMIT))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _bytes(path: Path, limit: int) -> bytes:
    with translate_os_error(path), path.open("rb") as file:
        return file.read(limit)


def _known(digest: str | None, path: Path) -> str:
    if digest is None:
        raise ModelError("unreadable", f"{path} cannot be read; mend that and run again")
    return digest
