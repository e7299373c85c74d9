"""The page of one video."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from cortexia.report.account import SECTIONS, make_gaps, run_lines, section_state
from cortexia.report.axis import Axis
from cortexia.report.base import VideoData
from cortexia.report.curves import make_curves
from cortexia.report.gather import Facts, ShotFacts, gather
from cortexia.report.page import render
from cortexia.report.pictures import data_uri, encoded, evenly, fetched, fitted
from cortexia.report.presence import caption_cards, face_rows, present_counts, present_lanes, tag_chips
from cortexia.report.samples import make_samples
from cortexia.report.sound_lanes import heard_counts
from cortexia.report.style import Style, speaker_shades, style_of
from cortexia.report.timeline import LABELS_SHOWN, make_lanes
from cortexia.report.transcript import make_transcript
from cortexia.report.words import DASH, TIMES, count, length, number, plural, rate
from cortexia.types import MediaInfo, Transition, Verdict
from cortexia.wording import clock, size

CARDS_SHOWN = 96
ROWS_SHOWN = 3000
_THUMB = (240, 180)
_PRESENT_TILES = 4
_LOOKS = ("sharpness", "exposure", "noise_sigma")


@dataclass(frozen=True, slots=True)
class Card:
    """A shot in the strip. ``source`` is empty where no picture was kept, ``is_lost`` where it is gone."""

    number: int
    source: str
    width: int
    height: int
    start: str
    length: str
    transition: str
    camera: str
    hints: tuple[str, ...]
    is_lost: bool


@dataclass(frozen=True, slots=True)
class ShotRow:
    number: int
    start: str
    end: str
    length: str
    frames: str
    transition_in: str
    transition_out: str
    camera: str


def video_page(data: VideoData, facts: Facts | None = None) -> bytes:
    """HTML of one file with nothing from elsewhere, the same bytes for the same store."""
    facts = facts or gather(data)
    axis = Axis(facts.end)
    style = style_of(facts)
    colours = style.labels
    media = data.record.media
    lanes = make_lanes(facts, axis, colours, speaker_shades(facts.heard))
    curves = make_curves(facts, axis)
    chosen = [facts.shots[place] for place in evenly(facts.shots, CARDS_SHOWN)]
    return render(
        "video.html",
        name=data.record.identity.filename,
        identity=data.record.identity,
        verdict=verdict_of(data),
        verdict_notes=_verdict_notes(verdict_of(data)),
        media_facts=_media_facts(data, media),
        metadata=sorted(media.metadata.items()) if media else [],
        tiles=_tiles(data, facts),
        ticks=axis.ticks(),
        shot_back=axis.shot_background(facts.shots),
        lanes=lanes,
        transcript=make_transcript(facts.heard, axis),
        heard=facts.heard,
        has_objects=bool(facts.detections),
        label_legend=_legend(facts, colours),
        curves=curves,
        has_bands=any(curve.band for curve in curves),
        cards=[_card(data, facts, shot) for shot in chosen if facts.pictures],
        cards_note=_cards_note(facts),
        shots=[_shot_row(facts, shot) for shot in facts.shots[:ROWS_SHOWN]],
        shots_title=_table_title(facts),
        samples=make_samples(facts, media.video if media else None, style, data.blob),
        **_seen_of(facts, axis, style, data),
        states={name: section_state(data, name) for name in SECTIONS},
        drawn={curve.title for curve in curves},
        runs=run_lines(data),
        gaps=make_gaps(data, facts),
    )


def _legend(facts: Facts, colours: dict[str, int]) -> list[tuple[str, int, str]]:
    """Labels with their colours and how many boxes have these: those in no track."""
    loose = {label: len(series) - facts.tracked[label] for label, series in facts.detections.items()}
    shown = [label for label in facts.labels if loose[label] > 0][:LABELS_SHOWN]
    return [(label, colours[label], count(loose[label])) for label in shown]


def _seen_of(facts: Facts, axis: Axis, style: Style, data: VideoData) -> dict[str, object]:
    """Who is there when, and what was said."""
    cards, note = caption_cards(facts, data.blob)
    return {
        "present": present_lanes(facts, axis, style),
        "has_people": bool(facts.seen.people),
        "face_rows": face_rows(facts),
        "caption_cards": cards,
        "captions_note": note,
        "tags": tag_chips(facts),
    }


def verdict_of(data: VideoData) -> Verdict | None:
    """What a full pass said, else what the probe said."""
    media = data.record.media
    return data.record.verdict or (media.verdict if media else None)


def _verdict_notes(verdict: Verdict | None) -> list[tuple[str, str]]:
    if verdict is None:
        return []
    notes = [("Frames decoded", count(verdict.frames_decoded)), ("Corrupt frames", count(verdict.frames_corrupt))]
    if verdict.error_count:
        notes.append(("Errors", count(verdict.error_count)))
    if verdict.first_error:
        notes.append(("First error", verdict.first_error))
    if verdict.last_good_s is not None and verdict.status != "ok":
        notes.append(("Last good picture ends at", clock(round(verdict.last_good_s * 1e6), 3)))
    return notes + [("Note", note) for note in verdict.notes]


def _media_facts(data: VideoData, media: MediaInfo | None) -> list[tuple[str, str]]:
    found = [("Size", size(data.record.identity.size_bytes))]
    if media is None:
        return found
    declared = "not stated" if media.duration_s is None else length(round(media.duration_s * 1e6))
    found = [("Duration", declared), *found, ("Container", media.container.replace(",", ", "))]
    if media.video is not None:
        video = media.video
        found.append(("Picture", f"{video.width} {TIMES} {video.height}"))
        found.append(("Frame rate", f"{rate(video.average_rate)} /s" if video.average_rate else "not stated"))
        turned = f", turned by {video.rotation}°" if video.rotation else ""
        found.append(("Video codec", f"{video.codec}{turned}"))
    else:
        found.append(("Picture", "none"))
    if media.audio is not None:
        audio = media.audio
        found.append(("Sound", f"{audio.codec}, {audio.rate / 1000:g} kHz, {plural(audio.channels, 'channel')}"))
    else:
        found.append(("Sound", "none"))
    return found


def _tiles(data: VideoData, facts: Facts) -> list[tuple[str, str]]:
    """Figures at a glance, of what was looked at only."""
    tiles = []
    looked = {run.spec.annotator for run in data.shown_runs if run.annotation_count}
    if facts.shots:
        lengths = [shot.end - shot.start for shot in facts.shots]
        tiles.append((count(len(lengths)), "shot" if len(lengths) == 1 else "shots"))
        tiles.append((length(round(median(lengths))), "median shot"))
    if "loudness" in looked:
        total = sum(end - start for start, end in zip(facts.sounds.starts, facts.sounds.ends, strict=True))
        tiles.append((length(total), "with sound"))
    tiles += heard_counts(facts.heard)
    if facts.detections:
        tiles.append((count(sum(map(len, facts.detections.values()))), "detections"))
        tiles.append((count(len(facts.detections)), "label" if len(facts.detections) == 1 else "labels"))
    tiles += present_counts(facts)[:_PRESENT_TILES]
    for label, spans in sorted(facts.spans.items()):
        tiles.append((length(sum(span.end - span.start for span in spans)), label))
    tiles.append((count(sum(facts.rows.values())), "rows"))
    return tiles


def _card(data: VideoData, facts: Facts, shot: ShotFacts) -> Card:
    picture = fetched(data.blob, shot.picture.thumbnail) if shot.picture else None
    small = fitted(picture, *_THUMB) if picture else None
    return Card(
        number=shot.number,
        source=data_uri(encoded(small, 66)) if small else "",
        width=small.width if small else 0,
        height=small.height if small else 0,
        start=clock(shot.start, 2),
        length=length(shot.end - shot.start),
        transition=_begins(shot.shot.transition_in),
        camera=facts.cameras.get(shot.start, ""),
        hints=_hints(facts, shot),
        is_lost=shot.picture is not None and small is None,
    )


def _begins(transition: Transition) -> str:
    return "" if transition in (Transition.START, Transition.CUT) else transition.value


def _hints(facts: Facts, shot: ShotFacts) -> tuple[str, ...]:
    hints = [
        label
        for label, spans in sorted(facts.spans.items())
        if any(span.start < shot.end and shot.start < span.end for span in spans)
    ]
    looks = facts.looks.get(shot.start, {})
    for wanted in _LOOKS:
        name = next((name for name in (wanted, f"{wanted}_mean") if name in looks), None)
        if name is not None:
            hints.append(f"{wanted.removesuffix('_sigma')} {number(looks[name])}")
    if looks.get("blurred_fraction", 0.0) >= 0.005:
        hints.append(f"{looks['blurred_fraction']:.0%} blurred")
    return tuple(hints)


def _cards_note(facts: Facts) -> str:
    if len(facts.shots) <= CARDS_SHOWN:
        return ""
    return f"{CARDS_SHOWN} of {count(len(facts.shots))} shots, spread evenly; the table below lists them."


def _table_title(facts: Facts) -> str:
    if len(facts.shots) > ROWS_SHOWN:
        return f"The first {count(ROWS_SHOWN)} of {count(len(facts.shots))} shots as a table"
    return f"All {plural(len(facts.shots), 'shot')} as a table" if len(facts.shots) > 1 else "The shot as a table"


def _shot_row(facts: Facts, shot: ShotFacts) -> ShotRow:
    return ShotRow(
        number=shot.number,
        start=clock(shot.start, 3),
        end=clock(shot.end, 3),
        length=f"{(shot.end - shot.start) / 1e6:.3f}",
        frames=f"{shot.shot.first_frame}{DASH}{shot.shot.last_frame}",
        transition_in=shot.shot.transition_in.value,
        transition_out=shot.shot.transition_out.value,
        camera=facts.cameras.get(shot.start, ""),
    )
