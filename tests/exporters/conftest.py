"""An empty store for each test."""

from __future__ import annotations

import pytest

from cortexia.stores import open_store


@pytest.fixture
def store(tmp_path):
    opened = open_store(str(tmp_path / "s.db"))
    yield opened
    opened.close()
