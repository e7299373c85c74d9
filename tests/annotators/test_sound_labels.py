"""Groups of classes, and names that have commas of their own."""

from __future__ import annotations

import pytest

from cortexia.annotators._sound_labels import GROUPS, THRESHOLDS, USUAL_THRESHOLD, thresholds_of, wanted_labels
from cortexia.errors import UnknownNameError
from cortexia.models.adapters.audioset import CLASSES


def test_every_group_is_made_of_classes_and_none_is_speech():
    for label, names in GROUPS.items():
        assert set(names) <= set(CLASSES), label
    assert "Speech" not in {name for names in GROUPS.values() for name in names}
    assert set(THRESHOLDS["yamnet"]) <= set(GROUPS)


def test_nobody_asked_means_every_group():
    assert wanted_labels(None, CLASSES) == dict(GROUPS)


def test_all_is_every_class_by_its_own_name():
    assert wanted_labels("all", CLASSES) == {name: (name,) for name in CLASSES}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("laughter", ["laughter"]),
        ("LAUGHTER,music", ["laughter", "music"]),
        ("Laughter", ["Laughter"]),
        ("Chuckle, chortle", ["Chuckle, chortle"]),
        ("bee, wasp, etc., dog", ["Bee, wasp, etc.", "dog"]),
        ("Hubbub, speech noise, speech babble, Speech", ["Hubbub, speech noise, speech babble", "Speech"]),
        ("dog,dog", ["dog"]),
    ],
)
def test_names_with_commas_are_names(text, labels):
    assert list(wanted_labels(text, CLASSES)) == labels


@pytest.mark.parametrize("text", ["chortle", "laughter, sirens", "Chuckle"])
def test_half_a_name_is_none(text):
    with pytest.raises(UnknownNameError, match="'labels' of annotator 'sounds'"):
        wanted_labels(text, CLASSES)


def test_a_model_with_fewer_classes_has_fewer_groups():
    assert wanted_labels(None, ("Speech", "Snicker", "Dog")) == {"laughter": ("Snicker",), "dog": ("Dog",)}
    with pytest.raises(UnknownNameError):
        wanted_labels("music", ("Speech", "Snicker"))


def test_thresholds_are_the_model_s_unless_one_is_given():
    assert thresholds_of(["laughter", "Bell"], "yamnet", None) == {"laughter": 0.1, "Bell": USUAL_THRESHOLD}
    assert thresholds_of(["laughter"], "ast", None) == {"laughter": USUAL_THRESHOLD}
    assert thresholds_of(["laughter"], "yamnet", 0.7) == {"laughter": 0.7}
