"""Two hours: the page stays light and quick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

from reading import Page, faults
from stocking import motion_rows, object_rows, quality_rows, shot, span

from cortexia.report.base import VideoData
from cortexia.report.video_page import video_page
from cortexia.stores.base import RunRecord, VideoRecord
from cortexia.types import (
    Annotation,
    Measure,
    MediaInfo,
    Query,
    RunSpec,
    RunStatus,
    SoundEvent,
    SpeakerTurn,
    Speech,
    StoredRow,
    Utterance,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    Word,
)

HOURS_2 = 7_200_000
NAMES = (
    *("loudness", "motion", "objects", "quality", "shots"),
    *("sounds", "speakers", "speech", "transcription"),
)


def rows() -> list[StoredRow]:
    made: list[tuple[str, Annotation]] = [
        ("shots", shot(place, at, at + 4000)) for place, at in enumerate(range(0, HOURS_2, 4000))
    ]
    made += [("quality", row) for row in quality_rows(HOURS_2, 500)]
    made += [("motion", row) for row in motion_rows(HOURS_2, 500)]
    made += [("objects", row) for row in object_rows(HOURS_2, (1920, 1080), step_ms=500)]
    levels = {"envelope": list(range(-60, 0, 3))}
    values = {"rms_dbfs": -20.0, "peak_dbfs": -3.0, "active_fraction": 1.0}
    made += [
        ("loudness", Measure(span=span(at, at + 1000), label="loudness", values=values, attributes=levels))
        for at in range(0, HOURS_2, 1000)
    ]
    made += [pair for at in range(0, HOURS_2, 1500) for pair in heard(at)]
    return [
        StoredRow(
            "", row, "a" * 64, "", name, name, row.span.start.pts * 1000, row.span.end.pts * 1000, 0, 0
        )
        for name, row in sorted(made, key=lambda pair: pair[1].span.start.pts)
    ]  # fmt: skip


def heard(at: int) -> list[tuple[str, Annotation]]:
    """An utterance of four words, its speaker, and a sound."""
    number, name = at // 1500, f"Speaker {chr(65 + at // 1500 % 20)}"
    words = ("so", "it", "was", "said")
    return [
        ("speech", Speech(span=span(at, at + 1400), label="speech", confidence=0.9)),
        ("transcription", Utterance(span=span(at, at + 1400), text=" ".join(words), number=number, language="en")),
        ("speakers", SpeakerTurn(span=span(at, at + 1400), label=name, speaker_id=name)),
        ("sounds", SoundEvent(span=span(at, at + 700), label=f"sound {number % 30}", confidence=0.5)),
    ] + [
        (
            "transcription",
            Word(span=span(at + 300 * n, at + 300 * n + 300), text=word, utterance=number, confidence=0.4),
        )
        for n, word in enumerate(words)
    ]


def test_a_page_of_two_hours_is_light_and_quick():
    stored = rows()

    def find(query: Query) -> Iterator[StoredRow]:
        return (row for row in stored if not query.types or row.annotation.type in query.types)

    verdict = Verdict(VerdictStatus.OK)
    media = MediaInfo("mov", 1, 7200.0, Fraction(0), None, None, verdict)
    record = VideoRecord(VideoIdentity("a" * 64, "/a.mp4", "a.mp4", 1), media, None)
    runs = tuple(RunRecord(RunSpec("a" * 64, name, "1"), name, RunStatus.COMPLETED) for name in NAMES)
    started = time.process_time()
    html = video_page(VideoData(record, runs, find, lambda digest: b""))
    spent = time.process_time() - started
    assert len(stored) > 60_000
    assert len(html) < 3_000_000
    assert spent < 8
    page = Page(html)
    assert faults(page) == []
    assert "1 800 shots" in page.text
    assert "All 1 800 shots as a table" in page.text
    assert "4 800 lines, 20 speakers, en" in page.text
    assert "1 800 more lines not shown." in page.text
    assert len(page.with_class("when")) == 3000
    assert len(page.with_class("said")) == 31
    (wave,) = page.with_class("wave")
    assert len(wave["d"]) < 40_000
