"""What a crash costs: a ten-minute clip killed at 90 % and run again, beside a run that nobody disturbed.

    python benchmarks/resume.py [--rounds 5] [--json FILE]

Both as a user runs them: ``cortexia annotate`` in a process of its own, killed with its worker by SIGKILL once nine
tenths of the frames are committed. The cost is what the second run takes; decoding goes on from the last anchor, and
packets before it are read but not decoded. Start-up (a run that finds everything done) is shown beside them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import psutil

from _common import show, write_json
from cortexia.testing import SCENES, Camera, ShotSpec, SoundSpec, VideoSpec, loop_video, make_video, tone

CORTEXIA = str(Path(sys.executable).with_name("cortexia"))
ANNOTATORS = "shots,frames,loudness,shot_summary"
SHARE = 0.9


def clip(folder: Path) -> tuple[Path, int]:
    """Ten minutes of 360p by stream copy, and the number of its frames."""
    takes = tuple(ShotSpec(3.0, scene=scene, camera=Camera(pan_x=0.05)) for scene in sorted(SCENES)[:5])
    sound = SoundSpec(events=(tone(1.0, 2.0), tone(8.0, 3.0)))
    spec = VideoSpec(640, 360, Fraction(25), takes, sound=sound, gop=250, bframes=2)
    make_video(folder / "quarter.mp4", spec)
    loop_video(folder / "quarter.mp4", folder / "ten-minutes.mp4", 40)
    return folder / "ten-minutes.mp4", 40 * 5 * 75


def command(path: Path, store: Path) -> list[str]:
    return [CORTEXIA, "annotate", str(path), "--store", str(store), "--annotators", ANNOTATORS, "--json"]


def run(path: Path, store: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command(path, store), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def run_and_kill(path: Path, store: Path, frames: int) -> float:
    """The share of the frames that was committed when the run died."""
    process = subprocess.Popen(command(path, store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and position(store) < SHARE * frames:
        time.sleep(0.02)
    if process.poll() is not None:
        raise RuntimeError("the run ended before it could be killed")
    parent = psutil.Process(process.pid)
    for victim in (*parent.children(recursive=True), parent):
        victim.kill()
    process.wait()
    return position(store) / frames


def position(store: Path) -> int:
    """Frames committed by the pictures' runs: the least of them."""
    if not store.exists():
        return 0
    try:
        database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            query = "SELECT min(position) FROM runs WHERE annotator IN ('shots', 'frames')"
            return database.execute(query).fetchone()[0] or 0
        finally:
            database.close()
    except sqlite3.OperationalError:
        return 0  # not made yet


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    times: dict[str, list[float]] = {"full run": [], "run again after the kill": [], "run with nothing to do": []}
    shares = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["CORTEXIA_CACHE_DIR"] = str(folder / "cache")
        path, frames = clip(folder)
        for _ in range(chosen.rounds):
            times["full run"].append(run(path, folder / "full/s.db"))
            times["run with nothing to do"].append(run(path, folder / "full/s.db"))
            shares.append(run_and_kill(path, folder / "killed/s.db", frames))
            times["run again after the kill"].append(run(path, folder / "killed/s.db"))
            shutil.rmtree(folder / "full")
            shutil.rmtree(folder / "killed")
    medians = {name: statistics.median(values) for name, values in times.items()}
    full = medians["full run"]
    show([{"": name, "s": round(value, 2), "of a full run": round(value / full, 3)} for name, value in medians.items()])
    print(
        f"committed when killed: {statistics.median(shares):.1%} of {frames} frames (medians of {chosen.rounds} rounds)"
    )
    write_json(chosen.json, {"median_s": medians, "rounds_s": times, "committed_when_killed": shares})
    return 0


if __name__ == "__main__":
    sys.exit(main())
