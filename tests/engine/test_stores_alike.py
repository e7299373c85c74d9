"""The same clip, annotated into another store, gives the same rows and the same bytes."""

from __future__ import annotations

import contextlib

import pytest
from harness import Lab
from recipes import Beats, Boxes, CountBoxes, Describe, NeedsBoxes, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.types import JobState, Query

RECIPES = (Boxes(), NeedsBoxes(nth=7), Steps(), Beats(), Pictures(), Describe(), CountBoxes())


def lab(folder, store_name: str) -> Lab:
    durations = [40 if index % 5 else 120 for index in range(75)]
    return Lab(folder, ScriptedDecoder(durations, audio_s=4.2), RECIPES, store_name=store_name)


@pytest.fixture(scope="module")
def into_sqlite(tmp_path_factory) -> Lab:
    made = lab(tmp_path_factory.mktemp("sqlite"), "lab.db")
    assert made.run(window_s=0.5) is JobState.COMPLETED
    return made


def rows(made: Lab, query: Query) -> list:
    with contextlib.closing(made.store()) as store:
        found = list(store.find(query))
        assert store.count(query) == len(found)
        return [(row.annotation_id, row.annotation, row.run_id, row.start_us, row.emitted_at) for row in found]


@pytest.mark.parametrize("stops", [(), (1, 4, 9)], ids=["undisturbed", "killed three times"])
def test_into_a_folder_as_into_sqlite(tmp_path, into_sqlite, stops):
    made = lab(tmp_path, "folder")
    for commits in stops:
        made.run(window_s=0.5, die_after=commits)
    assert made.run(window_s=0.5) is JobState.COMPLETED
    assert made.export() == into_sqlite.export()
    assert made.statuses() == into_sqlite.statuses()
    for query in (Query(), Query(types=("detection",), start_s=1.0, end_s=2.0), Query(annotators=("beats",), limit=3)):
        assert rows(made, query) == rows(into_sqlite, query)
    for path in (tmp_path / "folder").glob(".index.db*"):
        path.unlink()
    assert made.export() == into_sqlite.export(), "the index is not what remembers"
