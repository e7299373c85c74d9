"""Start-up: bare Python, ``import cortexia`` and ``cortexia --help``, in turns; medians of wall time.

    python benchmarks/startup.py [--rounds 11] [--json FILE]

Aim: ``cortexia --help`` within 0.2 s.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path

from _common import interleaved, show, write_json

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
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    runners = {
        name: partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True) for name, command in CASES.items()
    }
    medians = interleaved(runners, given.rounds)
    show([{"": name, "ms": round(seconds * 1000)} for name, seconds in medians.items()])
    print(f"cortexia --help within {AIM_S} s: {'met' if medians['cortexia --help'] <= AIM_S else 'MISSED'}")
    write_json(given.json, {"aim_s": AIM_S, "median_s": medians})


if __name__ == "__main__":
    main()
