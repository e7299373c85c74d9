"""Annotates a clip whose truth is known, and shows what was found beside that truth.

python examples/demo.py             a clip made here
python examples/demo.py talk.mp4    your own: what was found, without a truth to compare with
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cortexia.testing import SoundTruth, Truth, demo_spec, make_video
from cortexia.types import Transition

OUTPUT = Path("demo-output")
STORE = OUTPUT / "demo.db"
ANNOTATIONS = OUTPUT / "annotations.jsonl"
NEAR_S = 0.25

console = Console(width=100, highlight=False)


def main(arguments: list[str]) -> int:
    start_afresh()
    truth = None
    if arguments:
        video = Path(arguments[0])
    else:
        video = OUTPUT / "demo.mp4"
        console.print("[bold]making a clip with known truth[/] (7 shots, 25 s)")
        truth = make_video(video, demo_spec())
        truth.save(OUTPUT / "demo.truth.json")
    console.print(cortexia("annotate", str(video), "--store", str(STORE)), end="", soft_wrap=True)
    cortexia("export", "--store", str(STORE), "--format", "jsonl", "-o", str(ANNOTATIONS))
    verdict = json.loads(cortexia("status", "--store", str(STORE), "--json"))[0]["verdict"]
    rows = [json.loads(line) for line in ANNOTATIONS.read_text(encoding="utf-8").splitlines()]
    well = compare(rows, truth) if truth else show(rows)
    name_what_was_written(verdict, video if truth else None)
    return 0 if well else 1


def start_afresh() -> None:
    OUTPUT.mkdir(exist_ok=True)
    shutil.rmtree(OUTPUT / "demo.blobs", ignore_errors=True)
    for stale in (*OUTPUT.glob("demo.db*"), ANNOTATIONS):
        stale.unlink(missing_ok=True)


def cortexia(*arguments: str) -> str:
    """Run the command line, as a user would; its progress goes to the terminal."""
    console.print(f"[bold]$ cortexia {' '.join(arguments)}[/]", soft_wrap=True)
    command = [sys.executable, "-m", "cortexia.cli.main", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"cortexia {arguments[0]} ended with {done.returncode}")
    return done.stdout


def of_type(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["type"] == kind]


def compare(rows: list[dict[str, Any]], truth: Truth) -> bool:
    """Both tables; whether everything was found and nothing else."""
    boundaries = boundary_table(of_type(rows, "shot")[1:], truth)
    sounds = sound_table(of_type(rows, "sound_event"), truth.sounds)
    well = boundaries and sounds
    console.print("[green]everything was found, and nothing else[/]" if well else "[red]what was found differs[/]")
    return well


def boundary_table(found: list[dict[str, Any]], truth: Truth) -> bool:
    table = Table(title="shot boundaries", title_justify="left")
    for heading in ("kind", "made at frame", "found", "at frame", "at second", "error"):
        table.add_column(heading, justify="left" if heading in ("kind", "found") else "right")
    left, well = list(found), True
    for made in truth.boundaries:
        match = next(
            (shot for shot in left if lies_within(shot["frame_index"], made.first_frame, made.last_frame)), None
        )
        place = f"{made.frame}" if made.kind is Transition.CUT else f"{made.first_frame}-{made.last_frame}"
        if match is None:
            table.add_row(made.kind, place, "[red]missed[/]", "", "", "")
            well = False
            continue
        left.remove(match)
        error = f"{match['frame_index'] - made.frame:+d} frames" if made.kind is Transition.CUT else "inside"
        kind = match["data"]["transition_in"]
        table.add_row(made.kind, place, kind, str(match["frame_index"]), f"{match['start_s']:.3f}", error)
        well &= kind == made.kind
    for extra in left:
        kind = extra["data"]["transition_in"]
        table.add_row("", "", f"[red]{kind}[/]", str(extra["frame_index"]), f"{extra['start_s']:.3f}", "not made")
    console.print(table)
    if truth.fade_out:
        console.print(
            f"  the fade to black at frames {truth.fade_out[0]}-{truth.fade_out[1]} is an end and no boundary\n"
        )
    return well and not left


def lies_within(frame: int, first: int, last: int) -> bool:
    return first - 1 <= frame <= last + 1


def sound_table(found: list[dict[str, Any]], made: tuple[SoundTruth, ...]) -> bool:
    table = Table(title="sounds", title_justify="left")
    for heading in ("kind", "made at", "found at", "start error", "made until", "found until", "end error"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    left, well = list(found), True
    for sound in made:
        match = next((event for event in left if abs(event["start_s"] - sound.start_s) < NEAR_S), None)
        if match is None:
            table.add_row(sound.kind, f"{sound.start_s:.3f} s", "[red]missed[/]", "", "", "", "")
            well = False
            continue
        left.remove(match)
        table.add_row(
            sound.kind,
            f"{sound.start_s:.3f} s",
            f"{match['start_s']:.3f} s",
            f"{1000 * (match['start_s'] - sound.start_s):+.0f} ms",
            f"{sound.end_s:.3f} s",
            f"{match['end_s']:.3f} s",
            f"{1000 * (match['end_s'] - sound.end_s):+.0f} ms",
        )
    for extra in left:
        table.add_row("", "", f"[red]{extra['start_s']:.3f} s[/]", "not made", "", f"{extra['end_s']:.3f} s", "")
    console.print(table)
    return well and not left


def show(rows: list[dict[str, Any]]) -> bool:
    """What was found in a video of which nothing is known."""
    table = Table(title="shots", title_justify="left")
    for heading in ("frames", "from", "to", "begins by", "level", "active"):
        table.add_column(heading, justify="left" if heading == "begins by" else "right")
    summaries = {row["start_s"]: row["data"] for row in of_type(rows, "shot_summary")}
    for shot in of_type(rows, "shot"):
        data, summary = shot["data"], summaries.get(shot["start_s"], {})
        level, active = summary.get("rms_dbfs"), summary.get("active_fraction")
        table.add_row(
            f"{data['first_frame']}-{data['last_frame']}",
            f"{shot['start_s']:.3f} s",
            f"{shot['end_s']:.3f} s",
            data["transition_in"],
            "-" if level is None else f"{level:.1f} dBFS",
            "-" if active is None else f"{active:.0%}",
        )
    console.print(table)
    events = of_type(rows, "sound_event")
    heard = ", ".join(f"{event['start_s']:.2f}-{event['end_s']:.2f}" for event in events[:12])
    more = f" and {len(events) - 12} more" if len(events) > 12 else ""
    console.print(f"sound active (s): {heard or 'never'}{more}")
    return True


def name_what_was_written(verdict: dict[str, Any], clip: Path | None) -> None:
    pictures = sum(1 for item in (OUTPUT / "demo.blobs").rglob("*") if item.is_file())
    frames = verdict["frames_decoded"]
    console.print(f"\n[bold]written[/], from one decode of {frames} frames (verdict: {verdict['status']}):")
    if clip:
        console.print(f"  {clip}  the clip; its truth: {OUTPUT / 'demo.truth.json'}")
    console.print(f"  {STORE}  the annotation database (SQLite)")
    console.print(f"  {OUTPUT / 'demo.blobs'}  {pictures} pictures and thumbnails, named by content")
    console.print(f"  {ANNOTATIONS}  every annotation as a line of JSON")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
