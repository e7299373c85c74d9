"""The fake annotators, run by the real engine over a real clip into a real store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cortexia.annotators.base import Annotator
from cortexia.annotators.frames import Frames
from cortexia.annotators.shots import Shots
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.engine import CancelToken, EngineOptions, WindowPolicy
from cortexia.plan import make_specs, resolve
from cortexia.stores import open_store
from cortexia.testing import ShotSpec, VideoSpec, make_video
from cortexia.testing.fakes import (
    BoxEveryFrame,
    CountSolver,
    Failing,
    FrameCounter,
    MeanColour,
    NeedsBoxes,
    PreviousFrameDiff,
    Slow,
    batched,
)
from cortexia.types import Query, StoredRow, VideoIdentity

CLIP = VideoSpec(shots=(ShotSpec(frames=30, scene="sea"), ShotSpec(frames=30, scene="city")), bframes=2)


class Bench:
    """One clip and one store; may be stopped after some commits and run again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clip.mp4"
        make_video(self.path, CLIP)
        self.store = open_store(str(folder / "bench.db"))
        self.identity = VideoIdentity("a" * 64, str(self.path), self.path.name, self.path.stat().st_size)

    def run(self, *recipes: Annotator, window_s: float = 30.0, stop_after: int | None = None) -> None:
        ordered, needs = resolve(recipes)
        specs = make_specs(self.identity.video_id, ordered, needs)
        self.store.save_video(self.identity)
        self.store.register_runs(list(specs.values()), {})
        job_id = self.store.submit_job(self.identity, [spec.run_id for spec in specs.values()], {})
        options = EngineOptions(WindowPolicy(media_s=window_s, wall_s=1e9), threads=2, cancel=CancelToken())
        worker = Worker(self.store, PyAVDecoder(), WorkerOptions(options), recipes=lambda config: ordered)
        claim = worker.claim(job_id)
        assert claim is not None
        windows = worker.run(claim)
        for count, _ in enumerate(windows, 1):
            if count == stop_after:
                windows.close()
                self.store.abandon(job_id, worker.name, "it died")
                return

    def rows(self, annotator: str) -> list[StoredRow]:
        return list(self.store.find(Query(annotators=(annotator,))))

    def values(self, annotator: str, name: str) -> list[float]:
        return [row.annotation.data()["values"][name] for row in self.rows(annotator)]

    def statuses(self) -> dict[str, str]:
        return {run.spec.annotator: run.status.value for run in self.store.runs(self.identity.video_id)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_counter_says_each_nth_frame(bench: Bench) -> None:
    bench.run(FrameCounter(nth=7))
    assert bench.values("frame_counter", "count") == [7, 14, 21, 28, 35, 42, 49, 56]


def test_boxes_carry_the_number_painted_into_their_frame(bench: Bench) -> None:
    bench.run(BoxEveryFrame())
    rows = bench.rows("box_every_frame")
    assert [row.annotation.attributes["painted"] for row in rows] == [row.annotation.frame_index for row in rows]
    assert len(rows) == 60


@pytest.mark.parametrize("size", [1, 1000])
def test_needs_boxes_gets_those_of_its_own_frame(bench: Bench, size: int) -> None:
    bench.run(BoxEveryFrame(), batched(NeedsBoxes, size)())
    assert bench.statuses()["needs_boxes"] == "completed"
    assert bench.values("needs_boxes", "boxes") == [1] * 60


def test_failing_takes_only_itself_down(bench: Bench) -> None:
    bench.run(Failing(at=20), FrameCounter())
    assert bench.statuses() == {"failing": "failed", "frame_counter": "completed"}


def test_slow_sees_every_frame(bench: Bench) -> None:
    bench.run(Slow(nth=60, delay_s=0.001))
    assert bench.values("slow", "count") == [60]


@pytest.mark.parametrize("recipe", [PreviousFrameDiff(), FrameCounter(nth=3)], ids=lambda recipe: recipe.name)
def test_stopped_and_run_again_equals_undisturbed(recipe: Annotator, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    rows: list[Sequence[StoredRow]] = []
    for folder, stops in ((whole, [None]), (halves, [2, 1, None])):
        folder.mkdir()
        bench = Bench(folder)
        for stop in stops:
            bench.run(recipe, window_s=0.3, stop_after=stop)
        rows.append(bench.rows(recipe.name))
    compared = [[(row.annotation_id, row.annotation, row.ordinal) for row in found] for found in rows]
    assert compared[0] == compared[1]
    assert len(compared[0]) > 10


def test_difference_peaks_at_the_cut(bench: Bench) -> None:
    bench.run(PreviousFrameDiff())
    first, *rest = bench.rows("previous_frame_diff")
    assert first.annotation.data()["reason"] == "first_frame"
    steps = [row.annotation.data()["values"]["difference"] for row in rest]
    assert steps.index(max(steps)) + 1 == 30


def test_solver_and_sparse_read_what_is_stored(bench: Bench) -> None:
    bench.run(Shots(), Frames(), MeanColour(), CountSolver())
    assert bench.values("count_solver", "count") == [2]
    assert all(0 <= level <= 255 for level in bench.values("mean_colour", "blue"))
    assert len(bench.rows("mean_colour")) >= 2
