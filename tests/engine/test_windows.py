"""Whatever the window, the batch and the place of a stop, the rows are those of an undisturbed run."""

from __future__ import annotations

import json

import pytest
from harness import Lab
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recipes import Beats, Boxes, CountBoxes, Describe, NeedsBoxes, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.types import JobState

EVERYTHING = (Boxes(), NeedsBoxes(nth=7), Steps(), Beats(), Pictures(), Describe(sees_boxes=True), CountBoxes())


def decoder(**changes: object) -> ScriptedDecoder:
    durations = [40 if index % 5 else 120 for index in range(75)]
    return ScriptedDecoder(durations, audio_s=4.2, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    lab = Lab(tmp_path_factory.mktemp("undisturbed"), decoder(), EVERYTHING)
    assert lab.run() is JobState.COMPLETED
    export = lab.export()
    assert len(export.splitlines()) > 300
    return export


@pytest.mark.parametrize("window_s", [0.2, 1.0, 10.0, 60.0])
@pytest.mark.parametrize("batch_size", [None, 1, 17])
def test_window_length_and_batch_size_change_nothing(tmp_path, undisturbed, window_s, batch_size):
    lab = Lab(tmp_path, decoder(), EVERYTHING)
    assert lab.run(window_s=window_s, batch_size=batch_size) is JobState.COMPLETED
    assert lab.export() == undisturbed


@settings(
    max_examples=12,
    deadline=None,
    print_blob=False,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_stops_anywhere_change_nothing(tmp_path_factory, undisturbed, data):
    lab = Lab(tmp_path_factory.mktemp("stops"), decoder(), EVERYTHING)
    for _ in range(data.draw(st.integers(1, 4), label="stops")):
        window_s = data.draw(st.sampled_from([0.1, 0.35, 1.0]), label="window")
        batch = data.draw(st.sampled_from([None, 1, 5, 100]), label="batch")
        at = data.draw(st.integers(1, 12), label="commit")
        how = data.draw(st.sampled_from(["die_after", "cancel_after"]), label="how")
        if lab.run(window_s=window_s, batch_size=batch, **{how: at}) is JobState.COMPLETED:
            break
    assert lab.run() is JobState.COMPLETED
    assert lab.export() == undisturbed


def test_an_annotator_asked_for_later_hears_what_was_said_before(tmp_path, undisturbed):
    """The boxes are stored; the late-comer is told of them at the same frames, without running them again."""
    lab = Lab(tmp_path, decoder(), (Boxes(), Steps()))
    lab.run()
    lab.recipes = EVERYTHING
    assert lab.run() is JobState.COMPLETED
    assert lab.export() == undisturbed
    assert len(lab.decoder.opened[-1].video) == 2, "boxes and steps are stored and take no part in the second pass"


def test_a_rerun_is_a_no_op(tmp_path, undisturbed):
    lab = Lab(tmp_path, decoder(), EVERYTHING)
    lab.run()
    passes = len(lab.decoder.opened)
    assert lab.run() is JobState.COMPLETED
    assert lab.export() == undisturbed
    assert len(lab.decoder.opened) == passes, "nothing was decoded again"


def test_resume_starts_at_the_last_anchor_and_not_at_zero(tmp_path):
    lab = Lab(tmp_path, decoder(), (Boxes(), Steps()))
    lab.run(window_s=0.5, die_after=6)
    lab.run()
    assert lab.decoder.started_at[0] == 0
    assert lab.decoder.started_at[1] >= 36


def test_damage_begins_the_pass_again_with_one_thread(tmp_path):
    lab = Lab(tmp_path, decoder(damage_at=50), EVERYTHING)
    assert lab.run(window_s=0.5) is JobState.COMPLETED
    assert [request.threads for request in lab.decoder.opened] == [2, 1]
    clean = Lab(tmp_path / "clean", decoder(), EVERYTHING)
    clean.run()
    assert lab.export() == clean.export()


def test_a_known_damaged_video_is_decoded_with_one_thread_at_once(tmp_path):
    lab = Lab(tmp_path, decoder(damage_at=50), (Boxes(),))
    lab.run()
    lab.recipes = (Steps(),)
    lab.run()
    assert [request.threads for request in lab.decoder.opened] == [2, 1, 1]


def test_late_rows_have_ids_that_do_not_depend_on_commits(tmp_path, undisturbed):
    late = [row for row in map(json.loads, undisturbed.splitlines()) if row["label"] == "late"]
    assert len(late) == 7
    assert len({row["annotation_id"] for row in late}) == 7
