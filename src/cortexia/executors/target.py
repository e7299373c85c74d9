"""A worker's main function by its name."""

from __future__ import annotations

import importlib
from typing import cast

from cortexia.executors.base import WorkerMain


def resolve_target(target: str) -> WorkerMain:
    module, _, function = target.partition(":")
    return cast(WorkerMain, getattr(importlib.import_module(module), function))
