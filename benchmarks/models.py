"""A model from a cold process to its first answer, beside ONNX Runtime alone; and what a model in memory costs.

    python benchmarks/models.py [--rounds 9] [--json FILE] [--model yolox-nano]

Each round starts a process anew, with files in the system's cache. *bare*: ONNX Runtime on the file's path.
*cortexia*: catalogue, search below the folders, digest of the file, size, digest and content of the very bytes that
are opened, session. *first time*: no digest is remembered, so the file is hashed to find it, and hashed again when it
is opened. Aim: ready, with one picture run, within 5 s of the start of the process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from _common import DATA, Row, show, spread, write_json
from cortexia.models.access import ModelSettings, open_models
from cortexia.models.base import ModelEntry, Tensor, TensorSpec
from cortexia.models.catalogue import load_catalogue
from cortexia.models.manager import ResourceManager

FOLDER = DATA / "models"
AIM_S = 5.0
CALLS = 10_000
STEPS = ("import", "load", "first picture", "process")

CHILD = """
import json, sys, time
settings = json.loads(sys.argv[1])
marks = [time.perf_counter()]
if settings["is_bare"]:
    import numpy, onnxruntime
    marks.append(time.perf_counter())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(settings["path"], options, providers=["CPUExecutionProvider"])
    run = lambda feeds: session.run(None, feeds)
else:
    import numpy, onnxruntime
    from cortexia.models.access import ModelSettings, open_models
    marks.append(time.perf_counter())
    run = open_models(ModelSettings.from_payload(settings["payload"])).open(settings["model"]).run
marks.append(time.perf_counter())
run({settings["input"]: numpy.zeros(settings["shape"], numpy.float32)})
marks.append(time.perf_counter())
print(json.dumps([after - before for before, after in zip(marks, marks[1:])]))
"""


# -- from a cold process


def fresh(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds of each step in a process of its own, and of the process itself."""
    command = [sys.executable, "-c", CHILD, json.dumps(settings)]
    begun = time.perf_counter()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return dict(zip(STEPS, [*json.loads(told), time.perf_counter() - begun], strict=True))


def start_up(entry: ModelEntry, rounds: int, folder: Path) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each step in each round, by case."""
    kept = ModelSettings((FOLDER,), cache=folder / "kept")
    taken_in = open_models(kept).open(entry.id).inputs[0]
    shape = [side or 1 for side in taken_in.shape]
    common = {"model": entry.id, "input": taken_in.name, "shape": shape, "is_bare": False}
    taken: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for at in range(rounds):
        new = ModelSettings((FOLDER,), cache=folder / f"new{at}")
        cases: dict[str, dict[str, Any]] = {
            "bare": {"is_bare": True, "path": str(kept.library().where(entry))},
            "cortexia": {"payload": kept.as_payload()},
            "cortexia, first time": {"payload": new.as_payload()},
        }
        for name, own in cases.items():
            for step, seconds in fresh({**common, **own}).items():
                taken[name][step].append(seconds * 1000)
    return taken


# -- in memory


class Instant:
    """A session that answers at once: what is left is the manager's."""

    inputs = outputs = (TensorSpec("x", (1,)),)

    def run(self, feeds: object) -> Sequence[Tensor]:
        return ()


def microseconds(call: Callable[[], object], rounds: int) -> list[float]:
    """Of one call, in each round."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(CALLS):
            call()
        found.append((time.perf_counter() - begun) / CALLS * 1e6)
    return found


def resident(entry: ModelEntry, rounds: int) -> list[Row]:
    catalogue = load_catalogue()
    manager = ResourceManager(lambda: catalogue, lambda _: Instant())
    handle = manager.open(entry.id)
    opened = microseconds(partial(manager.open, entry.id), rounds)
    run = microseconds(partial(handle.run, {}), rounds)
    return [
        {"one call": "open, in memory", "takes": f"{spread(opened, 1)} us"},
        {"one call": "run, beyond the session's own", "takes": f"{spread(run, 1)} us"},
        {"one call": "open, after it was put away", "takes": f"{spread(brought_back(entry, rounds), 0)} ms"},
    ]


def brought_back(entry: ModelEntry, rounds: int) -> list[float]:
    """Milliseconds, with the digest remembered."""
    with tempfile.TemporaryDirectory() as folder:
        models = open_models(ModelSettings((FOLDER,), cache=Path(folder)))
        found = []
        models.open(entry.id)
        for _ in range(rounds):
            models.close()
            begun = time.perf_counter()
            models.open(entry.id)
            found.append((time.perf_counter() - begun) * 1000)
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--model", default="yolox-nano")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    entry = load_catalogue()[chosen.model]
    if ModelSettings((FOLDER,)).library().find(entry) is None:
        print(f"left out: model {entry.id} is not here (searched: {FOLDER})")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        started = start_up(entry, chosen.rounds, Path(folder))
    show([{"ms": name, **{step: spread(found[step], 0) for step in STEPS}} for name, found in started.items()])
    kept = resident(entry, chosen.rounds)
    show(kept)
    ready_s = statistics.median(started["cortexia, first time"]["process"]) / 1000
    print(f"{entry.id} ready after {ready_s:.2f} s (aim: {AIM_S} s): {'met' if ready_s <= AIM_S else 'MISSED'}")
    write_json(chosen.json, {"model": entry.id, "ms": started, "in_memory": kept, "aim_s": AIM_S})
    return 0


if __name__ == "__main__":
    sys.exit(main())
