"""What was adopted: models that were named by where they are, kept beside an entry of their own.

The id of such a model follows from what it is, so that the same content has the same name wherever it came from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cortexia.errors import ConfigurationError
from cortexia.models.base import MODEL_ID, ModelEntry
from cortexia.types import canonical_json

ENTRY_FILE = "cortexia-entry.toml"
"""Name of the file, in a model's folder, that tells its entry."""

_ID_DIGITS = 12
_TEXTS = ("id", "task", "licence", "adapter", "url", "source", "signature_url", "repo", "revision")


def adopted_id(entry: ModelEntry) -> str:
    """``ADAPTER-`` and the first 12 digits of the SHA-256 of its weights; where it has settings, which change what
    comes out as weights do, of the SHA-256 over both. Raises ``ConfigurationError`` for settings that are not JSON,
    and for an adapter that makes no id: it names a folder."""
    digest = entry.sha256
    if entry.settings:
        digest = hashlib.sha256(f"{digest}\0{_settings_text(entry.settings)}".encode()).hexdigest()
    made = f"{entry.adapter}-{digest[:_ID_DIGITS]}"
    if not MODEL_ID.fullmatch(made):
        raise ConfigurationError(f"adapter {entry.adapter!r} of a model is no name")
    return made


def is_same_model(one: ModelEntry, other: ModelEntry) -> bool:
    """Whether both make the same of a picture: the same weights, read by the same adapter with the same settings."""
    return (one.sha256, one.adapter, dict(one.settings)) == (other.sha256, other.adapter, dict(other.settings))


def _settings_text(settings: Mapping[str, Any]) -> str:
    try:
        return canonical_json(settings)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"settings of a model are numbers, texts, lists and tables: {error}") from error


def entry_text(entry: ModelEntry) -> str:
    """The pinned ``entry`` as a catalogue has it, in TOML."""
    values: dict[str, Any] = {name: value for name in _TEXTS if (value := getattr(entry, name))}
    if not entry.is_folder:
        values |= {"file": entry.file, "size_bytes": entry.size_bytes, "sha256": entry.sha256}
    if entry.settings:
        values["settings"] = dict(entry.settings)
    if not entry.checked:
        values["checked"] = False
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    if entry.files:
        lines += ["files = [", *(f"  {_toml(_file_table(file))}," for file in entry.files), "]"]
    return "\n".join(["[[model]]", *lines, ""])


def _file_table(file: Any) -> dict[str, Any]:
    return {"name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes}


def _toml(value: Any) -> str:
    """A JSON value in TOML, which writes texts and numbers alike, and tables otherwise."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
