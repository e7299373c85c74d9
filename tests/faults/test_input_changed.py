"""R-11: a video is replaced, cut short or written to while it is read, or before its turn comes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.engine.stream_pass import StreamPass
from cortexia.errors import RejectedInput
from cortexia.testing import SCENES, ShotSpec, VideoSpec
from cortexia.types import Query

REQUEST = Request(("shots", "frames", "motion"))


@pytest.fixture
def clip(clips, tmp_path) -> Path:
    shots = tuple(ShotSpec(2.0, scene=scene) for scene in sorted(SCENES)[:4])
    made = clips("changing.mp4", VideoSpec(width=160, height=90, shots=shots))[0]
    return Path(shutil.copy(made, tmp_path / "clip.mp4"))


@pytest.fixture
def other(clips) -> Path:
    return clips("other.mp4", VideoSpec(width=160, height=90, shots=(ShotSpec(3.0, scene=max(SCENES)),)))[0]


@pytest.fixture
def app(tmp_path):
    settings = Settings(
        store=str(tmp_path / "s.db"), cache_dir=str(tmp_path / "cache"), executor="inline", window_s=0.5
    )
    with App(settings) as made:
        yield made


def replace(clip: Path, other: Path) -> None:
    shutil.copy(other, clip.with_name("new"))
    clip.with_name("new").replace(clip)


def truncate(clip: Path, other: Path) -> None:
    os.truncate(clip, clip.stat().st_size // 3)


def grow(clip: Path, other: Path) -> None:
    with clip.open("ab") as file:
        file.write(b"more")


def remove(clip: Path, other: Path) -> None:
    clip.unlink()


def changed_while_read(app: App, clip: Path, change: Callable[[], object]) -> dict[str, tuple[str, str | None]]:
    """Runs by annotator, of a video that was changed after its first window."""
    identity = app.identify_one(clip)
    rows = app.stream(identity, REQUEST)
    next(rows)
    change()
    list(rows)
    runs = app.store().runs(identity.video_id, current_only=False)
    return {run.spec.annotator: (run.status.value, run.reason) for run in runs}


@pytest.mark.parametrize("change", [replace, truncate, grow, remove])
def test_rows_of_a_video_that_changed_while_it_was_read_are_withdrawn(app, clip, other, change):
    ends = changed_while_read(app, clip, lambda: change(clip, other))
    assert ends["shots"] == ("failed", "input_changed")
    assert set(ends.values()) <= {("failed", "input_changed"), ("skipped", "upstream")}
    assert app.store().count(Query()) == 0


def test_one_that_did_not_change_is_complete(app, clip):
    """Negative control: reading it changes nothing that is compared."""
    ends = changed_while_read(app, clip, lambda: clip.read_bytes())
    assert set(ends.values()) == {("completed", None)}


def test_without_looking_rows_of_two_videos_would_be_mixed(app, clip, monkeypatch):
    """Negative control: nothing else notices that the rest of the file is gone, or another."""
    monkeypatch.setattr(StreamPass, "_fail_if_changed", lambda self, lanes, source: None)
    ends = changed_while_read(app, clip, lambda: grow(clip, clip))
    assert set(ends.values()) == {("completed", None)}


@pytest.mark.parametrize("change", [replace, truncate, grow])
def test_a_video_that_was_changed_before_its_turn_is_not_taken_for_what_it_was(app, clip, other, change):
    identity = app.identify_one(clip)
    change(clip, other)
    with pytest.raises(RejectedInput, match="another video than when it was submitted"):
        list(app.stream(identity, REQUEST))
    job = next(iter(app.store().jobs()))
    assert (job.status.value, app.store().count(Query())) == ("failed", 0)
