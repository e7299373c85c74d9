"""The page over many videos. One video's rows are in memory at a time; of the others a line each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cortexia.report.account import make_gaps
from cortexia.report.base import VideoData
from cortexia.report.gather import Facts
from cortexia.report.page import render
from cortexia.report.pictures import data_uri, encoded, evenly, fetched, filmstrip
from cortexia.report.sound_lanes import longest_events, speech_length
from cortexia.report.video_page import verdict_of
from cortexia.report.words import DASH, count, length, number, plural
from cortexia.types import RunStatus
from cortexia.wording import clock

STRIPS_SHOWN = 200
_BARS_SHOWN = 20
_STRIP_PICTURES = 5
_STRIP_HEIGHT = 54
_ORDER = ("rejected", "failed", "partial", "unread", "ok")


@dataclass(frozen=True, slots=True)
class VideoLine:
    """A video in the table. ``standing``: its verdict, or ``failed`` where it is sound and a run or its job failed,
    ``unread`` where there is none yet. ``length_us``: what the container states, else how far the rows reach;
    ``shots_us``: what the shots cover. ``shots``, ``detections``, ``speech_us`` and ``speakers`` are
    ``None`` where nobody looked or listened for them. ``top_sounds``: those of the longest time."""

    name: str
    page: str
    standing: str
    verdict: str
    why: str
    length_us: int
    shots_us: int
    shots: int | None
    detections: int | None
    speech_us: int | None
    speakers: int | None
    rows: int
    top_labels: tuple[str, ...]
    top_sounds: tuple[str, ...]
    strip: str

    @property
    def shots_told(self) -> str:
        return DASH if self.shots is None else count(self.shots)

    @property
    def detections_told(self) -> str:
        return DASH if self.detections is None else count(self.detections)

    @property
    def speech_told(self) -> str:
        return DASH if self.speech_us is None else length(self.speech_us)

    @property
    def speakers_told(self) -> str:
        return DASH if self.speakers is None else count(self.speakers)

    @property
    def rows_told(self) -> str:
        return count(self.rows)

    @property
    def length(self) -> str:
        return length(self.length_us) if self.length_us else ""

    @property
    def shots_per_minute(self) -> float | None:
        """``None`` where there are no shots to count."""
        return self.shots / (self.shots_us / 60e6) if self.shots and self.shots_us else None

    @property
    def pace(self) -> str:
        return "" if self.shots_per_minute is None else number(self.shots_per_minute)


@dataclass(frozen=True, slots=True)
class Bar:
    """``percent`` of the longest bar."""

    name: str
    value: str
    percent: str
    page: str = ""


def page_name(data: VideoData) -> str:
    """File name of a video's page: what its name leaves in plain letters, and the start of its id."""
    stem = data.record.identity.filename.rsplit(".", 1)[0].lower()
    plain = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40].strip("-")
    return f"{plain}-{data.video_id[:16]}.html" if plain else f"{data.video_id[:16]}.html"


def video_line(data: VideoData, facts: Facts, with_strip: bool) -> VideoLine:
    verdict = verdict_of(data)
    gaps = [gap for gap in make_gaps(data, facts) if gap.kind in ("failed", "skipped")]
    standing = verdict.status.value if verdict else "unread"
    if standing in ("ok", "unread") and any(gap.kind == "failed" for gap in gaps):
        standing = "failed"
    said = verdict.message or verdict.reason or "" if verdict else ""
    why = said if standing in ("partial", "rejected") else "; ".join(f"{gap.what}: {gap.why}" for gap in gaps)
    return VideoLine(
        name=data.record.identity.filename,
        page=page_name(data),
        standing=standing,
        verdict=verdict.status.value if verdict else "unread",
        why=why,
        length_us=facts.duration,
        shots_us=sum(shot.end - shot.start for shot in facts.shots),
        shots=_known(data, "shots", len(facts.shots)),
        detections=_known(data, "objects", sum(map(len, facts.detections.values()))),
        speech_us=_known(data, "speech", speech_length(facts.heard)),
        speakers=_known(data, "speakers", len(facts.heard.speakers)),
        rows=sum(facts.rows.values()),
        top_labels=tuple(facts.labels[:3]),
        top_sounds=tuple(longest_events(facts.heard)[:3]),
        strip=_strip(data, facts) if with_strip else "",
    )


