"""What a second worker brings: the same folder by one and by two workers, each with one thread.

    python benchmarks/workers.py [--clips 16] [--rounds 3] [--json FILE]

Efficiency is the speed-up over two: 1.0 where the second worker, with a processor of its own, brings as much as the
first did with one. All run as a user runs them, ``cortexia annotate``, start-up included; the one worker is confined to
one processor, as a container is. Shown beside it: one worker that has the second processor to itself (a worker decodes
while it annotates, and so takes more than one), and what the machine gives: the same clips decoded by one and by two
bare processes (two processors may be two halves of one core). Target: 0.85.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from functools import partial
from pathlib import Path

from _common import Row, in_turns, show, write_json
from cortexia.testing import SCENES, Camera, ShotSpec, SoundSpec, VideoSpec, loop_video, make_video, tone

CORTEXIA = str(Path(sys.executable).with_name("cortexia"))
ANNOTATORS = "shots,frames,motion,loudness"
TARGET = 0.85
PAIRS = (
    ("one worker, one processor", "two workers"),
    ("one worker, two processors", "two workers"),
    ("one decoder", "two decoders"),
)
DECODE = """
import sys, av
for path in sys.argv[1:]:
    with av.open(path) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            frame.to_ndarray(format="yuv420p")
"""


def clips(folder: Path, count: int) -> list[Path]:
    """Half a minute of 360p each. All differ, else they would be one video."""
    folder.mkdir()
    scenes = sorted(SCENES)
    paths = []
    for number in range(count):
        takes = tuple(
            ShotSpec(2.0, scene=scenes[(number + at) % len(scenes)], camera=Camera(pan_x=0.01 * (number + 1)))
            for at in range(3)
        )
        sound = SoundSpec(events=(tone(1.0, 2.0), tone(4.0, 5.0)))
        make_video(folder / "once.mp4", VideoSpec(640, 360, Fraction(25), takes, sound=sound))
        loop_video(folder / "once.mp4", folder / f"{number:03}.mp4", 5)
        paths.append(folder / f"{number:03}.mp4")
    (folder / "once.mp4").unlink()
    return paths


def annotate(folder: Path, workers: int, processors: int = 2) -> None:
    with tempfile.TemporaryDirectory() as place:
        store = str(Path(place) / "bench.db")
        command = [CORTEXIA, "annotate", str(folder), "--store", store, "--annotators", ANNOTATORS]
        command += ["--workers", str(workers), "--threads", "1"]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=quiet, stderr=quiet, preexec_fn=lambda: confine(processors))


def confine(processors: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])


def decode(paths: list[Path], processes: int) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", DECODE, *map(str, paths[at::processes])]) for at in range(processes)
    ]
    if any(process.wait() for process in running):
        raise RuntimeError("a clip could not be decoded")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clips", type=int, default=16)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = clips(Path(name) / "clips", chosen.clips)
        folder = paths[0].parent
        runners = {
            "one worker, one processor": partial(annotate, folder, 1, 1),
            "one worker, two processors": partial(annotate, folder, 1),
            "two workers": partial(annotate, folder, 2),
            "one decoder": partial(decode, paths, 1),
            "two decoders": partial(decode, paths, 2),
        }
        annotate(folder, 1)  # digests are remembered from here on, for all alike
        wall, _ = in_turns(runners, chosen.rounds)
    efficiencies = {
        (first, second): [one / two / 2 for one, two in zip(wall[first], wall[second], strict=True)]
        for first, second in PAIRS
    }
    rows: list[Row] = [
        {
            "first": first,
            "s": f"{statistics.median(wall[first]):.1f}",
            "second": second,
            "s ": f"{statistics.median(wall[second]):.1f}",
            "speed-up / 2": f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})",
        }
        for (first, second), values in efficiencies.items()
    ]
    show(rows)
    reached = statistics.median(efficiencies[PAIRS[0]])
    print(f"efficiency of two workers: {reached:.2f} (target {TARGET}): {'met' if reached >= TARGET else 'MISSED'}")
    shares = {" : ".join(pair): values for pair, values in efficiencies.items()}
    write_json(chosen.json, {"wall_s": wall, "efficiency": shares, "target": TARGET})


if __name__ == "__main__":
    main()
