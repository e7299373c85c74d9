"""Voices: one row for each piece of speech, whatever made it, exact however the sound came."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from driving import Drive, annotations
from footage import Blobs, sound_of
from footage import context as context_of

from cortexia.annotators._local_voices import LocalVoicesSession, pieces
from cortexia.annotators._sound import Tape
from cortexia.annotators._voice_makers import ModelVoices, OfflineVoices, Voice
from cortexia.annotators._voice_statistics import CEPSTRA, RATE, VoiceStatistics, is_voiced
from cortexia.annotators.voices import Voices, VoicesSession, around, tiles
from cortexia.errors import AnnotatorError, ConfigurationError
from cortexia.models.adapters.pyannote import WINDOW, LocalSpeakers
from cortexia.testing.sound import sound_blocks
from cortexia.testing.spec import SoundSpec, noise, speech
from cortexia.types import AudioBlock, Embedding, Speech, TimeSpan, Timestamp

OFFLINE = Voices(model="offline", segmentation="none")
EVENTS = (speech(0.5, 3.0, hz=110.0), speech(4.0, 2.0, hz=210.0), speech(6.5, 40.0, hz=110.0))
SAMPLES = np.concatenate(list(sound_blocks(SoundSpec(EVENTS, rate=RATE, floor=0.001), 48 * RATE)))


def spoken(start_s: float, end_s: float) -> Speech:
    base = Fraction(1, RATE)
    return Speech(
        span=TimeSpan(Timestamp(round(start_s * RATE), base), Timestamp(round(end_s * RATE), base)),
        label="speech",
        confidence=0.9,
    )


INTERVALS = (spoken(0.5, 3.5), spoken(4.0, 6.0), spoken(6.5, 36.4), spoken(36.4, 46.5))


def driven(sizes: Sequence[int]) -> Drive:
    """Every interval is told of with the first block that ends 0.2 s after it."""
    blocks = sound_of(SAMPLES, sizes)
    told = []
    for row in INTERVALS:
        late = (row.span.end.seconds + 0.2) * RATE
        at = next(block.index for block in blocks if block.index + len(block.samples) >= late)
        told.append((at, row))
    return Drive(OFFLINE, context_of(Blobs()), blocks, told)


def rows(sizes: Sequence[int]) -> list[Any]:
    return annotations(driven(sizes).run())


def test_pieces_of_half_a_second_fill_each_interval():
    made = rows([1024])
    assert all(isinstance(row, Embedding) and row.of == "voice" and row.model == "offline-voice-1" for row in made)
    first = [row.span for row in made if row.span.start.seconds < 3.5]
    assert first[0].start.seconds == 0.5
    assert first[-1].end.seconds == 3.5
    assert len(first) == 6
    assert all(one.end == other.start for one, other in pairwise(first))


def test_blocks_of_any_size_give_the_same_rows():
    assert rows([1024]) == rows([37, 4000]) == rows([80_000])


def test_a_stop_anywhere_changes_nothing():
    drive = driven([8000])
    whole = drive.run(keep_stops=True)
    for stop in drive.stops[::7]:
        assert drive.resume(stop, whole) == whole


def test_without_the_sound_that_is_replayed_a_restart_fails():
    """Negative control of the test above."""
    drive = driven([8000])
    drive.run(keep_stops=True)
    stop = next(stop for stop in drive.stops if stop.count * 0.5 > 30)
    session = OFFLINE.session(drive.context)
    session.restore({"rate": RATE, "begin": 0, "start": 30 * RATE, "index": 30 * RATE, "memory": {"done": 0}})
    with pytest.raises(AnnotatorError, match="31 s"):
        session.process([drive.inputs[stop.count]], [[INTERVALS[2]]])


def test_no_more_sound_is_kept_than_speech_may_be_late():
    drive = Drive(OFFLINE, context_of(Blobs()), sound_of(np.tile(SAMPLES, 3), [8000]))
    drive.run(keep_stops=True)
    for stop in drive.stops:
        if stop.replay_from is not None:
            assert stop.count * 8000 - stop.replay_from <= 31 * RATE


def test_a_block_that_ends_a_stretch_tells_of_the_last_one_and_of_the_next():
    """What is said goes to the stretch that it lies in: neither may be asked for the sound of the other."""
    base = Fraction(1, RATE)
    session = VoicesSession(OfflineVoices())
    first = AudioBlock(0, Timestamp(0, base), SAMPLES[: 4 * RATE], RATE)
    later = AudioBlock(4 * RATE, Timestamp(10 * RATE, base), SAMPLES[4 * RATE : 7 * RATE], RATE)
    assert session.process([first], [[]]) == [[]]
    (made,) = session.process([later], [[spoken(0.5, 3.5), spoken(10.0, 12.0)]])
    assert len([row for row in made if row.span.end.seconds <= 3.5]) == 6
    assert len([row for row in made if row.span.start.seconds >= 10.0]) == 4
    assert len(made) == 10


def test_what_has_no_pitch_has_no_voice():
    hiss = np.random.default_rng(1).uniform(-0.3, 0.3, RATE).astype(np.float32)
    assert VoiceStatistics.of(hiss) is None
    assert VoiceStatistics.of(np.zeros(RATE, np.float32)) is None
    assert VoiceStatistics.of(np.zeros(0, np.float32)) is None
    assert is_voiced(SAMPLES[RATE : 2 * RATE], 97).mean() > 0.8
    quiet = np.concatenate(list(sound_blocks(SoundSpec((noise(0.0, 1.0),), rate=RATE), RATE)))
    assert is_voiced(quiet, 97).mean() < 0.1


def test_statistics_survive_their_row():
    told = VoiceStatistics.of(SAMPLES[RATE : 2 * RATE])
    assert told is not None
    again = VoiceStatistics.unpacked(told.count, told.packed())
    for one, other in zip(told.moments, again.moments, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4)
    assert told.moments[1].shape == (CEPSTRA, CEPSTRA)
    with pytest.raises(ValueError, match="1 moments"):
        VoiceStatistics.unpacked(1, "AAAAAA==")


def test_loudness_is_no_part_of_a_voice():
    told, quiet = (VoiceStatistics.of(SAMPLES[RATE : 2 * RATE] * np.float32(level)) for level in (1.0, 0.3))
    assert told is not None
    assert quiet is not None
    one, other = told.vector(), quiet.vector()
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99


@pytest.mark.parametrize("step", [8000, 12_000])
def test_tiles_are_equal_and_leave_nothing_out(step):
    for last in (100, 3000, 8000, 12_345, 480_000):
        made = list(tiles(7, 7 + last, step))
        assert made[0][0] == 7
        assert made[-1][1] == 7 + last
        assert all(one[1] == other[0] for one, other in pairwise(made))
        assert max(end - start for start, end in made) - min(end - start for start, end in made) <= 1


def test_a_window_lies_about_its_piece_and_within_the_interval():
    assert around((100, 200), (0, 1000), 400) == (0, 400)
    assert around((400, 500), (0, 1000), 400) == (250, 650)
    assert around((900, 1000), (0, 1000), 400) == (600, 1000)
    assert around((0, 100), (0, 150), 400) == (0, 150)


def test_a_model_is_asked_for_what_is_long_enough_only():
    asked: list[int] = []

    def encode(stretches: Sequence[np.ndarray]) -> list[np.ndarray]:
        asked.extend(map(len, stretches))
        return [np.ones(3, np.float32) for _ in stretches]

    maker = ModelVoices("ours", encode, 2400)
    heard = [SAMPLES[RATE : RATE + length] for length in (100, 24_000)] + [np.zeros(24_000, np.float32)]
    assert [made is not None for made in maker.voices(heard)] == [False, True, False]
    assert asked == [24_000]


@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, np.nan], [np.inf, 1.0]])
def test_what_a_model_comes_to_without_numbers_is_no_voice(vector):
    maker = ModelVoices("ours", lambda some: [np.array(vector, np.float32) for _ in some], 2400)
    assert maker.voices([SAMPLES[RATE : 2 * RATE]]) == [None]


def test_auto_stands_for_what_is_here():
    here = {"voice embedding": "ours", "speaker segmentation": "theirs"}
    assert Voices().bound(lambda task: None) == OFFLINE
    bound = Voices().bound(here.get)
    assert (bound.model, bound.segmentation) == ("ours", "theirs")
    assert bound.model_ids == ("ours", "theirs")
    assert OFFLINE.bound(here.get) == OFFLINE
    with pytest.raises(ConfigurationError, match="auto"):
        Voices().session(context_of(Blobs()))


# -- local speakers


class ByLoudness:
    """A segmenter with known answers: speaker 0 where it is loud, speaker 1 where it is very loud as well."""

    def run(self, items: Sequence[np.ndarray]) -> list[LocalSpeakers]:
        return [self._told(samples) for samples in items]

    def _told(self, samples: np.ndarray) -> LocalSpeakers:
        level = np.abs(samples[: WINDOW // 1000 * 1000]).reshape(160, 1000).max(axis=1)
        is_speaking = np.stack((level > 0.1, level > 0.5, level > 2.0), axis=1)
        return LocalSpeakers(is_speaking, np.full(160, 0.8, np.float32))

    def begin(self, items: Sequence[np.ndarray]) -> Any:
        return iter(self.run(items))

    def close(self) -> None: ...


class Levels:
    """A maker whose vectors can be told: how loud it is."""

    model, step, window = "levels", 8000, 8000

    def voices(self, stretches: Sequence[np.ndarray]) -> list[Voice | None]:
        return [Voice(np.array([1.0, float(np.abs(part).max())])) if len(part) else None for part in stretches]

    def close(self) -> None: ...


def locals_of(samples: np.ndarray, sizes: Sequence[int]) -> list[Any]:
    session = LocalVoicesSession(Levels(), ByLoudness())
    made = []
    for block in sound_of(samples, sizes):
        made += session.process([block], [[]])[0]
    return made + list(session.finish([]))


def loud(*parts: tuple[float, float, float], seconds: float) -> np.ndarray:
    samples = np.zeros(round(seconds * RATE), np.float32)
    for start, end, level in parts:
        samples[round(start * RATE) : round(end * RATE)] = level
    return samples


def test_local_speakers_have_rows_of_their_own_and_overlap_is_told():
    made = locals_of(loud((1.0, 4.0, 0.3), (2.0, 3.0, 0.9), seconds=5.0), [1024])
    told = [(round(row.span.start.seconds, 1), round(row.span.end.seconds, 1), row.attributes) for row in made]
    assert [(start, end, facts["is_overlap"]) for start, end, facts in told] == [
        (1.0, 2.0, False),
        (2.0, 3.0, True),
        (2.0, 3.0, True),
        (3.0, 4.0, False),
    ]
    assert len({facts["local"] for *_, facts in told}) == 2
    assert all(row.confidence == 0.8 for row in made)


def test_windows_join_where_they_meet_and_blocks_change_nothing():
    samples = loud((1.0, 17.0, 0.3), (9.0, 11.0, 0.9), seconds=18.3)
    made = locals_of(samples, [1024])
    assert made == locals_of(samples, [7, 80_000]) == locals_of(samples, [333])
    alone = sorted((row.span for row in made if not row.attributes["is_overlap"]), key=lambda span: span.start)
    assert alone[0].start.seconds == pytest.approx(1.0, abs=0.1)
    assert alone[-1].end.seconds == pytest.approx(17.0, abs=0.1)
    assert any(row.span.start.seconds == 5.0 for row in made)


def test_local_speakers_survive_a_restart():
    samples = loud((1.0, 17.0, 0.3), (9.0, 11.0, 0.9), seconds=18.3)
    blocks = sound_of(samples, [4000])
    whole = locals_of(samples, [4000])
    for stop in range(1, len(blocks), 9):
        session = LocalVoicesSession(Levels(), ByLoudness())
        made = [row for block in blocks[:stop] for row in session.process([block], [[]])[0]]
        progress, state = session.progress(), session.state()
        assert all(row.span.start >= progress.final_until for row in whole[len(made) :])
        again = LocalVoicesSession(Levels(), ByLoudness())
        again.restore(state)
        for block in blocks[:stop]:
            cut = max(0, (progress.replay_from or 0) - block.index)
            if cut < len(block.samples):
                start = Timestamp(block.timestamp.pts + cut, block.timestamp.time_base)
                again.replay([AudioBlock(block.index + cut, start, block.samples[cut:], RATE)])
        made += [row for block in blocks[stop:] for row in again.process([block], [[]])[0]]
        assert made + list(again.finish([])) == whole


def test_pieces_follow_who_speaks_and_with_whom():
    is_speaking = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
    edges = np.array([0, 10, 20, 30, 40, 50])
    assert [(begin, end, both) for begin, end, both, _ in pieces(is_speaking, 0, edges)] == [
        (0, 10, False),
        (10, 30, True),
    ]
    assert [(begin, end, both) for begin, end, both, _ in pieces(is_speaking, 1, edges)] == [
        (10, 30, True),
        (30, 40, False),
    ]
    assert list(pieces(is_speaking, 2, edges)) == []


def test_a_tape_that_begins_later_leaves_the_beginning_of_a_window_silent():
    session = LocalVoicesSession(Levels(), ByLoudness())
    session.begin_stretch(Tape(RATE, 0, 0, 0))
    assert session.needs(Tape(RATE, 0, 0, 0)) < 0
