"""With what a run was made: kept with it, and no part of its identity."""

from __future__ import annotations

import functools
import os
import platform
import pwd
import socket
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


@functools.cache
def actor() -> str:
    """Who runs this process, as ``user@host``: kept with what it changes."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        # a container may run as a user that no file names
        name = str(uid)
    return f"{name}@{socket.gethostname()}"
