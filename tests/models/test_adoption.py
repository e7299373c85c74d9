"""Models that are named by where they are become models like any other, once and by what they are."""

from __future__ import annotations

import hashlib
import json
import pickle  # noqa: TID251 - to write what must be refused
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from folder_models import REPO, REVISION, files_of, safetensors, write_folder
from offered_models import CLIP, DESCRIPTION, detector, kept, settings_in, write
from tiny_onnx import external_tensor, field, model

from cortexia.config import Settings
from cortexia.errors import (
    ConfigurationError,
    ModelError,
    ResourceError,
)
from cortexia.files import locked_folder
from cortexia.models import adoption
from cortexia.models.access import open_models
from cortexia.models.adopted import ENTRY_FILE, adopted_id, entry_text
from cortexia.models.catalogue import load_catalogue, parse_catalogue
from cortexia.models.library import INCOMING
from cortexia.models.manifest import digest_of
from cortexia.models.shop import ModelShop

HF = f"hf:{REPO}@{REVISION}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def shop(settings: Settings) -> ModelShop:
    return ModelShop(settings)


def test_a_folder_with_one_file_and_its_description_is_a_model(tmp_path, settings, shop):
    folder = write(tmp_path / "mine", detector())
    entry = shop.adopt(str(folder))
    digest = hashlib.sha256(detector()["bright.onnx"]).hexdigest()
    assert (entry.adapter, entry.task, entry.sha256) == ("yolox", "object detection, what is bright", digest)
    assert kept(settings) == [f"{entry.id}/bright.onnx", f"{entry.id}/{ENTRY_FILE}"]
    shutil.rmtree(folder)
    assert open_models(settings).open(entry.id).inputs[0].name == "images", "a worker finds it, and runs it"
    assert [(item.entry.id, item.reason) for item in ModelShop(settings).verify()] == [(entry.id, None)]


def test_a_folder_of_the_hub_s_form_tells_its_adapter(tmp_path, settings, shop):
    entry = shop.adopt(str(write(tmp_path / "mine", CLIP)))
    assert (entry.adapter, entry.is_folder, entry.repo, entry.checked) == ("clip", True, None, False)
    assert entry.id == f"clip-{digest_of(files_of(CLIP))[:12]}"
    assert kept(settings) == [f"{entry.id}/{name}" for name in sorted([*CLIP, ENTRY_FILE])]
    assert ModelShop(settings).catalogue[entry.id] == entry


@pytest.mark.parametrize(
    ("model_type", "adapter"),
    [
        ("grounding-dino", "grounding-dino"),
        ("sam", "sam"),
        ("sam2_video", "sam2"),
        ("florence2", "florence-2"),
        ("blip", "blip"),
        ("siglip", "siglip"),
        ("audio-spectrogram-transformer", "ast"),
    ],
)
def test_the_adapter_follows_from_the_model_type(tmp_path, shop, model_type, adapter):
    contents = {**CLIP, "config.json": json.dumps({"model_type": model_type}).encode()}
    assert shop.adopt(str(write(tmp_path / "mine", contents))).adapter == adapter


def test_adopting_again_changes_nothing(tmp_path, settings, shop):
    folder = write(tmp_path / "mine", detector())
    first = shop.adopt(str(folder))
    before = {name: (settings.model_folders[-1] / name).stat().st_mtime_ns for name in kept(settings)}
    assert shop.adopt(str(folder)) == first
    assert ModelShop(settings).adopt(str(folder)) == first
    assert {name: (settings.model_folders[-1] / name).stat().st_mtime_ns for name in kept(settings)} == before


