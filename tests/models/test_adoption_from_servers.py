"""Models that servers hand out, adopted: the hub, MLflow, and catalogues at an address."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_onnx
from folder_models import REPO, REVISION, files_of, write_catalogue, write_folder
from hub_server import Hub
from offered_models import CLIP, Mlflow, detector, kept, settings_in, write
from serving import send, serving

from cortexia.config import Settings
from cortexia.errors import (
    ConfigurationError,
    CortexiaError,
    DigestMismatchError,
    ModelError,
    RemoteAnswerError,
    SourceRefusedError,
    UnknownNameError,
    ValidationError,
)
from cortexia.models.adopted import ENTRY_FILE, adopted_id
from cortexia.models.library import mend
from cortexia.models.manifest import MANIFEST, digest_of
from cortexia.models.pull import Puller
from cortexia.models.shop import ModelShop
from cortexia.versions import ModelVersions

HF = f"hf:{REPO}@{REVISION}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def shop(settings: Settings) -> ModelShop:
    return ModelShop(settings)


# -- the hub


def test_a_commit_of_the_hub_is_brought_once_and_then_found_without_it(settings):
    hub = Hub(files={**CLIP, "README.md": b"x"})
    with serving(hub) as address:
        shop = ModelShop(replace(settings, model_hub=address))
        entry = shop.adopt(HF)
    assert (entry.adapter, entry.repo, entry.revision) == ("clip", REPO, REVISION)
    assert kept(settings) == [f"{entry.id}/{name}" for name in sorted([*CLIP, ENTRY_FILE])]
    assert ModelShop(replace(settings, model_hub=address)).adopt(HF) == entry, "the hub is gone by now"


def test_a_commit_that_was_pulled_is_adopted_where_it_lies(tmp_path, settings):
    folder = settings.model_folders[-1] / "pulled"
    write_folder(folder, CLIP)
    entry = ModelShop(replace(settings, model_hub="http://127.0.0.1:1")).adopt(HF)
    assert ModelShop(settings).find(entry) == folder
    assert kept(settings) == [f"{entry.id}/{ENTRY_FILE}", *(f"pulled/{name}" for name in sorted([*CLIP, MANIFEST]))]


def test_what_was_adopted_is_not_taken_for_a_model_of_the_catalogue_that_nobody_pinned(tmp_path, settings):
    own = write_catalogue(tmp_path / "own.toml")
    with serving(Hub(files=CLIP)) as address:
        shop = ModelShop(replace(settings, model_hub=address, model_catalog=str(own)))
        adopted = shop.adopt(HF)
    assert (shop.find(shop.catalogue["tiny"]), shop.find(adopted) is not None) == (None, True)


@pytest.mark.parametrize("named", [f"hf:{REPO}", f"hf:{REPO}@main"])
def test_a_branch_is_resolved_once_and_told(settings, named):
    hub, told = Hub(files=CLIP), []
    with serving(hub) as address:
        entry = ModelShop(replace(settings, model_hub=address)).adopt(named, told.append)
    assert told[0] == {"event": "commit_resolved", "source": named, "revision": REVISION}
    assert (entry.revision, entry.source) == (REVISION, HF)
    assert [path for path in hub.asked if "revision" in path] == [f"/api/models/{REPO}/revision/main?blobs=true"]


def test_the_same_content_of_a_folder_and_of_the_hub_is_one_model(tmp_path, settings):
    hub = Hub(files=CLIP)
    with serving(hub) as address:
        shop = ModelShop(replace(settings, model_hub=address))
        first = shop.adopt(str(write(tmp_path / "mine", CLIP)))
        assert shop.adopt(HF).id == first.id
        hub.asked.clear()
        assert shop.adopt(HF).id == first.id
    assert hub.asked == []


def test_a_model_of_an_unknown_family_is_not_kept_from_the_hub(settings):
    hub = Hub(files={**CLIP, "config.json": b'{"model_type": "llama"}'})
    with serving(hub) as address, pytest.raises(ModelError, match="llama"):
        ModelShop(replace(settings, model_hub=address)).adopt(HF)
    assert kept(settings) == []


# -- MLflow


def mlflow_shop(settings: Settings, address: str) -> ModelShop:
    """The setting itself lets the server pass, though it is on a private address and speaks plain http."""
    closed = replace(settings, allow_http=False, allow_private_network=False)
    return ModelShop(replace(closed, mlflow_tracking_uri=address))


@pytest.mark.parametrize("form", ["mlflow:our detector/7", "models:/our detector/7"])
def test_a_registered_version_comes_through_the_servers_proxy(settings, form):
    server = Mlflow({("our detector", "7"): {**detector(), "MLmodel": b"x", "python_model.pkl": b"never asked for"}})
    with serving(server) as address:
        entry = mlflow_shop(settings, address).adopt(form)
    assert (entry.adapter, entry.source) == ("yolox", f"mlflow:our detector/7 of {address}")
    assert kept(settings) == [f"{entry.id}/bright.onnx", f"{entry.id}/{ENTRY_FILE}"]
    assert not any("pkl" in path for path in server.asked)
    assert mlflow_shop(settings, address).adopt("mlflow:our detector/7") == entry, "the server is gone by now"


def test_a_registered_version_may_hold_a_folder_of_the_hub_s_form(tmp_path, settings):
    with serving(Mlflow({("x", "1"): CLIP})) as address:
        entry = mlflow_shop(settings, address).adopt("mlflow:x/1")
    assert entry.id == ModelShop(settings).adopt(str(write(tmp_path / "mine", CLIP))).id


def test_a_version_of_another_server_is_another_one(settings):
    with serving(Mlflow({("x", "1"): detector()})) as one, serving(Mlflow({("x", "1"): detector(2)})) as other:
        assert mlflow_shop(settings, one).adopt("mlflow:x/1") != mlflow_shop(settings, other).adopt("mlflow:x/1")


def test_a_version_that_is_not_registered_is_told(settings):
    server = Mlflow({("x", "1"): detector()})
    with serving(server) as address, pytest.raises(RemoteAnswerError, match=r"mlflow:x/2: .* 404") as raised:
        mlflow_shop(settings, address).adopt("mlflow:x/2")
    assert (raised.value.reason, kept(settings)) == ("not_found", [])


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("s3://user:secret@bucket/path", "are at s3://bucket, and not behind"),
        ("file:///srv/artifacts", "are at file://, and not behind"),
        ("mlflow-artifacts://elsewhere.example.org/0/x", "not behind"),
        ("mlflow-artifacts:/0/../../x", "tells no place"),
    ],
)
def test_artifacts_elsewhere_are_not_fetched(settings, place, hint):
    server = Mlflow({("x", "1"): detector()}, place=place)
    with serving(server) as address, pytest.raises(CortexiaError, match=hint) as raised:
        mlflow_shop(settings, address).adopt("mlflow:x/1")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("answer", [b"", b"[]", b"{", b'{"artifact_uri": 3}', b'{"files": 3}', b'{"files": [3]}'])
def test_answers_that_are_none_are_told(settings, answer):
    with serving(lambda handler: send(handler, answer)) as address, pytest.raises(RemoteAnswerError):
        mlflow_shop(settings, address).adopt("mlflow:x/1")


def test_a_tracking_server_in_the_open_needs_https(settings):
    with pytest.raises(SourceRefusedError, match="use https"):
        mlflow_shop(settings, "http://8.8.8.8:5000").adopt("mlflow:x/1")


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("", "no address"),
        ("sqlite:///mlflow.db", "'sqlite'"),
        ("databricks", "no address"),
        ("postgresql://mlf:s3cret@db/mlflow", "'postgresql'"),
        ("https://mlf:s3cret@mlflow.example.org", "'https'"),
        ("https://mlflow.example.org?token=s3cret", "'https'"),
    ],
)
def test_without_a_tracking_server_it_says_which_setting_names_one(settings, uri, kind):
    with pytest.raises(ConfigurationError, match=f"mlflow_tracking_uri.*{kind}") as raised:
        mlflow_shop(settings, uri).adopt("mlflow:x/1")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("form", ["mlflow:x", "mlflow:x/latest", "models:/x@best", "mlflow:a/b/1", "mlflow:/1"])
def test_a_version_is_a_name_and_a_number(settings, form):
    with pytest.raises(ConfigurationError, match="mlflow:NAME/VERSION"):
        mlflow_shop(settings, "http://127.0.0.1:1").adopt(form)


# -- catalogues at an address


def registry(address: str, data: bytes, **more: object) -> str:
    values = {
        "id": "ours", "task": "object detection, ours", "file": "ours.onnx", "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(), "licence": "MIT", "url": f"{address}/weights", "adapter": "yolox",
        "presets": ["fast"], **more,
    }  # fmt: skip
    return "[[model]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


class Site:
    """Hands out texts and weights by path."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}

    def __call__(self, handler) -> None:
        found = self.pages.get(handler.path)
        send(handler, found or b"", 200 if found else 404)


