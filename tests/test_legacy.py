"""The managers of older programs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from cortexia.config import ConfigManager
from cortexia.errors import ModelError, UnknownNameError
from cortexia.legacy import LegacyProcessingManager, ProcessingManager

PEOPLE = "videos/intel/people-detection.preview.gif"
PERSON = "images/obama/obama_and_biden.jpg"

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")]


@pytest.fixture(autouse=True)
def models(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("CORTEXIA_MODELS", str(data_dir / "models"))
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", str(tmp_path / "cache"))


def configured(folder: Path, **processing) -> ConfigManager:
    tables = {
        "model_settings": {"object_detection_model": "yolox-nano"},
        "processing": {"output_dir": str(folder), "frame_interval": 5, **processing},
    }
    return ConfigManager.from_dict(tables)


def test_a_video_becomes_a_coco_file(data_dir, tmp_path):
    written = LegacyProcessingManager(configured(tmp_path / "out")).process_video(data_dir / PEOPLE, "detect")
    assert written == str(tmp_path / "out" / "people-detection.preview_annotations.json")
    coco = json.loads(Path(written).read_text())
    people = {item["id"] for item in coco["categories"] if item["name"] == "person"}
    assert sum(item["category_id"] in people for item in coco["annotations"]) > 0
    assert {image["frame_index"] % 5 for image in coco["images"]} == {0}


def test_other_formats_and_words(data_dir, tmp_path):
    manager = LegacyProcessingManager(configured(tmp_path, output_format="jsonl"))
    rows = Path(manager.process_video(str(data_dir / PEOPLE), "shots|detect")).read_text().splitlines()
    assert {json.loads(row)["type"] for row in rows} == {"shot", "detection"}
    with pytest.raises(UnknownNameError, match="known:"):
        manager.process_video(data_dir / PEOPLE, "telepathy")


def test_a_detector_is_loaded_before_the_first_video(data_dir, tmp_path):
    manager = ProcessingManager(config_manager=configured(tmp_path))
    assert manager.detector is None
    manager.load_components("detect")
    (found,) = manager.detector.detect([cv2.imread(str(data_dir / PERSON))])
    assert found.labels[found.classes[0]] == "person"
    assert manager.process_video(data_dir / PEOPLE, "detect").endswith("_annotations.json")


def test_a_mode_without_detection_loads_no_detector(tmp_path):
    manager = ProcessingManager(config_manager=configured(tmp_path))
    manager.load_components("shots")
    assert manager.detector is None


def test_missing_weights_are_told_with_their_remedy(tmp_path, monkeypatch):
    monkeypatch.delenv("CORTEXIA_MODELS")
    with pytest.raises(ModelError, match="cortexia models pull yolox-nano"):
        ProcessingManager(config_manager=configured(tmp_path)).load_components("detect")
    with pytest.raises(ModelError, match="cortexia models pull fast"):
        ProcessingManager(config_manager=ConfigManager()).load_components("detect")


@pytest.mark.filterwarnings("default")
def test_both_say_that_they_go():
    with pytest.warns(DeprecationWarning, match="goes with cortexia 1.0"):
        LegacyProcessingManager(ConfigManager())
    with pytest.warns(DeprecationWarning, match="ProcessingManager is deprecated"):
        ProcessingManager(config_manager=ConfigManager())
