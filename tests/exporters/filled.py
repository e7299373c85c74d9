"""Stores with something in them to export."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from cortexia.engine.numbering import Numbering
from cortexia.rle import encode
from cortexia.stores import open_store
from cortexia.stores.base import RunRecord, RunWindow, StorageBackend, VideoRecord, Window
from cortexia.types import (
    Annotation,
    BBox,
    Caption,
    Detection,
    Face,
    JobState,
    Mask,
    Measure,
    MediaInfo,
    Person,
    Pose,
    Query,
    RunSpec,
    RunStatus,
    Shot,
    SoundEvent,
    SpeakerTurn,
    Speech,
    SpokenWord,
    StoredRow,
    TimeSpan,
    Timestamp,
    Track,
    TrackBox,
    Utterance,
    Verdict,
    VerdictStatus,
    VideoIdentity,
    VideoStream,
    Word,
)

BASE = Fraction(1, 90_000)
FRAME = 3600
MILLI = Fraction(1, 1000)
HOSTILE = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx", "'quoted", 'a,"b"\r\nc', "../../../etc/passwd")
UNICODE = ("Zebra \U0001f993", "שלום", "e\u0301", "\u202eevil", "<script>alert(1)</script>", "\x1b[31mred")
HUGE = "x" * 256


def identity(letter: str = "a", filename: str | None = None) -> VideoIdentity:
    name = filename or f"{letter}.mp4"
    return VideoIdentity(letter * 64, f"/videos/{name}", name, 1000)


def media(width: int = 640, height: int = 360, frames: int = 100) -> MediaInfo:
    stream = VideoStream(0, "h264", width, height, width, height, 0, Fraction(1), BASE, Fraction(25), 9, "yuv420p", 0.0)
    verdict = Verdict(VerdictStatus.OK, frames_decoded=frames)
    return MediaInfo("mov", 1000, frames / 25, Fraction(0), stream, None, verdict, {"title": "=1+1"})


def span(frame: int, frames: int = 1) -> TimeSpan:
    return TimeSpan(Timestamp(frame * FRAME, BASE), Timestamp((frame + frames) * FRAME, BASE))


def box(frame: int, label: str | None = "person", confidence: float | None = 0.5, **more) -> Detection:
    sides = more.pop("bbox", BBox(10.1, 20.2, 30.7, 47.9))
    return Detection(span=span(frame), label=label, confidence=confidence, frame_index=frame, bbox=sides, **more)


def track_box(frame: int, track_id: str = "1", label: str | None = "person", **more) -> TrackBox:
    made = box(frame, label, **more)
    return TrackBox(
        span=made.span, label=label, confidence=made.confidence, frame_index=frame, bbox=made.bbox, track_id=track_id
    )


def track(first: int, last: int, track_id: str = "1", label: str | None = "person") -> Track:
    return Track(
        span=span(first, last - first + 1), label=label, track_id=track_id, first_frame=first, last_frame=last,
        boxes=last - first + 1,
    )  # fmt: skip


def person(first: int, last: int, track_id: str, person_id: str) -> Person:
    return Person(
        span=span(first, last - first + 1), label="person", track_id=track_id, person_id=person_id, first_frame=first,
        last_frame=last, boxes=last - first + 1,
    )  # fmt: skip


def bitmap(sides: BBox, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """An ellipse within ``sides`` on a picture of ``size`` (width, height)."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    across, down = sides.width / 2, sides.height / 2
    return ((x - sides.x1 - across) / across) ** 2 + ((y - sides.y1 - down) / down) ** 2 < 1


def mask(frame: int, label: str | None = "person", size: tuple[int, int] = (640, 360), **more) -> Mask:
    made = box(frame, label, **more)
    pixels = bitmap(made.box, size)
    return Mask(
        span=made.span, label=label, confidence=0.9, frame_index=frame, bbox=made.bbox, track_id=made.track_id,
        segmentation=encode(pixels), area=int(pixels.sum()),
    )  # fmt: skip


