"""cortexia: turn videos into a queryable annotation database.

The map, in the order the data flows::

    types, errors, config, registry, telemetry      the vocabulary and the ground
    sources      where videos come from             decoders     bytes -> frames and sound with exact time
    plan         what will run                      annotators   what looks at frames, sound and rows
    engine       one video: decode, dispatch, windows
    stores       the annotation database            batch        workers that claim, commit and may die
    executors    where workers run                  exporters    what leaves
    app          the composition root               cli          the command line

Everything but these six names is a documented public submodule; importing this package loads none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cortexia.config import ProcessingConfig
    from cortexia.errors import ConfigurationError, ProcessingError, ResourceError
    from cortexia.processor import VideoProcessor
    from cortexia.sources import InputAdapter

__all__ = [
    "ConfigurationError",
    "InputAdapter",
    "ProcessingConfig",
    "ProcessingError",
    "ResourceError",
    "VideoProcessor",
]

_HOMES = {
    "ConfigurationError": "cortexia.errors",
    "InputAdapter": "cortexia.sources",
    "ProcessingConfig": "cortexia.config",
    "ProcessingError": "cortexia.errors",
    "ResourceError": "cortexia.errors",
    "VideoProcessor": "cortexia.processor",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cortexia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
