"""Worker processes that find the scripted videos of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from crew import Batch

from cortexia.batch import supervisor as supervising

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parent / "engine", HERE.parent / "stores")


@pytest.fixture(scope="session")
def scripted_workers():
    """The target of workers, and where they find it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, FOLDERS)))
        yield


@pytest.fixture(scope="module")
def crew_target(scripted_workers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervising, "TARGET", "crew:main")
        yield


@pytest.fixture
def batch(tmp_path, crew_target):
    made = Batch(tmp_path)
    yield made
    made.store.close()
