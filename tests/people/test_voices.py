"""``--enroll``: a recording of one voice names a speaker."""

from __future__ import annotations

import itertools
import json
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from cortexia.annotators._enrolled import enrolled_voices
from cortexia.app import App, Request
from cortexia.cli.enrolled_voices import with_enrolled
from cortexia.config import load_settings
from cortexia.errors import ConfigurationError
from cortexia.people.voices import parse_enrolments
from cortexia.testing.sound import sound_blocks
from cortexia.testing.spec import SoundSpec, noise, speech
from cortexia.types import Query, SpeakerTurn

ASKED = Request(("speakers",), {"voices": {"model": "offline", "segmentation": "none"}})


def recorded(path: Path, *events, seconds: float = 5.0) -> Path:
    samples = np.concatenate(list(sound_blocks(SoundSpec(events, rate=16_000, floor=0.001), round(seconds * 16_000))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32_000).astype("<i2").tobytes())
    return path


@pytest.fixture
def app(tmp_path):
    with App(load_settings({"store": str(tmp_path / "store.db"), "executor": "inline"}).settings) as app:
        yield app


@pytest.fixture
def deep(tmp_path) -> Path:
    return recorded(tmp_path / "deep.wav", speech(0.3, 4.5, hz=105.0))


def test_a_speaker_has_the_name_of_the_voice_that_was_enrolled(app, deep, tmp_path):
    talk = recorded(tmp_path / "talk.wav", speech(0.3, 4.0, hz=105.0), seconds=5.0)
    asked = app.with_voices(ASKED, [f"anna={deep}"])
    report = app.annotate([talk], asked)
    assert all(video.is_well for video in report.videos), report
    turns = [row.annotation for row in app.store().find(Query(types=("speaker_turn",)))]
    assert {turn.label for turn in turns if isinstance(turn, SpeakerTurn)} == {"anna"}


def test_the_same_recording_gives_the_same_option_and_another_one_another(app, deep, tmp_path):
    high = recorded(tmp_path / "high.wav", speech(0.3, 4.5, hz=220.0))

    def option(*texts: str) -> str:
        return app.with_voices(ASKED, texts).options["speakers"]["enrolled"]

    assert option(f"anna={deep}") == option(f"anna={deep}")
    assert option(f"anna={deep}") != option(f"anna={high}")
    (voice,) = enrolled_voices(option(f"anna={deep}"))
    assert (voice.name, voice.model, voice.vector.shape) == ("anna", "offline-voice-1", (32,))
    assert json.loads(option(f"anna={deep}", f"bea={high}")).keys() == {"anna", "bea"}


def test_a_file_without_speech_is_refused(app, tmp_path):
    quiet = recorded(tmp_path / "noise.wav", noise(0.5, 3.0))
    with pytest.raises(ConfigurationError, match="no speech"):
        app.with_voices(ASKED, [f"anna={quiet}"])


def test_what_is_no_sound_is_refused(app, tmp_path):
    text = tmp_path / "notes.wav"
    text.write_text("not a sound file")
    with pytest.raises(ConfigurationError, match="no sound"):
        app.with_voices(ASKED, [f"anna={text}"])


@pytest.mark.parametrize("part", [0.25, 0.7])
def test_a_damaged_recording_is_refused(app, deep, tmp_path, part):
    """It may be whole by what its head says: what came of decoding it counts."""
    whole = tmp_path / "whole.flac"
    transcode(deep, whole)
    assert app.with_voices(ASKED, [f"anna={whole}"]).options["speakers"]["enrolled"]
    data = whole.read_bytes()
    cut = tmp_path / "cut.flac"
    cut.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ConfigurationError, match=r"cut.flac is damaged; \d\.\d s of 5\.0 s"):
        app.with_voices(ASKED, [f"anna={cut}"])


def transcode(source: Path, target: Path) -> None:
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream("flac", rate=16_000, layout="mono")
        for frame in read.decode(audio=0):
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))


def test_a_recording_that_is_too_long_is_refused_as_soon_as_that_is_known(app, deep, monkeypatch):
    monkeypatch.setattr("cortexia.people.voices.LONGEST_S", 2)
    told: list[float] = []
    with pytest.raises(ConfigurationError, match=r"deep.wav is longer than"):
        app.with_voices(ASKED, [f"anna={deep}"], told.append)
    assert max(told) <= 2.0


def test_how_far_it_is_is_told(app, deep):
    told: list[float] = []
    app.with_voices(ASKED, [f"anna={deep}"], told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(5.0)


def test_progress_is_told_after_a_second(app, deep, capsys, monkeypatch):
    asked = {"enrolments": (f"anna={deep}",), "as_json": False}
    with_enrolled(app, ASKED, asked)
    assert capsys.readouterr().err == ""
    times = itertools.count(0.0, 1.5)
    monkeypatch.setattr("cortexia.cli.progress.time.monotonic", lambda: next(times))
    with_enrolled(app, ASKED, asked)
    assert "voices heard: " in capsys.readouterr().err
    with_enrolled(app, ASKED, {**asked, "as_json": True})
    assert capsys.readouterr().err == ""


def test_nobody_asked_for_speakers(app, deep):
    with pytest.raises(ConfigurationError, match="add speakers"):
        app.with_voices(Request(("shots",)), [f"anna={deep}"])


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (("anna",), "NAME=FILE"),
        (("anna=",), "NAME=FILE"),
        (("=x.wav",), "a name has"),
        (("anna=no-such.wav",), "no file"),
        (("an=na=no-such.wav",), "may not hold '='"),
        (("Speaker A=x.wav",), "calls speakers"),
        (("Person A=x.wav",), "calls people"),
        (("n" * 257 + "=x.wav",), "1 to 256"),
    ],
)
def test_what_is_no_enrolment_is_refused(texts, why):
    with pytest.raises(ConfigurationError, match=why):
        parse_enrolments(texts)


def test_a_name_comes_once(deep):
    with pytest.raises(ConfigurationError, match="twice"):
        parse_enrolments([f"anna={deep}", f"anna={deep}"])
    assert parse_enrolments([f"anna={deep}", f"bea={deep}"]) == {"anna": deep, "bea": deep}
