"""The annotation database: one interface, a file for each choice."""

from __future__ import annotations

import re
from pathlib import Path

from cortexia import registry
from cortexia.errors import ConfigurationError, NoStoreError
from cortexia.stores.base import StorageBackend
from cortexia.stores.lifecycle import Rules


def open_store(location: str, create: bool = True, rules: Rules | None = None) -> StorageBackend:
    """Open the store that ``location`` names: ``*.db`` is SQLite, a folder is files, ``postgresql://`` is PostgreSQL.
    ``rules``: what decides about jobs that fail; by default the retry table and the database's own clock.

    With ``create=False`` a store that is not there is a ``NoStoreError``.
    """
    name = store_kind(location)
    if name not in registry.names("stores"):
        raise ConfigurationError(
            f"store {location!r} is of kind {name!r}, which is not available"
            f" (available: {', '.join(registry.names('stores'))}; a name that ends in .db is SQLite)"
        )
    if not create and "://" not in location and not Path(location).exists():
        raise NoStoreError(f"there is no store at {location}; 'cortexia annotate VIDEO --store {location}' makes it")
    backend: StorageBackend = registry.load("stores", name)(location, create=create, rules=rules)
    return backend


def without_password(location: str) -> str:
    """``location`` to be shown: the password of a server as ``***``."""
    if "://" not in location:
        return location
    hidden = re.sub(r"(?<=://)([^/?#@]*?):[^/?#]*@", r"\1:***@", location)
    return re.sub(r"(?<=[?&]password=)[^&#]*", "***", hidden)


def store_kind(location: str) -> str:
    """Registry name of the kind of store that ``location`` names."""
    if location.startswith(("postgresql://", "postgres://")):
        return "postgresql"
    if location.endswith((".db", ".sqlite", ".sqlite3")):
        return "sqlite"
    return "files"
