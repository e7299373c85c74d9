"""Tables from files that people write: TOML, YAML and JSON, told apart by the ending of the name."""

from __future__ import annotations

import functools
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cortexia.errors import ConfigurationError

if TYPE_CHECKING:
    import yaml

ENDINGS = (".json", ".toml", ".yaml", ".yml")
_LIMIT_BYTES = 1_000_000
_ALIAS_LIMIT = 100


def read_table(path: Path) -> dict[str, Any]:
    """The table that a file holds; an empty file is an empty table. Raises ``ConfigurationError``."""
    if path.suffix not in ENDINGS:
        raise ConfigurationError(f"configuration file {path} must end in {', '.join(ENDINGS)}")
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise ConfigurationError(f"configuration file {path} has more than {_LIMIT_BYTES} bytes")
        table = _parsed(path.read_text(encoding="utf-8"), path.suffix)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"configuration file {path} cannot be read: {error}") from error
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise ConfigurationError(f"configuration file {path} must hold a table of settings")
    return table


def _parsed(text: str, ending: str) -> Any:
    if ending == ".json":
        return json.loads(text)
    return tomllib.loads(text) if ending == ".toml" else _parsed_yaml(text)


def _parsed_yaml(text: str) -> Any:
    import yaml

    try:
        loader = _bounded_loader()(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


@functools.cache
def _bounded_loader() -> type[yaml.SafeLoader]:
    """Plain values only, and few aliases: a short file may not stand for a huge one (S-33). Made on first use, because
    importing yaml would be felt at every start."""
    import yaml

    class BoundedLoader(yaml.SafeLoader):
        aliases = 0

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > _ALIAS_LIMIT:
                    raise yaml.YAMLError(f"more than {_ALIAS_LIMIT} aliases")
            return super().compose_node(parent, index)

    return BoundedLoader