def test_the_id_follows_from_weights_and_settings_alone(tmp_path, shop):
    one = shop.adopt(str(write(tmp_path / "one", detector())))
    renamed = {"other.onnx": detector()["bright.onnx"], "cortexia-model.toml": DESCRIPTION.encode()}
    assert shop.adopt(str(write(tmp_path / "two", renamed))).id == one.id
    smaller = {**renamed, "cortexia-model.toml": DESCRIPTION.replace("416, 416", "320, 320").encode()}
    assert shop.adopt(str(write(tmp_path / "three", smaller))).id != one.id
    assert shop.adopt(str(write(tmp_path / "four", detector(label=2)))).id != one.id


def test_what_the_catalogue_has_keeps_its_name(tmp_path, settings):
    own = tmp_path / "own.toml"
    data = detector()["bright.onnx"]
    own.write_text(
        f'[[model]]\nid = "ours"\ntask = "x"\nfile = "x.onnx"\nsize_bytes = {len(data)}\nlicence = "MIT"\n'
        f'sha256 = "{hashlib.sha256(data).hexdigest()}"\n{DESCRIPTION.replace("task", "#")}'
    )
    shop = ModelShop(replace(settings, model_catalog=str(own)))
    entry = shop.adopt(str(write(tmp_path / "mine", detector())))
    assert (entry.id, shop.find(entry)) == ("ours", settings.model_folders[-1] / "ours" / "bright.onnx")
    assert kept(settings) == ["ours/bright.onnx"]


def test_an_id_is_taken_as_it_is_and_a_mistyped_one_is_told(settings, shop):
    assert shop.adopt("yolox-nano") == load_catalogue()["yolox-nano"]
    assert kept(settings) == []
    with pytest.raises(ConfigurationError, match=r"did you mean 'yolox-nano'.*hf:OWNER/NAME@REVISION"):
        shop.adopt("yolox-nanoo")


def test_what_was_adopted_is_taken_where_it_is_named_and_nowhere_else(tmp_path, settings, shop):
    entry = shop.adopt(str(write(tmp_path / "mine", detector())))
    assert ModelShop(settings).best("object detection") is None
    assert entry.id in ModelShop(settings).catalogue


def test_a_manifest_says_which_files_count(tmp_path, settings, shop):
    write_folder(tmp_path / "mine", CLIP)
    write(tmp_path / "mine", {"later.json": b"{}"})
    entry = shop.adopt(str(tmp_path / "mine"))
    assert entry.sha256 == digest_of(files_of(CLIP))
    assert (entry.repo, entry.revision) == (None, None), "anybody may write where it comes from"
    (tmp_path / "mine" / "vocab.txt").write_bytes(b"x" * len(CLIP["vocab.txt"]))
    write_folder(tmp_path / "other", {**CLIP, "vocab.txt": b"more"})
    (tmp_path / "other" / "vocab.txt").write_bytes(b"less")
    with pytest.raises(ModelError, match="is not what was pulled"):
        shop.adopt(str(tmp_path / "other"))
    assert kept(settings) == [f"{entry.id}/{name}" for name in sorted([*CLIP, ENTRY_FILE])]


EXTERNAL = {**detector(), "bright.onnx": model(field(5, external_tensor("w", "elsewhere.bin")))}


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ({**CLIP, "optimizer.pt": pickle.dumps(print)}, "pickle"),
        ({**detector(), "notes": pickle.dumps(print)}, "pickle"),
        ({**CLIP, "config.json": b'{"model_type": "clip", "auto_map": {"AutoModel": "x.Y"}}'}, "code"),
        ({**CLIP, "config.json": b'{"model_type": "llama"}'}, "unsupported"),
        ({**CLIP, "config.json": b'{"model_type": ["clip"]}'}, "unsupported"),
        ({**CLIP, "config.json": b"{"}, "malformed"),
        ({**CLIP, "model.safetensors": b"none at all"}, "unsupported"),
        (EXTERNAL, "external_data"),
        ({**detector(), "other.onnx": b"x"}, "unsupported"),
        ({"readme.txt": b"nothing"}, "unsupported"),
    ],
)
def test_what_may_not_be_opened_is_refused_and_nothing_of_it_kept(tmp_path, settings, shop, contents, reason):
    with pytest.raises(ModelError) as raised:
        shop.adopt(str(write(tmp_path / "mine", contents)))
    assert raised.value.reason == reason
    assert kept(settings) == []


