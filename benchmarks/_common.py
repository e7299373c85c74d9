"""What benchmarks share: measuring in turns, judging, tables, and where the real clips are."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, object]
Times = dict[str, list[float]]
DATA = Path(os.environ.get("CORTEXIA_TEST_DATA", Path(__file__).parents[1] / "../shared/data")).resolve()


def in_turns(runners: Mapping[str, Callable[[], object]], rounds: int) -> tuple[Times, Times]:
    """Wall seconds and CPU seconds (children's too) by name. The machine's mood falls on all alike: they take turns."""
    wall: Times = {name: [] for name in runners}
    cpu: Times = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            begun, spent = time.perf_counter(), sum(os.times()[:4])
            runner()
            wall[name].append(time.perf_counter() - begun)
            cpu[name].append(sum(os.times()[:4]) - spent)
    return wall, cpu


def interleaved(runners: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median wall seconds by name."""
    wall, _ = in_turns(runners, rounds)
    return {name: statistics.median(values) for name, values in wall.items()}


def paired_ratios(limit: Sequence[float], case: Sequence[float]) -> list[float]:
    """Limit over case of each round, the lowest first."""
    return sorted(a / b for a, b in zip(limit, case, strict=True))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and in brackets the lowest and the highest."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def judged(value: float, target: float) -> str:
    """A target counts as reached from 95 % of it on; the figure itself is always printed."""
    return "met" if value >= target else "within 95 %" if value >= 0.95 * target else "MISSED"


def ffmpeg_null(path: Path, *before_input: str) -> None:
    """The limit: FFmpeg decodes all pictures with two threads and throws them away."""
    command = ["ffmpeg", "-v", "error", "-threads", "2", *before_input, "-i", str(path), "-map", "0:v:0"]
    subprocess.run([*command, "-f", "null", "-"], check=True, stdin=subprocess.DEVNULL)


def show(rows: Sequence[Row]) -> None:
    """A table with the keys of the first row as its head."""
    if not rows:
        return
    widths = {key: max(len(str(key)), *(len(str(row[key])) for row in rows)) for key in rows[0]}
    for row in ({key: key for key in rows[0]}, *rows):
        print("  ".join(str(row[key]).ljust(widths[key]) for key in rows[0]).rstrip())
    print(flush=True)


def write_json(path: Path | None, result: Mapping[str, Any]) -> None:
    if path is not None:
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
        path.write_text(json.dumps({**machine, **result}, indent=1) + "\n")
