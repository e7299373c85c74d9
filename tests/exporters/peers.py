"""Readers of other projects that live in an environment of their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

_PYTHON = Path(__file__).parents[2] / ".venv-peers" / "bin" / "python"
_READER = Path(__file__).parent / "datumaro_reader.py"
needs_datumaro = pytest.mark.skipif(
    not _PYTHON.exists(), reason="the environment of Datumaro is not here; make it with: make .venv-peers/.ready"
)


def read_by_datumaro(form: str, path: Path) -> dict:
    """What Datumaro makes of the dataset at ``path``, as ``datumaro_reader.py`` tells it."""
    done = subprocess.run([_PYTHON, _READER, form, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict = json.loads(done.stdout)
    return told
