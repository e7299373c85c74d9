"""What cannot be true of a video is put aside with its reason; a fault of the program fails the run."""

from __future__ import annotations

import json

import pytest
from harness import Lab
from recipes import Describe, Pictures
from scripted import ScriptedDecoder
from wild import Hears, Sums, Wild

from cortexia.engine import gates
from cortexia.engine.masks import mask_fault
from cortexia.types import JobState

FRAMES = 30


def lab_for(tmp_path, *recipes, frames: int = FRAMES) -> Lab:
    return Lab(tmp_path, ScriptedDecoder([40] * frames), recipes)


def quarantined(lab: Lab, annotator: str = "wild"):
    """The run, and what was kept of its quarantine."""
    store = lab.store()
    try:
        run = next(run for run in store.runs() if run.spec.annotator == annotator)
        return run, list(store.quarantined(run.run_id))
    finally:
        store.close()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("box right of the frame", "box_outside_frame"),
        ("box left of the frame", "box_outside_frame"),
        ("box below the frame", "box_outside_frame"),
        ("before the video", "time_outside"),
        ("after what was seen", "time_outside"),
        ("beyond 64 bits", "time_outside"),
        ("large index", "number_too_large"),
        ("NUL in a label", "text"),
        ("NUL in a text", "text"),
        ("half a character", "text"),
        ("a number that is none", "not_finite"),
        ("mask of another size", "mask"),
        ("mask with too few pixels", "mask"),
        ("mask with negative runs", "mask"),
        ("mask of odd text", "mask"),
    ],
)
def test_what_cannot_be_true_is_put_aside_and_the_rest_goes_on(tmp_path, how, reason):
    lab = lab_for(tmp_path, Wild(how))
    assert lab.run(window_s=0.2) is JobState.COMPLETED
    run, aside = quarantined(lab)
    assert (run.annotation_count, run.quarantined_count) == (FRAMES, 1)
    assert [(item.ordinal, item.reason, item.emitted_at) for item in aside] == [(0, reason, 7)]
    assert aside[0].message
    assert len(lab.export().splitlines()) == FRAMES


@pytest.mark.parametrize("how", ["rounded box", "whole mask", "packed mask"])
def test_what_is_well_passes(tmp_path, how):
    """Negative control: a gate that puts everything aside would be seen here."""
    lab = lab_for(tmp_path, Wild(how))
    lab.run()
    run, aside = quarantined(lab)
    assert (run.annotation_count, run.quarantined_count, aside) == (FRAMES + 1, 0, [])


def test_without_the_gate_such_a_row_is_stored(tmp_path, monkeypatch):
    """Negative control: nothing below the gate knows how large a picture is."""
    monkeypatch.setattr(gates.Gate, "_fault", lambda self, annotation: None)
    lab = lab_for(tmp_path, Wild("box right of the frame"))
    lab.run()
    assert len(lab.export().splitlines()) == FRAMES + 1


@pytest.mark.parametrize("how", ["float32 confidence", "float32 box", "int64 index", "number as label", "int64 time"])
def test_a_wrong_type_fails_the_run_and_not_the_job(tmp_path, how):
    lab = lab_for(tmp_path, Wild(how), Sums())
    assert lab.run(window_s=0.2) is JobState.FAILED
    assert lab.statuses() == {"wild": ("failed", "annotator"), "sums": ("skipped", "upstream")}


def test_a_row_before_what_was_said_to_be_final_fails_the_run(tmp_path):
    lab = lab_for(tmp_path, Wild("broken promise"))
    lab.run(window_s=0.1)
    assert lab.statuses() == {"wild": ("failed", "annotator")}
    assert "final_until" in (quarantined(lab)[0].message or "")
    late = lab_for(tmp_path / "late", Wild("broken promise"))
    assert late.run() is JobState.COMPLETED, "nothing had been promised yet"


