"""Which models there are: ``catalog.toml`` of this package, a file of the user's own, and what was adopted."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cortexia.errors import ConfigurationError, CortexiaError, UnknownNameError
from cortexia.files import safe_join
from cortexia.models.adopted import ENTRY_FILE, adopted_id
from cortexia.models.base import MODEL_ID, ModelEntry
from cortexia.models.manifest import check_repo, check_revision, digest_of, is_digest, parse_files

SIZE_LIMIT = 2 * 1024**3
"""No model is larger (bytes): what a protobuf message may hold."""

PART_LIMIT = 4 * 1024**3
"""No file of a model of several is larger (bytes)."""

HUB = "https://huggingface.co"
"""Where models of several files come from, unless their entry says otherwise."""

_EVERY = ("id", "task", "licence", "adapter")
_OF_FILE = ("file", "size_bytes", "sha256")
_TEXT = ("id", "task", "file", "sha256", "licence", "url", "adapter", "signature_url", "source")


class Catalogue(Mapping[str, ModelEntry]):
    """Entries by id. Looking up an unknown id raises ``UnknownNameError`` with the known ones.

    ``adopted``: ids of those that are used where they are named, and nowhere else.
    """

    def __init__(self, entries: Mapping[str, ModelEntry], adopted: Collection[str] = ()) -> None:
        self._entries = dict(entries)
        self.adopted = frozenset(adopted)

    def __getitem__(self, model_id: str) -> ModelEntry:
        if model_id not in self._entries:
            raise UnknownNameError("model", model_id, self._entries)
        return self._entries[model_id]

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def load_catalogue(own: Path | None = None, folders: Iterable[Path] = ()) -> Catalogue:
    """The entries shipped with the package, then those of the user's file, then those adopted into ``folders``.

    Raises ``ConfigurationError`` for a file that cannot be read, an unknown key, a digest that is none, or an id
    that is there twice. What was adopted twice is the same model.
    """
    shipped = resources.files("cortexia.models").joinpath("catalog.toml").read_text(encoding="utf-8")
    entries = {entry.id: entry for entry in parse_catalogue(shipped, "catalog.toml")}
    if own is not None:
        for entry in parse_catalogue(_read(own), str(own)):
            if entry.id in entries:
                raise ConfigurationError(f"{own}: model {entry.id!r} is in the catalogue already; choose another id")
            entries[entry.id] = entry
    adopted = {entry.id: entry for folder in reversed(tuple(folders)) for entry in _adopted(folder)}
    new = {model_id: entry for model_id, entry in adopted.items() if model_id not in entries}
    return Catalogue({**entries, **new}, new)


def _adopted(folder: Path) -> Iterator[ModelEntry]:
    """Entries that lie in ``folder`` beside their models, by id."""
    for path in sorted(folder.glob(f"*/{ENTRY_FILE}")):
        entries = parse_catalogue(_read(path), str(path))
        if len(entries) != 1 or entries[0].id != path.parent.name or entries[0].id != adopted_id(entries[0]):
            raise ConfigurationError(f"{path} is no entry that was written here; delete its folder")
        yield entries[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"catalogue of models {path} cannot be read: {error}") from error


def parse_catalogue(text: str, source: str) -> tuple[ModelEntry, ...]:
    """Entries of a TOML text with one ``[[model]]`` table each. Raises ``ConfigurationError``."""
    try:
        tables = read_tables(text, "model")
        entries = tuple(make_entry(table) for table in tables)
    except (tomllib.TOMLDecodeError, CortexiaError) as error:
        raise ConfigurationError(f"catalogue of models {source}: {error}") from error
    ids = [entry.id for entry in entries]
    for model_id in ids:
        if ids.count(model_id) > 1:
            raise ConfigurationError(f"catalogue of models {source}: model {model_id!r} is there twice")
    return entries


def read_tables(text: str, key: str) -> list[dict[str, Any]]:
    """The tables ``[[key]]`` of a TOML text that holds nothing else."""
    loaded = tomllib.loads(text)
    for name in loaded:
        if name != key:
            raise UnknownNameError("key", name, [key])
    tables = loaded.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{key!r} must be tables: [[{key}]]")
    return tables


def make_entry(table: Mapping[str, Any]) -> ModelEntry:
    """The entry that a table describes. Raises ``ConfigurationError`` (also as ``UnknownNameError``) and
    ``ValidationError``."""
    known = typing.get_type_hints(ModelEntry)
    name = table.get("id", "without an id")
    for key in table:
        if key not in known:
            raise UnknownNameError(f"key of model {name!r}", key, known)
    missing = [key for key in (*_EVERY, *(() if _is_folder(table) else _OF_FILE)) if key not in table]
    if missing:
        raise ConfigurationError(f"model {name!r} lacks {', '.join(missing)}")
    _check(table)
    presets = table.get("presets", [])
    if not isinstance(presets, list) or not all(isinstance(preset, str) for preset in presets):
        raise ConfigurationError(f"model {name!r}: presets must be a list of names")
    more = _folder_values(table) if _is_folder(table) else {}
    return ModelEntry(**{"url": "", **table, **more, "presets": tuple(presets)})


def _is_folder(table: Mapping[str, Any]) -> bool:
    return "repo" in table or "files" in table


def _folder_values(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a model of several files has in place of a file, its digest and its size."""
    name = table["id"]
    if unfit := [key for key in ("file", "size_bytes", "sha256", "signature_url") if key in table]:
        raise ConfigurationError(f"model {name!r} has a repo, and so no {', '.join(unfit)}; name its files in 'files'")
    if "repo" not in table and (unfit := [key for key in ("revision", "url") if key in table]):
        raise ConfigurationError(f"model {name!r} has files and {', '.join(unfit)}, and lacks repo")
    try:
        if "repo" in table:
            check_repo(table["repo"])
        if "revision" in table:
            check_revision(table["revision"])
        files = parse_files(table["files"]) if "files" in table else ()
    except CortexiaError as error:
        raise ConfigurationError(f"model {name!r}: {error}") from error
    return {
        "file": "",
        "url": table.get("url", HUB if "repo" in table else ""),
        "files": files,
        "sha256": digest_of(files) if files else "",
        "size_bytes": sum(file.size_bytes for file in files),
    }


