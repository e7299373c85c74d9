"""The catalogue: what is shipped is sound, and what is not is refused."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tiny_onnx import entry_of, write_catalogue

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.catalogue import load_catalogue, parse_catalogue
from cortexia.models.families import PACKAGES
from cortexia.models.manifest import digest_of
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


def test_what_is_shipped_is_labelled_and_single_files_are_pinned():
    catalogue = load_catalogue()
    assert {"yolox-nano", "yolox-s", "yolox-s-int8", "nanodet-plus-m-416", "nanodet-m-320", "yunet"} <= set(catalogue)
    files = [entry for entry in catalogue.values() if not entry.is_folder]
    assert len({entry.sha256 for entry in files}) == len(files) == 26
    presets = {preset.name for preset in load_presets()}
    for entry in catalogue.values():
        assert urlsplit(entry.url).scheme == "https"
        assert entry.licence in ("Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-SA-3.0")
        assert entry.licence != "CC-BY-SA-3.0" or not entry.presets, "what is not permissive is pulled by its name only"
        assert set(entry.presets) <= presets
    assert catalogue["yolox-nano"].settings["input_size"] == [416, 416]


CHECKED = {"whisper-tiny", "whisper-small", "whisper-large-v3", "whisper-large-v3-turbo"}
"""Their repositories' pages were read: name, licence, files."""


def test_models_of_a_hub_whose_files_nobody_knows_say_whether_they_were_checked():
    folders = [entry for entry in load_catalogue().values() if entry.is_folder]
    assert {entry.adapter for entry in folders} == set(PACKAGES) - {"sam", "clip", "wavlm-xvector"}
    for entry in folders:
        assert (entry.is_pinned, entry.sha256, entry.size_bytes) == (False, "", 0)
        assert entry.url == "https://huggingface.co"
    assert {entry.id for entry in folders if entry.checked} == CHECKED
    opened = {model_id for preset in load_presets() for model_id in preset.models}
    assert not opened.intersection(entry.id for entry in folders), "no preset waits for what is not pinned"


FOLDER = """
[[model]]
id = "two"
task = "a task"
repo = "owner/name"
revision = "{revision}"
licence = "MIT"
adapter = "clip"
files = [
  {{ name = "model.safetensors", sha256 = "{digest}", size_bytes = 30 }},
  {{ name = "config.json", sha256 = "{digest}", size_bytes = 12 }},
]
""".format(digest="ab" * 32, revision="0123456789" * 4)


def test_a_model_of_several_files_is_pinned_by_their_digests():
    (entry,) = parse_catalogue(FOLDER, "x")
    assert (entry.is_folder, entry.is_pinned, entry.size_bytes) == (True, True, 42)
    assert entry.sha256 == digest_of(entry.files)
    assert [file.name for file in entry.files] == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ('"owner/name"', '"https://example.org/x"', "OWNER/NAME"),
        ("0123456789" * 4, "main", "commit of 40"),
        ('licence = "MIT"', 'licence = "MIT"\nsha256 = "ab"', "has a repo, and so no sha256"),
        ('licence = "MIT"', 'licence = "MIT"\nchecked = "no"', "true or false"),
        ('licence = "MIT"', 'licence = "MIT"\nurl = "ftp://example.org"', "must begin with https"),
        ("config.json", "modeling.py", "ends in"),
        ("config.json", "vocab.json", "needs config.json"),
        ("size_bytes = 30", "size_bytes = -1", "number of bytes"),
        ('repo = "owner/name"', "", "has files and revision, and lacks repo"),
    ],
)
def test_what_is_wrong_with_a_model_of_several_files_is_refused(old, new, hint):
    assert old in FOLDER
    with pytest.raises(ConfigurationError, match=hint):
        parse_catalogue(FOLDER.replace(old, new), "x")


def test_a_single_file_has_no_revision():
    with pytest.raises(ConfigurationError, match="is one file, and so has no revision"):
        parse_catalogue(GOOD + f'revision = "{"ab" * 20}"', "x")


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
    assert len(own) == len(load_catalogue()) + 1
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
