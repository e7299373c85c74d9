"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cortexia

HEAVY = (
    *("av", "cv2", "numpy", "sqlalchemy", "alembic", "rich", "torch", "structlog", "jinja2", "PIL"),
    *("httpx", "fsspec", "yaml", "onnxruntime"),
)


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in memory after ``statement``, in a Python of its own."""
    program = f"{statement}\nimport sys; print('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HELP = """
from contextlib import suppress
from cortexia.cli.main import main
with suppress(SystemExit):
    main(["--help"])
"""


def test_public_names_are_exactly_these() -> None:
    assert set(cortexia.__all__) == {
        "VideoProcessor",
        "ProcessingConfig",
        "InputAdapter",
        "ProcessingError",
        "ResourceError",
        "ConfigurationError",
    }


@pytest.mark.parametrize("name", cortexia.__all__)
def test_public_name_is_there(name: str) -> None:
    assert getattr(cortexia, name).__name__ == name
    assert name in dir(cortexia)


def test_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cortexia.nonsense


def test_asking_a_store_loads_nothing_for_pictures() -> None:
    assert sorted(loaded_after("import cortexia.answers").intersection(("av", "cv2", "PIL"))) == []


@pytest.mark.parametrize("statement", ["import cortexia", HELP], ids=["import", "help"])
def test_nothing_heavy_is_loaded(statement: str) -> None:
    loaded = loaded_after(statement)
    assert "cortexia" in loaded
    assert sorted(loaded.intersection(HEAVY)) == []


def test_the_network_is_loaded_when_it_is_asked_for() -> None:
    quiet = loaded_after("from cortexia.app import App; from cortexia.config import Settings; App(Settings()).close()")
    assert sorted(quiet.intersection(("httpx", "fsspec", "aiohttp", "s3fs"))) == []
    assert "httpx" in loaded_after("from cortexia.net import fetch")


def test_heavy_modules_would_be_noticed() -> None:
    assert "numpy" in loaded_after("import cortexia; cortexia.VideoProcessor")
