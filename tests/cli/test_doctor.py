"""``cortexia doctor``: each check says what it saw, and notices what is amiss."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from cortexia import doctor, registry
from cortexia.cli.main import cli
from cortexia.config import Settings
from cortexia.errors import ConfigurationError


def examine(*arguments: str) -> tuple[int, dict]:
    result = CliRunner().invoke(cli, ["doctor", "--json", *arguments])
    return result.exit_code, json.loads(result.stdout)


def health_of(report: dict, check: str) -> str:
    return next(finding["health"] for finding in report["findings"] if finding["check"] == check)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", str(tmp_path / "cache"))


def test_a_sound_machine_is_well(tmp_path):
    code, report = examine("--store", str(tmp_path / "s.db"))
    assert [finding for finding in report["findings"] if finding["health"] == "failure"] == []
    assert code == {"ok": 0, "warning": 1}[report["health"]]
    assert not (tmp_path / "s.db").exists()


def test_a_file_that_is_no_store_is_a_failure(tmp_path):
    (tmp_path / "s.db").write_bytes(b"no database" * 1000)
    code, report = examine("--store", str(tmp_path / "s.db"))
    assert (code, health_of(report, "store")) == (2, "failure")


def test_a_folder_that_cannot_be_written_is_a_failure(monkeypatch):
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", "/proc/cortexia")
    code, report = examine()
    assert (code, health_of(report, "cache")) == (2, "failure")


def test_little_room_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_FREE_SHARE", 1.1)
    code, report = examine("--store", str(tmp_path / "s.db"))
    assert (code, health_of(report, "store folder")) == (1, "warning")


def test_a_plugin_that_cannot_be_imported_is_a_failure(monkeypatch):
    def load(folder, name):
        raise ConfigurationError(f"{name} cannot be loaded")

    monkeypatch.setattr(registry, "load", load)
    found = {finding.check: finding for finding in doctor.examine(Settings())}
    assert found["plugins"].health == "failure"
    assert "shots cannot be loaded" in found["plugins"].detail


def test_people_get_lines_with_what_to_do(monkeypatch):
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", "/proc/cortexia")
    result = CliRunner().invoke(cli, ["doctor"])
    assert "FAIL  cache" in result.stdout
    assert "-> set CORTEXIA_CACHE_DIR" in result.stdout
