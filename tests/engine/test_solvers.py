"""Solvers commit while they speak: whenever they are stopped, the rows are the same, and few are held at once."""

from __future__ import annotations

import pytest
from harness import Lab
from recipes import Boxes, RepeatBoxes
from scripted import ScriptedDecoder

from cortexia.types import JobState

FRAMES = 30


def lab_for(folder, **options) -> Lab:
    return Lab(folder, ScriptedDecoder([40] * FRAMES), (Boxes(), RepeatBoxes(**options)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> bytes:
    lab = lab_for(tmp_path_factory.mktemp("undisturbed"))
    assert lab.run() is JobState.COMPLETED
    rows = lab.export()
    assert (rows.count(b'"caption"'), rows.count(b'"measure"')) == (2 * FRAMES, 1)
    return rows


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_no_window_holds_more_rows_than_it_may(tmp_path, undisturbed, rows):
    lab = lab_for(tmp_path)
    assert lab.run(rows=rows) is JobState.COMPLETED
    assert lab.most["caption"] == min(rows, 2 * FRAMES)
    assert lab.export() == undisturbed


@pytest.mark.parametrize("rows", [1, 7])
def test_deaths_in_the_middle_change_no_byte(tmp_path, undisturbed, rows):
    lab = lab_for(tmp_path)
    deaths = 0
    while lab.run(rows=rows, window_s=60.0, die_after=5) is not JobState.COMPLETED:
        deaths += 1
    assert deaths >= 2
    assert lab.export() == undisturbed


def test_who_asks_for_a_stop_gets_it_and_goes_on_later(tmp_path, undisturbed):
    lab = lab_for(tmp_path)
    state = lab.run(rows=3, window_s=60.0, cancel_after=15)
    assert lab.statuses() == {"boxes": ("completed", None), "repeat_boxes": ("running", None)}, state
    assert lab.run() is JobState.COMPLETED
    assert lab.export() == undisturbed


def test_rows_of_one_that_fails_late_are_not_shown(tmp_path):
    lab = lab_for(tmp_path, fail_at=40)
    assert lab.run(rows=7) is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses()["repeat_boxes"] == ("failed", "annotator")
    assert b'"caption"' not in lab.export()
