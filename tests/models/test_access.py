"""The one door to models, as workers and annotators go through it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tiny_onnx import entry_of, scaling, write_catalogue

from cortexia.annotators.base import StreamAnnotator, StreamSession
from cortexia.app import App, Request
from cortexia.config import Settings, load_settings
from cortexia.errors import ConfigurationError, ModelError
from cortexia.models import access
from cortexia.models.access import ModelSettings, open_models, uses_gpu
from cortexia.models.failures import no_memory
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import Measure, Query, Sampling, TimeSpan

DATA = scaling(3.0)


@pytest.fixture
def settings(tmp_path) -> Settings:
    own = write_catalogue(tmp_path / "own.toml", entry_of(DATA))
    store = str(tmp_path / "store.db")
    return Settings(
        store=store,
        executor="inline",
        threads=2,
        cache_dir=str(tmp_path / "cache"),
        models=(str(tmp_path / "models"),),
        model_catalog=str(own),
    )


def bring(settings: Settings, data: bytes = DATA) -> None:
    settings.model_folders[0].mkdir()
    (settings.model_folders[0] / "any name").write_bytes(data)


def test_models_are_opened_from_the_folders_of_the_settings(settings):
    models = open_models(settings)
    assert models.threads == 2
    with pytest.raises(ModelError, match="cortexia models pull tiny"):
        models.open("tiny")
    bring(settings)
    assert models.open("tiny").run({"x": np.ones(4, np.float32)})[0].tolist() == [3.0] * 4, "it came meanwhile"


def test_settings_of_models_travel_as_json(settings):
    chosen = ModelSettings.of(settings)
    assert ModelSettings.from_payload(json.loads(json.dumps(chosen.as_payload()))) == chosen
    plain = ModelSettings.of(Settings())
    assert ModelSettings.from_payload(json.loads(json.dumps(plain.as_payload()))) == plain


def test_formats_that_nothing_runs_say_so(settings, tmp_path):
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    data = len(header).to_bytes(8, "little") + header + b"\0" * 4
    write_catalogue(tmp_path / "own.toml", entry_of(data))
    bring(settings, data)
    with pytest.raises(ModelError, match="safetensors") as raised:
        open_models(settings).open("tiny")
    assert raised.value.reason == "unsupported"


def test_folders_come_joined_as_paths_are(tmp_path):
    found = load_settings(environ={"CORTEXIA_MODELS": "/a,b:/c", "CORTEXIA_CACHE_DIR": str(tmp_path)}).settings
    assert [str(path) for path in found.model_folders] == ["/a,b", "/c", str(tmp_path / "models")]
    assert load_settings({"models": ["/a:b"]}, environ={}).settings.models == ("/a:b",)


@pytest.mark.parametrize("device", ["gpu", "cuda", "cuda:x", "cuda:²"])
def test_a_device_that_is_none_is_refused(device):
    with pytest.raises(ConfigurationError, match="cuda:N"):
        load_settings({"device": device}, environ={})


@dataclass(frozen=True)
class Tripled(StreamAnnotator):
    """Asks the model what three times a frame's index is."""

    name = "tripled"
    version = "1"
    provides = ("measure",)

    @property
    def sampling(self) -> Sampling:
        return Sampling.every()

    def session(self, context):
        assert context.models is not None
        return TripledSession(context.models.open("tiny"))


class TripledSession(StreamSession):
    def __init__(self, model) -> None:
        self._model = model

    def process(self, inputs, upstream):
        made = []
        for frame in inputs:
            (out,) = self._model.run({"x": np.full(4, frame.index, np.float32)})
            span = TimeSpan(frame.timestamp, frame.timestamp)
            made.append([Measure(span=span, label="tripled", frame_index=frame.index, values={"value": float(out[0])})])
        return made


@pytest.fixture
def tripled(monkeypatch):
    """``Tripled`` as the only annotator, without an entry point of its own."""
    monkeypatch.setattr("cortexia.batch.worker.make_recipes", lambda names, options: (Tripled(),))
    monkeypatch.setattr(Request, "recipes", lambda self: (Tripled(),))


def test_a_session_in_a_worker_runs_models(settings, clips, tripled):
    bring(settings)
    clip, _ = clips("models.mp4", VideoSpec(shots=(ShotSpec(0.4),)))
    with App(settings) as app:
        report = app.annotate([clip], Request(("tripled",)))
        assert [video.status for video in report.videos] == ["completed"], report
        values = [row.annotation.values["value"] for row in app.rows(Query(types=("measure",)))]
    assert values == [3.0 * number for number in range(len(values))]
    assert len(values) == 10


def test_a_model_that_is_missing_fails_that_run_with_its_remedy(settings, clips, tripled):
    clip, _ = clips("models.mp4", VideoSpec(shots=(ShotSpec(0.4),)))
    with App(settings) as app:
        report = app.annotate([clip], Request(("tripled",)))
    assert [run.status for run in report.videos[0].runs] == ["failed"]
    assert "cortexia models pull tiny" in report.videos[0].runs[0].message


@pytest.mark.parametrize(("gpu", "tried"), [(None, ["auto"]), ("cuda:0", ["auto", "cpu"])])
def test_a_load_without_memory_goes_to_the_cpu_only_from_a_gpu(settings, monkeypatch, gpu, tried):
    loads = []

    def start(entry, data, found, device):
        loads.append(device)
        raise no_memory(entry.id)

    bring(settings)
    monkeypatch.setattr(access, "start_session", start)
    monkeypatch.setattr(access, "gpu_of", lambda device: gpu)
    with pytest.raises(ModelError, match="no memory"):
        open_models(settings).open("tiny")
    assert loads == tried


def test_a_machine_without_a_gpu_uses_none(settings):
    folder = replace(entry_of(DATA), repo="owner/tiny")
    assert not any(uses_gpu(entry, "cpu") for entry in (entry_of(DATA), folder))
    assert uses_gpu(entry_of(DATA), "cuda:0")