@pytest.mark.parametrize(
    ("description", "hint"),
    [
        (None, 'write one.*\n*adapter = "yolox"'),
        ('task = "x"', 'it lacks adapter.*\n*adapter = "yolox"'),
        ('adapter = "yolox"', "it lacks task"),
        ('adapter = "yolo"\ntask = "x"', "did you mean 'yolox'"),
        ('adapter = "yolox"\ntask = 3', "task must be text"),
        (f'{DESCRIPTION}url = "https://example.org"', "unknown key 'url'"),
        ('adapter = "yolox"\ntask = "x"\nsettings = { from = 2020-01-01 }', "numbers, texts, lists"),
        ("adapter", "cortexia-model.toml: "),
    ],
)
def test_a_description_that_is_missing_or_wrong_says_what_to_write(tmp_path, settings, shop, description, hint):
    contents = {"bright.onnx": detector()["bright.onnx"]}
    if description is not None:
        contents["cortexia-model.toml"] = description.encode()
    with pytest.raises(ConfigurationError, match=hint):
        shop.adopt(str(write(tmp_path / "mine", contents)))
    assert kept(settings) == []


def test_an_adoption_that_was_interrupted_is_none(tmp_path, settings, shop, monkeypatch):
    folder = str(write(tmp_path / "mine", detector()))

    def dying(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(adoption, "atomic_write", dying)
        with pytest.raises(KeyboardInterrupt):
            shop.adopt(folder)
    assert ModelShop(settings).catalogue.adopted == frozenset()
    entry = shop.adopt(folder)
    assert kept(settings) == [f"{entry.id}/bright.onnx", f"{entry.id}/{ENTRY_FILE}"]


def test_while_another_command_writes_there_it_says_so(tmp_path, settings, shop):
    folder = str(write(tmp_path / "mine", detector()))
    incoming = settings.model_folders[-1] / INCOMING
    incoming.mkdir(parents=True)
    with locked_folder(incoming), pytest.raises(ResourceError, match="another command writes"):
        shop.adopt(folder)
    shop.adopt(folder)


def test_what_was_damaged_is_told_with_what_mends_it(tmp_path, settings, shop):
    folder = write(tmp_path / "mine", CLIP)
    entry = shop.adopt(str(folder))
    (settings.model_folders[-1] / entry.id / "vocab.txt").write_bytes(b"x")
    (found,) = ModelShop(settings).verify()
    assert found.reason == "half_written"
    assert str(folder) in str(found.message)
    ModelShop(settings).adopt(str(folder))
    assert [item.reason for item in ModelShop(settings).verify()] == [None]


def test_an_entry_that_was_not_written_here_is_refused(tmp_path, settings, shop):
    entry = shop.adopt(str(write(tmp_path / "mine", detector())))
    path = settings.model_folders[-1] / entry.id / ENTRY_FILE
    path.write_text(path.read_text().replace("416", "320"))
    with pytest.raises(ConfigurationError, match="no entry that was written here"):
        load_catalogue(folders=settings.model_folders)


def test_an_entry_reads_as_it_was_written(tmp_path, shop):
    entry = shop.adopt(str(write(tmp_path / "mine", detector())))
    odd = replace(entry, task='a "task" \\ \x7f ü😀', settings={"x": [1.5, True, {"y z": 1e-9}], "s": "t"})
    odd = replace(odd, id=adopted_id(odd))
    assert parse_catalogue(entry_text(odd), "x") == (odd,)


def test_weights_in_another_value_are_another_model(tmp_path, shop):
    other = {**CLIP, "model.safetensors": safetensors(2.0)}
    assert shop.adopt(str(write(tmp_path / "a", CLIP))).id != shop.adopt(str(write(tmp_path / "b", other))).id
