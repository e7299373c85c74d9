"""A run whose breaker is open waits, with those that need it, and takes nobody else with it (G8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from filling import AT_ONCE
from harness import Lab
from recipes import Boxes, BoxesSession, CountBoxes, Describe, NeedsBoxes, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.errors import CircuitBreakerOpenError
from cortexia.models.base import ModelEntry
from cortexia.resilience import Breakers, BreakerState
from cortexia.types import JobState

REFUSAL = CircuitBreakerOpenError("model 'm' failed 3 times in a row (bad); the next try is let through in 60 s")


class Shelf:
    """Knows one model, which nobody opens."""

    threads = 1

    def entry(self, model_id: str) -> ModelEntry:
        return ModelEntry(model_id, "object-detection", "m.onnx", 1, "0" * 64, "MIT", "", "yolox")

    def open(self, model_id: str) -> Any:
        raise NotImplementedError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Refused(Boxes):
    """``boxes``, refused by a breaker at these frames; -1: at its opening."""

    refused_at: ClassVar[set[int]] = set()

    def session(self, context):
        if -1 in self.refused_at:
            raise REFUSAL
        return RefusedSession(self)


class RefusedSession(BoxesSession):
    def process(self, inputs, upstream):
        if any(frame.index in Refused.refused_at for frame in inputs):
            raise REFUSAL
        return super().process(inputs, upstream)


@dataclass(frozen=True)
class RefusedDescribe(Describe):
    is_refused: ClassVar[list[bool]] = [False]

    def session(self, context):
        if self.is_refused[0]:
            raise REFUSAL
        return super().session(context)


@dataclass(frozen=True)
class OfModel(Boxes):
    """``boxes`` by a model. It fails where ``fails`` says so."""

    name: ClassVar[str] = "of_model"
    fails: ClassVar[list[bool]] = [True]

    @property
    def model_ids(self) -> tuple[str, ...]:
        return ("m",)

    def session(self, context):
        if self.fails[0]:
            raise RuntimeError("no kernel for this device")
        return super().session(context)


@pytest.fixture(autouse=True)
def as_before():
    yield
    Refused.refused_at.clear()
    RefusedDescribe.is_refused[0] = False
    OfModel.fails[0] = True


def lab_for(tmp_path, *recipes, **more) -> Lab:
    return Lab(tmp_path, ScriptedDecoder([40] * 60), recipes, rules=AT_ONCE, **more)


def job_of(lab: Lab):
    store = lab.store()
    try:
        return list(store.jobs())[-1]
    finally:
        store.close()


@pytest.mark.parametrize("at", [-1, 0, 30])
def test_the_others_end_and_the_run_goes_on_later(tmp_path, at):
    recipes = (Refused(), NeedsBoxes(), CountBoxes(), Steps())
    truth = lab_for(tmp_path / "truth", *recipes)
    truth.run(window_s=0.2)
    lab = lab_for(tmp_path / "lab", *recipes)
    Refused.refused_at.add(at)
    assert lab.run(window_s=0.2) is JobState.RETRYING
    statuses = lab.statuses()
    assert statuses["steps"] == ("completed", None)
    assert {statuses[name][0] for name in ("boxes", "needs_boxes", "count_boxes")} <= {"pending", "running"}
    job = job_of(lab)
    assert (job.reason, job.failures, job.deaths) == ("breaker", {}, 0), "no attempt is used up"
    Refused.refused_at.clear()
    assert lab.run(window_s=0.2) is JobState.COMPLETED
    assert lab.export() == truth.export()
    assert len(lab.decoder.opened[-1].video) == 2, "only what waited is read again"


def test_a_sparse_annotator_waits_too(tmp_path):
    lab = lab_for(tmp_path, Pictures(), RefusedDescribe())
    RefusedDescribe.is_refused[0] = True
    assert lab.run() is JobState.RETRYING
    assert lab.statuses() == {"pictures": ("completed", None), "describe_pictures": ("pending", None)}
    RefusedDescribe.is_refused[0] = False
    assert lab.run() is JobState.COMPLETED


def test_where_all_wait_nothing_is_said_of_the_video(tmp_path):
    lab = lab_for(tmp_path, Refused())
    Refused.refused_at.add(8)
    lab.run()
    store = lab.store()
    verdict = store.video(lab.identity.video_id).verdict
    store.close()
    assert verdict is None or verdict.frames_decoded == 0


def test_an_annotator_that_fails_three_times_is_left_alone_for_a_while(tmp_path):
    clock = Clock()
    lab = lab_for(tmp_path, OfModel(), Steps(), models=Shelf(), breakers=Breakers("annotator", clock))
    breaker = lab.breakers["of_model"]
    for _ in range(3):
        assert lab.run() is JobState.COMPLETED_WITH_ERRORS
    assert breaker.state is BreakerState.OPEN
    assert lab.run() is JobState.RETRYING
    assert lab.statuses()["of_model"] == ("pending", None), "it is not failed, it waits"
    clock.now += 60
    assert lab.run() is JobState.COMPLETED_WITH_ERRORS, "one probe is let through, and fails"
    assert breaker.state is BreakerState.OPEN
    clock.now += 60
    OfModel.fails[0] = False
    assert lab.run() is JobState.COMPLETED
    assert breaker.state is BreakerState.HALF_OPEN, "one success is not enough"


def test_two_successes_close_it(tmp_path):
    clock = Clock()
    breakers = Breakers("annotator", clock)
    lab = lab_for(tmp_path / "a", OfModel(), models=Shelf(), breakers=breakers)
    for _ in range(3):
        lab.run()
    clock.now += 60
    OfModel.fails[0] = False
    for name in "bc":
        lab_for(tmp_path / name, OfModel(), models=Shelf(), breakers=breakers).run()
    assert breakers["of_model"].state is BreakerState.CLOSED


def test_an_annotator_without_a_model_just_fails(tmp_path):
    """Negative control: the same frames would fail again, and waiting would not help."""
    lab = lab_for(tmp_path, Boxes(fail_at=0))
    assert [lab.run() for _ in range(5)] == [JobState.FAILED] * 5
    assert lab.breakers["boxes"].state is BreakerState.CLOSED
