"""Models of several files: found, read whole, and refused with a reason and a remedy where anything is amiss."""

from __future__ import annotations

import json
import os
import pickle  # noqa: TID251 - to write what must be refused

import pytest
from folder_models import FILES, REPO, entry_of, safetensors, write_catalogue, write_folder

from cortexia.config import Settings
from cortexia.digests import IdentityCache
from cortexia.errors import ConfigurationError, ModelError
from cortexia.models.access import open_models
from cortexia.models.library import ModelLibrary
from cortexia.models.manifest import MANIFEST, digest_of
from cortexia.models.shop import ModelShop

ENTRY = entry_of()


def reason(library: ModelLibrary, entry=ENTRY) -> str:
    library.forget()
    with pytest.raises(ModelError) as raised:
        library.read_folder(entry)
    return raised.value.reason


def test_a_folder_is_found_by_its_manifest_and_read_whole(tmp_path):
    manifest = write_folder(tmp_path / "deep" / "any name")
    content = ModelLibrary([tmp_path]).read_folder(ENTRY)
    assert dict(content.files) == FILES
    assert content.path == tmp_path / "deep" / "any name"
    assert (content.entry.sha256, content.entry.size_bytes) == (manifest.sha256, manifest.size_bytes)
    assert content.settings("config.json") == {"model_type": "tiny"}
    assert content.settings("absent.json") == {}


def test_a_folder_of_another_repository_is_not_the_model(tmp_path):
    write_folder(tmp_path / "a", repo="owner/other")
    assert ModelLibrary([tmp_path]).find(ENTRY) is None
    assert reason(ModelLibrary([tmp_path])) == "missing"


def test_another_commit_than_the_one_asked_for_is_not_the_model(tmp_path):
    write_folder(tmp_path / "a")
    assert ModelLibrary([tmp_path]).find(entry_of(revision="f" * 40)) is None


def test_what_a_catalogue_pins_needs_no_manifest(tmp_path):
    write_folder(tmp_path / "a")
    (tmp_path / "a" / MANIFEST).unlink()
    library = ModelLibrary([tmp_path])
    assert library.find(entry_of(FILES)) == tmp_path / "a"
    assert library.find(entry_of({**FILES, "vocab.txt": b"b\n"})) is None
    assert library.find(ENTRY) is None


def test_a_missing_model_names_the_command_that_brings_it(tmp_path):
    with pytest.raises(ModelError, match="cortexia models pull tiny") as raised:
        ModelLibrary([tmp_path]).where(ENTRY)
    assert raised.value.reason == "missing"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_in_any_file_is_a_mismatch(tmp_path, name):
    write_folder(tmp_path / "a")
    data = bytearray(FILES[name])
    data[-1] ^= 1
    (tmp_path / "a" / name).write_bytes(data)
    assert reason(ModelLibrary([tmp_path])) == "digest_mismatch"


def test_a_byte_changed_behind_the_memory_is_a_mismatch(tmp_path):
    write_folder(tmp_path / "a")
    for path in (tmp_path / "a").iterdir():
        os.utime(path, ns=(10**18, 10**18))
    library = ModelLibrary([tmp_path], IdentityCache(tmp_path / "cache"))
    assert library.find(ENTRY)
    weights = tmp_path / "a" / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    os.utime(weights, ns=(10**18, 10**18))
    assert library.find(ENTRY) == tmp_path / "a", "the remembered digest is that of before"
    assert reason(library) == "digest_mismatch"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_missing_or_cut_off_is_half_written(tmp_path, name):
    write_folder(tmp_path / "a")
    path = tmp_path / "a" / name
    path.write_bytes(FILES[name][:-1])
    assert reason(ModelLibrary([tmp_path])) == "half_written"
    path.unlink()
    assert reason(ModelLibrary([tmp_path])) == "half_written"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "notes.md", "extra/optimizer.pt"])
def test_a_pickle_anywhere_in_the_folder_is_refused_by_content(tmp_path, name):
    write_folder(tmp_path / "a")
    path = tmp_path / "a" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"just text, and no pickle")
    assert ModelLibrary([tmp_path]).read_folder(ENTRY)
    path.write_bytes(pickle.dumps({"w": print}))
    assert reason(ModelLibrary([tmp_path])) == "pickle"


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("vocab.txt", pickle.dumps([1]), "pickle"),
        ("model.safetensors", pickle.dumps([1]), "pickle"),
        ("model.safetensors", b"\x1c\0\0\0TFL3" + b"\0" * 40, "unsupported"),
        ("model.safetensors", safetensors()[:-1], "malformed"),
        ("config.json", b"{", "malformed"),
        ("config.json", json.dumps({"auto_map": {"AutoModel": "modeling.Evil"}}).encode(), "code"),
        ("tokenizer_config.json", json.dumps({"auto_map": {"AutoTokenizer": ["t.Evil", None]}}).encode(), "code"),
    ],
)
def test_the_right_digest_does_not_open_what_must_not_be(tmp_path, name, data, why):
    write_folder(tmp_path / "a", {**FILES, name: data})
    assert reason(ModelLibrary([tmp_path])) == why


def test_a_word_of_a_vocabulary_is_no_code(tmp_path):
    files = {
        **FILES,
        "tokenizer.json": json.dumps({"model": {"vocab": {"auto_map": 7, "attn_implementation": 8}}}).encode(),
    }
    write_folder(tmp_path / "a", files)
    assert ModelLibrary([tmp_path]).read_folder(entry_of(files))


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    write_folder(tmp_path / "a")
    assert reason(ModelLibrary([tmp_path], size_limit=50)) == "too_large"


def test_verify_reads_anew_and_tells_of_folders_that_claim_to_be_a_model(tmp_path):
    write_folder(tmp_path / "a")
    library = ModelLibrary([tmp_path])
    assert library.verify(ENTRY) == tmp_path / "a"
    (tmp_path / "a" / "vocab.txt").unlink()
    library.forget()
    assert list(library.claimed([ENTRY, entry_of(repo="owner/absent")])) == [ENTRY]
    with pytest.raises(ModelError):
        library.verify(ENTRY)


def shop(tmp_path) -> ModelShop:
    own = write_catalogue(tmp_path / "own.toml")
    settings = Settings(cache_dir=str(tmp_path / "cache"), models=(str(tmp_path / "m"),), model_catalog=str(own))
    return ModelShop(settings)


def test_the_weights_of_a_run_are_those_of_the_manifest(tmp_path):
    assert shop(tmp_path).digest("tiny") == digest_of(())
    manifest = write_folder(tmp_path / "m" / "a")
    assert shop(tmp_path).digest("tiny") == manifest.sha256
    (status,) = (status for status in shop(tmp_path).statuses() if status.entry.id == "tiny")
    assert (status.path, status.entry.size_bytes) == (tmp_path / "m" / "a", manifest.size_bytes)


def test_a_model_of_several_files_is_lent_and_one_of_one_file_opened(tmp_path):
    write_catalogue(tmp_path / "own.toml")
    models = open_models(Settings(cache_dir=str(tmp_path), model_catalog=str(tmp_path / "own.toml")))
    with pytest.raises(ConfigurationError, match="lend it"):
        models.open("tiny")
    with pytest.raises(ConfigurationError, match="open it"):
        models.lend("yolox-nano")
    for _ in range(5):
        with pytest.raises(ModelError, match="cortexia models pull tiny"):
            models.lend("tiny")


def test_the_repository_is_what_an_unpinned_entry_asks_for(tmp_path):
    write_folder(tmp_path / "a")
    assert ModelLibrary([tmp_path]).pinned(ENTRY).repo == REPO
