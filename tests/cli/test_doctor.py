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
    return finding_of(report, check)["health"]


def finding_of(report: dict, check: str) -> dict:
    return next(finding for finding in report["findings"] if finding["check"] == check)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CORTEXIA_MODELS", raising=False)


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


def test_without_models_only_what_needs_none_is_complete():
    _, report = examine()
    found = finding_of(report, "models")
    assert found["health"] == "ok"
    assert "here: none; complete presets: offline; fast lacks yolox-nano (3.7 MB)" in found["detail"]
    assert found["remedy"] == "cortexia models pull fast"


@pytest.mark.data
def test_models_that_are_here_make_presets_complete(data_dir, tmp_path, monkeypatch):
    (tmp_path / "cache/models").mkdir(parents=True)
    heard = data_dir / "models/audio/yamnet_spectra_in.tflite"
    for path in (data_dir / "models/detect/yolox_nano.onnx", heard, *(data_dir / "models/face").glob("*.onnx")):
        (tmp_path / "cache/models" / path.name).symlink_to(path)
    found = finding_of(examine()[1], "models")
    assert (found["health"], found["remedy"]) == ("ok", "cortexia models pull balanced")
    assert "complete presets: offline, fast; balanced lacks yolox-s-int8" in found["detail"]


def test_a_model_of_other_bytes_is_a_failure_with_what_mends_it(tmp_path):
    folder = tmp_path / "cache/models"
    folder.mkdir(parents=True)
    (folder / "yolox_nano.onnx").write_bytes(bytes(3_660_092))
    code, report = examine()
    found = finding_of(report, "models")
    assert (code, found["health"]) == (2, "failure")
    assert f"{folder / 'yolox_nano.onnx'} is not the model 'yolox-nano'" in found["detail"]
    assert found["remedy"].endswith("cortexia models pull yolox-nano")


def test_a_preset_that_was_chosen_and_lacks_models_is_a_warning(monkeypatch):
    monkeypatch.setenv("CORTEXIA_PRESET", "balanced")
    found = finding_of(examine()[1], "models")
    assert (found["health"], found["remedy"]) == ("warning", "cortexia models pull balanced")


def test_a_folder_of_models_that_is_not_there_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("CORTEXIA_MODELS", str(tmp_path / "nowhere"))
    found = finding_of(examine()[1], "models")
    assert (found["health"], str(tmp_path / "nowhere") in found["detail"]) == ("warning", True)


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
