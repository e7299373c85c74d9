"""Start-up: bare Python, ``import cortexia`` and ``cortexia --help``, in turns; medians of wall time.

    python benchmarks/startup.py [--rounds 11] [--json FILE]

Aim: ``cortexia --help`` within 0.2 s.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

AIM_S = 0.2
CASES = {
    "bare python": [sys.executable, "-c", "pass"],
    "import cortexia": [sys.executable, "-c", "import cortexia"],
    "cortexia --help": [str(Path(sys.executable).with_name("cortexia")), "--help"],
    "cortexia annotate --help": [str(Path(sys.executable).with_name("cortexia")), "annotate", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, default=Path("bench-results/startup.json"))
    given = parser.parse_args()
    times = measure(given.rounds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"start-up, medians of {given.rounds} rounds on {platform.machine()}, Python {platform.python_version()}")
    for name, seconds in medians.items():
        aim = f"  (aim {AIM_S} s: {'met' if seconds <= AIM_S else 'missed'})" if name == "cortexia --help" else ""
        print(f"  {name:<26}{seconds * 1000:7.0f} ms{aim}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"aim_s": AIM_S, "median_s": medians, "rounds_s": times}, indent=2))


def measure(rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, command in CASES.items():
            begin = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    main()
