"""At most so many workers use a device at a time; one that is killed does not keep it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from crew import Batch

from cortexia.batch.devices import DeviceSlots
from cortexia.config import Settings
from cortexia.errors import ConfigurationError
from cortexia.models.onnx import gpu_of
from cortexia.types import JobState

HOLDER = """
import sys, time
from pathlib import Path
from cortexia.batch.devices import DeviceSlots
with DeviceSlots(Path(sys.argv[1]), 1, lambda: "cuda:0").held(lambda: False, lambda: None):
    print("held", flush=True)
    time.sleep(600)
"""


def most_at_once(diary: Path) -> int:
    """The largest number of sessions that were open at the same time."""
    events = sorted(line.split() for line in diary.read_text().splitlines())
    here: set[str] = set()
    most = 0
    for _, pid, what in events:
        here = here | {pid} if what == "came" else here - {pid}
        most = max(most, len(here))
    return most


def run_three(batch: Batch, tmp_path: Path, **more) -> int:
    diary = tmp_path / "diary"
    for name in "abc":
        batch.add(name, diary=str(diary))
    batch.run(workers=3, slots_in=str(tmp_path / "slots"), **more)
    assert {batch.job(name).status for name in "abc"} == {JobState.COMPLETED}
    assert len({line.split()[1] for line in diary.read_text().splitlines()}) > 1, "several workers took part"
    return most_at_once(diary)


def test_one_worker_at_a_time_uses_a_device(batch, tmp_path):
    assert run_three(batch, tmp_path, slots=1) == 1


@pytest.mark.parametrize("more", [{"slots": 3}, {"slots": 1, "device": None}])
def test_with_room_for_all_or_on_the_cpu_they_work_side_by_side(batch, tmp_path, more):
    """Negative control: without the limit they do meet."""
    assert run_three(batch, tmp_path, **more) > 1


def test_a_worker_that_is_killed_frees_its_device(batch, tmp_path):
    diary, once = tmp_path / "diary", tmp_path / "once"
    batch.add("a", diary=str(diary), session="abort", once=str(once), priority=1)
    batch.add("b", diary=str(diary))
    batch.run(workers=2, slots=1, slots_in=str(tmp_path / "slots"))
    assert len(batch.deaths("a")) == 1
    assert {batch.job(name).status for name in "ab"} == {JobState.COMPLETED}


def holding(slots: DeviceSlots, at_most_s: float) -> bool:
    until = time.monotonic() + at_most_s
    with slots.held(lambda: time.monotonic() > until, lambda: None) as is_held:
        return is_held


def test_kill_9_frees_the_slot_at_once(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    mine = DeviceSlots(tmp_path, 1, lambda: "cuda:0")
    assert not holding(mine, 0.5), "it is the child's"
    assert holding(DeviceSlots(tmp_path, 1, lambda: "cuda:1"), 0.5), "another device is free"
    assert holding(DeviceSlots(tmp_path, 2, lambda: "cuda:0"), 0.5), "and so is a second slot"
    child.kill()
    child.wait()
    assert holding(mine, 0.5)
    child.stdout.close()


def test_the_device_is_left_empty(tmp_path):
    told: list[str] = []
    with DeviceSlots(tmp_path, 1, lambda: "cuda:0", lambda: told.append("away")).held(lambda: False, lambda: None):
        assert told == []
    assert told == ["away"]


def test_which_devices_are_limited():
    assert gpu_of("cpu") is None
    assert gpu_of("cuda:1") == "cuda:1"
    with pytest.raises(ConfigurationError):
        Settings(device_slots=0)
