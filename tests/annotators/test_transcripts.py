"""Loops, words that nobody spoke, and times that go back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortexia.annotators._transcripts import believed, has_loop, in_order, kept_places
from cortexia.models.hearing import HeardText, HeardWord, Transcript


def text_of(said: str, start: float = 0.0, end: float = 4.0, **more) -> HeardText:
    spoken = said.split()
    step = (end - start) / max(1, len(spoken))
    words = tuple(
        HeardWord(word, start + place * step, start + (place + 1) * step, 0.5) for place, word in enumerate(spoken)
    )
    return HeardText(said, start, end, more.pop("log_probability", -0.5), words, **more)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no no no no no", "no no no no no"),
        ("no no no no no no", "no"),
        ("Ha, ha! HA. ha ha ha well", "Ha, well"),
        ("thank you thank you thank you", "thank you thank you thank you"),
        ("thank you thank you thank you thank you", "thank you"),
        ("so we go home so we go home so we go home and sleep", "so we go home and sleep"),
        ("one two three four", "one two three four"),
        ("", ""),
    ],
)
def test_a_loop_is_said_once(said, kept):
    words = said.split()
    assert " ".join(words[place] for place in kept_places(words)) == kept
    assert has_loop(Transcript((text_of(said),))) == (said != kept)


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_what_is_kept_was_there_in_this_order(words):
    kept = kept_places(words)
    assert kept == sorted(set(kept))
    assert all(0 <= place < len(words) for place in kept)
    assert bool(kept) == bool(words)


def test_the_words_of_a_loop_go_with_its_text():
    ((text, removed),) = believed(Transcript((text_of("go " * 7 + "home"),)), [(0.0, 4.0)], 4.0)
    assert (text.text, [word.text for word in text.words], removed) == ("go home", ["go", "home"], 6)
    assert text.words[1].start_s == 3.5


def test_scripts_without_spaces_stay_without():
    words = tuple(HeardWord("好", place / 10, (place + 1) / 10, 0.5) for place in range(8))
    ((text, removed),) = believed(Transcript((HeardText("好" * 8, 0.0, 0.8, -0.1, words),)), [(0.0, 1.0)], 1.0)
    assert (text.text, removed) == ("好", 7)


def test_what_nobody_spoke_is_left_out():
    spoken = text_of("hello there", 1.0, 2.0)
    invented = text_of("thanks for watching", 5.0, 8.0)
    beyond = text_of("bye", 24.0, 24.0)
    said = believed(Transcript((spoken, invented, beyond)), [(0.9, 2.1)], 10.0)
    assert [text.text for text, _ in said] == ["hello there"]


@pytest.mark.parametrize(
    ("no_speech", "log_probability", "is_kept"), [(0.7, -1.1, False), (0.7, -0.9, True), (0.5, -1.1, True)]
)
def test_the_model_may_say_that_nobody_spoke(no_speech, log_probability, is_kept):
    text = text_of("you", no_speech=no_speech, log_probability=log_probability)
    assert bool(believed(Transcript((text,)), [(0.0, 4.0)], 4.0)) is is_kept


def test_a_loop_over_several_texts_is_said_once():
    texts = tuple(text_of("Thank you.", place, place + 1.0) for place in range(10))
    ((text, removed),) = believed(Transcript((*texts,)), [(0.0, 10.0)], 10.0)
    assert (text.text, text.start_s, removed) == ("Thank you.", 0.0, 0)
    once = believed(Transcript((text_of("so", 0, 1), *texts[1:3])), [(0.0, 10.0)], 10.0)
    assert [text.text for text, _ in once] == ["so", "Thank you.", "Thank you."], "negative control: no loop"


def test_without_words_scripts_without_spaces_are_looked_at_by_characters():
    text = HeardText("我们" * 40, 0.0, 4.0, -0.1)
    assert has_loop(Transcript((text,)))
    ((kept, removed),) = believed(Transcript((text,)), [(0.0, 4.0)], 4.0)
    assert (kept.text, removed) == ("我们", 78)
    assert not has_loop(Transcript((HeardText("今天天气很好", 0.0, 4.0, -0.1),)))


def test_times_beyond_the_sound_do_not_count():
    """Whisper may say 30 s, however short the sound is."""
    ((text, _),) = believed(Transcript((text_of("hello", 0.0, 30.0),)), [(0.0, 2.0)], 2.0)
    assert (text.text, text.end_s) == ("hello", 2.0)
    assert believed(Transcript((text_of("bye", 2.0, 30.0),)), [(0.0, 2.0)], 2.0) == ()


@given(st.lists(st.tuples(st.floats(-5, 40), st.floats(-5, 40)), max_size=12))
def test_times_only_go_on(times):
    words = in_order([HeardWord("w", start, end, 0.5) for start, end in times], 0.0, 30.0)
    moments = [moment for word in words for moment in (word.start_s, word.end_s)]
    assert moments == sorted(moments)
    assert all(0.0 <= moment <= 30.0 for moment in moments)
    assert len(words) == len(times)
