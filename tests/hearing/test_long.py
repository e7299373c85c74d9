"""Hours of sound need no more memory than minutes. Another annotator of sound is a word in ``HEARD``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cortexia.testing import click, laughter, loop_video, speech, tone
from sounds import encode, samples_of

HEARD = ("loudness", "speech", "sounds", "voices")
PART_S, HOURS = 30, 4
MOST_MB = 1000

CHILD = """
import json, sys, time
from pathlib import Path
from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.types import Query

clip, store, cache, wanted = sys.argv[1:]
begun = time.perf_counter()
with App(Settings(store=store, executor="inline", cache_dir=cache)) as app:
    report = app.annotate([clip], Request((wanted,)))
    spent = time.perf_counter() - begun
    rows = [row.annotation for row in app.store().find(Query())]
assert all(video.is_well for video in report.videos), report
# not ru_maxrss, which begins with what the parent held when it forked
(peak,) = (int(line.split()[1]) / 1000 for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
last = max(row.span.end.seconds for row in rows)
covered = sum(row.span.duration_s for row in rows if row.type == "speech")
print(json.dumps({"peak_mb": peak, "spent_s": spent, "rows": len(rows), "last_s": last, "speech_s": covered}))
"""


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hours")
    talk = (speech(2.0, 12.0, 120.0), speech(20.0, 3.0, 200.0), speech(24.0, 2.0))
    events = (click(0.5), tone(16.0, 2.0), *talk, laughter(26.6, 3.0))
    encode(folder / "part.m4a", samples_of(44_100, PART_S, events, floor=0.001), 44_100, "aac")
    loop_video(folder / "part.m4a", folder / "hours.m4a", HOURS * 3600 // PART_S)
    return folder / "hours.m4a"


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", HEARD)
def test_hours_of_sound_stay_below_a_gigabyte(tmp_path, hours, name):
    given = [str(hours), str(tmp_path / "s.db"), str(tmp_path / "cache"), name]
    done = subprocess.run([sys.executable, "-c", CHILD, *given], capture_output=True, text=True, timeout=2900)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(name, json.dumps(told))  # noqa: T201 - the figures belong in the record of the run
    assert told["peak_mb"] < MOST_MB
    assert told["last_s"] > 0.99 * HOURS * 3600
    assert told["rows"] >= HOURS * 3600 // PART_S
    if name == "speech":
        assert told["speech_s"] == pytest.approx(0.6 * HOURS * 3600, rel=0.1)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_twenty_minutes_are_transcribed_below_a_gigabyte(tmp_path, hours):
    """By PocketSphinx, which is the slower of the two on voices that say nothing."""
    part = hours.with_name("twenty-minutes.m4a")
    loop_video(hours.with_name("part.m4a"), part, 20 * 60 // PART_S)
    given = [str(part), str(tmp_path / "s.db"), str(tmp_path / "cache"), "transcription"]
    done = subprocess.run([sys.executable, "-c", CHILD, *given], capture_output=True, text=True, timeout=2900)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print("transcription", json.dumps(told))  # noqa: T201 - as above
    assert told["peak_mb"] < MOST_MB
    assert told["last_s"] > 0.97 * 20 * 60