def test_an_entry_of_a_registry_is_pulled_with_its_digest(tmp_path, settings):
    site, data = Site(), detector()["bright.onnx"]
    with serving(site) as address:
        text = registry(address, data) + "settings = { input_size = [416, 416] }\n"
        site.pages |= {"/r.toml": text.encode(), "/weights": data}
        entry = ModelShop(settings).adopt(f"{address}/r.toml#ours")
    assert (entry.licence, entry.url, entry.presets) == ("MIT", f"{address}/weights", ())
    assert kept(settings) == [f"{entry.id}/{ENTRY_FILE}", f"{entry.id}/ours.onnx"]
    assert ModelShop(settings).adopt(str(write(tmp_path / "mine", detector()))).id == entry.id


def test_other_bytes_than_the_registry_promises_are_refused(settings):
    site, data = Site(), detector()["bright.onnx"]
    with serving(site) as address:
        site.pages |= {"/r.toml": registry(address, data).encode(), "/weights": data[:-1] + b"!"}
        with pytest.raises(DigestMismatchError):
            ModelShop(settings).adopt(f"{address}/r.toml#ours")
    assert kept(settings) == []
    assert ModelShop(settings).catalogue.adopted == frozenset()


def test_a_registry_tells_what_it_has(settings):
    site = Site()
    with serving(site) as address:
        site.pages["/r.toml"] = registry(address, b"x").encode()
        for named in ("our", ""):
            with pytest.raises(UnknownNameError, match=r"r.toml '.*known: ours"):
                ModelShop(settings).adopt(f"{address}/r.toml#{named}")
        site.pages["/r.toml"] = b"<html>"
        with pytest.raises(ConfigurationError, match="catalogue of models"):
            ModelShop(settings).adopt(f"{address}/r.toml#ours")


