"""Key pictures of a clip, described as a worker does it and stopped at commits: the rows are the same, byte by byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Lab

from cortexia import registry
from cortexia.annotators.base import Annotator
from cortexia.plan import make_recipes, resolve
from cortexia.testing import SCENES, Mover, ShotSpec, VideoSpec
from cortexia.types import JobState

NAMES = ("captions", "tags", "regions", "embeddings", "shot_embeddings")
OPTIONS = {
    "frames": {"per_shot": 3},
    "objects": {"model": "offline", "per_second": 4.0, "threshold": 0.0},
    "embeddings": {"crops": True, "min_side": 1},
    "regions": {"min_side": 1},
}


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    movers = (Mover("car", (0.1, 0.6), (0.9, 0.6), 0.3),)
    shots = tuple(ShotSpec(3.0, scene=name, movers=movers) for name in sorted(SCENES)[:3])
    return clips("resumed.mp4", VideoSpec(shots=shots, width=320, height=180))[0]


def recipes() -> tuple[Annotator, ...]:
    return resolve(make_recipes(NAMES, OPTIONS), OPTIONS, lambda task: None)[0]


def lab(folder: Path, clip: Path) -> Lab:
    made = Lab(folder, registry.load("decoders", "content")(), recipes())
    shutil.copy(clip, made.video)
    return made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, clip) -> bytes:
    made = lab(tmp_path_factory.mktemp("undisturbed"), clip)
    assert made.run() is JobState.COMPLETED
    export = made.export()
    for kind in (b'"caption"', b'"classification"', b'"embedding"'):
        assert export.count(kind) >= 3
    return export


@pytest.mark.parametrize("batch_size", [1, 5])
def test_windows_and_pictures_at_once_change_no_byte(batch_size, tmp_path, clip, undisturbed):
    made = lab(tmp_path, clip)
    assert made.run(window_s=0.5, batch_size=batch_size, rows=1) is JobState.COMPLETED
    assert made.export() == undisturbed


def test_deaths_between_pictures_change_no_byte(tmp_path, clip, undisturbed):
    """A death every seven commits, and one picture a commit, so that every kind of run is hit in its middle."""
    made = lab(tmp_path, clip)
    deaths = 0
    while made.run(batch_size=1, rows=1, die_after=7) is not JobState.COMPLETED:
        deaths += 1
    assert deaths >= 5
    assert made.export() == undisturbed
