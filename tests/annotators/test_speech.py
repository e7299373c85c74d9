"""When somebody speaks, in sounds whose truth is known and in real ones."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from driving import Drive, annotations
from footage import AUDIO_RATE, context, read_sound, sound_of

from cortexia.annotators import speech as module
from cortexia.annotators.speech import Speech
from cortexia.errors import ConfigurationError
from cortexia.models.silero import CHUNK
from cortexia.testing import SoundSpec, click, noise, speech, tone
from cortexia.testing.sound import sound_blocks
from cortexia.types import Speech as SpeechSpan


def made_of(*events, seconds: float, floor: float = 0.0) -> np.ndarray:
    spec = SoundSpec(events=events, rate=AUDIO_RATE, floor=floor)
    return np.concatenate(list(sound_blocks(spec, round(seconds * AUDIO_RATE))))


def listen(samples: np.ndarray, recipe: Speech | None = None, sizes=(4000,)) -> list[SpeechSpan]:
    return annotations(Drive(recipe or Speech(), context(), sound_of(samples, sizes)).run())


def spans(rows) -> list[tuple[float, float]]:
    return [(row.span.start.seconds, row.span.end.seconds) for row in rows]


# -- sounds with known truth

KNOCKS = tuple(click(1.0 + 0.25 * at) for at in range(16))


@pytest.mark.parametrize("hz", [110.0, 150.0, 200.0])
@pytest.mark.parametrize("floor", [0.0, 0.01])
def test_speech_is_found_where_it_is(hz, floor):
    """The network hears a voice for a moment longer than it speaks."""
    found = listen(made_of(speech(2.0, 2.5, hz), speech(6.0, 2.0, hz), seconds=10, floor=floor))
    starts, ends = zip(*spans(found), strict=True)
    assert starts == pytest.approx((2.0, 6.0), abs=0.1)
    assert ends == pytest.approx((4.5, 8.0), abs=0.2)
    assert {row.label for row in found} == {"speech"}
    assert all(0.5 < row.confidence <= 1.0 for row in found)


@pytest.mark.parametrize(
    "events",
    [(), (noise(1.0, 4.0),), (tone(1.0, 4.0, 440.0),), (tone(1.0, 4.0, 1000.0),), KNOCKS],
    ids=["silence", "noise", "tone", "high tone", "knocks"],
)
def test_what_is_no_speech_is_not_taken_for_it(events):
    assert listen(made_of(*events, seconds=6)) == []


def test_a_threshold_that_nothing_reaches_finds_nothing():
    assert listen(made_of(speech(1.0, 2.0), seconds=4), Speech(threshold=1.0, hysteresis=0.0)) == []


def test_nothing_is_nothing():
    assert listen(np.zeros(0, np.float32)) == []


@pytest.mark.parametrize("samples", [1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_less_than_a_chunk_is_no_trouble(samples):
    assert listen(np.ones(samples, np.float32)) == []


def test_an_interval_ends_where_the_sound_does():
    rows = listen(made_of(speech(1.0, 3.0), seconds=3.0)[: 3 * AUDIO_RATE - 100])
    assert rows[-1].span.end.pts == 3 * AUDIO_RATE - 100


def test_the_clock_of_the_video_is_kept():
    samples = made_of(speech(1.0, 2.0), seconds=4)
    (there,) = annotations(Drive(Speech(), context(), sound_of(samples)).run())
    (later,) = annotations(Drive(Speech(), context(), sound_of(samples, start=77_777)).run())
    assert later.span.start.pts - there.span.start.pts == 77_777


# -- long speech, and what the network is made to forget


@pytest.fixture(scope="module")
def monologue() -> np.ndarray:
    """Speech without a pause, for longer than the network may go on."""
    return made_of(speech(1.0, 148.0), seconds=150)


def test_long_speech_comes_in_parts_that_follow_each_other(monologue):
    rows = listen(monologue)
    assert len(rows) >= 5
    assert all(row.span.duration_s <= 30.0 for row in rows)
    assert all(before.span.end <= after.span.start for before, after in pairwise(rows))
    assert sum(row.span.duration_s for row in rows) > 0.9 * 148


def resets(monkeypatch) -> list[int]:
    places: list[int] = []
    reset = module.SpeechSession._reset_at

    def told(self, chunk):
        places.append(chunk)
        reset(self, chunk)

    monkeypatch.setattr(module.SpeechSession, "_reset_at", told)
    return places


def test_after_a_minute_of_unbroken_speech_the_network_is_reset(monologue, monkeypatch):
    places = resets(monkeypatch)
    monkeypatch.setattr(module, "_CALM_BELOW", -1.0)
    listen(monologue, Speech(threshold=0.01, hysteresis=0.0))
    minute = 60 * AUDIO_RATE // CHUNK
    assert places == [0, minute, 2 * minute]


def test_in_silence_it_is_reset_sooner(monkeypatch):
    places = resets(monkeypatch)
    listen(np.zeros(35 * AUDIO_RATE, np.float32))
    assert places == [0, 312, 624, 936]


def test_a_reset_in_the_midst_of_speech_is_hardly_heard(monologue, monkeypatch):
    often = listen(monologue[: 60 * AUDIO_RATE])
    monkeypatch.setattr(module, "_RESET_AT_LAST", 8 * AUDIO_RATE // CHUNK)
    places = resets(monkeypatch)
    seldom = listen(monologue[: 60 * AUDIO_RATE])
    assert len(places) >= 7
    covered = [sum(row.span.duration_s for row in rows) for rows in (often, seldom)]
    assert covered[1] == pytest.approx(covered[0], rel=0.05)


def test_a_restart_in_long_speech_changes_nothing(monologue):
    drive = Drive(Speech(), context(), sound_of(monologue, (16_000,)))
    undisturbed = drive.run(keep_stops=True)
    for stop in drive.stops[::13]:
        assert drive.resume(stop, undisturbed) == undisturbed, f"stopped after {stop.count} s"
        assert len(stop.state) < 16_000
        assert drive.inputs[stop.count - 1].index + AUDIO_RATE - stop.replay_from <= 64 * AUDIO_RATE


def test_a_restart_that_does_not_hear_the_lead_again_differs(monologue, monkeypatch):
    """Negative control: the sound before the reset counts."""
    drive = Drive(Speech(), context(), sound_of(monologue, (16_000,)))
    undisturbed = drive.run(keep_stops=True)
    stop = next(stop for stop in drive.stops if json.loads(stop.state)["memory"]["reset"])
    monkeypatch.setattr(module, "_LEAD", 0)
    assert drive.resume(stop, undisturbed) != undisturbed
    monkeypatch.undo()
    assert drive.resume(stop, undisturbed) == undisturbed


@pytest.mark.parametrize(
    "option",
    [{"threshold": 0.0}, {"hysteresis": -0.1}, {"min_silence_s": 0.0}, {"pad_s": 2.0}, {"max_s": 31.0}],
)
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        Speech(**option)


# -- real sound


def marked(pairs, length_s: float) -> np.ndarray:
    frames = np.zeros(round(length_s * 100), bool)
    for start, end in pairs:
        frames[round(start * 100) : round(end * 100)] = True
    return frames


def turns(path: Path, name: str) -> list[tuple[float, float]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(row[3]), float(row[3]) + float(row[4])) for row in rows if row[1] == name]


@pytest.mark.data
def test_the_dialogue_of_the_film_is_heard(data_dir):
    clock = [
        line.split()[0::2][:2] for line in (data_dir / "gt/mdn/friday.vtt").read_text().splitlines() if "-->" in line
    ]
    cues = [tuple(float(part[-6:]) for part in pair) for pair in clock]
    sound = read_sound(data_dir / "videos/mdn/friday.mp4")
    length = len(sound) / AUDIO_RATE
    said, true = marked(spans(listen(sound)), length), marked(cues, length)
    assert true.sum() > 500, "six seconds of cues"
    assert (said & true).sum() >= 0.8 * true.sum()
    assert (said & ~true).sum() <= 50


@pytest.mark.data
def test_the_speakers_of_the_montage_are_heard(data_dir):
    events = json.loads((data_dir / "gt/montage_cuts_speech.json").read_text())["audio_events"]
    found = spans(listen(read_sound(data_dir / "videos/composed/montage_cuts_speech.mp4")))
    said = marked(found, 25)
    for event in events:
        if event["label"].startswith("speech"):
            assert said[round(event["start"] * 100) : round(event["end"] * 100)].mean() > 0.75, event


@pytest.mark.data
@pytest.mark.parametrize("clip", ["audio/events/crowd_laugh_1.wav", "videos/intel/car-detection.mp4"])
def test_laughter_and_silence_are_no_speech(data_dir, clip):
    assert listen(read_sound(data_dir / clip)) == []


@pytest.mark.data
@pytest.mark.parametrize(
    ("clip", "rttm", "name", "least"),
    [
        ("dev00", "debug.development", "dev00", 0.8),
        ("dev01", "debug.development", "dev01", 0.88),
        ("pyannote_sample", "pyannote_sample", "sample", 0.97),
    ],
)
def test_turns_of_people_who_talk_are_heard(data_dir, clip, rttm, name, least):
    sound = read_sound(data_dir / f"audio/diarization/{clip}.wav")
    length = len(sound) / AUDIO_RATE
    said = marked(spans(listen(sound)), length)
    true = marked(turns(data_dir / f"gt/diarization/{rttm}.rttm", name), length)
    f1 = 2 * (said & true).sum() / (said.sum() + true.sum())
    print(f"F1 of speech on {clip}: {f1:.3f}")  # noqa: T201 - the figure belongs in the record of the run
    assert f1 >= least
