"""Loading from verified bytes, exact runs, and what goes wrong on the way, told once and with its remedy."""

from __future__ import annotations

import json
import os
import pickle  # noqa: TID251 - to write what must be refused
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
from family_runs import RUNS
from safetensors.torch import load_file, save_file
from tiny_models import entry_of, opened, write_manifest

from cortexia.errors import ConfigurationError, InferenceError, ModelError, UnknownNameError
from cortexia.models.library import ModelLibrary
from cortexia.models.torch.choice import FAMILIES, load_family
from cortexia.models.torch.runtime import choose_device

EVERY = pytest.mark.parametrize("adapter", sorted(RUNS))


@pytest.fixture
def copied(tiny_folder, tmp_path):
    """``copied(adapter)``: a folder of its own, to be changed."""

    def copy(adapter: str) -> Path:
        return Path(shutil.copytree(tiny_folder(adapter), tmp_path / adapter))

    return copy


def test_every_family_has_a_tiny_model():
    assert set(tiny_models.MAKERS) == set(RUNS) == set(FAMILIES)


@EVERY
def test_runs_are_the_same_bits_in_any_thread_and_with_any_thread_count(family, pictures, adapter):
    model, run = family(adapter), RUNS[adapter]
    first = run(model, pictures[0])
    assert run(model, pictures[1]) != first, "or else anything would be the same"
    torch.set_num_threads(2)
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: run(model, pictures[0]), range(6)))
    assert [*again, run(model, pictures[0])] == [first] * 7


def test_a_run_has_one_thread_whoever_begins_it(family):
    def inside(_: int) -> int:
        torch.set_num_threads(2)
        assert torch.get_num_threads() == 2
        with family("clip").running():
            return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        assert {inside(0), *pool.map(inside, range(4))} == {1}


