"""A million annotations through all three kinds of stores and back, killed on the way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import postgres
import pytest
from filling import box, media, part

from cortexia.maintenance.checksum import video_checksum
from cortexia.stores import open_store
from cortexia.stores.base import Window
from cortexia.types import JobState, RunSpec, RunStatus, VideoIdentity

VIDEOS, WINDOWS, ROWS = 25, 40, 1000
MOST_RSS = 500 * 1024


def fill(path: Path) -> None:
    with contextlib.closing(open_store(str(path))) as store:
        for number in range(VIDEOS):
            video_id = hashlib.sha256(str(number).encode()).hexdigest()
            annotate(store, VideoIdentity(video_id, f"/videos/{number}.mp4", f"{number}.mp4", 10))


def annotate(store, identity: VideoIdentity) -> None:
    run = RunSpec(identity.video_id, "boxes", "1")
    store.save_video(identity, media())
    store.register_runs([run], {})
    claim = store.claim("filler", 600.0, store.submit_job(identity, [run.run_id], {"annotators": []}))
    for ordinal in range(WINDOWS):
        starts = range(ordinal * ROWS, (ordinal + 1) * ROWS)
        status = RunStatus.COMPLETED if ordinal == WINDOWS - 1 else RunStatus.RUNNING
        made = part(run, ordinal, [box(40 * start, confidence=0.5 + start % 7 / 20) for start in starts], status=status)
        with store.transaction(claim) as transaction:
            transaction.save_window(Window(identity.video_id, (made,)))
    store.release(claim, JobState.COMPLETED, None, None)


def checksums(location: str) -> list:
    with contextlib.closing(open_store(location)) as store:
        return [video_checksum(store, record.identity.video_id) for record in store.videos()]


def moved(source: str, target: str, kill_after_s: float | None = None) -> tuple[dict | None, int]:
    """What the command said, ``None`` where it was killed; and the most memory it had, in kB."""
    command = [sys.executable, "-m", "cortexia.cli.main", "db", "move", source, target, "--json"]
    begun, most = time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        while process.poll() is None:
            most = max(most, resident(process.pid))
            if kill_after_s is not None and time.monotonic() - begun > kill_after_s:
                process.kill()
            time.sleep(0.1)
        said = process.stdout.read()
    assert process.returncode == 0 or kill_after_s is not None
    return (json.loads(said) if process.returncode == 0 else None), most


def resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


@pytest.mark.long
def test_a_million_rows_travel_through_all_stores(tmp_path):
    first, last = str(tmp_path / "first.db"), str(tmp_path / "last.db")
    places = [first, postgres.fresh_url(tmp_path), str(tmp_path / "folder"), last]
    fill(Path(first))
    before = checksums(first)
    assert sum(checksum.rows for checksum in before) == VIDEOS * WINDOWS * ROWS
    said = []
    for (source, target), kill_after_s in zip(pairwise(places), (25.0, 40.0, None), strict=True):
        begun = time.monotonic()
        if kill_after_s is not None:
            done, most = moved(source, target, kill_after_s)
            assert done is None, "it was killed on the way"
            said.append({"killed_after_s": kill_after_s, "peak_mb": most // 1024})
            assert most < MOST_RSS
        done, most = moved(source, target)
        more = {"wall_s": round(time.monotonic() - begun), "peak_mb": most // 1024}
        said.append({**{name: done[name] for name in ("source", "target", "moved", "kept")}, **more})
        assert most < MOST_RSS
    print(*map(json.dumps, said), sep="\n")  # noqa: T201 - the figures belong in the record of the run
    assert checksums(last) == before
