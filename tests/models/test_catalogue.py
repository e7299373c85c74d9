"""The catalogue: what is shipped is sound, and what is not is refused."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tiny_onnx import entry_of, write_catalogue

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.catalogue import load_catalogue, parse_catalogue
from cortexia.models.presets import load_presets

GOOD = """
[[model]]
id = "one"
task = "a task"
file = "one.onnx"
size_bytes = 12
sha256 = "{digest}"
licence = "MIT"
url = "https://example.org/one.onnx"
adapter = "yolox"
presets = ["fast"]
settings = {{ input_size = [416, 416] }}
""".format(digest="ab" * 32)


def test_what_is_shipped_is_pinned_and_labelled():
    catalogue = load_catalogue()
    assert {"yolox-nano", "yolox-s", "yolox-s-int8", "nanodet-plus-m-416", "nanodet-m-320", "yunet"} <= set(catalogue)
    assert len({entry.sha256 for entry in catalogue.values()}) == len(catalogue) == 24
    presets = {preset.name for preset in load_presets()}
    for entry in catalogue.values():
        assert urlsplit(entry.url).scheme == "https"
        assert entry.licence in ("Apache-2.0", "MIT")
        assert set(entry.presets) <= presets
    assert catalogue["yolox-nano"].settings["input_size"] == [416, 416]


def test_a_good_entry_is_read():
    (entry,) = parse_catalogue(GOOD, "x")
    assert (entry.id, entry.size_bytes, entry.presets, entry.signature_url) == ("one", 12, ("fast",), None)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ('licence = "MIT"', 'license = "MIT"', "did you mean 'licence'"),
        ('licence = "MIT"', "", "lacks licence"),
        ("abab", "ABAB", "64 lower-case hex"),
        ('file = "one.onnx"', 'file = "../one.onnx"', "plain name"),
        ('file = "one.onnx"', 'file = "con.onnx"', "reserved"),
        ("size_bytes = 12", "size_bytes = 0", "size_bytes must be"),
        ("size_bytes = 12", "size_bytes = 2147483649", "size_bytes must be"),
        ("size_bytes = 12", "size_bytes = true", "size_bytes must be"),
        ('id = "one"', 'id = "One/2"', "an id is"),
        ('id = "one"', "id = 1", "must be text"),
        ('"https://example.org/one.onnx"', '"file:///etc/passwd"', "must begin with https"),
        ('["fast"]', '"fast"', "list of names"),
        ("{ input_size = [416, 416] }", "3", "must be a table"),
        ("[[model]]", "[[models]]", "did you mean 'model'"),
        ("[[model]]", "[[model", "catalogue of models x"),
        (GOOD, "model = 3", "must be tables"),
        (GOOD, GOOD + GOOD, "there twice"),
    ],
)
def test_what_is_wrong_is_refused(old, new, hint):
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=hint):
        parse_catalogue(GOOD.replace(old, new), "x")


def test_a_users_own_entries_come_along(tmp_path):
    own = load_catalogue(write_catalogue(tmp_path / "own.toml", entry_of(b"abc", "mine")))
    assert len(own) == 25
    assert own["mine"].size_bytes == 3


def test_a_users_own_entry_never_replaces_one(tmp_path):
    with pytest.raises(ConfigurationError, match="'yolox-nano' is in the catalogue already"):
        load_catalogue(write_catalogue(tmp_path / "own.toml", replace(entry_of(b"abc"), id="yolox-nano")))


def test_a_catalogue_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match=r"own\.toml cannot be read"):
        load_catalogue(tmp_path / "own.toml")


def test_an_unknown_model_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'yolox-nano'"):
        load_catalogue()["yolox-nan"]
