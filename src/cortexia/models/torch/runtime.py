"""torch and transformers, as far as every family needs them: loading from verified bytes, a device, exact runs.

Nothing is fetched, no code of a model's authors runs, nothing is unpickled: weights come from safetensors bytes that
were hashed, settings and tokenizers from a private folder with copies of what was hashed.

Results are the same bits for any batch, thread and worker count on a CPU because torch runs one thread inside a call,
and every family passes one picture or text a call: sums of a larger batch may come in another order.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cortexia.errors import ConfigurationError, InferenceError, MissingDependencyError, ModelError
from cortexia.models import failures
from cortexia.models.failures import first_line, is_no_memory, no_memory
from cortexia.models.folders import FolderContent, is_kernel_key

if TYPE_CHECKING:
    import torch

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_RUN_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, MemoryError)
"""What these libraries raise for input that a model does not take. Other errors are mistakes of this house."""


def import_libraries() -> Any:
    """torch, with transformers at hand and quiet. Raises ``MissingDependencyError`` without the extra."""
    try:
        with _offline():
            import torch
            import transformers
    except ImportError as error:
        raise MissingDependencyError("torch with transformers", "torch") from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return torch


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Variables that the hub's library reads when it is imported, and nobody afterwards: the environment is the host
    program's. Who uses that library in this process already is left alone."""
    if "huggingface_hub" in sys.modules:
        yield
        return
    before = {name: os.environ.get(name) for name in OFFLINE}
    os.environ.update(OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def choose_device(device: str) -> str:
    """``cpu`` or ``cuda:N`` for ``auto``, ``cpu`` or ``cuda:N``. Raises ``ConfigurationError`` for a GPU that is not
    there."""
    torch = import_libraries()
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return "cpu"
    number = 0 if device == "auto" else int(device.removeprefix("cuda:"))
    if not torch.cuda.is_available() or number >= torch.cuda.device_count():
        raise ConfigurationError(
            f"device {device!r} asks for a GPU that torch does not see; install a torch with CUDA, name another device,"
            " or set device to cpu"
        )
    return f"cuda:{number}"


class TorchModel:
    """Base of the families: modules on a device, and runs that leave no trace.

    ``device``: ``cpu`` or ``cuda:N``. Numbers are float32 on both, whatever the file holds.
    """

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        self.model_id = content.entry.id
        self.device = choose_device(device)

    def load(self, content: FolderContent, model_class: Any, config_class: Any) -> Any:
        """The module with the weights of ``content``, ready to run.

        Raises ``ModelError`` (``malformed``) for weights that lack a tensor or have it in another shape (it would stay
        random), and what the library raises: call it inside ``opening``, as ``load_family`` does.
        """
        torch = import_libraries()
        config = config_class.from_dict(_without_kernels(content.settings("config.json")))
        module, report = model_class.from_pretrained(
            None,
            config=config,
            state_dict=_tensors(content),
            dtype=torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        if amiss := sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"]))):
            raise ModelError(
                "malformed",
                f"model {self.model_id!r}: {len(amiss)} tensors are missing or of another shape, such as"
                f" {amiss[0]}; these are no weights of {model_class.__name__}",
            )
        self._take_generation(module, content)
        return module.eval().requires_grad_(False).to(self.device)

    def _take_generation(self, module: Any, content: FolderContent) -> None:
        """What the model's authors say of how words are to be chosen, such as none three times over."""
        from transformers import GenerationConfig

        if module.can_generate() and (settings := content.settings("generation_config.json")):
            module.generation_config = GenerationConfig.from_dict(settings)

    @contextlib.contextmanager
    def running(self) -> Iterator[torch.device]:
        """Around every run: one thread, nothing recorded for training, the library's errors translated."""
        torch = import_libraries()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # it holds for the calling thread alone, which may be the host program's
        try:
            with translated(self.model_id), torch.inference_mode():
                yield torch.device(self.device)
        finally:
            torch.set_num_threads(threads)

    def release(self) -> None:
        """Give the memory back that torch keeps for itself. The model cannot be used afterwards."""
        self.__dict__ = {"model_id": self.model_id, "device": self.device}
        gc.collect()
        if self.device != "cpu":
            import_libraries().cuda.empty_cache()


def _without_kernels(settings: Any) -> Any:
    """``settings`` without a choice of how layers are computed, however deep: some names of it make the library fetch
    compiled code, and results would depend on it."""
    if isinstance(settings, dict):
        return {key: _without_kernels(value) for key, value in settings.items() if not is_kernel_key(key)}
    return [_without_kernels(item) for item in settings] if isinstance(settings, list) else settings


def _tensors(content: FolderContent) -> dict[str, Any]:
    from safetensors.torch import load

    tensors: dict[str, Any] = {}
    for data in content.weights():
        tensors.update(load(data))
    return tensors


def load_tokenizer(content: FolderContent) -> Any:
    """The tokenizer of a model. Raises what the library raises: see ``TorchModel.load``."""
    import_libraries()
    from transformers import AutoTokenizer

    with _copies(content) as folder:
        # a folder of this process, with bytes whose digest is pinned: there is no revision to name
        return AutoTokenizer.from_pretrained(  # nosec B615
            folder, trust_remote_code=False, local_files_only=True, use_fast=True
        )


@contextlib.contextmanager
def _copies(content: FolderContent) -> Iterator[str]:
    """A private folder with everything but the weights, as it was verified."""
    with tempfile.TemporaryDirectory(prefix="cortexia-model-") as name:
        for file, data in content.files.items():
            if not file.endswith(".safetensors"):
                Path(name, file).write_bytes(data)
        yield name


def load_image_processor(content: FolderContent, processor_class: Any) -> Any:
    """How pictures are prepared, as the model's folder says. Raises ``ModelError`` (``malformed``), and what the
    library raises: see ``TorchModel.load``."""
    return processor_class.from_dict(image_settings(content))


def image_settings(content: FolderContent) -> dict[str, Any]:
    """The settings in ``preprocessor_config.json`` or, as newer folders have it, in ``processor_config.json``."""
    found = content.settings("preprocessor_config.json") or content.settings("processor_config.json").get(
        "image_processor"
    )
    if not isinstance(found, dict):
        raise ModelError(
            "malformed", f"{content.path} has no preprocessor_config.json, and does not say how to prepare"
        )
    return dict(found)


@contextlib.contextmanager
def opening(model_id: str) -> Iterator[None]:
    """The door for what these libraries raise while a model is made."""
    with failures.opening(model_id):
        try:
            yield
        except RuntimeError as error:
            if _is_no_memory(error):
                raise no_memory(model_id) from error
            raise


@contextlib.contextmanager
def translated(model_id: str) -> Iterator[None]:
    """The door for what these libraries raise while a model runs."""
    try:
        yield
    except _RUN_ERRORS as error:
        raise no_memory(model_id) if _is_no_memory(error) else InferenceError(model_id, first_line(error)) from error


def _is_no_memory(error: Exception) -> bool:
    return isinstance(error, import_libraries().OutOfMemoryError) or is_no_memory(error)
