"""Sessions of LiteRT: exact, an interpreter for each thread, and with errors of ours."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from cortexia.errors import ConfigurationError, InferenceError, ModelError
from cortexia.models.access import ModelSettings, open_models, start_session
from cortexia.models.base import Quantisation
from cortexia.models.catalogue import load_catalogue
from cortexia.models.formats.content import Format, check_model
from cortexia.models.litert import LiteRtSession

FILES = {
    "movenet-lightning": "pose/movenet_single_pose_lightning_ptq.tflite",
    "deeplab-v3-mnv2": "seg/deeplabv3_mnv2_pascal_quant.tflite",
    "mobilenet-v1-embedding": "embed/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite",
}


def weights(data_dir: Path, model_id: str) -> bytes:
    return (data_dir / "models" / FILES[model_id]).read_bytes()


def noise(session: LiteRtSession, seed: int) -> dict[str, np.ndarray]:
    (spec,) = session.inputs
    return {spec.name: np.random.default_rng(seed).integers(0, 256, spec.shape, np.uint8)}


@pytest.mark.data
def test_a_model_tells_its_tensors(data_dir):
    session = LiteRtSession("mobilenet", weights(data_dir, "mobilenet-v1-embedding"))
    (given,), (made,) = session.inputs, session.outputs
    assert (given.shape, given.dtype, given.quantisation) == ((1, 224, 224, 3), "uint8", Quantisation(1 / 128, 128))
    assert (made.shape, made.dtype) == ((1, 1, 1, 1024), "uint8")
    assert made.quantisation == Quantisation(pytest.approx(0.0235, abs=1e-4), 0)
    assert LiteRtSession("pose", weights(data_dir, "movenet-lightning")).outputs[0].quantisation is None


def test_integers_are_restored_to_the_numbers_they_stand_for():
    assert Quantisation(0.5, 128).restore(np.array([0, 128, 255], np.uint8)).tolist() == [-64.0, 0.0, 63.5]


@pytest.mark.data
@pytest.mark.parametrize("model_id", FILES)
def test_threads_and_repeats_change_no_bit(data_dir, model_id):
    session = LiteRtSession(model_id, weights(data_dir, model_id))
    feeds = [noise(session, seed) for seed in range(3)]
    alone = [session.run(feed)[0].tobytes() for feed in feeds]
    assert len(set(alone)) == 3, "other pictures give other bytes"
    assert [session.run(feed)[0].tobytes() for feed in reversed(feeds)] == alone[::-1]
    together = Barrier(2)

    def look(feed: dict[str, np.ndarray]) -> bytes:
        together.wait()
        return session.run(feed)[0].tobytes()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(look, feeds[:2] * 3)) == alone[:2] * 3
    assert LiteRtSession(model_id, weights(data_dir, model_id)).run(feeds[0])[0].tobytes() == alone[0]


@pytest.mark.data
def test_outputs_stay_as_they_are_when_the_session_runs_again(data_dir):
    session = LiteRtSession("pose", weights(data_dir, "movenet-lightning"))
    (first,) = session.run(noise(session, 1))
    before = first.copy()
    session.run(noise(session, 2))
    assert (first == before).all()


@pytest.mark.data
@pytest.mark.parametrize(
    "change",
    [
        lambda name, value: {},
        lambda name, value: {"other": value},
        lambda name, value: {name: value, "other": value},
        lambda name, value: {name: value.astype(np.float32)},
        lambda name, value: {name: value[:, :10]},
        lambda name, value: {name: np.concatenate((value, value))},
    ],
    ids=["nothing", "another name", "one more", "another type", "another size", "two at once"],
)
def test_wrong_feeds_are_our_error(data_dir, change):
    session = LiteRtSession("pose", weights(data_dir, "movenet-lightning"))
    ((name, value),) = noise(session, 1).items()
    with pytest.raises(InferenceError, match="model 'pose'"):
        session.run(change(name, value))
    assert session.run({name: value})[0].shape == (1, 1, 17, 3), "it goes on after that"


@pytest.mark.data
def test_what_the_runtime_refuses_is_our_error(data_dir):
    whole = weights(data_dir, "movenet-lightning")
    with pytest.raises(ModelError, match="'pose' cannot be loaded") as raised:
        LiteRtSession("pose", whole[: len(whole) // 2])
    assert raised.value.reason == "malformed"


def test_without_litert_the_error_says_where_there_are_wheels(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ConfigurationError, match=r"pip install ai-edge-litert.*this is \w+ on \w+"):
        LiteRtSession("pose", b"")


@pytest.mark.data
@pytest.mark.parametrize("model_id", FILES)
def test_the_door_to_models_takes_the_runtime_by_format(data_dir, model_id):
    data = weights(data_dir, model_id)
    session = start_session(load_catalogue()[model_id], data, check_model(data, model_id), "auto")
    assert isinstance(session, LiteRtSession)


@pytest.mark.data
def test_models_of_both_formats_come_through_the_manager(data_dir):
    models = open_models(ModelSettings(folders=(data_dir / "models",)))
    pose, faces = models.open("movenet-lightning"), models.open("yunet")
    assert [spec.dtype for spec in (*pose.inputs, *faces.inputs)] == ["uint8", "float32"]
    (points,) = pose.run({pose.inputs[0].name: np.zeros(pose.inputs[0].shape, np.uint8)})
    assert points.shape == (1, 1, 17, 3)
    models.close()
    assert models.stats().resident == ()
    again = pose.run({pose.inputs[0].name: np.zeros(pose.inputs[0].shape, np.uint8)})
    assert again[0].tobytes() == points.tobytes(), "a model that was put away comes back the same"


def test_a_format_without_a_runtime_says_so():
    entry = load_catalogue()["yunet"]
    with pytest.raises(ModelError, match="safetensors") as raised:
        start_session(entry, b"", Format.SAFETENSORS, "cpu")
    assert raised.value.reason == "unsupported"