@pytest.mark.parametrize("batch_size", [None, 1, 100])
@pytest.mark.parametrize("window_s", [0.1, 60.0])
def test_neither_windows_nor_batches_nor_a_stop_change_anything(tmp_path, window_s, batch_size):
    truth = lab_for(tmp_path / "truth", Wild("box right of the frame", every=3), Hears())
    truth.run()
    lab = lab_for(tmp_path / "other", Wild("box right of the frame", every=3), Hears())
    lab.run(window_s=0.3, batch_size=batch_size, die_after=2)
    lab.run(window_s=window_s, batch_size=batch_size)
    assert lab.export() == truth.export()
    assert quarantined(lab)[1] == quarantined(truth)[1]
    assert quarantined(lab)[0].quarantined_count == 10


def test_nobody_is_told_of_what_was_put_aside(tmp_path):
    lab = lab_for(tmp_path, Wild("box right of the frame"), Hears())
    lab.run()
    rows = [json.loads(line) for line in lab.export().splitlines()]
    assert {row["data"]["text"] for row in rows if row["type"] == "caption"} == {"1"}


def test_a_run_of_which_nothing_passes_fails(tmp_path):
    lab = lab_for(tmp_path, Wild("box right of the frame", every=1, alone=True), Sums())
    assert lab.run(window_s=0.2) is JobState.FAILED
    assert lab.statuses() == {"wild": ("failed", "quarantined"), "sums": ("skipped", "upstream")}
    run, aside = quarantined(lab)
    assert len(aside) == FRAMES
    assert "all 30 annotations failed the quality gates: box 1, 1, 17.1, 9 reaches 1.1 px" in (run.message or "")


def test_a_run_that_starts_afresh_forgets_its_quarantine(tmp_path):
    lab = lab_for(tmp_path, Wild("box right of the frame", every=1, alone=True))
    lab.run()
    lab.run()
    assert quarantined(lab)[0].quarantined_count == FRAMES


def test_only_so_many_are_kept_and_all_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(gates, "KEPT_PER_RUN", 4)
    lab = lab_for(tmp_path, Wild("box right of the frame", every=2))
    lab.run(window_s=0.2)
    run, aside = quarantined(lab)
    assert run.quarantined_count == 15
    assert [item.ordinal for item in aside] == [0, 1, 2, 3]


def test_a_solver_is_looked_at_too(tmp_path):
    lab = lab_for(tmp_path, Wild(), Sums(is_wild=True))
    assert lab.run() is JobState.COMPLETED
    run, aside = quarantined(lab, "sums")
    assert (run.annotation_count, run.quarantined_count) == (1, 2)
    assert {item.reason for item in aside} == {"box_outside_frame"}


def test_pictures_may_grow_within_a_video(tmp_path):
    """What is said of a later, larger picture is measured by that picture."""
    decoder = ScriptedDecoder([40] * FRAMES, grows_at=12)
    lab = Lab(tmp_path, decoder, (Pictures(), Describe(is_framed=True)))
    assert lab.run() is JobState.COMPLETED
    run, aside = quarantined(lab, "describe_pictures")
    assert (run.annotation_count, aside) == (3, [])


def test_the_events_tell_of_it(tmp_path):
    lab = lab_for(tmp_path, Wild("box right of the frame", every=3))
    lab.run()
    told = [event for event in lab.events if event["event"] == "annotations_quarantined"]
    assert [(event["annotator"], event["count"], event["reasons"]) for event in told] == [
        ("wild", 10, ["box_outside_frame"])
    ]


@pytest.mark.parametrize(
    ("counts", "is_well"),
    [
        ([6], True),
        ([0, 6], True),
        ([2, 2, 2], True),
        ("222", True),
        ("6", True),
        ("7", False),
        ([6.0], False),
        ([5], False),
    ],
)
def test_masks_cover_their_picture_exactly(counts, is_well):
    assert (mask_fault({"size": [2, 3], "counts": counts}, [(3, 2)]) is None) is is_well
