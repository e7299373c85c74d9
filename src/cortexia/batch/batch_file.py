"""Batch files: which videos, what is asked of them, and where it goes, as YAML (TOML and JSON are read alike)."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortexia.config import MOST_WORKERS, merged_options
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.tables import read_table

_ASKED = ("pipelines", "annotators", "preset")
_NUMBER = (int, float)
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "pipelines": ((str, list), "a name or a list of names"),
    "annotators": ((str, list), "a name or a list of names"),
    "preset": ((str,), "a name"),
    "options": ((dict,), "a table of options by annotator"),
    "start_s": (_NUMBER, "a number of seconds"),
    "end_s": (_NUMBER, "a number of seconds"),
    "priority": ((int,), "a whole number"),
    "output": ((str,), "a folder"),
}
"""What a video may override, with types and words for them."""
_OF_FILE: Mapping[str, tuple[tuple[type, ...], str]] = {
    "videos": ((str, list), "a path or a list of paths and tables"),
    "store": ((str,), "a path or an address"),
    "workers": ((int,), f"a whole number from 1 to {MOST_WORKERS}"),
    "report": ((str,), "a folder or a file"),
    "checkpoint": ((str,), "a file"),
}
FILE_KEYS = (*_OF_FILE, *_KINDS)
VIDEO_KEYS = ("path", *_KINDS)
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """``source``: a file, folder, pattern, archive, manifest or address. ``config``: as ``BatchOrchestrator.add_job``
    takes it."""

    source: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A batch as it was written down; paths are absolute. Where entries name a video twice, the later one counts."""

    path: Path
    entries: tuple[BatchEntry, ...]
    checkpoint: Path
    store: str | None = None
    workers: int | None = None
    report: Path | None = None


def read_batch_file(path: str | Path) -> BatchFile:
    """Raises ``ConfigurationError`` (``UnknownNameError`` for a key that does not exist) that names file and key."""
    path = Path(path).absolute()
    if not path.is_file():
        raise ConfigurationError(f"there is no batch file {path}")
    return _Reader(path).read(read_table(path))


class _Reader:
    """Checks and converts one batch file. Paths in it are relative to its folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, table: Mapping[str, Any]) -> BatchFile:
        self._check(table, {**_OF_FILE, **_KINDS}, "")
        common = {name: table[name] for name in _KINDS if table.get(name) is not None}
        videos = table.get("videos") or []
        entries = [self._entry(item, common) for item in ([videos] if isinstance(videos, str) else videos)]
        if not entries:
            raise self._refuse("'videos' must name at least one file, folder or pattern")
        workers = table.get("workers")
        if workers is not None and not 1 <= workers <= MOST_WORKERS:
            raise self._refuse(f"'workers' must be {_OF_FILE['workers'][1]}, got {workers}")
        store, report = table.get("store"), table.get("report")
        return BatchFile(
            path=self._path,
            entries=tuple(entries),
            checkpoint=self._placed(table.get("checkpoint") or f"{self._path.stem}.checkpoint.json"),
            store=store if store is None or _ADDRESS.match(store) else str(self._placed(store)),
            workers=workers,
            report=None if report is None else self._placed(report),
        )

    def _entry(self, item: Any, common: Mapping[str, Any]) -> BatchEntry:
        own = {"path": item} if isinstance(item, str) else item
        if not isinstance(own, dict) or not isinstance(own.get("path"), str) or not own["path"]:
            raise self._refuse(f"each of 'videos' must be a path, or a table with a 'path', got {item!r:.100}")
        self._check(own, {"path": ((str,), "a path"), **_KINDS}, f" of {own['path']!r}")
        given = {name: value for name, value in own.items() if value is not None}
        inherited = {name: value for name, value in common.items() if not (name in _ASKED and given.keys() & {*_ASKED})}
        merged = {**inherited, **given}
        merged["options"] = merged_options(common.get("options", {}), given.get("options", {}))
        return BatchEntry(self._source(own["path"]), self._config(merged))

    def _check(self, table: Mapping[str, Any], kinds: Mapping[str, tuple[tuple[type, ...], str]], where: str) -> None:
        for name, value in table.items():
            if name not in kinds:
                raise UnknownNameError(f"key{where} in {self._path.name}", str(name), kinds)
            types, words = kinds[name]
            is_fitting = isinstance(value, types) and not isinstance(value, bool)
            if value is not None and not is_fitting:
                raise self._refuse(f"{name!r}{where} must be {words}, got {value!r:.100}")
        for annotator, options in (table.get("options") or {}).items():
            if not isinstance(options, dict):
                raise self._refuse(f"'options.{annotator}'{where} must be a table, got {options!r:.100}")

    def _config(self, merged: Mapping[str, Any]) -> dict[str, Any]:
        words = [*self._names(merged, "pipelines"), *self._names(merged, "annotators")]
        config: dict[str, Any] = {"pipelines": words} if words else {}
        if merged.get("output"):
            config["output_dir"] = str(self._placed(merged["output"]))
        config |= {name: float(merged[name]) for name in ("start_s", "end_s") if name in merged}
        config |= {name: merged[name] for name in ("preset", "priority") if name in merged}
        return config | ({"options": merged["options"]} if merged["options"] else {})

    def _names(self, merged: Mapping[str, Any], key: str) -> list[str]:
        value = merged.get(key) or []
        names = re.split(r"[,|]", value) if isinstance(value, str) else value
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise self._refuse(f"{key!r} must be {_KINDS[key][1]}, got {value!r:.100}")
        return [name.strip() for name in names]

    def _source(self, text: str) -> str:
        if _ADDRESS.match(text):
            return text
        placed = self._placed(text)
        if placed.exists() or not glob.has_magic(text) or Path(text).expanduser().is_absolute():
            return str(placed)
        # only what was written is a pattern: the folder's own name may hold its signs
        return str(Path(glob.escape(str(self._path.parent))) / text)

    def _placed(self, text: str) -> Path:
        return self._path.parent / Path(text).expanduser()

    def _refuse(self, message: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: {message}")
