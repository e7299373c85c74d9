"""With what a run was made: kept with it, and no part of its identity."""

from __future__ import annotations

import functools
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("cortexia", "av", "numpy", "opencv-python-headless", "onnxruntime", "pillow", "SQLAlchemy")


@functools.cache
def software() -> dict[str, Any]:
    """Versions of what computes results, by package name, and of Python."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"software": found}
