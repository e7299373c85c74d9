"""The live table: never wider nor higher than the terminal, and what it shows."""

from __future__ import annotations

import io
import os

import pytest
from rich.cells import cell_len
from rich.console import Console

from cortexia.batch.identity import worker_name
from cortexia.batch.usage import Usage, usage_of
from cortexia.cli.live import Board, Meter, board
from cortexia.cli.progress import Lines, describe_end
from cortexia.cli.tally import Tally

NAMES = ("talk.mp4", "x" * 200 + ".mp4", "講演" * 40 + ".mp4", "a\x1b[31m[bold]b.mp4")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def at_work(count: int, clock: Clock) -> Tally:
    """Videos at work for 10 s, half done, with ten annotators each; as many wait."""
    tally = Tally(clock)
    for number in range(2 * count):
        told = {"video_id": f"v{number}", "filename": NAMES[number % len(NAMES)], "size_bytes": 1000}
        tally.take({"event": "job_submitted", "job_id": f"j{number}", **told})
    for media_s in (0.0, 50.0):
        for number in range(count):
            started = {"event": "job_started", "job_id": f"j{number}", "video_id": f"v{number}", "worker": f"w{number}"}
            if not media_s:
                tally.take(started)
            for annotator in range(10):
                told = {"annotator": f"annotator_{annotator}", "media_s": media_s, "duration_s": 100.0, "rows": 7}
                more = {"status": "running", "processing_s": annotator * media_s / 100}
                tally.take({"event": "progress", "video_id": f"v{number}", **told, **more})
        clock.now += 5.0
    return tally


def drawn(tally: Tally, width: int, height: int, clock: Clock) -> list[str]:
    meter = Meter(lambda worker: Usage(clock() * 0.9, 512_000_000), clock)
    for video in tally.at_work.values():
        meter.read(video.worker)
    clock.now += 2.0
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(board(tally, meter, (width, height), clock()))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("count", [1, 4, 32])
@pytest.mark.parametrize("height", [10, 24, 100])
def test_it_fits(width, count, height, clock):
    lines = drawn(at_work(count, clock), width, height, clock)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) < height
    assert lines[0].startswith(f"0/{2 * count} videos  {count} running")


def test_a_row_tells_of_its_video_and_worker(clock):
    head, row, times, foot = drawn(at_work(1, clock), 100, 24, clock)
    assert "ETA 0:3" in head
    assert row.split()[0] == "talk.mp4"
    assert all(word in row for word in ("50%", "4.2x", "ETA 0:12", "CPU 90%", "512 MB"))
    assert times.strip().startswith("annotator_9 4.5 s, 7 rows  annotator_8 4.0 s")
    assert foot == "4.2 s of video a second  CPU 90%  512 MB"


def test_where_there_is_no_room_times_go_first_and_then_videos(clock):
    lines = drawn(at_work(6, clock), 80, 12, clock)
    assert not any("annotator_9" in line for line in lines)
    assert sum("50%" in line for line in lines) == 6
    assert "and 27 more at work" in drawn(at_work(32, clock), 80, 10, clock)[-2]


def test_names_are_only_shown(clock):
    lines = drawn(at_work(4, clock), 120, 40, clock)
    assert any("a\\x1b[31m[bold]b.mp4" in line for line in lines)


def test_ended_videos_leave_a_line_on_the_terminal(clock):
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    with Board(console, describe_end) as shown:
        shown({"event": "job_submitted", "job_id": "j", "video_id": "v", "filename": "talk.mp4", "size_bytes": 1})
        shown({"event": "job_started", "job_id": "j", "video_id": "v", "worker": worker_name()})
        shown({"event": "job_finished", "job_id": "j", "video_id": "v", "status": "failed", "message": "[red]no"})
        shown({"event": "input_rejected", "reason": "not_found", "message": "no such file"})
    written = console.file.getvalue()
    assert "talk.mp4: failed: [red]no" in written
    assert "rejected: no such file" in written


def test_usage_is_that_of_the_process():
    mine = usage_of(worker_name())
    assert mine is not None
    assert mine.memory_bytes > 10_000_000
    assert mine.cpu_s == pytest.approx(sum(os.times()[:2]), abs=0.5)
    assert usage_of("elsewhere/boot/1/1") is None
    assert usage_of("") is None


def test_lines_name_the_video_that_ended_and_tell_of_all_now_and_then(clock, capsys):
    lines = Lines(clock)
    for number, name in enumerate(("a.mp4", "b.mp4")):
        told = {"video_id": f"v{number}", "filename": name, "size_bytes": 1000}
        lines({"event": "job_submitted", "job_id": f"j{number}", **told})
    lines({"event": "job_started", "job_id": "j0", "video_id": "v0", "worker": "w"})
    told = {"event": "progress", "video_id": "v0", "annotator": "shots", "duration_s": 100.0, "rows": 1}
    lines({**told, "media_s": 0.0, "status": "running", "processing_s": 0.0})
    clock.now += 10.0
    lines({**told, "media_s": 50.0, "status": "running", "processing_s": 3.0})
    lines({"event": "job_finished", "job_id": "j0", "video_id": "v0", "status": "completed", "wall_s": 10.0})
    assert capsys.readouterr().err.splitlines() == [
        "annotating a.mp4",
        "  a.mp4: 50%, 5.0x, ETA 0:10; shots 3.0 s",
        "  0/2 videos, 5.0 s of video a second, ETA 0:30",
        "  a.mp4: completed in 10.0 s",
    ]
