"""Objects per second beside the same session driven by hand on the same pictures, in turns, and what start-up takes.

    python benchmarks/objects.py [--rounds 7] [--json FILE] [--frames 64]

*by hand*: a loop over the pictures that shrinks, runs ONNX Runtime and decodes, with as many threads over one session.
*annotator*: the session of ``objects`` on the same pictures in memory. *decoded by hand*: PyAV and the loop above, on
one clip; *engine*: the whole pass, without a store. Ratios above 1.0: the product is faster. Target: 0.95.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import onnxruntime

from _common import DATA, Row, interleaved, judged, show, write_json
from cortexia.annotators.base import SessionContext
from cortexia.annotators.objects import FULL, Objects
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.engine import EngineOptions, PassContext, VideoAnnotation
from cortexia.models.base import ModelEntry, TensorSpec
from cortexia.plan import make_plan
from cortexia.types import WHOLE_VIDEO, MediaInfo, Timestamp

MODEL = DATA / "models/detect/yolox_nano.onnx"
CLIP = DATA / "videos/intel/car-detection.mp4"
BATCH = 8
TARGET = 0.95
THRESHOLD = 0.25


def open_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


# -- by hand


class ByHand:
    """What one would write for this network alone."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        cells = [(x, y, stride) for stride in (8, 16, 32) for y in range(416 // stride) for x in range(416 // stride)]
        self._grid = np.array(cells, np.float32)

    def detect(self, picture: np.ndarray) -> int:
        height, width = picture.shape[:2]
        scale = min(416 / height, 416 / width)
        square = np.full((416, 416, 3), 114, np.uint8)
        inner = int(width * scale), int(height * scale)
        square[: inner[1], : inner[0]] = cv2.resize(picture, inner)
        batch = np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32)
        cells = self._session.run(None, {"images": batch})[0][0]
        scores = cells[:, 4:5] * cells[:, 5:]
        kinds, best = scores.argmax(1), scores.max(1)
        chosen = best > THRESHOLD
        grid, kept = self._grid[chosen], cells[chosen]
        size = np.exp(kept[:, 2:4]) * grid[:, 2:]
        corner = (kept[:, :2] + grid[:, :2]) * grid[:, 2:] - size / 2
        boxes = np.hstack((corner, size)) / scale
        return len(cv2.dnn.NMSBoxesBatched(boxes, best[chosen], kinds[chosen], THRESHOLD, 0.45))

    def detect_all(self, pictures: Iterable[np.ndarray], threads: int) -> None:
        """``threads`` at once, a few pictures in flight."""
        waiting = iter(pictures)
        with ThreadPoolExecutor(threads) as pool:
            while batch := list(islice(waiting, BATCH)):
                list(pool.map(self.detect, batch))


def decoded(limit: int | None = None) -> Iterable[np.ndarray]:
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
        for frame in islice(container.decode(stream), limit):
            yield frame.to_ndarray(format="bgr24")


# -- the product


@dataclass
class OneModel:
    """``ModelAccess`` for this one file."""

    session: onnxruntime.InferenceSession
    threads: int

    def entry(self, model_id: str) -> ModelEntry:
        return ModelEntry(model_id, "detect", MODEL.name, 0, "0" * 64, "Apache-2.0", "", "yolox")

    def open(self, model_id: str) -> OneModel:
        return self

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("images", (1, 3, 416, 416)),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("output", (1, 3549, 85)),)

    def run(self, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        return self.session.run(None, feeds)


@dataclass
class Held:
    """A frame in memory."""

    index: int
    picture: np.ndarray

    @property
    def timestamp(self) -> Timestamp:
        return Timestamp(self.index, Fraction(1, 25))

    @property
    def end(self) -> Timestamp:
        return Timestamp(self.index + 1, Fraction(1, 25))

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.shape[1], self.picture.shape[0]

    def view(self, spec: object) -> np.ndarray:
        assert spec == FULL
        return self.picture


def annotate(models: OneModel, info: MediaInfo, pictures: list[np.ndarray]) -> None:
    session = Objects(model="yolox-nano").session(SessionContext(info, lambda data, suffix: "", models))
    frames: Any = [Held(index, picture) for index, picture in enumerate(pictures)]
    for start in range(0, len(frames), BATCH):
        session.process(frames[start : start + BATCH], [[]] * BATCH)
    session.close()


class NothingStored:
    def emitted(self, run_id: str, start: int, end: int | None) -> Any:
        return iter(())


def whole_pass(models: OneModel, threads: int) -> None:
    decoder = PyAVDecoder()
    info = decoder.probe(CLIP)
    plan = make_plan("0" * 64, [Objects(model="yolox-nano")], info, weights_of=lambda model_id: "0" * 64)
    context = PassContext(
        video_id="0" * 64,
        path=CLIP,
        session=SessionContext(info, lambda data, suffix: "", models),
        decoder=decoder,
        reader=NothingStored(),  # type: ignore[arg-type]
        options=EngineOptions(threads=threads),
        time_range=WHOLE_VIDEO,
    )
    for _ in VideoAnnotation(plan, context).windows():
        pass


# -- figures


def rows(rounds: int, count: int, threads: int) -> list[Row]:
    session = open_session()
    by_hand, models = ByHand(session), OneModel(session, threads)
    pictures = list(decoded(count))
    cases: dict[str, Callable[[], object]] = {
        "by hand": partial(by_hand.detect_all, pictures, threads),
        "annotator": partial(annotate, models, PyAVDecoder().probe(CLIP), pictures),
        "decoded by hand": lambda: by_hand.detect_all(decoded(), threads),
        "engine": partial(whole_pass, models, threads),
    }
    medians = interleaved(cases, rounds)
    total = sum(1 for _ in decoded())
    counts = {"by hand": len(pictures), "annotator": len(pictures), "decoded by hand": total, "engine": total}
    beside = {"annotator": "by hand", "engine": "decoded by hand"}
    return [
        {
            "case": name,
            "threads": threads,
            "frames_per_s": round(counts[name] / seconds, 1),
            "ratio": round(medians[beside[name]] / seconds, 3) if name in beside else "",
        }
        for name, seconds in medians.items()
    ]


def start_up(rounds: int) -> float:
    """Median seconds from nothing to a session that has run once."""

    def ready() -> None:
        open_session().run(None, {"images": np.zeros((1, 3, 416, 416), np.float32)})

    return interleaved({"ready": ready}, rounds)["ready"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--frames", type=int, default=64, help="pictures held in memory")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if not MODEL.is_file():
        sys.exit(f"the model is not here: {MODEL}")
    found = [row for threads in (1, 2) for row in rows(chosen.rounds, chosen.frames, threads)]
    show(found)
    ready_s = start_up(chosen.rounds)
    print(f"model ready after {ready_s * 1000:.0f} ms (target: 5 s)")
    verdicts = [
        f"{row['case']}, threads {row['threads']}: {row['ratio']} (target {TARGET}): "
        + judged(float(str(row["ratio"])), TARGET)
        for row in found
        if row["ratio"]
    ]
    print("\n".join(verdicts))
    write_json(chosen.json, {"rows": found, "model_ready_s": ready_s, "target": TARGET, "verdicts": verdicts})
    return 0


if __name__ == "__main__":
    sys.exit(main())
