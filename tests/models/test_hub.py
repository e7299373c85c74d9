"""Models of several files come from a hub: one commit, what is opened of it, pinned on arrival."""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - to write what must be refused
from dataclasses import replace

import pytest
from folder_models import FILES, REPO, REVISION, entry_of, safetensors, write_catalogue
from hub_server import Hub
from serving import LOCAL, serving

from cortexia.config import Settings
from cortexia.errors import (
    ConfigurationError,
    ModelError,
    NetworkError,
    RemoteAnswerError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.models.arrivals import fetch_answer
from cortexia.models.fetching import network_fetch
from cortexia.models.hub import read_commit, wanted_names
from cortexia.models.library import INCOMING, ModelLibrary
from cortexia.models.manifest import MANIFEST, parse_manifest
from cortexia.models.pull import Puller
from cortexia.models.shop import ModelShop
from cortexia.net import fetch

FETCH = network_fetch(Settings(allow_http=True, allow_private_network=True))


def pull(folder, hub: Hub, heard=None, fetch=FETCH, **more):
    with serving(hub) as address:
        return Puller(folder, fetch).pull(entry_of(url=address, **more), ([] if heard is None else heard).append)


def names(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_opened_comes_and_is_pinned(tmp_path):
    hub, heard = Hub(), []
    path = pull(tmp_path, hub, heard)
    assert path == tmp_path / "tiny"
    assert names(tmp_path) == [f"tiny/{name}" for name in sorted([*FILES, MANIFEST])]
    manifest = parse_manifest((path / MANIFEST).read_bytes())
    assert (manifest.repo, manifest.revision) == (REPO, REVISION)
    assert dict(ModelLibrary([tmp_path]).read_folder(entry_of()).files) == FILES
    assert heard == sorted(heard)
    assert heard[-1] == sum(map(len, FILES.values()))
    assert [path for path in hub.asked if "never" in path or "README" in path] == []
    assert hub.asked[0] == f"/api/models/{REPO}/revision/main?blobs=true"
    assert set(hub.asked[1:]) == {f"/{REPO}/resolve/{REVISION}/{name}" for name in FILES}


def test_a_pinned_commit_is_asked_for_by_itself(tmp_path):
    hub = Hub()
    pull(tmp_path, hub, revision=REVISION)
    assert hub.asked[0] == f"/api/models/{REPO}/revision/{REVISION}?blobs=true"
    with pytest.raises(RemoteAnswerError, match="sent commit"):
        pull(tmp_path / "b", Hub(revision="f" * 40), revision=REVISION)


def test_pinned_digests_are_held_to(tmp_path):
    other = Hub(files={**FILES, "vocab.txt": b"[PAD]\n[UNK]\nb\n"})
    with serving(other) as address, pytest.raises(NetworkError, match="was promised"):
        Puller(tmp_path, FETCH).pull(entry_of(FILES, url=address))
    assert not (tmp_path / "tiny").exists()
    with serving(Hub()) as address:
        assert Puller(tmp_path, FETCH).pull(entry_of(FILES, url=address)) == tmp_path / "tiny"


def test_weights_that_the_hub_itself_does_not_know_are_refused(tmp_path):
    with pytest.raises(NetworkError, match="was promised"):
        pull(tmp_path, Hub(told={"model.safetensors": "ab" * 32}))
    assert not (tmp_path / "tiny").exists()


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("vocab.txt", pickle.dumps(print), "pickle"),
        ("config.json", b'{"auto_map": {"AutoModel": "x.Y"}}', "code"),
        ("model.safetensors", b"no weights at all", "unsupported"),
    ],
)
def test_what_must_not_be_opened_is_not_kept(tmp_path, name, data, why):
    with pytest.raises(ModelError) as raised:
        pull(tmp_path, Hub(files={**FILES, name: data}))
    assert raised.value.reason == why
    assert names(tmp_path) == []


def test_a_broken_connection_goes_on_where_it_stopped(tmp_path):
    hub = Hub(cut=20)
    pull(tmp_path, hub)
    weights = f"/{REPO}/resolve/{REVISION}/model.safetensors"
    assert [path for path in hub.asked if path.startswith(weights)] == [weights, f"{weights} bytes=20-"]
    assert ModelLibrary([tmp_path]).find(entry_of()) == tmp_path / "tiny"


