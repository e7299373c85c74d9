"""Names that people may give, and letters for whom nobody named."""

from __future__ import annotations

import pytest

from cortexia.errors import ConfigurationError
from cortexia.naming import letters, required_name


@pytest.mark.parametrize(("number", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (52, "BA"), (701, "ZZ"), (702, "AAA")])
def test_letters_go_on_after_z(number, text):
    assert letters(number) == text


@pytest.mark.parametrize("name", ["Ada", "Person of Interest", "Speaker Pelosi", "Ångström 3", "n" * 256])
def test_a_name_is_taken_as_it_is(name):
    assert required_name(name) == name
    assert required_name(f"  {name}\n") == name


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "\ud800", "a\u202eb", "n" * 257])
def test_what_cannot_be_shown_is_no_name(name):
    with pytest.raises(ConfigurationError, match="a name has"):
        required_name(name)


@pytest.mark.parametrize("name", ["Person A", "person aa", "face_1", "identity_x", "PERSON_2"])
def test_labels_and_ids_of_people_are_taken(name):
    with pytest.raises(ConfigurationError, match="calls people"):
        required_name(name)


@pytest.mark.parametrize("name", ["Speaker A", "speaker ab", "Speaker_ab12_001"])
def test_labels_and_ids_of_speakers_are_taken(name):
    with pytest.raises(ConfigurationError, match="calls speakers"):
        required_name(name)
