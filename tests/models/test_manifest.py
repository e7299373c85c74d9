"""What a model of several files is, as one digest, and which lists of files are none."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from folder_models import FILES, REPO, REVISION, files_of

from cortexia.errors import ConfigurationError
from cortexia.models.manifest import Manifest, digest_of, parse_manifest

MADE = Manifest(REPO, REVISION, files_of(FILES))


def test_what_was_written_is_read():
    assert parse_manifest(MADE.to_json()) == MADE


def test_the_digest_is_that_of_the_files_and_of_nothing_else():
    assert digest_of(reversed(MADE.files)) == MADE.sha256
    assert Manifest("other/name", "f" * 40, MADE.files).sha256 == MADE.sha256
    assert MADE.sha256 == "a17c9af6d2f0a256729561b5a5cb4aa80afc1c7016fed9983e44d7542a489bb2"


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_digest_changes_with_every_file(name):
    others = {"content": {**FILES, name: FILES[name] + b" "}, "name": {f"a{name}": FILES[name], **FILES}}
    others["absent"] = {key: data for key, data in FILES.items() if key != name}
    digests = {digest_of(files_of(contents)) for contents in others.values()}
    assert len(digests | {MADE.sha256}) == 4


def changed(**values) -> bytes:
    return json.dumps({**asdict(MADE), **values}).encode()


FILE = asdict(MADE.files[0])


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"{", "no manifest"),
        (b"[]", "no manifest"),
        (changed(repo="../x"), "OWNER/NAME"),
        (changed(revision="main"), "commit of 40"),
        (changed(files=[]), "1 to 64 tables"),
        (changed(files=[FILE]), "needs config.json and weights"),
        (changed(files=[*asdict(MADE)["files"], FILE]), "twice"),
        (changed(files=[{**FILE, "name": "../config.json"}]), "empty part"),
        (changed(files=[{**FILE, "name": "a/config.json"}]), "plain name"),
        (changed(files=[{**FILE, "name": "pytorch_model.bin"}]), "ends in"),
        (changed(files=[{**FILE, "name": "cortexia-model.json"}]), "ends in"),
        (changed(files=[{**FILE, "sha256": "AB"}]), "64 lower-case hex"),
        (changed(files=[{**FILE, "size_bytes": True}]), "number of bytes"),
        (changed(files=[{**FILE, "more": 1}]), "nothing else"),
    ],
)
def test_what_is_no_manifest_is_refused(data, hint):
    with pytest.raises(ConfigurationError, match=hint):
        parse_manifest(data)
