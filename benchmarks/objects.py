"""Pictures per second of ``objects`` beside the same network driven by hand, in turns.

    python benchmarks/objects.py [--rounds 7] [--json FILE] [--seconds 24] [--threads 2]

All cases share the budget of threads, and one session of ONNX Runtime with one thread inside. *bare session*: tensors
prepared before, nothing read from the outputs; what the network alone costs. *by hand*: the adapter's two calls around
the session, on pictures in memory; *annotator*: the session of ``objects`` on the same. *decoded by hand*: PyAV with
two threads, the decoder's own conversion to full-size BGR, and the calls as before; *engine*: the whole pass without
a store. Ratio: seconds by hand over seconds of the product. Target: 0.95.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime

from _common import DATA, Row, in_turns, judged, paired_ratios, show, spread, write_json
from _frames import MadeFrame
from cortexia.annotators.base import SessionContext
from cortexia.annotators.objects import FULL, Objects
from cortexia.decoders.memory import keep_freed_buffers
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.decoders.views import ViewMaker
from cortexia.engine import EngineOptions, PassContext, VideoAnnotation
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.adapters.base import Limits
from cortexia.models.adapters.yolox import MAX_OVERLAP, Yolox
from cortexia.models.base import ModelAccess
from cortexia.plan import make_plan
from cortexia.types import WHOLE_VIDEO, MediaInfo, TimeRange

MODEL = DATA / "models/detect/yolox_nano.onnx"
CLIP = DATA / "videos/intel/car-detection.mp4"
SIDE = 416
TARGET = 0.95
PRODUCT = {"annotator": "by hand", "engine": "decoded by hand"}


# -- by hand


class ByHand:
    """What one would write around the adapter's two calls."""

    def __init__(self, threads: int, provider: str = "CPUExecutionProvider") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(MODEL), options, providers=[provider])
        self._family = Yolox(SIDE, Limits(Objects().least, MAX_OVERLAP))
        self._threads = threads

    def prepared(self, pictures: Iterable[np.ndarray]) -> list[np.ndarray]:
        return [self._family.prepare(picture)[None] for picture in pictures]

    def run(self, tensor: np.ndarray) -> Any:
        return self._session.run(None, {"images": tensor})

    def detect(self, picture: np.ndarray) -> int:
        height, width = picture.shape[:2]
        cells = self.run(self._family.prepare(picture)[None])[0]
        return len(self._family.read([cells[0]], width, height))

    def each(self, call: Callable[[np.ndarray], object], inputs: Iterable[np.ndarray]) -> None:
        """As many at once as there are threads, and as many again that wait; the inputs are made meanwhile."""
        under_way: deque[Future[object]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for item in inputs:
                under_way.append(pool.submit(call, item))
                if len(under_way) >= 2 * self._threads:
                    under_way.popleft().result()
            for rest in under_way:
                rest.result()


def decoded(count: int | None = None, path: Path = CLIP, threads: int = 2) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", threads
        maker = ViewMaker(0, Fraction(1))
        for frame in islice(container.decode(stream), count):
            yield maker.make(frame, FULL)


# -- the product


def annotate(models: ModelAccess, info: MediaInfo, pictures: list[np.ndarray]) -> None:
    recipe = Objects(model="yolox-nano")
    session = recipe.session(SessionContext(info, lambda data, suffix: "", models))
    frames: Any = [MadeFrame(index, picture, FULL) for index, picture in enumerate(pictures)]
    for start in range(0, len(frames), recipe.batch_size):
        session.begin(frames[start : start + recipe.batch_size + recipe.ahead])
        batch = frames[start : start + recipe.batch_size]
        session.process(batch, [[]] * len(batch))
    session.close()


class NothingStored:
    def emitted(self, run_id: str, start: int, end: int | None) -> Any:
        return iter(())


def whole_pass(models: ModelAccess, threads: int, seconds: float | None = None, path: Path = CLIP) -> int:
    """How many pictures were looked at."""
    decoder = PyAVDecoder()
    info = decoder.probe(path)
    plan = make_plan("0" * 64, [Objects(model="yolox-nano")], info, weights_of=lambda model_id: "0" * 64)
    context = PassContext(
        video_id="0" * 64,
        path=path,
        session=SessionContext(info, lambda data, suffix: "", models),
        decoder=decoder,
        reader=NothingStored(),  # type: ignore[arg-type]
        options=EngineOptions(threads=threads),
        time_range=TimeRange(0.0, seconds) if seconds else WHOLE_VIDEO,
    )
    return max(part.position for window in VideoAnnotation(plan, context).windows() for part in window.runs)


# -- figures


def cases(threads: int, seconds: float) -> tuple[Mapping[str, Callable[[], object]], int]:
    """What to run, and how many pictures each looks at."""
    models = open_models(ModelSettings((DATA / "models",), threads=threads))
    by_hand = ByHand(threads)
    count = whole_pass(models, threads, seconds)
    pictures = list(decoded(count))
    tensors = by_hand.prepared(pictures)
    info = PyAVDecoder().probe(CLIP)
    return {
        "bare session": partial(by_hand.each, by_hand.run, tensors),
        "by hand": partial(by_hand.each, by_hand.detect, pictures),
        "annotator": partial(annotate, models, info, pictures),
        "decoded by hand": lambda: by_hand.each(by_hand.detect, decoded(count)),
        "engine": partial(whole_pass, models, threads, seconds),
    }, count


def measure(rounds: int, threads: int, seconds: float) -> list[Row]:
    runners, count = cases(threads, seconds)
    times, cpu = in_turns(runners, rounds)
    rows: list[Row] = []
    for name, taken in times.items():
        beside = PRODUCT.get(name)
        ratios = paired_ratios(times[beside], taken) if beside else []
        rows.append(
            {
                "case": name,
                "threads": threads,
                "pictures_per_s": spread([count / one for one in taken], 1),
                "cpu_ms a picture": spread([spent / count * 1000 for spent in cpu[name]], 1),
                "of the bare session": spread(paired_ratios(times["bare session"], taken)),
                "ratio": spread(ratios) if beside else "",
                "": judged(statistics.median(ratios), TARGET) if beside else "",
            }
        )
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=24.0, help="of the clip")
    options.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if not MODEL.is_file():
        print(f"left out: the model is not here ({MODEL}); set CORTEXIA_TEST_DATA to a folder that has it")
        return 0
    sys.setswitchinterval(0.001)  # as worker processes do
    keep_freed_buffers()
    found = [row for threads in chosen.threads for row in measure(chosen.rounds, threads, chosen.seconds)]
    show(found)
    write_json(chosen.json, {"rows": found, "target": TARGET})
    return 0


if __name__ == "__main__":
    sys.exit(main())
