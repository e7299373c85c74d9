"""What options of several annotators have in common."""

from __future__ import annotations

import pytest

from cortexia import registry
from cortexia.errors import ConfigurationError

WITH_LABELS = ("appearance", "keypoints", "masks", "objects", "people", "sounds", "tags", "tracks")


@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_that_name_nothing_are_a_mistake(name):
    """Nothing could pass them, and a run would be complete and empty."""
    make = registry.load("annotators", name).from_options
    with pytest.raises(ConfigurationError, match=f"'labels' of annotator '{name}' names no label: ' , '"):
        make({"labels": " , "})
    assert make({"labels": "person"}).labels == "person"


def test_no_annotator_with_labels_is_forgotten():
    recipes = (registry.load("annotators", name).from_options({}) for name in registry.names("annotators"))
    found = {recipe.name for recipe in recipes if "labels" in recipe.options()}
    assert found == set(WITH_LABELS)
