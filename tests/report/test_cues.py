"""Words in portions that can be read: nothing lost, nothing too long, in time."""

from __future__ import annotations

from random import Random

from cortexia.cues.text import width
from cortexia.report.cues import LAYOUT, HeldCues, shown_cues
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
        cues = shown_cues([line(" ".join(words))])
        assert " ".join(part for cue in cues for part in cue.lines).split() == words
        assert all(1 <= len(cue.lines) <= LAYOUT.lines and max(map(len, cue.lines)) <= 42 for cue in cues)
        starts = [cue.start for cue in cues]
        assert starts == sorted(set(starts))
        assert all(0 <= cue.start < cue.end <= cue.start + 7000 for cue in cues)


def test_lines_are_about_equally_long():
    (cue,) = shown_cues([line(("word " * 12).strip(), end=5_000_000)])
    assert tuple(map(len, cue.lines)) == (29, 29)


def test_a_word_longer_than_a_line_is_divided():
    (cue,) = shown_cues([line("y" * 60, end=6_000_000)])
    assert cue.lines == ("y" * 42, "y" * 18)


def test_a_pause_begins_a_new_cue():
    told = ((0.3, 0.6, "And"), (0.6, 1.0, "so,"), (2.0, 2.4, "ask"), (2.5, 2.7, "not"))
    assert [(cue.start, cue.end, cue.lines) for cue in shown_cues([timed(*told)])] == [
        (300, 1300, ("And so,",)),
        (2000, 3000, ("ask not",)),
    ]
    closer = tuple((start - 0.1 * (start >= 2), end - 0.1 * (end > 2), word) for start, end, word in told)
    assert len(shown_cues([timed(*closer)])) == 1


def test_words_without_times_are_spread_over_their_line():
    cues = shown_cues([line("a" * 40 + " " + "b" * 40 + " " + "c" * 40 + " " + "d" * 40)])
    assert [cue.start for cue in cues] == [0, 5000]


def test_text_of_which_no_time_is_known_stands_between_the_words_that_have_one():
    words = (
        TimedWord(4_000_000, 5_000_000, "two", 0.9, None, 4, 7),
        TimedWord(9_000_000, 9_500_000, "four", 0.9, None, 14, 18),
    )
    told = shown_cues([line("one two three four", words=words)])
    assert " ".join(text for cue in told for text in cue.lines) == "one two three four"
    assert [cue.start for cue in told] == [0, 5875]


def test_parts_of_one_word_are_one_word():
    words = (TimedWord(0, 500_000, "l'", 0.9, None, 0, 2), TimedWord(500_000, 900_000, "ami", 0.9, None, 2, 5))
    assert [cue.lines for cue in shown_cues([line("l'ami", words=words)])] == [("l'ami",)]


def test_japanese_is_shown_as_it_is_said_and_no_line_is_too_wide():
    """Half a minute without a space."""
    text = "それは私が知っている限りでは、まだ誰にも話していないことです。" * 3
    told = shown_cues([line(text, end=30_000_000)])
    assert "".join(part for cue in told for part in cue.lines) == text
    assert max(width(part) for cue in told for part in cue.lines) <= 42
    assert max(len(cue.lines) for cue in told) <= 2
    held = HeldCues([line(text, end=30_000_000)])
    shown = [held.at(second * 1_000_000) for second in range(30)]
    assert None not in shown
    assert list(dict.fromkeys(shown)) == told
    assert len(told) >= 5


def test_what_breaks_lines_and_what_is_not_seen_is_spelled_out():
    (cue,) = shown_cues([line("a\nb\u202ec\x07 e\u0301", end=2_000_000)])
    assert cue.lines == ("a b\\u202ec\\u0007 é",)


def test_of_two_who_speak_at_once_the_later_is_shown_as_long_as_it_runs():
    held = HeldCues([timed((0, 6, "long"), speaker="a"), timed((2, 4, "short"), speaker="b")])
    told = [cue.speaker if (cue := held.at(at * 1_000_000)) else None for at in (0, 1, 2, 3, 4, 5, 6)]
    assert told == ["a", "a", "b", "b", "a", "a", None]
    assert HeldCues([]).at(0) is None
