"""Lanes of what is heard: the level and where anything is to be heard, speech, speakers, other sounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cortexia.report.axis import Axis
from cortexia.report.gather import Facts
from cortexia.report.heard import Heard, Speaker
from cortexia.report.lane import Lane, spans_lane
from cortexia.report.series import Series, Span, runs_of
from cortexia.report.words import count, length, number, plural

SPEAKERS_SHOWN = 12
EVENTS_SHOWN = 10
_BLOCKS_SHOWN = 400
_OTHERS_SHADE = 7
_SILENCE_DBFS = -120.0


def sound_lanes(facts: Facts, axis: Axis, shades: dict[str, int]) -> list[Lane]:
    """The speakers in order of appearance, other sounds those of the longest time first. ``shades`` of speakers are
    places in the palette."""
    heard = facts.heard
    lanes = [_level_lane(facts, axis)] if len(facts.sounds) or "loudness" in facts.measures else []
    if len(heard.speech):
        lanes.append(_speech_lane(heard.speech, axis))
    return [*lanes, *_speaker_lanes(heard, axis, shades), *_event_lanes(heard, axis)]


def heard_counts(heard: Heard) -> list[tuple[str, str]]:
    """How much speech there is, and of how many speakers."""
    told = [(length(speech_length(heard)), "of speech")] if len(heard.speech) else []
    speakers = len(heard.speakers)
    return told + ([(count(speakers), "speaker" if speakers == 1 else "speakers")] if speakers else [])


def speech_length(heard: Heard) -> int:
    """How long anybody speaks (µs)."""
    return _total(runs_of(heard.speech, 0))


def longest_events(heard: Heard) -> list[str]:
    """Labels of other sounds, those of the longest time first."""
    return sorted(heard.events, key=lambda label: (-_total(runs_of(heard.events[label], 0)), label))


def _level_lane(facts: Facts, axis: Axis) -> Lane:
    """The envelope over the stretches in which anything is to be heard; these alone where there is no envelope."""
    spans = list(runs_of(facts.sounds, 0))
    note = f"{plural(len(facts.sounds), 'interval')}, {_share(spans, axis)}"
    loudest = facts.heard.levels.loudest
    if loudest is None:
        return spans_lane("Sound", note, spans, axis, "sound")
    lane = spans_lane("Sound", f"{note}; {_loudest(loudest)}", spans, axis, "active")
    return replace(lane, wave=facts.heard.levels.path(axis.x))


def _loudest(level: float) -> str:
    return "digital silence" if level <= _SILENCE_DBFS else f"loudest {number(level)} dBFS"


def _share(spans: list[Span], axis: Axis) -> str:
    return f"{_total(spans) / axis.end:.0%} of the time"


def _total(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in spans)


def _speech_lane(speech: Series, axis: Axis) -> Lane:
    spans = list(runs_of(speech, 0))
    note = f"{length(_total(spans))}, {_share(spans, axis)}"
    return spans_lane("Speech", note, spans, axis, "sound", _BLOCKS_SHOWN)


def _speaker_lanes(heard: Heard, axis: Axis, shades: dict[str, int]) -> list[Lane]:
    speakers = [(key, speaker) for key, speaker in heard.speakers.items() if len(speaker.turns)]
    lanes = [_speaker_lane(speaker, axis, shades.get(key, _OTHERS_SHADE)) for key, speaker in speakers[:SPEAKERS_SHOWN]]
    rest = [speaker.turns for _, speaker in speakers[SPEAKERS_SHOWN:]]
    return lanes + ([_rest_lane("Other speakers", rest, axis, f"c{_OTHERS_SHADE}")] if rest else [])


def _speaker_lane(speaker: Speaker, axis: Axis, shade: int) -> Lane:
    turns = speaker.turns
    spans = [
        Span(start, end, ", while others speak" if overlap else "")
        for start, end, overlap in zip(turns.starts, turns.ends, turns.values, strict=True)
    ]
    note = f"{length(_total(runs_of(turns, 0)))}, {plural(len(turns), 'turn')}"
    return replace(spans_lane(speaker.name, note, spans, axis, f"c{shade}", _BLOCKS_SHOWN), shade=shade)


def _event_lanes(heard: Heard, axis: Axis) -> list[Lane]:
    ordered = longest_events(heard)
    lanes = [_event_lane(label, heard.events[label], axis) for label in ordered[:EVENTS_SHOWN]]
    rest = [heard.events[label] for label in ordered[EVENTS_SHOWN:]]
    return lanes + ([_rest_lane("Other sounds", rest, axis, "event")] if rest else [])


def _event_lane(label: str, series: Series, axis: Axis) -> Lane:
    spans = [
        Span(start, end, f" {confidence:.2f}" if confidence else "")
        for start, end, confidence in zip(series.starts, series.ends, series.values, strict=True)
    ]
    note = f"{plural(len(spans), 'time')}, {length(_total(runs_of(series, 0)))}"
    best = max(series.values)
    return spans_lane(label, f"{note}, up to {best:.2f}" if best else note, spans, axis, "event", _BLOCKS_SHOWN)


def _rest_lane(name: str, rest: list[Series], axis: Axis, look: str) -> Lane:
    pairs = sorted(pair for series in rest for pair in zip(series.starts, series.ends, strict=True))
    together = Series()
    for start, end in pairs:
        together.add(start, end)
    spans = list(runs_of(together, 0))
    return spans_lane(name, f"{count(len(rest))} more, {length(_total(spans))}", spans, axis, look, _BLOCKS_SHOWN)
