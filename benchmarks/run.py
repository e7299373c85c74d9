"""Runs every benchmark of this folder in turn; tables on stdout, JSON below ``bench-results``.

python benchmarks/run.py [NAME...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = Path("bench-results")


def main(names: list[str]) -> int:
    known = {path.stem: path for path in sorted(HERE.glob("*.py")) if path != Path(__file__) and path.stem[0] != "_"}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)} (known: {', '.join(known)})")
    RESULTS.mkdir(exist_ok=True)
    failed = []
    for name in names or known:
        print(f"== {name}", flush=True)
        command = [sys.executable, str(known[name]), "--json", str(RESULTS / f"{name}.json")]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"written to {RESULTS}/" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
