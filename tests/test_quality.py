"""``cortexia.quality``: what it takes, what it says, and that it asks the store once for many videos."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from filling import box, claimed, commit, completed, identity, part, spec
from keeping import VIDEO, blank, caption, filled, opened, picture
from sqlalchemy import event

from cortexia.errors import DataInconsistencyError, UnknownNameError, ValidationError
from cortexia.quality import (
    DataConsistencyChecker,
    DataPipelineMonitor,
    DataValidator,
    get_captions_batch,
    get_frames_batch,
)
from cortexia.types import JobState, RunStatus

CAPTION = {"text": "a cat", "timestamp": 1.0, "confidence": 0.5, "frame_timestamp": 1.2}


def test_a_sound_caption_passes():
    assert DataValidator.validate_caption(CAPTION)
    assert DataValidator().validate_caption({"text": "a cat", "timestamp": 0})


@pytest.mark.parametrize(
    "wrong",
    [
        *({"text": text} for text in ("", "  ", None, 7)),
        *({"timestamp": value} for value in (-0.1, None, "1", math.nan, math.inf, True)),
        *({"confidence": value} for value in (-0.1, 1.1, "high", math.nan)),
        *({"frame_timestamp": value} for value in (-1.0, "x")),
    ],
)
def test_a_wrong_value_is_named(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        DataValidator.validate_caption({**CAPTION, **wrong})


def test_a_caption_of_another_moment_is_inconsistent():
    with pytest.raises(DataInconsistencyError, match=r"1\.0 s is about a frame at 3\.0 s"):
        DataValidator.validate_caption({**CAPTION, "frame_timestamp": 3.0})


@pytest.fixture
def path(tmp_path) -> Path:
    return filled(tmp_path / "store.db")


def test_a_complete_video(path):
    assert DataConsistencyChecker(str(path)).check_video_completeness(VIDEO) == {
        "video_id": VIDEO,
        "frames": 3,
        "captions": 0,
        "transcripts": 0,
        "objects": 20,
        "issues": [],
        "complete": True,
    }


def test_what_is_amiss_is_told(path):
    with opened(path) as store:
        completed(store, spec(annotator="captions"), [caption(0), caption(40)])
        failed = claimed(store, spec(annotator="speech"))
        commit(store, failed, part(spec(annotator="speech"), 0, [], status=RunStatus.FAILED, reason="no_sound"))
        store.release(failed, JobState.FAILED, "error", "no sound")
        claimed(store, spec(annotator="late"))
        found = DataConsistencyChecker(store).check_video_completeness(VIDEO)
    assert (found["captions"], found["complete"]) == (2, False)
    assert sorted(found["issues"]) == [
        "1 of 3 frames have no caption: 0.080 s",
        "late has not finished",
        "speech failed: no_sound",
    ]


def test_a_video_nobody_looked_at_is_not_complete(tmp_path):
    with opened(blank(tmp_path / "blank.db")) as store:
        store.save_video(identity())
        found = DataConsistencyChecker(store).check_video_completeness(VIDEO)
        assert found["issues"] == ["no annotator has looked at it yet"]
        with pytest.raises(UnknownNameError):
            DataConsistencyChecker(store).check_video_completeness("b" * 64)


def test_a_monitor_adds_stages_up_and_says_how_complete_a_video_is(path):
    monitor = DataPipelineMonitor(str(path))
    for seconds in (1.0, 0.5):
        monitor.track_processing(VIDEO, "decode", seconds)
    monitor.track_processing("b" * 64, "decode", 9.0)
    quality = monitor.check_data_quality(VIDEO)
    assert (quality["stages"], quality["completeness"], quality["complete"]) == ({"decode": 1.5}, 1.0, True)
    with opened(path) as store:
        completed(store, spec(annotator="captions"), [caption(0)])
    assert monitor.check_data_quality(VIDEO)["completeness"] == pytest.approx(1 / 3)
    with pytest.raises(ValidationError):
        monitor.track_processing(VIDEO, "decode", -1.0)


# -- batches


@pytest.fixture
def many(tmp_path):
    with opened(blank(tmp_path / "many.db")) as store:
        for letter in "abcde":
            completed(store, spec(letter, annotator="frames"), [picture(store, at) for at in (400, 0)], letter=letter)
            completed(store, spec(letter, annotator="captions"), [caption(0, letter), caption(400)], letter=letter)
            completed(store, spec(letter), [box(0)], letter=letter)
        yield store


def statements(store, ask) -> int:
    asked: list[str] = []
    engine = store._door.engine
    note = lambda *told: asked.append(told[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return sum(statement.startswith("SELECT") for statement in asked)


def test_many_videos_are_one_statement(many):
    ids = [letter * 64 for letter in "abcde"]
    for batch in (get_frames_batch, get_captions_batch):
        assert statements(many, lambda ask=batch: ask(ids, many)) == 1
        assert statements(many, lambda ask=batch: [ask([one], many) for one in ids]) == 5, "the control: one by one"


def test_batches_are_complete_and_in_order(many):
    ids = ["c" * 64, "a" * 64, "f" * 64]
    frames, captions = get_frames_batch(ids, many), get_captions_batch(ids, many)
    assert list(frames) == ids
    assert [[row["start_s"] for row in rows] for rows in frames.values()] == [[0.0, 0.4], [0.0, 0.4], []]
    assert [[row["data"]["text"] for row in rows] for rows in captions.values()] == [["c", "a cat"], ["a", "a cat"], []]
    assert {row["type"] for row in captions["a" * 64]} == {"caption"}


def test_without_a_store_that_of_the_settings_is_asked(path, monkeypatch):
    monkeypatch.setenv("CORTEXIA_STORE", str(path))
    assert len(get_frames_batch([VIDEO])[VIDEO]) == 3
