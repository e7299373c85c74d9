"""Sessions of ONNX Runtime: one thread inside, exact across runs, shared by several threads. The library's one door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cortexia.errors import ConfigurationError, InferenceError
from cortexia.models.base import Tensor, TensorSpec
from cortexia.models.failures import first_line, is_no_memory, no_memory, not_loaded

if TYPE_CHECKING:
    import onnxruntime

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class OnnxSession:
    """Weights loaded from verified bytes. ``device``: ``auto``, ``cpu`` or ``cuda:N``.

    Raises ``ModelError``: ``malformed`` for bytes that the runtime refuses, operators it does not have included
    (libraries with operators of others are never registered), ``no_memory``. Raises ``ConfigurationError`` for a
    device that is not there.
    """

    def __init__(self, model_id: str, data: bytes, device: str = "auto") -> None:
        import onnxruntime

        self._id = model_id
        providers = choose_providers(device, onnxruntime.get_available_providers())
        try:
            self._session = onnxruntime.InferenceSession(data, _options(), providers=providers)
        except _load_errors() as error:
            raise not_loaded(model_id, error) from error
        # The runtime goes on with the CPU by itself where the GPU or its libraries do not work.
        if device.startswith("cuda") and CUDA not in self._session.get_providers():
            raise ConfigurationError(
                f"device {device!r} does not work here: ONNX Runtime could not start on it; install the CUDA and cuDNN"
                " libraries that it was built for, name another device, or set device to cpu"
            )
        self.device = device_of(providers)
        self.inputs = tuple(_spec(item) for item in self._session.get_inputs())
        self.outputs = tuple(_spec(item) for item in self._session.get_outputs())
        self._names = [spec.name for spec in self.outputs]

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Outputs in the order of ``outputs``. Raises ``InferenceError`` for feeds that the model does not take, and
        ``ModelError`` (``no_memory``)."""
        try:
            results: list[Tensor] = self._session.run(self._names, dict(feeds))
        except _feed_errors() as error:
            raise (
                no_memory(self._id) if is_no_memory(error) else InferenceError(self._id, first_line(error))
            ) from error
        return results


def choose_providers(device: str, available: Sequence[str]) -> list[Any]:
    """Execution providers for a device, in order of preference. Raises ``ConfigurationError``."""
    if device == "cpu" or (device == "auto" and CUDA not in available):
        return [CPU]
    if CUDA not in available:
        raise ConfigurationError(
            f"device {device!r} asks for a GPU, and this ONNX Runtime has none; pip install onnxruntime-gpu in place of"
            " onnxruntime, or set device to cpu"
        )
    number = 0 if device == "auto" else int(device.removeprefix("cuda:"))
    return [(CUDA, {"device_id": number}), CPU]


def device_of(providers: Sequence[Any]) -> str:
    """``cpu``, or ``cuda:N`` where that is the first choice of ``choose_providers``."""
    return f"cuda:{providers[0][1]['device_id']}" if isinstance(providers[0], tuple) else "cpu"


def gpu_of(device: str) -> str | None:
    """The GPU that models run on, as ``cuda:N``; ``None`` for the CPU."""
    if device != "auto":
        return None if device == "cpu" else device
    import onnxruntime

    return "cuda:0" if CUDA in onnxruntime.get_available_providers() else None


def _options() -> onnxruntime.SessionOptions:
    """One thread inside a session: with two, sums come in another order and differ in the last digits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What was checked as ONNX is not to be taken for the runtime's own format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _runtime_errors() -> tuple[type[Exception], ...]:
    """The library's exceptions have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("EPFail", "EngineError", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded")
    more = ("NoModel", "NoSuchFile", "NotImplemented", "RuntimeException")
    return tuple(getattr(state, name) for name in (*names, *more))


def _load_errors() -> tuple[type[Exception], ...]:
    return (*_runtime_errors(), MemoryError)


def _feed_errors() -> tuple[type[Exception], ...]:
    return (*_load_errors(), RuntimeError, ValueError, TypeError)


def _spec(item: Any) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else None for side in item.shape)
    return TensorSpec(item.name, shape, _DTYPES.get(item.type))
