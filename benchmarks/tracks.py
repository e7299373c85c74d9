"""Tracks: MOTA, IDF1, switches and time beside ByteTrack of the package ``trackers``, on the same detections.

    python benchmarks/tracks.py [--rounds 3] [--seeds 1 2 3 4] [--json FILE] [--mot FOLDER...] [--fps N]

Scenes of sixteen kinds are generated with known tracks, once for each seed; seeds from 101 on were used while the
tracker was made, and are not to be reported. ``--mot``: folders in the form of the MOT challenges instead. Scores are
those of motmetrics at an overlap of 0.5, means over the seeds. Time is CPU time in ``update`` (and ``finish``), both
in turns, each with one thread. Both have their defaults, and a buffer of 2 s. The peer lives in
``bench-results/peer-tracks``, and is put there when it is missing.

Targets: mean MOTA and mean IDF1 at most half a point below the peer, no scene by more than 2 points, and at most half
the time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import motmetrics
import numpy as np

from _common import Row, show, spread, write_json
from clips.mot_folder import read_mot
from clips.tracked_scenes import SCENES, TrackedFrame, make_scene
from cortexia.trackers import TrackerOptions, make_tracker

HERE = Path(__file__).parent
PEER = Path("bench-results/peer-tracks")
PEER_PACKAGES = ("supervision==0.31.2", "opencv-python-headless>=4.10,<5", "rich", "scipy>=1.15,<2", "numpy>=2.1,<3")
BUFFER_S = 2.0
METRICS = ["mota", "idf1", "num_switches", "num_misses", "num_false_positives"]
WITHIN, WORST, TIME = 0.5, 2.0, 0.5
Ids = list[list[int]]


@dataclass
class Case:
    """A scene, and for each side its scores and its CPU seconds by round."""

    name: str
    per_second: float
    frames: list[TrackedFrame]
    is_irregular: bool = False
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: {"ours": [], "peer": []})


# -- both sides


def ours(case: Case) -> tuple[Ids, float]:
    tracker = make_tracker("bytetrack", TrackerOptions(buffer_s=BUFFER_S))
    begun = time.process_time()
    for frame in case.frames:
        tracker.update(frame.time_s, frame.boxes, frame.scores)
    ids = tracker.finish()
    spent = time.process_time() - begun
    ends = np.cumsum([len(frame.scores) for frame in case.frames])
    return [part.tolist() for part in np.split(ids, ends[:-1])], spent


def peer(cases: Sequence[Case]) -> list[tuple[Ids, float]]:
    """All cases in one process of its own environment."""
    scenes = [
        {
            "per_second": case.per_second,
            "irregular": case.is_irregular,
            "frames": [(frame.time_s, frame.boxes.tolist(), frame.scores.tolist()) for frame in case.frames],
        }
        for case in cases
    ]
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "asked.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps({"buffer_s": BUFFER_S, "scenes": scenes}))
        command = [str(PEER / "bin" / "python"), "-W", "ignore", str(HERE / "_peer_tracks.py"), str(asked), str(answer)]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        subprocess.run(command, check=True, env={**os.environ, **one_thread})
        return [(item["ids"], item["cpu_s"]) for item in json.loads(answer.read_text())]


def install_peer() -> None:
    """Its declared OpenCV is left out: it would bring windows with it, and what is called here needs none."""
    python = PEER / "bin" / "python"
    if (
        python.exists()
        and not subprocess.run([python, "-W", "ignore", "-c", "import trackers"], check=False).returncode
    ):
        return
    PEER.parent.mkdir(exist_ok=True)
    subprocess.run([sys.executable, str(HERE.parent / "tools" / "bootstrap.py"), str(PEER)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PEER_PACKAGES], check=True)
    subprocess.run([*pip, "--no-deps", "trackers==2.6.1"], check=True)


# -- scores


def scored(case: Case, ids: Ids) -> dict[str, float]:
    """Points for MOTA and IDF1, counts for the others."""
    book = motmetrics.MOTAccumulator(auto_id=True)
    for frame, tracks in zip(case.frames, ids, strict=True):
        kept = np.array(tracks, np.int64) > 0
        away = distances(frame.truth[:, 1:], frame.boxes[kept])
        book.update(frame.truth[:, 0].astype(int).tolist(), np.array(tracks, np.int64)[kept].tolist(), away)
    found = motmetrics.metrics.create().compute(book, metrics=METRICS, return_dataframe=False)
    return {name: float(found[name]) * (100 if name in ("mota", "idf1") else 1) for name in METRICS}


def distances(real: np.ndarray, said: np.ndarray) -> np.ndarray:
    """1 less intersection over union, (n, m); not a number above 0.5. That of motmetrics 1.4 needs a NumPy before 2."""
    low = np.maximum(real[:, None, :2], said[None, :, :2])
    high = np.minimum(real[:, None, 2:], said[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=-1)
    areas, others = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (real, said))
    away = 1.0 - common / (areas[:, None] + others - common)
    return np.where(away > 0.5, np.nan, away)


def measure(cases: Sequence[Case], rounds: int) -> None:
    for number in range(rounds):
        own = [ours(case) for case in cases]
        other = peer(cases)
        for case, mine, theirs in zip(cases, own, other, strict=True):
            for side, (ids, spent) in (("ours", mine), ("peer", theirs)):
                case.cpu_s[side].append(spent)
                if number == 0:
                    case.scores[side] = scored(case, ids)


# -- figures


def row_of(name: str, cases: Sequence[Case]) -> Row:
    """Means over the cases of a name."""
    row: Row = {"scene": name, "a frame": f"{statistics.mean(len(f.scores) for c in cases for f in c.frames):.1f}"}
    for metric, digits in (("mota", 1), ("idf1", 1), ("num_switches", 0)):
        mine, theirs = (sum(case.scores[side][metric] for case in cases) for side in ("ours", "peer"))
        if digits:
            mine, theirs = mine / len(cases), theirs / len(cases)
        row[metric.removeprefix("num_")] = f"{mine:.{digits}f}"
        row[f"{metric.removeprefix('num_')} peer"] = f"{theirs:.{digits}f}"
    frames = sum(len(case.frames) for case in cases)
    mine, theirs = ([sum(times) for times in zip(*(c.cpu_s[s] for c in cases), strict=True)] for s in ("ours", "peer"))
    row["us a frame"] = f"{statistics.median(mine) / frames * 1e6:.0f}"
    row["us peer"] = f"{statistics.median(theirs) / frames * 1e6:.0f}"
    row["of its time"] = spread([a / b for a, b in zip(mine, theirs, strict=True)])
    return row


def differences(names: Iterable[str], cases: Sequence[Case], metric: str) -> list[float]:
    """Ours less the peer's, points, the mean over the cases of each name."""
    return [
        statistics.mean(c.scores["ours"][metric] - c.scores["peer"][metric] for c in cases if c.name == name)
        for name in names
    ]


