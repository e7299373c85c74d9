"""Words out of speech: what is heard together, what is kept of it, and that nothing depends on commits."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
from driving import END, Drive, annotations
from footage import context, read_sound, sound_of
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_whisper import tiny_whisper

from cortexia.annotators.speech import Speech
from cortexia.annotators.transcription import Transcription, TranscriptionSession
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.access import open_models
from cortexia.models.adoption import Adoption
from cortexia.models.catalogue import load_catalogue
from cortexia.models.hearing import Asked, HeardText, HeardWord, Transcript
from cortexia.models.library import ModelLibrary
from cortexia.types import Speech as SpeechSpan
from cortexia.types import TimeSpan, Timestamp, Utterance, Word

RATE = 16_000
SPHINX = Transcription(model="pocketsphinx")


class Echo:
    """Says how many samples it was given, and what it was asked."""

    def __init__(self, says=None) -> None:
        self.asked: list[Asked] = []
        self.heard: list[np.ndarray] = []
        self._says = says or (lambda sound, asked: f"{len(sound)}")

    def transcribe(self, sound, asked: Asked) -> Transcript:
        self.asked.append(asked)
        self.heard.append(np.array(sound))
        length = len(sound) / RATE
        spoken = self._says(sound, asked).split()
        step = length / len(spoken)
        words = tuple(HeardWord(word, k * step, (k + 1) * step, 0.25) for k, word in enumerate(spoken))
        return Transcript((HeardText(" ".join(spoken), 0.0, length, math.log(0.5), words),), "en", 0.9)


@dataclasses.dataclass(frozen=True)
class Echoing(Transcription):
    """The real recipe, with a transcriber whose words are known."""

    def session(self, context):
        return TranscriptionSession(self, ECHO[0], context.moved)


ECHO = [Echo()]


def span(first_s: float, last_s: float) -> TimeSpan:
    base = Fraction(1, RATE)
    return TimeSpan(Timestamp(round(first_s * RATE), base), Timestamp(round(last_s * RATE), base))


def told(*spans: tuple[float, float], late_s: float = 0.3):
    """Speech, each interval told of ``late_s`` after its end."""
    return [
        (round((last + late_s) * RATE), SpeechSpan(span=span(first, last), label="speech", confidence=0.9))
        for first, last in spans
    ]


def heard(spans, length_s: float = 100.0, says=None, block: int = 4000, **options):
    ECHO[0] = Echo(says)
    samples = np.arange(round(length_s * RATE), dtype=np.float32)
    drive = Drive(Echoing(**options), context(), sound_of(samples, [block]), upstream=told(*spans))
    return annotations(drive.run())


def utterances(rows) -> list[Utterance]:
    return [row for row in rows if isinstance(row, Utterance)]


def seconds(row) -> tuple[float, float]:
    return row.span.start.seconds, row.span.end.seconds


# -- what is heard together


def test_neighbours_are_heard_together_and_others_apart():
    rows = utterances(heard([(1.0, 2.0), (2.9, 4.0), (5.1, 6.0)]))
    assert [seconds(row) for row in rows] == [(1.0, 4.0), (5.1, 6.0)]
    assert [row.number for row in rows] == [0, 1]
    assert [len(sound) for sound in ECHO[0].heard] == [3 * RATE, round(0.9 * RATE)]
    assert ECHO[0].heard[1][0] == pytest.approx(5.1 * RATE), "the very samples"


def test_no_more_than_thirty_seconds_are_heard_at_once():
    rows = utterances(heard([(0.0, 20.0), (20.0, 30.0), (30.0, 59.0)]))
    assert [seconds(row) for row in rows] == [(0.0, 30.0), (30.0, 59.0)]


def test_an_utterance_is_said_when_nothing_can_join_it():
    drive = Drive(Echoing(), context(), sound_of(np.zeros(80 * RATE, np.float32), [4000]), upstream=told((1.0, 2.0)))
    at = [at for at, row in drive.run() if isinstance(row, Utterance)]
    assert 33 * RATE < at[0] < 35 * RATE


def test_words_belong_to_their_utterance():
    rows = heard([(1.0, 3.0), (10.0, 11.0)], says=lambda sound, asked: "one two")
    words = [row for row in rows if isinstance(row, Word)]
    assert [(row.text, row.utterance, *seconds(row)) for row in words] == [
        *(("one", 0, 1.0, 2.0), ("two", 0, 2.0, 3.0)),
        *(("one", 1, 10.0, 10.5), ("two", 1, 10.5, 11.0)),
    ]
    assert {row.confidence for row in words} == {0.25}
    assert {row.confidence for row in utterances(rows)} == {0.5}, "e to the mean log-probability"


def test_a_gap_in_the_clock_ends_what_is_heard():
    ECHO[0] = Echo()
    samples = np.zeros(4 * RATE, np.float32)
    before = sound_of(samples, [4000])
    after = [
        dataclasses.replace(block, index=block.index + len(samples)) for block in sound_of(samples, [4000], 10 * RATE)
    ]
    speech = SpeechSpan(span=span(3.0, 4.0), label="speech", confidence=0.9)
    later = SpeechSpan(span=span(10.0, 10.2), label="speech", confidence=0.9)
    # both are told of with the first block after the gap
    drive = Drive(Echoing(), context(), [*before, *after], upstream=[(after[0].index, speech), (after[0].index, later)])
    rows = utterances(annotations(drive.run()))
    assert [seconds(row) for row in rows] == [(3.0, 4.0), (10.0, 10.2)]
    assert [len(sound) for sound in ECHO[0].heard] == [RATE, round(0.2 * RATE)]


def test_without_speech_nothing_is_asked():
    assert heard([]) == []
    assert ECHO[0].asked == []


# -- what helps, and what does not


def test_what_was_said_last_helps_with_what_comes_next():
    heard([(1.0, 2.0), (5.0, 6.0)], says=lambda sound, asked: "the quick fox", prompt="Ada, Grace")
    assert [(asked.prompt, asked.said) for asked in ECHO[0].asked] == [
        *(("Ada, Grace", ""), ("Ada, Grace", "the quick fox"))
    ]
    heard([(1.0, 2.0), (5.0, 6.0)], says=lambda sound, asked: "the quick fox", context=False)
    assert [asked.said for asked in ECHO[0].asked] == ["", ""]


def test_what_nobody_believes_helps_with_nothing(monkeypatch):
    monkeypatch.setattr("cortexia.annotators._transcripts._is_silence", lambda text: True)
    assert heard([(1.0, 2.0), (5.0, 6.0)], says=lambda sound, asked: "Thanks for watching!") == []
    assert [asked.said for asked in ECHO[0].asked] == ["", ""]


def test_a_language_that_was_found_is_kept():
    heard([(1.0, 2.0), (5.0, 6.0)])
    assert [asked.language for asked in ECHO[0].asked] == [None, "en"]
    heard([(1.0, 2.0), (5.0, 6.0)], language="de")
    assert [asked.language for asked in ECHO[0].asked] == ["de", "de"]


def test_a_model_in_a_loop_is_asked_in_other_words():
    def says(sound, asked: Asked) -> str:
        return "we go home" if asked.no_repeats_of else "we go " * 6

    rows = utterances(heard([(1.0, 2.0), (5.0, 6.0)], says=says, model="a-whisper"))
    assert [row.text for row in rows] == ["we go home", "we go home"]
    assert [asked.said for asked in ECHO[0].asked] == ["", "", "we go home", ""]


def test_a_loop_that_stays_is_cut_and_says_so():
    (row,) = utterances(heard([(1.0, 2.0)], says=lambda sound, asked: "we go " * 6))
    assert (row.text, row.attributes["repeats_removed"]) == ("we go", 10)


# -- exactness


@pytest.mark.parametrize("block", [4000, 1, 333])
def test_blocks_change_nothing(block):
    spans = [(0.1, 0.4), (0.5, 0.9), (2.5, 2.9)]
    says = lambda sound, asked: f"{len(sound)} {asked.said[-9:]}"  # noqa: E731
    length = 3.4 if block == 1 else 60.0
    assert heard(spans, length, says, block) == heard(spans, length, says)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_restarts_change_nothing(data):
    ECHO[0] = Echo(lambda sound, asked: f"{len(sound)} {int(sound[0]) if len(sound) else 0} {asked.said[-9:]}")
    spans, at = [], 0.0
    for _ in range(data.draw(st.integers(1, 6))):
        at += data.draw(st.floats(0.05, 8.0))
        spans.append((at, at := at + data.draw(st.floats(0.2, 28.0))))
    samples = np.arange(round((at + 20) * RATE), dtype=np.float32)
    drive = Drive(Echoing(), context(), sound_of(samples, [16_000]), upstream=told(*spans))
    before = drive.run(keep_stops=True)
    stop = drive.stops[data.draw(st.integers(0, len(drive.stops) - 1))]
    assert drive.resume(stop, before) == before
    rows = [row for _, row in before]
    for stop in drive.stops:
        later = rows[stop.said :]
        assert not stop.final_until or all(row.span.start >= stop.final_until for row in later)


def test_a_session_that_forgets_says_something_else():
    """Negative control of the test above."""
    ECHO[0] = Echo()
    drive = Drive(
        Echoing(), context(), sound_of(np.zeros(20 * RATE, np.float32), [4000]), upstream=told((1.0, 3.0), (9.0, 10.0))
    )
    before = drive.run(keep_stops=True)
    assert drive.resume(drive.stops[20], before, forgets=True) != before


def test_memory_does_not_grow():
    ECHO[0] = Echo()
    session = Echoing().session(context())
    kept = []
    for block in sound_of(np.zeros(300 * RATE, np.float32), [4000]):
        session.process([block], [[]])
        kept.append(session.progress().replay_from)
    behind = [block - first for block, first in zip(range(4000, 300 * RATE + 1, 4000), kept, strict=True)]
    assert max(behind) <= 32 * RATE


# -- the recipe


def test_the_best_model_is_taken_and_pocketsphinx_where_there_is_none():
    assert Transcription().bound(lambda task: {"transcription": "whisper-small"}[task]).model == "whisper-small"
    assert Transcription().bound(lambda task: None).model == "pocketsphinx"
    assert Transcription(model="whisper-tiny").bound(lambda task: "other").model == "whisper-tiny"
    assert Transcription(model="whisper-tiny").model_ids == ("whisper-tiny",)
    assert SPHINX.model_ids == ()


@pytest.mark.parametrize(
    "options",
    [
        *({"beam_size": 0}, {"beam_size": 21}, {"prompt": "x" * 801}, {"language": "English"}, {"language": "EN"}),
        {"model": "pocketsphinx", "language": "de"},
        {"model": "pocketsphinx", "translate": True},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError):
        Transcription(**options)


def test_a_wish_that_nothing_here_can_fulfil_is_refused_when_the_job_is_made():
    with pytest.raises(ConfigurationError, match="whisper-small"):
        Transcription(language="de").bound(lambda task: None)
    assert Transcription(language="de").bound(lambda task: "whisper-tiny").language == "de"


def test_who_chose_no_model_has_none():
    with pytest.raises(ConfigurationError, match="nobody said"):
        Transcription().session(context())


# -- the real ones


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """A context with a tiny model of random weights, and its id."""
    folder = tmp_path_factory.mktemp("whisper")
    chosen = Settings(cache_dir=str(folder / "cache"), device="cpu")
    made = tiny_whisper(folder / "made")
    entry = Adoption(chosen, load_catalogue(), ModelLibrary(chosen.model_folders)).adopt(str(made))
    return dataclasses.replace(context(), models=open_models(chosen)), entry.id


@pytest.mark.data
def test_whisper_end_to_end(whisper, data_dir):
    models, model = whisper
    blocks = sound_of(read_sound(data_dir / "audio/speech/jfk.flac"), [4000])
    speech = Drive(Speech(), context(), blocks).run()
    drive = Drive(Transcription(model=model, beam_size=1), models, blocks, upstream=speech)
    said = drive.run(keep_stops=True)
    rows = annotations(said)
    words = [row for row in rows if isinstance(row, Word)]
    assert utterances(rows)
    assert {row.utterance for row in words} <= {row.number for row in utterances(rows)}
    for row in utterances(rows):
        own = [word for word in words if word.utterance == row.number]
        moments = [moment for word in own for moment in (word.span.start, word.span.end)]
        assert moments == sorted(moments), "word times are monotone"
        assert not own or (row.span.start <= moments[0] and moments[-1] <= row.span.end)
    spoken = annotations(speech)
    assert all(row.span.end <= spoken[-1].span.end for row in rows)
    for stop in drive.stops[::11]:
        assert drive.resume(stop, said) == said


def test_a_language_that_the_model_does_not_know_is_refused_at_once(whisper):
    models, model = whisper
    with pytest.raises(UnknownNameError, match="language"):
        Transcription(model=model, language="xx").session(models)


def test_long_words_to_expect_and_all_that_was_said_fit_together(whisper):
    """Of scripts whose letters are several tokens each, too."""
    models, model = whisper
    speech = told(*((at, at + 1.0) for at in range(1, 40, 3)))
    samples = np.random.default_rng(2).uniform(-0.3, 0.3, 42 * RATE).astype(np.float32)
    recipe = Transcription(model=model, beam_size=1, words=False, prompt="ความ" * 200)
    said = annotations(Drive(recipe, models, sound_of(samples, [4000]), upstream=speech).run())
    assert len(utterances(said)) > 3


@pytest.mark.data
def test_pocketsphinx_end_to_end(data_dir):
    blocks = sound_of(read_sound(data_dir / "audio/speech/jfk.flac"), [4000])
    drive = Drive(SPHINX, context(), blocks, upstream=Drive(Speech(), context(), blocks).run())
    said = drive.run(keep_stops=True)
    texts = [row.text for row in utterances(annotations(said))]
    assert any("what your country can do for you" in text for text in texts)
    assert {row.attributes["model"] for row in utterances(annotations(said))} == {"pocketsphinx"}
    assert {row.language for row in utterances(annotations(said))} == {"en"}
    assert said[-1][0] == END
    assert drive.resume(drive.stops[30], said) == said
