"""Sessions of ONNX Runtime: exact, shared by threads, and with errors of ours."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny_onnx import field, model, node, scaling, value_info

from cortexia.errors import ConfigurationError, InferenceError, ModelError
from cortexia.models import onnx
from cortexia.models.onnx import CPU, CUDA, OnnxSession, choose_providers


def test_a_model_runs_and_tells_its_tensors():
    session = OnnxSession("tiny", scaling(2.0, 3), "cpu")
    assert [(spec.name, spec.shape, spec.dtype) for spec in session.inputs] == [("x", (3,), "float32")]
    assert [(spec.name, spec.shape) for spec in session.outputs] == [("y", (3,))]
    (out,) = session.run({"x": np.array([1, 2, 3], np.float32)})
    assert out.tolist() == [2.0, 4.0, 6.0]


def test_a_side_that_may_vary_is_none():
    graph = field(1, node("Neg", ["x"], ["y"])) + field(2, "g")
    session = OnnxSession("tiny", model(graph + field(11, value_info("x", "n")) + field(12, value_info("y", "n"))))
    assert session.inputs[0].shape == (None,)


@pytest.mark.parametrize("feeds", [{}, {"z": np.zeros(4, np.float32)}, {"x": np.zeros(5, np.float32)}, {"x": "text"}])
def test_wrong_feeds_are_our_error(feeds):
    with pytest.raises(InferenceError, match="model 'tiny'"):
        OnnxSession("tiny", scaling()).run(feeds)


def test_memory_that_is_not_there_is_an_error_of_the_machine():
    shape = field(1, 1) + field(2, 7) + field(8, "s") + field(9, (1 << 42).to_bytes(8, "little"))
    graph = field(1, node("Expand", ["x", "s"], ["y"])) + field(2, "g") + field(5, shape)
    data = model(graph + field(11, value_info("x", 1)) + field(12, value_info("y", "n")))
    with pytest.raises(ModelError, match="no memory") as raised:
        OnnxSession("tiny", data).run({"x": np.zeros(1, np.float32)})
    assert raised.value.reason == "no_memory"


LOAD = """
import resource, sys
from pathlib import Path
from cortexia.errors import ModelError
from cortexia.models.onnx import OnnxSession, _options
data = Path(sys.argv[1]).read_bytes()
OnnxSession("warm", Path(sys.argv[2]).read_bytes(), "cpu")
used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (int(sys.argv[3]) << 20),) * 2)
try:
    OnnxSession("large", data, "cpu")
except ModelError as error:
    print(error.reason)
else:
    print("loaded")
"""


@pytest.mark.parametrize(("room_mib", "came"), [(30, "no_memory"), (110, "no_memory"), (600, "loaded")])
def test_memory_that_is_not_there_to_load_is_told_as_such(tmp_path, room_mib, came):
    """With little room the runtime raises ``MemoryError``, with some more an error of its own."""
    length = 64 << 18
    weights = field(1, length) + field(2, 1) + field(8, "w") + field(9, bytes(4 * length))
    graph = field(1, node("Mul", ["x", "w"], ["y"])) + field(2, "g") + field(5, weights)
    large, small = tmp_path / "large.onnx", tmp_path / "small.onnx"
    large.write_bytes(model(graph + field(11, value_info("x", length)) + field(12, value_info("y", length))))
    small.write_bytes(scaling())
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(large), str(small), str(room_mib)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.returncode) == (came, 0), done.stderr


def test_what_the_runtime_refuses_is_our_error():
    with pytest.raises(ModelError, match="cannot be loaded") as raised:
        OnnxSession("tiny", scaling()[:-20])
    assert raised.value.reason == "malformed"


def test_operators_of_others_are_not_there():
    graph = field(1, node("Evil", ["x"], ["y"], domain="com.example")) + field(2, "g")
    data = model(graph + field(11, value_info("x", 1)) + field(12, value_info("y", 1)), ("", "com.example"))
    with pytest.raises(ModelError, match="Evil"):
        OnnxSession("tiny", data)


def test_the_runtimes_own_format_is_not_taken():
    with pytest.raises(ModelError):
        OnnxSession("tiny", b"\x20\0\0\0ORTM" + b"\0" * 60)


def test_devices_choose_providers():
    assert choose_providers("auto", [CPU]) == choose_providers("cpu", [CUDA, CPU]) == [CPU]
    assert choose_providers("auto", [CUDA, CPU])[0] == (CUDA, {"device_id": 0})
    assert choose_providers("cuda:1", [CUDA, CPU])[0] == (CUDA, {"device_id": 1})
    with pytest.raises(ConfigurationError, match="onnxruntime-gpu"):
        choose_providers("cuda:0", [CPU])


@pytest.mark.data
def test_threads_that_share_a_session_get_the_bytes_of_one(data_dir):
    session = OnnxSession("yolox-nano", (data_dir / "models" / "detect" / "yolox_nano.onnx").read_bytes(), "cpu")
    generator = np.random.default_rng(7)
    pictures = [generator.uniform(0, 255, (1, 3, 416, 416)).astype(np.float32) for _ in range(3)]

    def look(picture):
        return session.run({"images": picture})[0].tobytes()

    alone = [look(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(look, pictures * 4))
    assert together == alone * 4
    assert len(set(alone)) == 3, "other pictures give other bytes"


def test_a_gpu_that_does_not_start_is_told(monkeypatch):
    """Left to itself the runtime goes on with the CPU."""
    monkeypatch.setattr(onnx, "choose_providers", lambda device, available: [CPU])
    with pytest.raises(ConfigurationError, match="device 'cuda:0' does not work here"):
        OnnxSession("tiny", scaling(), "cuda:0")