def test_loading_asks_nobody(tiny_folder, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert opened(tiny_folder("florence-2"), "florence-2").tasks
    with pytest.raises(AssertionError, match="a connection"):
        socket.create_connection(("example.org", 443))


@EVERY
def test_a_model_that_is_loaded_again_gives_the_same_bits(family, tiny_folder, pictures, adapter):
    assert RUNS[adapter](opened(tiny_folder(adapter), adapter), pictures[0]) == RUNS[adapter](
        family(adapter), pictures[0]
    )


def test_another_process_gives_the_same_bits(family, tiny_folder, pictures, tmp_path):
    np.save(tmp_path / "picture.npy", pictures[0])
    program = (
        "import sys, hashlib, pathlib, numpy as np\n"
        "from tiny_models import opened\n"
        "picture = np.lib.format.read_array(open(sys.argv[2], 'rb'))\n"
        "model = opened(pathlib.Path(sys.argv[1]), 'siglip')\n"
        "print((model.pictures([picture]).tobytes() + model.texts(['a dog']).tobytes()).hex())\n"
    )
    done = run_python(program, str(tiny_folder("siglip")), str(tmp_path / "picture.npy"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == RUNS["siglip"](family("siglip"), pictures[0]).hex()


def test_nothing_is_recorded_for_training_and_weights_are_float32(family):
    model = family("clip")._model
    assert not model.training
    assert {(weights.dtype, weights.requires_grad) for weights in model.parameters()} == {(torch.float32, False)}


def test_weights_of_half_precision_are_run_in_full(copied, family, pictures):
    folder = copied("clip")
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor.half() for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    write_manifest(folder, "tiny/clip")
    half = opened(folder, "clip").pictures(pictures)
    assert half.dtype == np.float32
    assert np.allclose(half, family("clip").pictures(pictures), atol=1e-2)


# -- what must not be opened


def reason(folder: Path, adapter: str) -> str:
    with pytest.raises(ModelError) as raised:
        opened(folder, adapter)
    return raised.value.reason


def test_a_changed_byte_is_told_before_torch_sees_it(copied):
    folder = copied("clip")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"\x55")
    assert reason(folder, "clip") == "digest_mismatch"


def test_a_pickle_beside_the_weights_is_refused(copied):
    folder = copied("clip")
    torch.save({"w": torch.ones(2)}, folder / "pytorch_model.bin")
    assert reason(folder, "clip") == "pickle"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(print, protocol=0))
    assert reason(folder, "clip") == "pickle"


def test_code_of_a_models_authors_never_runs(copied, tmp_path):
    folder = copied("clip")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    write_manifest_of_settings(folder)
    assert reason(folder, "clip") == "code"
    assert not (tmp_path / "ran").exists()


def with_settings(folder: Path, settings: dict[str, object], below: str | None = None) -> Path:
    """``folder`` with ``settings`` more in its ``config.json``, in the table ``below`` where one is named."""
    config = json.loads((folder / "config.json").read_text())
    (config if below is None else config[below]).update(settings)
    (folder / "config.json").write_text(json.dumps(config))
    write_manifest(folder, "tiny/clip")
    return folder


@pytest.mark.parametrize("below", [None, "vision_config"])
@pytest.mark.parametrize(
    "settings",
    [
        {"attn_implementation": "org/kernel"},
        {"_attn_implementation": "org/kernel"},
        {"_attn_implementation_internal": "paged|org/kernel@main:layer"},
        {"attn_implementation": {"text_config": "org/kernel"}},
        {"experts_implementation": "org/kernel"},
        {"auto_map": {"AutoModel": "modeling.Model"}},
    ],
)
def test_kernels_of_others_are_refused_wherever_they_are_named(copied, settings, below):
    assert reason(with_settings(copied("clip"), settings, below), "clip") == "code"


@pytest.mark.parametrize("below", [None, "vision_config"])
@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_a_folder_does_not_choose_how_layers_are_computed(copied, family, pictures, key, below):
    """The library would fetch a kernel for this name, or refuse it."""
    model = opened(with_settings(copied("clip"), {key: "flash_attention_2"}, below), "clip")
    assert {config._attn_implementation for config in (model._model.config, model._model.config.vision_config)} == {
        "sdpa"
    }
    assert np.array_equal(model.pictures(pictures), family("clip").pictures(pictures))


def write_manifest_of_settings(folder: Path) -> None:
    """A manifest over all but the code, which is no file of a model."""
    code = folder / "modeling.py"
    text = code.read_bytes()
    code.unlink()
    write_manifest(folder, "tiny/clip")
    code.write_bytes(text)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_that_would_stay_random_are_refused(copied, change):
    folder = copied("clip")
    weights = load_file(folder / "model.safetensors")
    if change == "missing":
        del weights["text_projection.weight"]
    else:
        weights["text_projection.weight"] = torch.zeros(3, 3)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    write_manifest(folder, "tiny/clip")
    with pytest.raises(ModelError, match=r"text_projection\.weight|size|shape") as raised:
        opened(folder, "clip")
    assert raised.value.reason == "malformed"


def test_weights_of_another_family_are_refused(tiny_folder):
    content = ModelLibrary([tiny_folder("clip")]).read_folder(entry_of("clip"))
    with pytest.raises(ModelError, match=r"cannot be loaded|missing or of another shape"):
        load_family(replace(content, entry=replace(content.entry, adapter="siglip")), "cpu")
    with pytest.raises(UnknownNameError, match="torch family"):
        load_family(replace(content, entry=replace(content.entry, adapter="yolox")), "cpu")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", "[]"),
        ("config.json", '{"text_config": 3}'),
        ("preprocessor_config.json", None),
        ("preprocessor_config.json", '{"size": 7.5}'),
        ("tokenizer.json", '{"version": "1.0"}'),
    ],
)
def test_settings_that_fit_nothing_are_malformed(copied, name, text):
    folder = copied("clip")
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    write_manifest(folder, "tiny/clip")
    assert reason(folder, "clip") == "malformed"


@pytest.mark.parametrize(
    ("adapter", "name", "change"),
    [
        ("sam2", "preprocessor_config.json", {"image_mean": "x"}),
        ("sam2", "preprocessor_config.json", {"image_std": [1, 2]}),
        ("florence-2", "processor_config.json", {"num_additional_image_tokens": {}, "image_processor": "x"}),
        ("clip", "config.json", {"projection_dim": "x"}),
    ],
)
def test_settings_that_only_a_family_reads_are_malformed_too(copied, adapter, name, change):
    folder = copied(adapter)
    settings = json.loads((folder / name).read_text()) if (folder / name).is_file() else {}
    (folder / name).write_text(json.dumps(settings | change))
    if "image_processor" in change:
        (folder / "preprocessor_config.json").unlink()
    write_manifest(folder, f"tiny/{adapter}")
    assert reason(folder, adapter) == "malformed"


