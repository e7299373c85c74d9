"""Stores of each kind, and a desk."""

from __future__ import annotations

import contextlib

import pytest
from kinds import STORES

from cortexia.people.desk import PeopleDesk
from cortexia.stores import open_store


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    with contextlib.closing(open_store(STORES[request.param](tmp_path))) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path):
    with contextlib.closing(open_store(STORES["sqlite"](tmp_path))) as opened:
        yield opened


@pytest.fixture
def desk_of():
    return lambda store: PeopleDesk(lambda: store)