def pose(frame: int, scores: Sequence[float] = (0.9,) * 17, **more) -> Pose:
    """Joints on a line down the box."""
    made = box(frame, **more)
    sides = made.box
    points = [[sides.x1 + n, sides.y1 + n * sides.height / 17, score] for n, score in enumerate(scores)]
    return Pose(
        span=made.span, label=made.label, confidence=0.8, frame_index=frame, bbox=sides, track_id=made.track_id,
        keypoints=points,
    )  # fmt: skip


def face(frame: int, label: str | None = None, **more) -> Face:
    made = box(frame, label, **more)
    return Face(span=made.span, label=label, confidence=0.7, frame_index=frame, bbox=made.bbox, yaw=10.0)


def shot(first: int, last: int) -> Shot:
    return Shot(span=span(first, last - first + 1), frame_index=first, first_frame=first, last_frame=last)


def measure(frame: int, label: str = "loudness") -> Measure:
    return Measure(span=span(frame, 25), label=label, values={"rms_dbfs": -23.5})


def caption(frame: int, text: str) -> Caption:
    return Caption(span=span(frame), text=text, attributes={"=key": [text]})


def during(start_s: float, end_s: float) -> TimeSpan:
    """In milliseconds."""
    return TimeSpan(*(Timestamp(round(time * 1000), MILLI) for time in (start_s, end_s)))


def word(start_s: float, end_s: float, text: str = "word", utterance: int = 0, confidence: float | None = 0.5) -> Word:
    return Word(span=during(start_s, end_s), text=text, utterance=utterance, confidence=confidence)


def spoken(start_s: float, end_s: float, text: str = "word", label: str = "Ann", utterance: int = 0) -> SpokenWord:
    return SpokenWord(
        span=during(start_s, end_s), text=text, utterance=utterance, confidence=0.5, label=label, speaker_id=label[-8:]
    )  # fmt: skip


def utterance(start_s: float, end_s: float, text: str, number: int = 0, **more) -> Utterance:
    return Utterance(span=during(start_s, end_s), text=text, number=number, confidence=0.5, **more)


def turn(start_s: float, end_s: float, label: str = "Ann", **more) -> SpeakerTurn:
    return SpeakerTurn(span=during(start_s, end_s), label=label, **{"speaker_id": label[-8:], **more})


def sound(start_s: float, end_s: float, label: str = "laughter") -> SoundEvent:
    return SoundEvent(span=during(start_s, end_s), label=label, confidence=0.5)


def speech(start_s: float, end_s: float) -> Speech:
    return Speech(span=during(start_s, end_s), confidence=0.5)


def of_frames(frame: int, label: str = "person") -> list[Annotation]:
    """What every format carries some of, a frame long: a box, one of a track, a word and a turn of a speaker."""
    start, end = frame / 25, (frame + 1) / 25
    return [box(frame, label), track_box(frame, label=label), word(start, end, label), turn(start, end, label)]


def fill(
    store: StorageBackend,
    video: VideoIdentity,
    annotator: str,
    annotations: Sequence[Annotation],
    info: MediaInfo | None = None,
    status: RunStatus = RunStatus.COMPLETED,
    **changes,
) -> RunSpec:
    """One run of ``annotator`` on ``video`` with these annotations, ended with ``status``."""
    spec = RunSpec(video.video_id, annotator, "1", **changes)
    store.save_video(video, info or media())
    store.register_runs([spec], {})
    claim = store.claim("w", 30.0, store.submit_job(video, [spec.run_id], {}))
    numbering = Numbering(spec.run_key)
    records = tuple(numbering.record(made, made.frame_index or 0) for made in annotations)
    part = RunWindow(spec.run_id, 0, records, 100, None, None, {}, status=status, reason="why")
    with store.transaction(claim) as transaction:
        transaction.save_window(Window(video.video_id, (part,)))
    store.release(claim, JobState.COMPLETED, None, None)
    return spec


def said(start_s: float, text: str) -> list[Annotation]:
    """``text`` as an utterance without words, and half a second later as a word, a turn and a sound."""
    later = start_s + 0.5
    return [
        utterance(start_s + 100, later + 100, text, round(start_s * 2) + 1000, language="he"),
        word(later, later + 0.25, text, round(start_s * 2)),
        turn(later, later + 0.25, text),
        sound(later, later + 0.25, text),
        speech(later, later + 0.25),
    ]


