"""Three annotators over one decode, through engine and store, beside decoding alone and beside a pass for each.

    python benchmarks/one_pass.py [--rounds 5] [--json FILE]

Two trios. ``vision``: shots and camera motion (phase correlation of 160x90 luma) on every frame, a network (NanoDet-m,
ONNX Runtime) on every 10th; needs the shared data. ``built-in``: shots, key pictures, loudness. The limit is PyAV
decoding the same file with two threads and throwing the pictures away. Targets: 0.6 at 1080p, 0.5 at 360p.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, cast

import cv2
import numpy as np

from _common import DATA, Row, interleaved, judged, show, write_json
from cortexia.annotators.base import Annotator, Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.annotators.frames import Frames
from cortexia.annotators.loudness import Loudness
from cortexia.annotators.shots import Shots
from cortexia.batch.worker import Worker, WorkerOptions
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.engine import EngineOptions
from cortexia.models.base import ModelAccess
from cortexia.plan import make_specs, resolve, weights_of
from cortexia.sources import InputAdapter, identify
from cortexia.stores import open_store
from cortexia.testing import Camera, Mover, ShotSpec, SoundSpec, VideoSpec, make_video, tone
from cortexia.types import AudioBlock, Frame, Measure, Progress, Sampling, ViewSpec, frame_span
from decode import pyav_decode

TARGETS = {1080: 0.6, 360: 0.5}
NETWORK = DATA / "models/detect/nanodet_m_320.onnx"


# -- annotators of this benchmark


@dataclass(frozen=True)
class Motion(StreamAnnotator):
    """Shift between consecutive frames, in fractions of the frame."""

    name: ClassVar[str] = "bench_motion"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    view: ClassVar[ViewSpec] = ViewSpec(size=(160, 90), pixel_format="gray", resample="fast")

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (self.view,)

    def session(self, context: SessionContext) -> StreamSession:
        return MotionSession()


class MotionSession(StreamSession):
    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._window = cv2.createHanningWindow((160, 90), cv2.CV_32F)

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [[self._measured(frame)] for frame in cast(Sequence[Frame], inputs)]

    def _measured(self, frame: Frame) -> Measure:
        luma = frame.view(Motion.view).astype(np.float32)
        before, self._before = self._before, luma
        if before is None:
            return Measure(span=frame_span(frame), frame_index=frame.index, reason="first_frame")
        (x, y), response = cv2.phaseCorrelate(before, luma, self._window)
        values = {"x": x / 160, "y": y / 90, "response": response}
        return Measure(span=frame_span(frame), frame_index=frame.index, values=values)

    def progress(self) -> Progress:
        return Progress(final_until=None)


@cache
def network() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(NETWORK, options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Network(StreamAnnotator):
    """The best score of a detector on every 10th frame."""

    name: ClassVar[str] = "bench_network"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    view: ClassVar[ViewSpec] = ViewSpec(size=(320, 320), pixel_format="bgr", resample="fast")

    @property
    def sampling(self) -> Sampling:
        return Sampling.each_nth(10)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (self.view,)

    def session(self, context: SessionContext) -> StreamSession:
        return NetworkSession()


class NetworkSession(StreamSession):
    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [[self._measured(frame)] for frame in cast(Sequence[Frame], inputs)]

    def _measured(self, frame: Frame) -> Measure:
        picture = frame.view(Network.view).astype(np.float32).transpose(2, 0, 1)[np.newaxis]
        session = network()
        scores = session.run(None, {session.get_inputs()[0].name: picture})[0]
        return Measure(span=frame_span(frame), frame_index=frame.index, values={"best": float(scores.max())})


# -- running


def annotate(path: Path, recipes: Sequence[Annotator], models: ModelAccess | None = None) -> dict[str, float]:
    """All of it: identity, probe, plan, pass, windows committed to a new store. Processing seconds by annotator."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "bench.db"))
        identity = identify(next(iter(InputAdapter.adapt(path))))
        ordered, needs = resolve(recipes)
        specs = make_specs(identity.video_id, ordered, needs, weights_of=weights_of(models))
        store.save_video(identity)
        store.register_runs(list(specs.values()), {})
        job_id = store.submit_job(identity, [spec.run_id for spec in specs.values()], {})
        options = WorkerOptions(EngineOptions(threads=2), models=models)
        Worker(store, PyAVDecoder(), options, recipes=lambda config: ordered).work([job_id])
        job, runs = store.job(job_id), list(store.runs(identity.video_id))
        store.close()
    if job is None or job.status != "completed" or any(run.status != "completed" for run in runs):
        raise RuntimeError(f"{path.name}: {job}, {runs}")
    return {run.spec.annotator: run.processing_s for run in runs}


def apart(path: Path, recipes: Sequence[Annotator]) -> None:
    """What tools without a shared decode do: a pass for each annotator (key pictures need the shots', too)."""
    for recipe in recipes:
        annotate(path, [recipe])


def trios() -> Mapping[str, Sequence[Annotator]]:
    found: dict[str, Sequence[Annotator]] = {"built-in": (Shots(), Frames(), Loudness())}
    if NETWORK.is_file():
        network()
        found["vision"] = (Shots(), Motion(), Network())
    else:
        print(f"no network at {NETWORK}: the trio 'vision' is left out", file=sys.stderr)
    return found


def clip(folder: Path, height: int, seconds: int) -> Path:
    scenes = ("dusk", "city", "forest", "meadow", "sea")
    takes = tuple(
        ShotSpec(
            seconds / 5, scene=scene, camera=Camera(pan_x=0.04, shake=0.003), movers=(Mover(size=0.25),), grain=3.0
        )
        for scene in scenes
    )
    sound = SoundSpec(events=(tone(1.0, 2.0), tone(7.0, 3.0)))
    encoder = {"preset": "medium", "crf": "23"}
    spec = VideoSpec(height * 16 // 9, height, Fraction(25), takes, sound=sound, gop=250, bframes=3, encoder=encoder)
    path = folder / f"{height}p.mp4"
    make_video(path, spec)
    return path


def measure(path: Path, height: int, rounds: int) -> list[Row]:
    rows: list[Row] = []
    for name, recipes in trios().items():
        medians = interleaved(
            {
                "limit": partial(pyav_decode, path),
                "one pass": partial(annotate, path, recipes),
                "a pass each": partial(apart, path, recipes),
            },
            rounds,
        )
        ratio = {key: round(medians["limit"] / medians[key], 3) for key in ("one pass", "a pass each")}
        target = TARGETS[height]
        found = {"clip": path.stem, "trio": name, "limit_s": round(medians["limit"], 3), **ratio}
        rows.append({**found, "target": target, "": judged(ratio["one pass"], target)})
    return rows


def main() -> int:
    sys.setswitchinterval(0.001)  # as worker processes do
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for height, seconds in ((1080, 20), (360, 60)):
            rows += measure(clip(Path(folder), height, seconds), height, chosen.rounds)
    show(rows)
    write_json(chosen.json, {"ratios": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
