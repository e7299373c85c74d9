"""Tables of rows and videos for people. What is shown comes from files and models: control signs are written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from cortexia.exporters.jsonl import row_to_dict
from cortexia.lookup import SHORT_ID, NotLooked, StoredVideo
from cortexia.types import MICROSECONDS, StoredRow, canonical_json
from cortexia.wording import clock, printable, size

_NOTICES = 5


def _time(micros: int) -> str:
    """``h:mm:ss.mmm``, never later than it is: a start that is typed back finds the row again."""
    return clock(micros - micros % 1000, decimals=3, hours=True)


# -- find

_ROW = "{:>12}  {:>12}  {:<13}{:<24}  {:>5}  {:<27}  {}"


def print_rows(rows: Iterable[StoredRow], names: Mapping[str, str], as_json: bool) -> int:
    """Rows as they come; returns how many. ``names``: file names by video id."""
    count = 0
    for count, row in enumerate(rows, 1):
        if as_json:
            click.echo(canonical_json(row_to_dict(row)))
            continue
        if count == 1:
            head = _ROW.format("start", "end", "type", "label", "conf", "box (x, y, width, height)", "video")
            click.echo(click.style(head, bold=True))
        click.echo(_row_line(row, names))
    return count


def _row_line(row: StoredRow, names: Mapping[str, str]) -> str:
    annotation = row.annotation
    box = "" if annotation.bbox is None else " ".join(f"{side:.1f}" for side in annotation.bbox.xywh)
    confidence = "" if annotation.confidence is None else f"{annotation.confidence:.2f}"
    label = printable(str(annotation.label or getattr(annotation, "text", "")), 24)
    name = printable(names.get(row.video_id, row.uri))
    return _ROW.format(_time(row.start_us), _time(row.end_us), annotation.type, label, confidence, box, name)


def notices(missing: Iterable[NotLooked]) -> Iterator[str]:
    """Lines that tell "not looked yet" from "none found"."""
    others = 0
    for number, item in enumerate(missing):
        if number >= _NOTICES:
            others += 1
            continue
        name, able = printable(item.record.identity.filename), ", ".join(item.annotators)
        hint = f" (annotators that look: {able})" if able else " (no installed annotator looks for it)"
        yield f"{name}: {printable(item.why)}{hint}"
    if others:
        yield f"and {others} more videos that were not looked at"


# -- videos

_VIDEO = "{:<12}  {:<32}  {:>12}  {:>9}  {:<9}{:>8}  {}"


def print_videos(videos: Iterable[StoredVideo], as_json: bool) -> int:
    """Videos with what is stored of them; returns how many."""
    if as_json:
        made = [video_to_dict(video) for video in videos]
        click.echo(json.dumps(made, indent=2))
        return len(made)
    count = 0
    for count, video in enumerate(videos, 1):
        if count == 1:
            head = _VIDEO.format("id", "name", "duration", "size", "verdict", "rows", "completed")
            click.echo(click.style(head, bold=True))
        click.echo(_video_line(video))
    return count


def _video_line(video: StoredVideo) -> str:
    record = video.record
    duration = record.media.duration_s if record.media else None
    return _VIDEO.format(
        record.identity.video_id[:SHORT_ID],
        printable(record.identity.filename, 32),
        "" if duration is None else _time(round(duration * MICROSECONDS)),
        size(record.identity.size_bytes),
        record.verdict.status.value if record.verdict else "not read",
        video.rows,
        ", ".join(video.annotators),
    )


def video_to_dict(video: StoredVideo) -> dict[str, Any]:
    record = video.record
    return {
        "video_id": record.identity.video_id,
        "filename": record.identity.filename,
        "uri": record.identity.uri,
        "size_bytes": record.identity.size_bytes,
        "duration_s": record.media.duration_s if record.media else None,
        "verdict": record.verdict.as_dict() if record.verdict else None,
        "annotators": list(video.annotators),
        "rows": video.rows,
    }