def test_a_signed_address_of_a_registry_is_fetched_and_never_told(tmp_path, settings):
    site, data, signed = Site(), detector()["bright.onnx"], "/r.toml?sig=s3cret"
    told: list[object] = []
    with serving(site) as address:
        source = f"{address}{signed}#ours"
        for page, why in (
            (b"<html>", "catalogue of models"),
            (registry(address, b"x", id="else").encode(), "unknown model"),
        ):
            site.pages[signed] = page
            with pytest.raises(ConfigurationError, match=why) as raised:
                ModelShop(settings).adopt(source, told.append)
            told.append(str(raised.value))
        text = registry(address, data) + "settings = { input_size = [416, 416] }\n"
        site.pages |= {signed: text.encode(), "/weights": data}
        ModelVersions(ModelShop(settings), [f"objects={source}"], told.append).options_for(["objects"], {})
        entry = ModelShop(settings).adopt(source)
    assert entry.source == f"{address}/r.toml#ours"
    assert {event["source"] for event in told if isinstance(event, dict)} == {entry.source}
    assert "s3cret" not in repr(told) + mend(replace(entry, url=""))
    assert not any(b"s3cret" in (settings.model_folders[-1] / name).read_bytes() for name in kept(settings))


def test_a_folder_of_a_registry_names_its_files(settings):
    hub, site = Hub(files=CLIP), Site()
    head = '[[model]]\nid = "ours"\ntask = "x"\nlicence = "MIT"\nadapter = "clip"\nrepo = "owner/tiny"\n'
    tables = ", ".join(
        f'{{ name = "{file.name}", sha256 = "{file.sha256}", size_bytes = {file.size_bytes} }}'
        for file in files_of(CLIP)
    )
    with serving(hub) as there, serving(site) as address:
        site.pages["/r.toml"] = f'{head}url = "{there}"\nfiles = [{tables}]\n'.encode()
        entry = ModelShop(settings).adopt(f"{address}/r.toml#ours")
        assert entry.id == f"clip-{digest_of(files_of(CLIP))[:12]}"
        assert ModelShop(settings).find(entry) == settings.model_folders[-1] / entry.id
        site.pages["/r.toml"] = head.encode()
        with pytest.raises(ConfigurationError, match="has no digests"):
            ModelShop(settings).adopt(f"{address}/r.toml#ours")


@pytest.mark.parametrize("adapter", ["../../../../victim/x", "..", "", "yolox/../../x", "clip", "Yolox"])
def test_an_adapter_of_a_registry_that_nothing_here_runs_brings_nothing(tmp_path, settings, adapter):
    site, data = Site(), detector()["bright.onnx"]
    with serving(site) as address:
        site.pages |= {"/r.toml": registry(address, data, adapter=adapter).encode(), "/weights": data}
        with pytest.raises(UnknownNameError, match=r"adapter .*known: .*yolox"):
            ModelShop(settings).adopt(f"{address}/r.toml#ours")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("adapter", ["../../../../victim/x", "..", "a/b", "/x"])
def test_an_id_never_leads_out_of_the_folder_of_models(adapter):
    with pytest.raises(ConfigurationError, match="is no name"):
        adopted_id(replace(tiny_onnx.entry_of(b"x"), adapter=adapter))


def test_a_pull_never_writes_outside_of_its_folder(tmp_path):
    data = tiny_onnx.scaling()
    entry = replace(tiny_onnx.entry_of(data), id="../../victim")

    def fetch(url, target, **_):
        target.write_bytes(data)
        return target

    with pytest.raises(ValidationError, match=r"'\.\.'"):
        Puller(tmp_path / "a" / "models", fetch).pull(entry)
    assert not (tmp_path / "victim").exists()


def test_plain_http_is_refused_unless_a_setting_permits_it(settings):
    with pytest.raises(SourceRefusedError, match="not https"):
        ModelShop(Settings(cache_dir=settings.cache_dir)).adopt("http://example.org/r.toml#ours")
