"""What make relies on: the environment's bootstrap, and the gate on coverage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
WITHOUT = """
import runpy, sys
for name in {missing!r}:
    sys.modules[name] = None
sys.argv = ["bootstrap.py", {folder!r}]
runpy.run_path({script!r}, run_name="__main__")
"""
PARTS = ("types/a.py", "plan.py", "engine/a.py", "stores/a.py")
COVERED = "def sign(x):\n    return 1 if x > 0 else -1\n\n\nsign(1)\nsign(-1)\n"
HALF = "def sign(x):\n    if x > 0:\n        return 1\n    if x < 0:\n        return -1\n    return 0\n\n\nsign(1)\n"


def bootstrap_without(missing: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    program = WITHOUT.format(missing=missing, folder=str(folder), script=str(TOOLS / "bootstrap.py"))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_bootstrap_makes_an_environment_with_pip(tmp_path: Path) -> None:
    subprocess.run([sys.executable, TOOLS / "bootstrap.py", tmp_path / "venv"], check=True)
    subprocess.run([tmp_path / "venv" / "bin" / "pip", "--version"], check=True)


def test_bootstrap_names_the_package_to_install(tmp_path: Path) -> None:
    done = bootstrap_without(("ensurepip", "pip"), tmp_path / "venv")
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def gate_on(folder: Path, sources: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run modules of a made-up package under coverage, and the gate on what came of it."""
    for name, text in sources.items():
        path = folder / "cortexia" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run = "import runpy\n" + "".join(f"runpy.run_path('cortexia/{name}')\n" for name in sources)
    (folder / "main.py").write_text(run)
    # this suite may itself run under coverage, which must not reach in here
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    coverage = [sys.executable, "-m", "coverage", "run", "--branch", "--source=cortexia", "main.py"]
    subprocess.run(coverage, cwd=folder, env=env, check=True)
    gate = [sys.executable, TOOLS / "coverage_gate.py"]
    return subprocess.run(gate, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_gate_opens_when_all_is_covered(tmp_path: Path) -> None:
    done = gate_on(tmp_path, dict.fromkeys(PARTS, COVERED))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", PARTS)
def test_gate_stays_shut_when_a_part_is_not(part: str, tmp_path: Path) -> None:
    done = gate_on(tmp_path, {**dict.fromkeys(PARTS, COVERED), part: HALF})
    assert done.returncode == 1
    assert f"cortexia/{part}" in done.stdout


def test_gate_stays_shut_when_a_part_was_never_run(tmp_path: Path) -> None:
    assert gate_on(tmp_path, {"plan.py": COVERED}).returncode == 1