def test_settings_of_newer_folders_lie_in_another_file(copied, family, pictures):
    folder = copied("clip")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": settings}))
    write_manifest(folder, "tiny/clip")
    assert np.array_equal(opened(folder, "clip").pictures(pictures), family("clip").pictures(pictures))


# -- what goes wrong in a run


def test_want_of_memory_is_told_as_such(family):
    model = family("clip")
    with pytest.raises(ModelError) as raised, model.running():
        torch.empty(1 << 60, dtype=torch.uint8)
    assert raised.value.reason == "no_memory"
    with pytest.raises(ModelError) as raised, model.running():
        raise torch.OutOfMemoryError("nothing left")
    assert raised.value.reason == "no_memory"


def test_other_failures_of_a_run_name_the_model(family):
    with pytest.raises(InferenceError, match="tiny-clip"), family("clip").running():
        torch.ones(2) @ torch.ones(3)


@pytest.mark.parametrize("mistake", [AttributeError, NameError, KeyError, AssertionError])
def test_mistakes_of_this_house_are_not_laid_on_the_model(family, mistake):
    with pytest.raises(mistake), family("clip").running():
        raise mistake("ours")


def test_the_threads_of_the_caller_are_as_before_after_a_run(family, pictures):
    torch.set_num_threads(2)
    family("clip").pictures(pictures[:1])
    assert torch.get_num_threads() == 2
    with pytest.raises(InferenceError), family("clip").running():
        raise ValueError
    assert torch.get_num_threads() == 2


def test_the_environment_of_the_host_program_is_as_before():
    program = (
        "import os; os.environ['TRANSFORMERS_OFFLINE'] = '0'; before = dict(os.environ)\n"
        "from cortexia.models.torch.runtime import import_libraries\n"
        "import_libraries()\n"
        "import huggingface_hub\n"
        "added = {name for name in os.environ.keys() ^ before.keys() if name.startswith(('HF_', 'TRANSFORMERS_'))}\n"
        "print(added, os.environ['TRANSFORMERS_OFFLINE'], huggingface_hub.constants.HF_HUB_OFFLINE)\n"
    )
    done = run_python(program)
    assert done.stdout.split() == ["set()", "0", "True"], done.stderr


@pytest.mark.parametrize("device", ["cuda:0", "cuda:99"])
def test_a_gpu_that_is_not_there_is_refused(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: device == "cuda:99")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigurationError, match="set device to cpu"):
        choose_device(device)


def test_the_device_is_the_first_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (choose_device("auto"), choose_device("cpu")) == ("cpu", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (choose_device("auto"), choose_device("cuda:1"), choose_device("cpu")) == ("cuda:0", "cuda:1", "cpu")


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(tiny_models.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_without_the_extra_the_line_that_installs_it_is_named(tiny_folder, package):
    """With it, another process opens a model: see above."""
    program = (
        "import sys, pathlib\n"
        f"sys.modules[{package!r}] = None\n"
        "from cortexia.models.base import ModelEntry\n"
        "from cortexia.models.library import ModelLibrary\n"
        "from cortexia.models.torch import load_family\n"
        "entry = ModelEntry('t', 't', '', 0, '', 'MIT', '', 'clip', repo='tiny/clip')\n"
        "load_family(ModelLibrary([pathlib.Path(sys.argv[1])]).read_folder(entry))\n"
    )
    done = run_python(program, str(tiny_folder("clip")))
    assert done.returncode == 1
    assert done.stderr.strip().endswith("run: pip install 'cortexia[torch]'")


def test_neither_package_nor_openers_load_torch():
    program = "import cortexia.models.torch, cortexia.models.access, sys; sys.exit('torch' in sys.modules)"
    assert run_python(program).returncode == 0
