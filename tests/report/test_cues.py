"""Words in portions that can be read: nothing lost, nothing too long, in time."""

from __future__ import annotations

from random import Random

import pytest

from cortexia.report.cues import LINES, WIDTH, HeldCues, make_cues
from cortexia.report.heard import Line, TimedWord


def line(text: str, start: int = 0, end: int = 10_000_000, words: tuple[TimedWord, ...] = (), speaker=None) -> Line:
    return Line(start, end, text, None, None, False, speaker, words)


def timed(*told: tuple[float, float, str], speaker: str | None = None) -> Line:
    """A line of words (from, to, text) in seconds."""
    text, words = "", []
    for start, end, word in told:
        text = f"{text} {word}".strip()
        words.append(TimedWord(round(start * 1e6), round(end * 1e6), word, 0.9, None, len(text) - len(word), len(text)))
    return line(text, words[0].start, words[-1].end, tuple(words), speaker)


def test_any_text_is_told_whole_and_in_order_in_two_short_lines():
    random = Random(3)
    for _ in range(300):
        words = ["x" * random.choice((1, 2, 3, 5, 8, 13, 41, 42)) for _ in range(random.randrange(1, 60))]
        cues = make_cues(line(" ".join(words)))
        assert " ".join(part for cue in cues for part in cue.lines).split() == words
        assert all(1 <= len(cue.lines) <= LINES and max(map(len, cue.lines)) <= WIDTH for cue in cues)
        starts = [cue.start for cue in cues]
        assert starts == sorted(starts)
        assert all(0 <= cue.start < cue.end <= 11_000_000 for cue in cues)


def test_cues_and_lines_are_about_equally_long():
    """105 characters: two cues of about 52, of two lines each."""
    cues = make_cues(line(("word " * 21).strip()))
    assert [tuple(map(len, cue.lines)) for cue in cues] == [(29, 24), (24, 24)]


def test_a_word_longer_than_a_line_is_broken():
    (cue,) = make_cues(line("y" * 60))
    assert cue.lines == ("y" * 42, "y" * 18)


def test_a_pause_begins_a_new_cue():
    told = ((0.3, 0.6, "And"), (0.6, 1.0, "so,"), (2.0, 2.4, "ask"), (2.5, 2.7, "not"))
    assert [(cue.start, cue.end, cue.lines) for cue in make_cues(timed(*told))] == [
        (300_000, 1_300_000, ("And so,",)),
        (2_000_000, 3_000_000, ("ask not",)),
    ]
    closer = tuple((start - 0.3 * (start >= 2), end - 0.3 * (end > 2), word) for start, end, word in told)
    assert len(make_cues(timed(*closer))) == 1


def test_words_without_times_are_spread_over_their_line():
    cues = make_cues(line("a" * 40 + " " + "b" * 40 + " " + "c" * 40 + " " + "d" * 40))
    assert [cue.start for cue in cues] == [0, pytest.approx(5_000_000, abs=100_000)]


def test_what_breaks_lines_and_what_is_not_seen_is_spelled_out():
    (cue,) = make_cues(line("a\nb\u202ec\x07 e\u0301"))
    assert cue.lines == ("a b\\u202ec\\u0007 é",)


def test_of_two_who_speak_at_once_the_later_is_shown_as_long_as_it_runs():
    held = HeldCues([timed((0, 9, "long"), speaker="a"), timed((2, 4, "short"), speaker="b")])
    told = [cue.speaker if (cue := held.at(at * 1_000_000)) else None for at in (0, 1, 2, 3, 4, 8, 9)]
    assert told == ["a", "a", "b", "b", "a", "a", None]
    assert HeldCues([]).at(0) is None
