"""Workers of a batch open the store that the caller opened, whatever its address holds."""

from __future__ import annotations

import contextlib
from pathlib import Path

import postgres
from sqlalchemy import make_url

from cortexia.batch import BatchOrchestrator
from cortexia.config import Settings
from cortexia.stores import open_store


def test_workers_get_the_password_and_the_folder_of_blobs_and_nobody_else_does(tmp_path):
    plain = make_url(postgres.fresh_url(tmp_path))
    address = plain.set(username=plain.username or "postgres", password="secret").render_as_string(hide_password=False)
    with contextlib.closing(open_store(address)) as store:
        made = BatchOrchestrator(store, Settings(cache_dir=str(tmp_path / "cache")))
        assert made._settings.store == store.address == address
        with contextlib.closing(open_store(made._settings.store)) as workers:
            assert workers.blobs.put(b"x") in store.blobs
        made.save_checkpoint(tmp_path / "queue.json")
        assert "secret" not in Path(tmp_path / "queue.json").read_text() + store.location
