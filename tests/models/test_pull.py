"""Models are brought whole and checked, or not at all."""

from __future__ import annotations

import pickle  # noqa: TID251 - to write what must be refused
import subprocess
import sys

import pytest
from model_server import plain_fetch, serving
from serving import Ranged
from serving import serving as answering
from tiny_onnx import entry_of, scaling, write_catalogue

from cortexia.config import Settings
from cortexia.errors import ConfigurationError, ModelError, ResourceError, SourceRefusedError, UnknownNameError
from cortexia.files import locked_folder
from cortexia.models.library import INCOMING, incoming_path
from cortexia.models.presets import load_presets
from cortexia.models.pull import Puller, network_fetch
from cortexia.models.shop import ModelShop

DATA = scaling()
LOCAL = network_fetch(Settings(allow_http=True, allow_private_network=True))


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(DATA)
    with serving(folder) as address:
        yield folder, address


def files(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_model_comes_and_is_found(site, tmp_path):
    heard = []
    entry = entry_of(DATA, url=f"{site[1]}/tiny.onnx")
    path = Puller(tmp_path / "models", LOCAL).pull(entry, heard.append)
    assert path == tmp_path / "models" / "tiny" / "tiny.onnx"
    assert path.read_bytes() == DATA
    assert heard[-1] == len(DATA)
    assert files(tmp_path / "models") == ["tiny/tiny.onnx"]


@pytest.mark.parametrize(
    ("sent", "why"), [(DATA[:-1] + b"!", "digest_mismatch"), (DATA + b"!", "digest_mismatch"), (b"", "digest_mismatch")]
)
def test_other_bytes_are_not_kept(site, tmp_path, sent, why):
    (site[0] / "tiny.onnx").write_bytes(sent)
    with pytest.raises(ModelError) as raised:
        Puller(tmp_path / "models", fetch=plain_fetch).pull(entry_of(DATA, url=f"{site[1]}/tiny.onnx"))
    assert raised.value.reason == why
    assert files(tmp_path / "models") == []


def test_two_pulls_do_not_write_into_one_file(site, tmp_path):
    puller = Puller(tmp_path / "models", LOCAL)
    entry = entry_of(DATA, url=f"{site[1]}/tiny.onnx")
    (tmp_path / "models" / INCOMING).mkdir(parents=True)
    with locked_folder(tmp_path / "models" / INCOMING) as is_ours:
        assert is_ours
        with pytest.raises(ResourceError, match="another pull"):
            puller.pull(entry)
    assert puller.pull(entry).is_file()


def test_a_pickle_of_the_right_digest_is_not_kept(site, tmp_path):
    data = pickle.dumps([1])
    (site[0] / "tiny.onnx").write_bytes(data)
    with pytest.raises(ModelError) as raised:
        Puller(tmp_path / "models", fetch=plain_fetch).pull(entry_of(data, url=f"{site[1]}/tiny.onnx"))
    assert raised.value.reason == "pickle"
    assert files(tmp_path / "models") == []


def test_a_signed_model_needs_the_key_of_its_signer(site, tmp_path):
    entry = entry_of(DATA, url=f"{site[1]}/tiny.onnx", signature_url=f"{site[1]}/tiny.sig")
    with pytest.raises(ConfigurationError, match="model_signer"):
        Puller(tmp_path / "models", fetch=plain_fetch).pull(entry)


def shop(tmp_path, *entries) -> ModelShop:
    own = write_catalogue(tmp_path / "own.toml", *entries)
    settings = Settings(cache_dir=str(tmp_path / "cache"), model_catalog=str(own))
    return ModelShop(settings, fetch=plain_fetch)


def test_the_shop_brings_what_is_not_here(site, tmp_path):
    desk = shop(tmp_path, entry_of(DATA, url=f"{site[1]}/tiny.onnx"))
    (entry,) = desk.named(["tiny"])
    with pytest.raises(ModelError, match="cortexia models pull tiny"):
        desk.path("tiny")
    path = desk.pull(entry)
    assert desk.path("tiny") == path
    (site[0] / "tiny.onnx").unlink()
    assert desk.pull(entry) == path, "what is here is not fetched"
    assert [(item.entry.id, item.reason) for item in desk.verify()] == [("tiny", None)]
    path.write_bytes(DATA[:-1] + b"!")
    assert [(item.entry.id, item.reason) for item in desk.verify(["tiny"])] == [("tiny", "digest_mismatch")]


def test_presets_are_names_of_models_too(tmp_path):
    desk = shop(tmp_path)
    fast, balanced = (next(preset for preset in load_presets() if preset.name == name) for name in ("fast", "balanced"))
    named = [entry.id for entry in desk.named(["fast", "yolox-nano", "balanced"])]
    assert named[0] == "yolox-nano"
    assert named == list(dict.fromkeys([*fast.models, *balanced.models])), "each once"
    with pytest.raises(UnknownNameError, match="did you mean 'fast'"):
        desk.named(["fastt"])


def test_what_was_interrupted_goes_on_where_it_stopped(tmp_path):
    server = Ranged(DATA, cut=60, cuts=1)
    with answering(server) as address:
        path = Puller(tmp_path / "models", LOCAL).pull(entry_of(DATA, url=f"{address}/tiny.onnx"))
    assert server.ranges == [None, "bytes=60-"]
    assert path.read_bytes() == DATA


def test_the_guard_holds_for_catalogues_too(site, tmp_path):
    entry = entry_of(DATA, url=f"{site[1]}/tiny.onnx")
    with pytest.raises(SourceRefusedError):
        Puller(tmp_path / "models", network_fetch(Settings())).pull(entry)
    assert not incoming_path(tmp_path / "models", entry).exists()


def test_pulling_is_no_part_of_what_annotating_loads():
    program = "import cortexia.batch.main, sys; sys.exit('onnxruntime' in sys.modules or 'httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
