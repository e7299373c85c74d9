"""Models of several files: which library runs a family, and what has to be installed for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from cortexia.models.base import ModelEntry
from cortexia.models.folders import FolderContent
from cortexia.models.torch import load_family as load_torch_family
from cortexia.models.torch.choice import FAMILIES as TORCH_FAMILIES
from cortexia.models.torch.choice import TORCH_PACKAGES
from cortexia.models.whisper import PACKAGE, WHISPER, WhisperTranscriber, choose_device

PACKAGES: Mapping[str, tuple[str, ...]] = {**dict.fromkeys(TORCH_FAMILIES, TORCH_PACKAGES), WHISPER: (PACKAGE,)}
"""By adapter: what has to be installed to run it."""


def is_installed(entry: ModelEntry) -> bool:
    """Whether there is a family for ``entry``, and what that needs."""
    return entry.adapter in PACKAGES and None not in map(find_spec, PACKAGES[entry.adapter])


def load_family(content: FolderContent, device: str = "auto", threads: int = 1) -> Any:
    """The object of a family, with the weights of ``content`` on ``device`` (``auto``, ``cpu`` or ``cuda:N``).

    Raises ``UnknownNameError`` for an adapter that is no family's, ``MissingDependencyError`` without the extra,
    ``ConfigurationError`` for a device that is not there, and ``ModelError``.
    """
    if content.entry.adapter == WHISPER:
        return WhisperTranscriber(content, device, threads)
    return load_torch_family(content, device)


def is_on_gpu(entry: ModelEntry, device: str) -> bool:
    """Whether the family of ``entry`` takes a GPU where the setting is ``device``. Loads its library."""
    if entry.adapter == WHISPER:
        return choose_device(device)[0] != "cpu"
    from cortexia.models.torch.runtime import choose_device as choose_torch_device

    return choose_torch_device(device) != "cpu"
