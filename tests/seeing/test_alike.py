"""Tracks and masks are the same for any batch, any window and after any death."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from bright_clips import FPS, OPTIONS, app_for, exported, settings_file, walks, write_clip
from killing import killed_and_gone_on

from cortexia.annotators import _track_input
from cortexia.annotators._cuts import Cuts
from cortexia.app import Request
from cortexia.models.onnx import OnnxSession
from cortexia.types import Query, Timestamp

WANTED = ("tracks", "people", "masks", "captions", "faces")
SECONDS = 24.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two squares that cross, one that is away for a second, one that comes late and goes early."""
    squares = (
        walks(0, 24, (10, 30), (350, 30)),
        walks(0, 24, (350, 34), (10, 34)),
        walks(1, 9, (60, 120), (160, 150)),
        walks(10, 22, (172, 155), (320, 180)),
        walks(15, 20, (20, 180), (120, 180)),
    )
    return write_clip(tmp_path_factory.mktemp("bright") / "clip.mp4", SECONDS, squares)


def annotate(folder: Path, clip: Path, **settings: Any) -> bytes:
    with app_for(folder, **settings) as app:
        report = app.annotate([clip], Request(WANTED, OPTIONS))
        assert [(video.status, video.message) for video in report.videos] == [("completed", None)]
    return exported(folder, clip)


@pytest.fixture(scope="module")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    export = annotate(tmp_path_factory.mktemp("undisturbed"), clip)
    counts: dict[str, int] = {}
    for line in export.splitlines():
        kind = json.loads(line)["type"]
        counts[kind] = counts.get(kind, 0) + 1
    assert counts["track"] == counts["person"] >= 4
    assert counts["track_box"] > 4 * 5 * FPS
    assert counts["mask"] > 50
    return export


@pytest.mark.parametrize("window_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_batches_and_windows_change_nothing(tmp_path, clip, undisturbed, window_s, batch_size):
    assert annotate(tmp_path / "here", clip, window_s=window_s, batch_size=batch_size) == undisturbed


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_and_processes_change_nothing(tmp_path, clip, undisturbed, workers):
    assert annotate(tmp_path / "here", clip, executor="processes", threads=workers) == undisturbed


@pytest.mark.parametrize(("batch_size", "most"), [(1, 1), (8, 8)])
def test_the_network_really_was_given_several_pictures_at_once(tmp_path, clip, monkeypatch, batch_size, most):
    """Else the batches above prove nothing."""
    given: list[int] = []
    run = OnnxSession.run

    def told(session: OnnxSession, feeds: Mapping[str, Any]) -> Any:
        given.extend(len(tensor) for tensor in feeds.values())
        return run(session, feeds)

    monkeypatch.setattr(OnnxSession, "run", told)
    with app_for(tmp_path, batch_size=batch_size, threads=1) as app:
        app.annotate([clip], Request(("objects",), OPTIONS))
    assert Counter(given).most_common(1)[0][0] == most, "but for what is begun ahead"


@pytest.mark.parametrize("window_s", [1.0, 10.0])
def test_a_tracker_that_resets_at_a_window_would_be_noticed(tmp_path, clip, undisturbed, monkeypatch, window_s):
    """Negative control."""
    resets = [Timestamp(round(at * window_s * 1000), Fraction(1, 1000)) for at in range(int(SECONDS / window_s))]
    monkeypatch.setattr(_track_input, "cuts_in", lambda stored: Cuts(resets))
    reset = annotate(tmp_path / "here", clip, window_s=window_s)
    assert reset.count(b'"type":"track"') > undisturbed.count(b'"type":"track"')


def test_killed_and_gone_on_with_it_is_the_same(tmp_path, clip, undisturbed):
    folder = tmp_path / "here"
    config = settings_file(folder, window_s=1.0, executor="inline", lease_s=1.0)
    given = [(f"{name}.{key}", value) for name, own in OPTIONS.items() for key, value in own.items()]
    command = [sys.executable, "-m", "cortexia.cli.main", "annotate", str(clip), "--config", str(config)]
    command += ["--annotators", ",".join(WANTED), *(f"--option={name}={json.dumps(value)}" for name, value in given)]
    killed_and_gone_on(command, folder / "store.db", (2, 6, 11))
    assert exported(folder, clip) == undisturbed


FILLED = """
import hashlib, sys
from pathlib import Path
import bright_clips

if sys.argv[2] == "control":
    del bright_clips.ENCODER["x264-params"]
squares = (bright_clips.walks(0, 6, (10, 30), (350, 30)), bright_clips.walks(0, 6, (350, 34), (10, 34)))
print(hashlib.sha256(bright_clips.write_clip(Path(sys.argv[1]), 6.0, squares).read_bytes()).hexdigest())
"""


def clips_with_memory_filled(folder: Path, which: str) -> set[str]:
    """Digests of a clip that was made while glibc fills memory nobody wrote to with one byte, then with another."""
    found = set()
    for byte in ("1", "85"):
        own = {**os.environ, "MALLOC_PERTURB_": byte, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-c", FILLED, str(folder / f"{which}{byte}.mp4"), which]
        found.add(subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout)
    return found


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc fills memory")
def test_the_clip_is_the_same_whatever_lay_in_memory(tmp_path):
    assert len(clips_with_memory_filled(tmp_path, "clip")) == 1
    assert len(clips_with_memory_filled(tmp_path, "control")) == 2


def test_tracks_follow_the_squares(tmp_path, clip):
    """Those that cross keep their ids; one that was away for a second is the same; the late one is another."""
    options = {**OPTIONS, "tracks": {**OPTIONS["tracks"], "across_cuts": True}}
    with app_for(tmp_path / "here") as app:
        app.annotate([clip], Request(("tracks",), options))
        rows = [row.annotation for row in app.store().find(Query(types=("track",)))]
    long = sorted((track.span.start.seconds, track.span.duration_s) for track in rows if track.span.duration_s > 3)
    assert [(round(start), round(length)) for start, length in long] == [(0, 24), (0, 24), (1, 21), (15, 5)]


def test_another_tracker_decodes_nothing(tmp_path, clip):
    with app_for(tmp_path / "here") as app:
        app.annotate([clip], Request(("tracks",), OPTIONS))
        (planned,) = app.plan([clip], Request(("tracks",), {**OPTIONS, "tracks": {"tracker": "iou"}}))
    assert planned.plan.passes == 0
    assert [run.recipe.name for run in planned.plan.runs if run.is_open] == ["tracks"]
