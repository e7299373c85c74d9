"""A clip with shots and sound, annotated for real, and a store in which other rooms have been at work, too."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stocking import opened_app, stocked

from cortexia.app import App, Request
from cortexia.testing import SCENES, ShotSpec, SoundSpec, VideoSpec, click, tone

NAMES = sorted(SCENES)
REQUEST = Request(("shots", "frames", "loudness", "shot_summary"))


@pytest.fixture(scope="session")
def clip(clips) -> Path:
    shots = tuple(ShotSpec(2.0, scene=name) for name in NAMES[:3])
    return clips("report.mp4", VideoSpec(shots=shots, sound=SoundSpec(events=(click(0.5), tone(2.0, 1.0)))))[0]


@pytest.fixture(scope="session")
def full_store(clip, tmp_path_factory) -> Path:
    """Six seconds, three shots, sound; with quality, motion and objects."""
    folder = tmp_path_factory.mktemp("full")
    with opened_app(folder / "full.db") as app:
        app.annotate([clip], REQUEST)
        record = next(iter(app.store().videos()))
        stocked(app.store(), record.identity, 6000, (record.media.video.width, record.media.video.height))
    return folder / "full.db"


@pytest.fixture
def full(full_store, tmp_path) -> Iterator[App]:
    """The app on a copy of ``full_store``."""
    shutil.copy(full_store, tmp_path / "full.db")
    shutil.copytree(full_store.with_suffix(".blobs"), tmp_path / "full.blobs")
    with opened_app(tmp_path / "full.db") as app:
        yield app


@pytest.fixture
def annotated(tmp_path) -> Iterator[Callable[..., App]]:
    """``annotated(*paths)``: an app that has annotated them."""
    app = opened_app(tmp_path / "own.db")

    def annotate(*paths: Path, request: Request = REQUEST) -> App:
        app.annotate(paths, request)
        return app

    yield annotate
    app.close()
