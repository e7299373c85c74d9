"""Make a virtual environment with pip in it, also where Python came without ``ensurepip`` (Debian's python3)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path


def main(folder: Path) -> None:
    python = folder / "bin" / "python"
    if (folder / "bin" / "pip").exists() and python.exists():
        return
    if sys.version_info < (3, 11):  # noqa: UP036 - older ones do run this file
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; try: make PYTHON=python3.11")
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    try:
        venv.create(folder, with_pip=has_ensurepip, clear=True)
    except subprocess.CalledProcessError:
        has_ensurepip = False
        venv.create(folder, with_pip=False, clear=True)
    if has_ensurepip:
        return
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "pip"]
    if importlib.util.find_spec("pip") is None or subprocess.run(pip, check=False).returncode:
        sys.exit("this Python has neither ensurepip nor pip; on Debian: apt-get install python3-venv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
