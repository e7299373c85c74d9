"""Tables of rows and videos for people. What is shown comes from files and models: control signs are written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from cortexia.exporters.jsonl import row_to_dict
from cortexia.lookup import SHORT_ID, NotLooked, StoredVideo
from cortexia.types import MICROSECONDS, StoredRow, canonical_json

_NOTICES = 5


def printable(text: str, width: int | None = None) -> str:
    """``text`` with everything a terminal would act on (escapes, line ends, changes of direction) written out, and cut
    to ``width``."""
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return shown if width is None or len(shown) <= width else shown[: width - 1] + "…"


def clock(micros: int) -> str:
    """``h:mm:ss.mmm``, the rest of a millisecond left away."""
    seconds, part = divmod(micros, MICROSECONDS)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part // 1000:03}"


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
    return _ROW.format(clock(row.start_us), clock(row.end_us), annotation.type, label, confidence, box, name)


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
        "" if duration is None else clock(round(duration * MICROSECONDS)),
        _size(record.identity.size_bytes),
        record.verdict.status.value if record.verdict else "not read",
        video.rows,
        ", ".join(video.annotators),
    )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


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
