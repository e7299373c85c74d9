"""Presets are data, and ``auto`` takes the best whose models are here."""

from __future__ import annotations

import pytest
from tiny_onnx import entry_of, scaling

from cortexia import registry
from cortexia.annotators.base import Annotator
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.catalogue import Catalogue, load_catalogue
from cortexia.models.library import ModelLibrary
from cortexia.models.presets import Preset, choose_preset, find_preset, load_presets, parse_presets

DATA = {name: scaling(factor) for factor, name in enumerate(("small", "large"), 2)}
CATALOGUE = Catalogue({name: entry_of(data, name) for name, data in DATA.items()})
PRESETS = (
    Preset("none", "", ("shots",)),
    Preset("low", "", ("shots",), ("small",)),
    Preset("high", "", ("shots",), ("small", "large")),
)


def choose(folder, *here: str):
    for model_id in here:
        (folder / model_id).write_bytes(DATA[model_id])
    return choose_preset("auto", CATALOGUE, ModelLibrary([folder]), PRESETS)


def test_what_is_shipped_names_only_what_there_is():
    catalogue, known = load_catalogue(), registry.names("annotators")
    assert [preset.name for preset in load_presets()] == ["offline", "fast", "balanced", "high-quality"]
    assert load_presets()[0].models == ()
    for preset in load_presets():
        assert set(preset.annotators) <= set(known)
        for name, options in preset.options.items():
            recipe: type[Annotator] = registry.load("annotators", name)
            recipe.from_options(options)
        for model_id in preset.models:
            assert preset.name in catalogue[model_id].presets


def test_without_models_auto_needs_none(tmp_path):
    choice = choose(tmp_path)
    assert (choice.preset.name, choice.better and choice.better.name) == ("none", "low")
    assert [entry.id for entry in choice.lacking] == ["small"]
    assert choice.lacking_bytes == len(DATA["small"])


def test_auto_goes_as_far_as_the_models(tmp_path):
    assert choose(tmp_path, "large").preset.name == "none"
    choice = choose(tmp_path, "small")
    assert (choice.preset.name, choice.better, choice.lacking) == ("high", None, ())


def test_what_a_better_one_lacks_is_only_what_is_not_here(tmp_path):
    choice = choose(tmp_path, "small")
    assert choice.preset.name == "low"
    assert [entry.id for entry in choice.lacking] == ["large"]


def test_a_named_preset_is_taken_with_what_it_lacks():
    choice = choose_preset("fast", load_catalogue(), ModelLibrary([]))
    assert (choice.preset, choice.better) == (find_preset("fast"), None)
    assert [entry.id for entry in choice.lacking] == ["yolox-nano", "yunet", "fsanet-1x1", "fsanet-var", "yamnet"]
    with pytest.raises(UnknownNameError, match="did you mean 'fast'"):
        choose_preset("fastt", load_catalogue(), ModelLibrary([]))


def test_given_options_go_before_those_of_a_preset():
    preset = Preset("p", "", ("a", "b"), options={"a": {"x": 1, "y": 2}})
    assert preset.options_under({"a": {"y": 3}, "b": {"z": 4}}) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}


def test_presets_that_all_need_models_say_what_to_pull(tmp_path):
    with pytest.raises(ConfigurationError, match="models pull low"):
        choose_preset("auto", CATALOGUE, ModelLibrary([tmp_path]), PRESETS[1:])


GOOD = (
    '[[preset]]\nname = "one"\nsummary = "s"\nannotators = ["a"]\nmodels = ["m"]\noptions = { a = { model = "m" } }\n'
)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("summary", "sumary", "did you mean 'summary'"),
        ('annotators = ["a"]', "", "lacks annotators"),
        ('name = "one"', 'name = "auto"', "none may be 'auto'"),
        ("a = {", "b = {", "annotator in the options"),
        ('model = "m"', 'model = "n"', "model in the options"),
        (GOOD, GOOD + GOOD, "must differ"),
        (GOOD, "", "must differ"),
        (GOOD, "[[preset", "presets: "),
    ],
)
def test_what_is_wrong_is_refused(old, new, hint):
    assert parse_presets(GOOD)[0].models == ("m",)
    with pytest.raises(ConfigurationError, match=hint):
        parse_presets(GOOD.replace(old, new))