def _known(data: VideoData, annotator: str, amount: int) -> int | None:
    """None found is 0 only where somebody looked to the end."""
    looked = any(run.spec.annotator == annotator and run.status is RunStatus.COMPLETED for run in data.shown_runs)
    return amount if amount or looked else None


def _strip(data: VideoData, facts: Facts) -> str:
    shots = [shot for shot in facts.shots if shot.picture is not None]
    chosen = [shots[place].picture for place in evenly(shots, _STRIP_PICTURES)]
    pictures = [fetched(data.blob, picture.thumbnail) for picture in chosen if picture is not None]
    strip = filmstrip([picture for picture in pictures if picture is not None], _STRIP_HEIGHT)
    return data_uri(encoded(strip, 62)) if strip else ""


def index_page(lines: Sequence[VideoLine], labels: Counter[str], folder: str) -> bytes:
    """HTML over all videos, failures first. ``folder``: where the videos' pages lie, seen from this one."""
    ordered = sorted(lines, key=lambda line: (_ORDER.index(line.standing), line.name, line.page))
    verdicts = Counter(line.verdict for line in lines)
    return render(
        "index.html",
        lines=ordered,
        folder=folder,
        tiles=_tiles(lines, labels),
        shares=[(name, verdicts[name], _percent(verdicts[name], len(lines))) for name in _standings(verdicts)],
        paces=_paces(lines, folder),
        labels=_label_bars(labels),
        labels_left=max(0, len(labels) - _BARS_SHOWN),
        strips_left=max(0, len(lines) - STRIPS_SHOWN),
        strips_shown=STRIPS_SHOWN,
        lengths=_lengths(lines),
    )


def _standings(verdicts: Counter[str]) -> list[str]:
    return [name for name in ("ok", "partial", "rejected", "unread") if verdicts[name]]


def _tiles(lines: Sequence[VideoLine], labels: Counter[str]) -> list[tuple[str, str]]:
    failed = sum(line.standing in ("failed", "rejected") for line in lines)
    tiles = [
        (count(len(lines)), "video" if len(lines) == 1 else "videos"),
        (clock(sum(line.length_us for line in lines), 0, hours=True), "in all"),
        (count(sum(line.shots or 0 for line in lines)), "shots"),
    ]
    if labels:
        tiles.append((count(sum(labels.values())), "detections"))
    speech = sum(line.speech_us or 0 for line in lines)
    if speech:
        tiles.append((length(speech), "of speech"))
    return [*tiles, (count(sum(line.rows for line in lines)), "rows"), (count(failed), "failed or rejected")]


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}" if whole else "0"


def _paces(lines: Sequence[VideoLine], folder: str) -> list[Bar]:
    paced = [(line.shots_per_minute, line) for line in lines if line.shots_per_minute is not None]
    paced.sort(key=lambda pair: (-pair[0], pair[1].name))
    most = paced[0][0] if paced else 0.0
    return [
        Bar(line.name, number(pace), _percent(pace, most), f"{folder}/{line.page}")
        for pace, line in paced[:_BARS_SHOWN]
    ]


def _label_bars(labels: Counter[str]) -> list[Bar]:
    ordered = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:_BARS_SHOWN]
    most = ordered[0][1] if ordered else 0
    return [Bar(label, count(amount), _percent(amount, most)) for label, amount in ordered]


def _lengths(lines: Sequence[VideoLine]) -> list[Bar]:
    """How many videos are how long."""
    limits = (0, 10, 60, 300, 1800, 7200)
    names = ("up to 10 s", "to 1 min", "to 5 min", "to 30 min", "to 2 h", "longer")
    amounts = [
        sum(low * 1_000_000 < line.length_us <= high * 1_000_000 for line in lines) for low, high in pairwise(limits)
    ]
    amounts.append(sum(line.length_us > limits[-1] * 1_000_000 for line in lines))
    most = max(amounts)
    return [
        Bar(name, plural(amount, "video"), _percent(amount, most))
        for name, amount in zip(names, amounts, strict=True)
        if most
    ]
