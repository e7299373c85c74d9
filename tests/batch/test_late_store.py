"""Workers that begin while the database server is away wait for it (G9, R-14)."""

from __future__ import annotations

import threading
from pathlib import Path

import postgres
import pytest

from cortexia.batch.main import main, worker_payload
from cortexia.config import Settings


@pytest.fixture
def server():
    found = postgres.own_server()
    yield found
    found.start()


def payload(tmp_path: Path, patience_s: float) -> dict:
    settings = Settings(store=postgres.fresh_url(tmp_path), cache_dir=str(tmp_path), store_patience_s=patience_s)
    return worker_payload(settings.store, [], settings)


def begun(given: dict, stopped: threading.Event) -> tuple[threading.Thread, list]:
    events: list = []
    thread = threading.Thread(target=main, args=(given, events.append, stopped.is_set))
    thread.start()
    return thread, events


def test_a_worker_that_begins_too_early_waits(server, tmp_path):
    given = payload(tmp_path, 60.0)
    server.crash()
    thread, events = begun(given, threading.Event())
    thread.join(1.5)
    assert thread.is_alive()
    server.start()
    thread.join(60)
    assert (thread.is_alive(), events) == (False, [])


def test_one_that_is_asked_to_leave_meanwhile_has_not_failed(server, tmp_path):
    given, stop = payload(tmp_path, 60.0), threading.Event()
    server.crash()
    thread, events = begun(given, stop)
    stop.set()
    thread.join(60)
    assert (thread.is_alive(), events) == (False, [])


def test_without_patience_it_says_so(server, tmp_path):
    """Negative control."""
    given = payload(tmp_path, 0.0)
    server.crash()
    thread, events = begun(given, threading.Event())
    thread.join(60)
    assert [event["event"] for event in events] == ["worker_failed"]
    assert "does not answer" in events[0]["message"]