def verdict(names: Sequence[str], cases: Sequence[Case]) -> dict[str, object]:
    said: dict[str, object] = {}
    for metric in ("mota", "idf1"):
        gaps = differences(names, cases, metric)
        reached = statistics.mean(gaps) >= -WITHIN and min(gaps) >= -WORST
        said[metric] = (
            f"{statistics.mean(gaps):+.2f} in the mean, {min(gaps):+.2f} at worst: {'met' if reached else 'MISSED'}"
        )
    rounds = zip(*(zip(c.cpu_s["ours"], c.cpu_s["peer"], strict=True) for c in cases), strict=True)
    shares = [sum(a for a, _ in one) / sum(b for _, b in one) for one in rounds]
    said["time"] = f"{spread(shares)} of the peer's: {'met' if statistics.median(shares) <= TIME else 'MISSED'}"
    return said


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    options.add_argument("--mot", type=Path, nargs="+", default=[])
    options.add_argument("--fps", type=float, help="of the MOT folders, where they do not say")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    try:
        install_peer()
    except subprocess.CalledProcessError as error:
        print(f"left out: the peer cannot be installed ({error})")
        return 0
    cases = [Case(folder.name, *read_mot(folder, chosen.fps)) for folder in chosen.mot] or [
        Case(spec.name, spec.per_second, make_scene(spec, seed), spec.irregular)
        for spec in SCENES
        for seed in chosen.seeds
    ]
    measure(cases, chosen.rounds)
    names = list(dict.fromkeys(case.name for case in cases))
    rows = [row_of(name, [case for case in cases if case.name == name]) for name in names]
    show(rows)
    said = verdict(names, cases)
    for what, text in said.items():
        print(f"{what}: {text}")
    write_json(chosen.json, {"rows": rows, **said, "seeds": chosen.seeds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
