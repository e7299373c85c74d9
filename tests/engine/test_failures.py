"""A failure stays where it is: its run fails with a reason, those that need it are skipped, the others commit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar

import pytest
from harness import Lab
from recipes import Beats, Boxes, CountBoxes, Describe, NeedsBoxes, Odd, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.errors import DiskFullError, ResourceError
from cortexia.types import JobState


def lab_for(tmp_path, *recipes, **changes) -> Lab:
    return Lab(tmp_path, ScriptedDecoder([40] * 60, audio_s=2.4, **changes), recipes)


def test_a_raising_annotator_fails_alone(tmp_path):
    lab = lab_for(tmp_path, Boxes(fail_at=30), NeedsBoxes(), CountBoxes(), Steps(), Beats())
    assert lab.run(window_s=0.2) is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses() == {
        "boxes": ("failed", "annotator"),
        "needs_boxes": ("skipped", "upstream"),
        "count_boxes": ("skipped", "upstream"),
        "steps": ("completed", None),
        "beats": ("completed", None),
    }
    assert b'"detection"' not in lab.export(), "rows of a failed run are not current"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("wrong length", "annotator"),
        ("wrong type", "annotator"),
        ("no annotation", "annotator"),
        ("not finite", "validation"),
        ("too many", "annotator"),
        ("large state", "annotator"),
        ("finish", "annotator"),
    ],
)
def test_bad_output_fails_the_run_with_its_reason(tmp_path, how, reason):
    """R-12; that good output does not is the negative control: ``steps`` completes beside it."""
    lab = lab_for(tmp_path, Odd(how=how), Steps())
    assert lab.run(window_s=0.2) is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses() == {"odd": ("failed", reason), "steps": ("completed", None)}


class Unopened(ResourceError):
    code = "model"
    reason = "missing"


@dataclass(frozen=True)
class Shut(Boxes):
    """A session that cannot be opened."""

    name: ClassVar[str] = "shut"
    error: ClassVar[Exception] = Unopened("weights of 'x' are missing; run: cortexia models pull x")

    def session(self, context):
        raise self.error


@dataclass(frozen=True)
class NeedsShut(NeedsBoxes):
    name: ClassVar[str] = "needs_shut"
    requires: ClassVar[tuple[str, ...]] = ("shut",)


@dataclass(frozen=True)
class ShutDescribe(Describe):
    name: ClassVar[str] = "shut_describe"
    error: ClassVar[Exception] = Unopened("no weights")

    def session(self, context):
        raise self.error


def test_a_session_that_cannot_open_fails_alone(tmp_path):
    lab = lab_for(tmp_path, Shut(), NeedsShut(), Steps())
    assert lab.run(window_s=0.2) is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses() == {
        "shut": ("failed", "model_missing"),
        "needs_shut": ("skipped", "upstream"),
        "steps": ("completed", None),
    }
    store = lab.store()
    message = next(iter(store.jobs())).error_message
    store.close()
    assert "run: cortexia models pull x" in message


def test_a_sparse_session_that_cannot_open_fails_alone(tmp_path):
    lab = lab_for(tmp_path, Pictures(), ShutDescribe())
    assert lab.run() is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses()["shut_describe"] == ("failed", "model_missing")


def test_nothing_is_decoded_when_no_session_opens(tmp_path):
    lab = lab_for(tmp_path, Shut())
    assert lab.run() is JobState.FAILED
    assert lab.statuses() == {"shut": ("failed", "model_missing")}
    assert lab.decoder.opened == []


def test_a_full_disk_at_opening_is_no_fault_of_the_annotator(tmp_path, monkeypatch):
    monkeypatch.setattr(Shut, "error", DiskFullError("no space left"))
    lab = lab_for(tmp_path, Shut(), Steps())
    with pytest.raises(DiskFullError):
        lab.run()
    assert lab.statuses()["shut"][0] != "failed"


def test_a_session_that_cannot_close_loses_nothing(tmp_path):
    lab = lab_for(tmp_path, Odd(how="close"), Steps())
    assert lab.run() is JobState.COMPLETED


def test_a_failed_run_starts_afresh_when_asked_again(tmp_path):
    lab = lab_for(tmp_path, Boxes(fail_at=30), Steps())
    lab.run(window_s=0.2)
    assert lab.run(window_s=0.2) is JobState.COMPLETED_WITH_ERRORS
    assert len(lab.decoder.opened) == 2
    assert len(lab.decoder.opened[1].video) == 1, "only the failed one runs again"


def test_a_sparse_annotator_fails_alone(tmp_path):
    lab = lab_for(tmp_path, Pictures(), Describe(fail_at=24))
    assert lab.run() is JobState.COMPLETED_WITH_ERRORS
    assert lab.statuses()["describe_pictures"] == ("failed", "annotator")


def test_all_failing_is_a_failed_job(tmp_path):
    lab = lab_for(tmp_path, Boxes(fail_at=0))
    assert lab.run() is JobState.FAILED


def test_no_sound_is_complete_and_says_so(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([40] * 10), (Beats(), Steps()))
    assert lab.run() is JobState.COMPLETED
    assert lab.statuses() == {"beats": ("completed", "no_audio"), "steps": ("completed", None)}


def test_sound_alone_skips_annotators_of_pictures(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([], audio_s=1.0, has_video=False), (Beats(), Boxes(), CountBoxes()))
    assert lab.run() is JobState.COMPLETED
    assert lab.statuses() == {
        "beats": ("completed", None),
        "boxes": ("skipped", "no_video"),
        "count_boxes": ("skipped", "upstream"),
    }


def test_only_picture_annotators_on_sound_alone_is_a_rejected_job(tmp_path):
    lab = Lab(tmp_path, ScriptedDecoder([], audio_s=1.0, has_video=False), (Boxes(),))
    assert lab.run() is JobState.FAILED
    store = lab.store()
    job = next(iter(store.jobs()))
    store.close()
    assert job.reason == "rejected"
    assert "no video stream" in (job.error_message or "")


def test_a_file_that_changes_while_it_is_read_fails(tmp_path):
    """R-11, with a scripted decoder; ``tests/faults/test_input_changed.py`` does it to real videos."""

    class Touching(ScriptedDecoder):
        def open(self, path, info, request):
            path.write_bytes(b"something else")
            os.utime(path, ns=(1, 1))
            return super().open(path, info, request)

    lab = Lab(tmp_path, Touching([40] * 60), (Steps(),))
    lab.run()
    assert lab.statuses()["steps"] == ("failed", "input_changed")
    assert lab.export() == b""


def test_a_missing_file_fails_the_job_and_not_the_worker(tmp_path):
    lab = lab_for(tmp_path, Steps())

    def missing(path, info, request):
        raise FileNotFoundError(path)

    lab.decoder.open = missing  # type: ignore[method-assign]
    assert lab.run() is JobState.FAILED
