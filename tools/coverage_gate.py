"""Holds the coverage that the project promises: 90 % of all lines, and 90 % of branches where the promises live."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LINES = 90.0
BRANCHES = 90.0
CORE = ("types/", "plan.py", "engine/", "stores/")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)]
        subprocess.run(command, check=True)
        files = json.loads(report.read_text())["files"]
    lines = _share(files, ("covered_lines",), ("num_statements",))
    print(f"lines of all modules: {lines:.1f} % (at least {LINES:.0f})")
    failed = lines < LINES
    for part in CORE:
        chosen = {name: file for name, file in files.items() if f"cortexia/{part}" in name}
        both = _share(chosen, ("covered_lines", "covered_branches"), ("num_statements", "num_branches"))
        print(f"lines and branches of {part}: {both:.1f} % (at least {BRANCHES:.0f})")
        failed |= both < BRANCHES
    if failed:
        for name, file in sorted(files.items()):
            missing = file["missing_lines"]
            if missing:
                print(f"  {name}: {file['summary']['percent_covered']:.0f} %, lines {_ranges(missing)}")
    return int(failed)


def _share(files: dict, covered: tuple[str, ...], total: tuple[str, ...]) -> float:
    summaries = [file["summary"] for file in files.values()]
    done = sum(summary.get(key, 0) for summary in summaries for key in covered)
    everything = sum(summary.get(key, 0) for summary in summaries for key in total)
    return 100.0 * done / everything if everything else 0.0


def _ranges(numbers: list[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts[:12])


if __name__ == "__main__":
    sys.exit(main())
