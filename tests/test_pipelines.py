"""What a user says, as names of annotators."""

from __future__ import annotations

import pytest

from cortexia import registry
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.pipelines import MODES, PIPELINES, annotators_of


def test_modes_pipelines_and_annotators_are_joined_in_order_without_repeats():
    assert annotators_of("scene | loudness|audio") == (
        "shots",
        "frames",
        "shot_summary",
        "loudness",
        "speech",
        "sounds",
    )


def test_an_unknown_word_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean 'detect'.*known: .*audio, captions, describe, detect"):
        annotators_of("scene|detekt")


def test_a_word_whose_annotator_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(registry, "names", lambda folder: ("shots",))
    with pytest.raises(ConfigurationError, match="'detect' needs the annotator 'objects'"):
        annotators_of("detect")


def test_no_word_means_two_things():
    assert not set(MODES) & set(PIPELINES)
    groups = MODES | PIPELINES
    assert all(
        names == (word,) or word in names for word, names in groups.items() if word in registry.names("annotators")
    )
