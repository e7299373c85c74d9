"""A pristine store, a clip, and fork servers for fault sweeps."""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from sweeper import Sweeper, Trace, traced

from cortexia.stores import open_store
from cortexia.testing import ShotSpec, SoundSpec, VideoSpec, click, make_video, tone


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory):
    """A folder in memory where there is one: a kill does not care, and hundreds of syncs are quick."""
    if not strace_works():
        pytest.skip("strace is not installed, or not allowed to trace")
    base = Path("/dev/shm")
    folder = base / f"cortexia-faults-{os.getpid()}" if base.is_dir() else tmp_path_factory.mktemp("faults")
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def clip(arena: Path) -> Path:
    """6 s of 160x90: four shots and sound."""
    path = arena / "clip.mp4"
    shots = [ShotSpec(1.5, scene=scene) for scene in sorted(scenes())[:4]]
    sound = SoundSpec(events=(click(0.7), tone(2.0, 1.0), click(4.4)))
    make_video(path, VideoSpec(width=160, height=90, rate=Fraction(25), shots=tuple(shots), sound=sound))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def scenes() -> list[str]:
    from cortexia.testing import SCENES

    return list(SCENES)


@pytest.fixture(scope="session")
def pristine(arena: Path) -> Path:
    folder = arena / "pristine"
    folder.mkdir()
    open_store(str(folder / "sweep.db")).close()
    return folder


@pytest.fixture(scope="session")
def sweepers(arena: Path, clip: Path, pristine: Path):
    """Two, to be used side by side."""
    made = [Sweeper(arena / f"runs-{number}", clip, arena / "cache") for number in range(2)]
    made[0].annotate(made[0].place(pristine))  # fills the identity cache, so that no run writes to it
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def sweeper(sweepers: list[Sweeper]) -> Sweeper:
    return sweepers[0]


@pytest.fixture(scope="session")
def truth(sweeper: Sweeper, pristine: Path) -> str:
    """Digest of the canonical export of an undisturbed run."""
    store = sweeper.place(pristine)
    assert sweeper.annotate(store) == 0
    return sweeper.digest(store)


@pytest.fixture(scope="session")
def trace(sweeper: Sweeper, pristine: Path, arena: Path) -> Trace:
    return traced(sweeper, pristine, arena / "trace.txt")
