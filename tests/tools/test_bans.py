"""What the linter lets nobody import or call (S-30)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BANNED = [
    *(f"import {name}" for name in ("pickle", "marshal", "shelve", "cloudpickle", "dill", "jsonpickle")),
    *(f"import {name.split('.')[0]}\n{name}(0)" for name in ("joblib.load", "torch.load", "numpy.load", "yaml.load")),
    "import numpy as np\nnp.load(0, allow_pickle=True)",
]


def findings(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename", "src/cortexia/x.py", "-"],
        input=code,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize("code", BANNED)
def test_what_unpickles_is_banned(code):
    assert "S-30" in findings(code)


def test_what_does_not_is_not():
    """Negative control."""
    assert "All checks passed" in findings("import json\njson.loads('1')")