def everything(folder: Path) -> StorageBackend:
    """A store with some of all: types, hostile and foreign text, a video without rows, a still, a failed run."""
    store = open_store(str(folder / "full.db"))
    labels = [*HOSTILE, *UNICODE, HUGE, None, "person", "cat"]
    boxes = [box(frame, label, None if frame % 5 == 0 else frame / 50) for frame, label in enumerate(labels)]
    boxes += [box(3, "dog", 0.9, track_id="=7"), box(3, "zoo", 1.0, attributes={"model": "m", "note": "=1"})]
    fill(store, identity("a", "=a.mp4"), "objects", boxes)
    fill(store, identity("a", "=a.mp4"), "shots", [shot(0, 49), shot(50, 99)])
    tracked = [track_box(made.frame, f"={place}", made.label, bbox=made.bbox) for place, made in enumerate(boxes)]
    fill(store, identity("a", "=a.mp4"), "tracks", [track(0, 20, "=0", "=HYPERLINK(1)"), *tracked])
    fill(store, identity("a", "=a.mp4"), "loudness", [measure(0), measure(25)])
    fill(store, identity("b", "שלום.mkv"), "captions", [caption(index, text) for index, text in enumerate(UNICODE)])
    fill(store, identity("b", "שלום.mkv"), "motion", [], status=RunStatus.FAILED)
    texts = [*HOSTILE, *UNICODE, HUGE, "person", "Zoë said:", "--> 00:00", "100%", "%41", "NA"]
    heard = [made for place, text in enumerate(texts * 2) for made in said(place / 2, text)]
    fill(store, identity("b", "שלום.mkv"), "speech", heard)
    fill(store, identity("c", "000000252219.jpg"), "objects", [box(0, "zebra")], media(640, 428, 1))
    fill(store, identity("d", "empty.mp4"), "objects", [])
    return store


class Endless:
    """As much of a store as exporters read: one video with ``count`` rows like ``made``, made when asked for."""

    def __init__(self, count: int, made: Annotation | None = None) -> None:
        self.count = count
        self.spec = RunSpec(identity().video_id, "objects", "1")
        self.run_id = self.spec.run_id
        self.made = made or box(0)

    def find(self, query: Query) -> Iterator[StoredRow]:
        for number in range(self.count):
            frame = number // 4
            if number % 4 == 0:
                annotation = dataclasses.replace(self.made, span=span(frame), frame_index=frame)
            yield StoredRow(
                annotation_id=f"{number:036}",
                annotation=annotation,
                video_id=self.spec.video_id,
                uri="/videos/a.mp4",
                run_id=self.run_id,
                annotator="objects",
                start_us=frame * 40_000,
                end_us=frame * 40_000 + 40_000,
                ordinal=number,
                emitted_at=frame,
            )

    def video(self, video_id: str) -> VideoRecord:
        return VideoRecord(identity(), media(), media().verdict)

    def videos(self) -> Iterator[VideoRecord]:
        yield self.video("")

    def runs(self, video_id: str | None = None, current_only: bool = True) -> Iterator[RunRecord]:
        yield RunRecord(self.spec, self.run_id, RunStatus.COMPLETED)


class Listed(Endless):
    """One video with these annotations, held in memory: for tests that need many stores."""

    def __init__(self, annotations: Sequence[Annotation]) -> None:
        super().__init__(len(annotations))
        self.rows = sorted(map(self._row, range(len(annotations)), annotations), key=_canonical)

    def find(self, query: Query) -> Iterator[StoredRow]:
        return (row for row in self.rows if row.annotation.type in query.types)

    def _row(self, number: int, made: Annotation) -> StoredRow:
        start, end = made.span.start.micros(), made.span.end.micros()
        video_id, run_id = self.spec.video_id, self.run_id
        return StoredRow(f"{number:036}", made, video_id, "/videos/a.mp4", run_id, "heard", start, end, number, number)


def _canonical(row: StoredRow) -> tuple[int, str, str]:
    return row.start_us, row.annotation.type, row.annotation_id
