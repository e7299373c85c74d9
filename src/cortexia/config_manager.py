"""``ConfigManager``: configuration files as older programs read them, by dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cortexia.tables import ENDINGS, read_table


class ConfigManager:
    """Tables from a TOML, YAML or JSON file, or from all such files of a folder.

    ``config_dir``: its files are read in order of name, and a later one wins, table by table; a ``config_file_path``
    that is relative lies in ``config_dir`` where both are given, and wins over all others. With neither, everything is
    unset. Files are read at the first ``get_param``, or by ``load_config``.
    """

    def __init__(self, config_file_path: str | Path | None = None, config_dir: str | Path | None = None) -> None:
        self._folder = Path(config_dir) if config_dir is not None else None
        self._file = Path(config_file_path) if config_file_path is not None else None
        if self._folder is not None and self._file is not None:
            self._file = self._folder / self._file
        self._values: dict[str, Any] | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A manager over ``values``, which are copied."""
        manager = cls()
        manager._values = _merged({}, values)
        return manager

    def load_config(self) -> dict[str, Any]:
        """Read the files again and return all they hold.

        Raises ``FileNotFoundError`` for a file or folder that was named and is not there, ``ConfigurationError`` for
        one that cannot be read.
        """
        if self._file is not None or self._folder is not None or self._values is None:
            self._values = {}
            for path in self._paths():
                self._values = _merged(self._values, read_table(path))
        return _merged({}, self._values)

    def get_param(self, name: str, default: Any = None) -> Any:
        """The value at ``name``, such as ``processing.frame_interval``; ``default`` where there is none."""
        values: Any = self._values if self._values is not None else self.load_config()
        for part in name.split("."):
            if not isinstance(values, Mapping) or part not in values:
                return default
            values = values[part]
        return values

    def _paths(self) -> list[Path]:
        paths: list[Path] = []
        if self._folder is not None:
            if not self._folder.is_dir():
                raise FileNotFoundError(f"configuration folder not found: {self._folder}")
            paths += sorted(path for path in self._folder.iterdir() if path.suffix in ENDINGS and path.is_file())
        if self._file is not None:
            if not self._file.is_file():
                raise FileNotFoundError(f"configuration file not found: {self._file}")
            paths = [path for path in paths if path != self._file] + [self._file]
        return paths


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A new table: ``above`` wins, table by table."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        if isinstance(value, Mapping):
            result[name] = _merged(under if isinstance(under, Mapping) else {}, value)
        else:
            result[name] = value
    return result
