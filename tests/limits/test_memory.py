"""Memory, threads and file handles do not grow with the length of a video."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cortexia.testing import SCENES, ShotSpec, SoundSpec, VideoSpec, loop_video, tone

CHILD = """
import json, sys, threading, time
import psutil
from cortexia.app import App, Request
from cortexia.config import Settings

process = psutil.Process()
peak = 0
done = threading.Event()

def threads_left():
    # a thread that was joined is not gone from the system at that very instant
    counts = []
    for _ in range(20):
        counts.append(process.num_threads())
        time.sleep(0.05)
    return min(counts)

def watch():
    global peak
    while not done.wait(0.05):
        peak = max(peak, process.memory_info().rss)

clip, store, cache = sys.argv[1:]
watcher = threading.Thread(target=watch)
watcher.start()
try:
    with App(Settings(store=store, executor="inline", cache_dir=cache)) as app:
        report = app.annotate([clip], Request(("shots", "frames", "loudness", "shot_summary")))
finally:
    done.set()
    watcher.join()
assert all(video.is_well for video in report.videos), report
after = {"threads": threads_left(), "handles": process.num_fds()}
print(json.dumps({"peak_mb": peak / 1e6, **after}))
"""


def measured(clip: Path, folder: Path) -> dict[str, float]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(clip), str(folder / "s.db"), str(folder / "cache")],
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compare(clips, tmp_path: Path, height: int, short_times: int, long_times: int) -> None:
    shots = tuple(ShotSpec(3.0, scene=scene) for scene in sorted(SCENES)[:5])
    sound = SoundSpec(events=(tone(1.0, 2.0), tone(8.0, 3.0)))
    clip, _ = clips(f"loop-{height}.mp4", VideoSpec(width=height * 16 // 9, height=height, shots=shots, sound=sound))
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    loop_video(clip, short, short_times)
    loop_video(clip, long, long_times)
    small, large = measured(short, tmp_path / "a"), measured(long, tmp_path / "b")
    print(json.dumps({"short": small, "long": large}))  # noqa: T201 - the figures belong in the record of the run
    assert large["peak_mb"] - small["peak_mb"] < 50
    assert large["threads"] == small["threads"]
    assert large["handles"] == small["handles"]


@pytest.mark.timeout(600)
def test_fifteen_minutes_need_no_more_than_one(clips, tmp_path):
    compare(clips, tmp_path, 360, short_times=4, long_times=60)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_sixty_minutes_of_1080p_need_no_more_than_one(clips, tmp_path):
    compare(clips, tmp_path, 1080, short_times=4, long_times=240)
