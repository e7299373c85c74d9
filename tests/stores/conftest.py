"""A folder store to work on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filling import AT_ONCE

from cortexia.stores.files.backend import FileStorageBackend


@pytest.fixture(scope="session")
def empty(tmp_path_factory) -> Path:
    """A store that was made, and never used: making the tables of an index takes most of a second."""
    base = tmp_path_factory.mktemp("empty") / "store"
    FileStorageBackend(base).close()
    return base


@pytest.fixture
def base(tmp_path, empty) -> Path:
    return Path(shutil.copytree(empty, tmp_path / "folder"))


@pytest.fixture
def files_store(base):
    opened = FileStorageBackend(base, rules=AT_ONCE)
    yield opened
    opened.close()