def _check(table: Mapping[str, Any]) -> None:
    _check_any(table)
    if not _is_folder(table):
        _check_file(table)


def _check_any(table: Mapping[str, Any]) -> None:
    name = table["id"]
    for key in _TEXT:
        if not isinstance(table.get(key, ""), str):
            raise ConfigurationError(f"model {name!r}: {key} must be text, got {table[key]!r}")
    if not MODEL_ID.fullmatch(name):
        raise ConfigurationError(f"model {name!r}: an id is lower-case letters, digits, '.', '_' and '-'")
    for key in ("url", "signature_url"):
        if key in table and urlsplit(table[key]).scheme not in ("https", "http"):
            raise ConfigurationError(f"model {name!r}: {key} must begin with https://, got {table[key]!r}")
    if not isinstance(table.get("settings", {}), dict):
        raise ConfigurationError(f"model {name!r}: settings must be a table")
    if not isinstance(table.get("checked", True), bool):
        raise ConfigurationError(f"model {name!r}: checked must be true or false")


def _check_file(table: Mapping[str, Any]) -> None:
    name = table["id"]
    if unfit := [key for key in ("revision", "files") if key in table]:
        raise ConfigurationError(f"model {name!r} is one file, and so has no {', '.join(unfit)}; or name its 'repo'")
    if not is_digest(table["sha256"]):
        raise ConfigurationError(f"model {name!r}: sha256 must be 64 lower-case hex digits, got {table['sha256']!r}")
    size = table["size_bytes"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= SIZE_LIMIT:
        raise ConfigurationError(f"model {name!r}: size_bytes must be 1 to {SIZE_LIMIT}, got {size!r}")
    if "/" in table["file"]:
        raise ConfigurationError(f"model {name!r}: file must be a plain name, got {table['file']!r}")
    safe_join(Path(), table["file"])
