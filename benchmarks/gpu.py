"""Frames per second on a GPU with detection on every frame, at 1080p and 4K, beside the same model driven by hand.

    python benchmarks/gpu.py [--rounds 5] [--seconds 20] [--json FILE]    (make bench-gpu)

YOLOX-nano. *by hand*: PyAV with as many threads as the job has, full-size BGR, and the adapter's two calls around a
CUDA session of ONNX Runtime, in a pool of threads. *engine*: the whole pass without a store. Ratio: seconds by hand
over seconds of the engine; target 0.95. Memory: what the GPU holds more than before, at most, as ``nvidia-smi`` reads
it. Where ONNX Runtime has no CUDA or cannot start it, or no GPU or no model is here, every row says ``not measured``
and why.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime

import objects as on_cpu
from _common import DATA, Row, in_turns, judged, paired_ratios, show, spread, write_json
from cortexia.config import load_settings
from cortexia.errors import CortexiaError
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelAccess
from cortexia.models.onnx import OnnxSession
from one_pass import clip

DEVICE = "cuda:0"
CUDA = "CUDAExecutionProvider"
HEIGHTS = {"1080p": 1080, "4K": 2160}
TARGET = 0.95
_READ_EVERY_S = 0.1


def why_not() -> str | None:
    """Why nothing can be measured here."""
    if CUDA not in onnxruntime.get_available_providers():
        return "ONNX Runtime has no CUDA here (pip install onnxruntime-gpu in place of onnxruntime)"
    if shutil.which("nvidia-smi") is None or used_bytes() is None:
        return "no GPU is here"
    try:
        # what is listed may still not start: cuDNN is missing, or too old
        OnnxSession("yolox-nano", on_cpu.MODEL.read_bytes(), DEVICE)
    except (OSError, CortexiaError) as error:
        return str(error)
    return None


def used_bytes() -> int | None:
    """Memory of the first GPU in use; ``None`` where there is none."""
    asked = ["nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    read = subprocess.run(asked, capture_output=True, text=True, check=False)
    return int(read.stdout.split()[0]) * 1024 * 1024 if read.returncode == 0 and read.stdout.split() else None


class Watch:
    """The most that the GPU held while the block ran, above what it held before."""

    def __enter__(self) -> Watch:
        self._before, self._most, self._over = used_bytes() or 0, 0, threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        while not self._over.wait(_READ_EVERY_S):
            self._most = max(self._most, (used_bytes() or 0) - self._before)

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._reader.join()

    @property
    def mib(self) -> int:
        return self._most // (1024 * 1024)


def measure(size: str, path: Path, rounds: int, models: ModelAccess, threads: int) -> list[Row]:
    engine = partial(on_cpu.whole_pass, models, threads, path=path)
    with Watch() as watch:
        count = engine()
    hand = on_cpu.ByHand(threads, CUDA)
    runners = {"by hand": lambda: hand.each(hand.detect, on_cpu.decoded(None, path, threads)), "engine": engine}
    times, cpu = in_turns(runners, rounds)
    ratios = paired_ratios(times["by hand"], times["engine"])
    return [
        {
            "size": size,
            "case": name,
            "frames_per_s": spread([count / one for one in taken], 1),
            "cpu_ms a frame": spread([spent / count * 1000 for spent in cpu[name]], 1),
            "gpu_mib": watch.mib if name == "engine" else "",
            "ratio": spread(ratios) if name == "engine" else "",
            "": judged(statistics.median(ratios), TARGET) if name == "engine" else "",
        }
        for name, taken in times.items()
    ]


def not_measured(why: str) -> list[Row]:
    return [{"size": size, "case": "engine", "frames_per_s": "not measured", "": why} for size in HEIGHTS]


def measured(chosen: Any) -> list[Row]:
    threads = os.cpu_count() or 2
    settings = ModelSettings.of(load_settings().settings)
    settings = replace(settings, folders=(*settings.folders, DATA / "models"), device=DEVICE, threads=threads)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for size, height in HEIGHTS.items():
            path = clip(Path(folder), height, chosen.seconds)
            rows += measure(size, path, chosen.rounds, open_models(settings), threads)
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    sys.setswitchinterval(0.001)  # as worker processes do
    why = why_not()
    rows = not_measured(why) if why else measured(chosen)
    show(rows)
    write_json(chosen.json, {"rows": rows, "target": TARGET})
    return 0


if __name__ == "__main__":
    sys.exit(main())