def test_a_pull_that_was_killed_does_not_bring_large_files_again(tmp_path):
    hub = Hub()

    def dying(url, target, **options):
        if url.endswith("vocab.txt"):
            raise KeyboardInterrupt
        return FETCH(url, target, **options)

    with serving(hub) as address:
        with pytest.raises(KeyboardInterrupt):
            Puller(tmp_path, dying).pull(entry_of(url=address))
        assert ModelLibrary([tmp_path]).find(entry_of()) is None, "half a model is none"
        hub.asked.clear()
        Puller(tmp_path, FETCH).pull(entry_of(url=address))
    assert not any(path.endswith("model.safetensors") for path in hub.asked)
    assert names(tmp_path / INCOMING) == []


def test_a_folder_that_was_damaged_is_made_whole(tmp_path):
    hub = Hub()
    path = pull(tmp_path, hub)
    (path / "vocab.txt").write_bytes(b"x")
    assert ModelLibrary([tmp_path]).find(entry_of()) is None
    pull(tmp_path, hub)
    assert ModelLibrary([tmp_path]).find(entry_of()) == path


def test_the_guard_holds_for_hubs_too(tmp_path):
    with pytest.raises(SourceRefusedError):
        pull(tmp_path, Hub(), fetch=network_fetch(Settings()))


def test_the_shop_brings_what_is_not_here_once(tmp_path):
    hub = Hub()
    with serving(hub) as address:
        own = write_catalogue(tmp_path / "own.toml", url=address)
        desk = ModelShop(Settings(cache_dir=str(tmp_path / "cache"), model_catalog=str(own)), fetch=FETCH)
        (entry,) = desk.named(["tiny"])
        path = desk.pull(entry)
        hub.asked.clear()
        assert desk.pull(entry) == path
    assert hub.asked == []
    assert [(item.entry.id, item.reason) for item in desk.verify()] == [("tiny", None)]
    (path / "config.json").write_bytes(b"{}")
    assert [(item.entry.id, item.reason) for item in desk.verify(["tiny"])] == [("tiny", "half_written")]


def test_of_weights_one_form_is_taken():
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert wanted_names([*shards, "model.safetensors", "config.json"]) == ["config.json", "model.safetensors"]
    assert wanted_names([*shards, "config.json", "x.fp16.safetensors"]) == ["config.json", *shards]
    assert wanted_names(["a/config.json", ".hidden.json", MANIFEST, "tokenizer.model", "x.bin"]) == ["tokenizer.model"]


def test_an_answer_that_tells_no_commit_is_refused():
    good = Hub().commit()
    assert [remote.name for remote in read_commit(json.dumps(good).encode()).files] == sorted(FILES)
    for answer in ({}, [], {**good, "sha": "main"}, {**good, "siblings": 3}, {**good, "siblings": []}):
        with pytest.raises(ConfigurationError):
            read_commit(json.dumps(answer).encode())


def test_a_file_that_is_too_large_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("cortexia.models.arrivals.PART_LIMIT", len(safetensors()) - 1)
    hub = Hub()
    with pytest.raises(ModelError) as raised:
        pull(tmp_path, hub)
    assert raised.value.reason == "too_large"
    assert not any(path.endswith("model.safetensors") for path in hub.asked)


def test_an_answer_without_end_is_not_taken_in(tmp_path):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        for _ in range(64):
            handler.wfile.write(b" " * (1 << 20))
            sent.append(1)

    with (
        serving(endless) as address,
        pytest.raises(TransferLimitError, match="answers more than 8388608 bytes") as raised,
    ):
        fetch_answer(address, tmp_path / "answer", FETCH)
    assert (raised.value.reason, names(tmp_path)) == ("too_large", [])
    assert len(sent) < 64


def test_nothing_stays_of_an_answer_that_broke_off(tmp_path):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    def bring(url, target, **_):
        return fetch(url, target, policy=replace(LOCAL, attempts=1))

    with serving(cut) as address, pytest.raises(NetworkError, match="gave up"):
        fetch_answer(address, tmp_path / "answer", bring)
    assert names(tmp_path) == []


@pytest.mark.parametrize("digest", ["", "ab", "AB" * 32, "../../x", 7, ["ab" * 32]])
def test_a_digest_that_is_none_is_an_answer_that_is_none(tmp_path, digest):
    with pytest.raises(RemoteAnswerError, match=r"sha256 of model\.safetensors"):
        pull(tmp_path, Hub(told={"model.safetensors": digest}))
    assert names(tmp_path) == []
