"""Each run says how long its annotator took: measured, added up over stops, and its own time only."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
from harness import Lab
from recipes import Beats, Boxes, CountBoxes, Describe, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.engine.control import Stopwatch
from cortexia.types import Frame

FRAMES, SLEEP_S = 40, 0.005


@dataclass(frozen=True)
class Slow(StreamAnnotator):
    name: ClassVar[str] = "slow"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)

    def session(self, context: SessionContext) -> StreamSession:
        return SlowSession()


class SlowSession(StreamSession):
    def process(self, inputs: Sequence[Frame], upstream: Emissions) -> Emissions:  # type: ignore[override]
        time.sleep(SLEEP_S * len(inputs))
        return [[] for _ in inputs]


def spent(lab: Lab) -> dict[str, float]:
    store = lab.store()
    try:
        return {run.spec.annotator: run.processing_s for run in store.runs(lab.identity.video_id)}
    finally:
        store.close()


def test_every_kind_of_annotator_is_timed(tmp_path):
    recipes = (Slow(), Boxes(), Steps(), Beats(), Pictures(), Describe(), CountBoxes())
    lab = Lab(tmp_path, ScriptedDecoder([40] * FRAMES, audio_s=1.0), recipes)
    begun = time.perf_counter()
    lab.run()
    whole = time.perf_counter() - begun
    found = spent(lab)
    assert all(seconds > 0 for seconds in found.values()), found
    assert found["slow"] >= FRAMES * SLEEP_S
    assert sum(found.values()) < whole, "nobody's time is counted twice"


@pytest.mark.parametrize("die_after", [1, 3])
def test_time_adds_up_over_stops(tmp_path, die_after):
    lab = Lab(tmp_path, ScriptedDecoder([40] * FRAMES), (Slow(),))
    lab.run(window_s=0.3, die_after=die_after)
    before = spent(lab)["slow"]
    assert before > 0
    lab.run(window_s=0.3)
    assert spent(lab)["slow"] >= max(before, FRAMES * SLEEP_S)


def test_a_lap_begins_anew():
    watch = Stopwatch()
    with watch:
        time.sleep(0.01)
    assert watch.lap() >= 0.01
    assert watch.lap() == 0.0


def test_a_block_that_raises_counts():
    watch = Stopwatch()
    with contextlib.suppress(ValueError), watch:
        time.sleep(0.01)
        raise ValueError("x")
    assert watch.lap() >= 0.01
