"""``ConfigManager``: three formats, dotted names, and what is refused."""

from __future__ import annotations

import pytest

from cortexia.config import ConfigManager, ProcessingConfig
from cortexia.errors import ConfigurationError

TEXTS = {
    "c.toml": '[model_settings]\nobject_detection_model = "yolox-nano"\n[processing]\nframe_interval = 5\n',
    "c.yaml": "model_settings:\n  object_detection_model: yolox-nano\nprocessing:\n  frame_interval: 5\n",
    "c.json": '{"model_settings": {"object_detection_model": "yolox-nano"}, "processing": {"frame_interval": 5}}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_value_is_found_by_its_dotted_name_without_loading_first(tmp_path, name):
    (tmp_path / name).write_text(TEXTS[name])
    manager = ConfigManager(config_file_path=tmp_path / name)
    assert manager.get_param("model_settings.object_detection_model") == "yolox-nano"
    assert manager.get_param("processing.frame_interval") == 5
    assert manager.get_param("processing") == {"frame_interval": 5}
    assert manager.get_param("processing.frame_interval.deeper") is None
    assert manager.get_param("processing.batch_size", 7) == 7


def test_files_of_a_folder_are_merged_in_order_of_name(tmp_path):
    (tmp_path / "a.toml").write_text("[processing]\nframe_interval = 1\nbatch_size = 2\n")
    (tmp_path / "b.json").write_text('{"processing": {"frame_interval": 3}}')
    (tmp_path / "notes.txt").write_text("no configuration")
    assert ConfigManager(config_dir=tmp_path).load_config() == {"processing": {"frame_interval": 3, "batch_size": 2}}
    named = ConfigManager(config_file_path="a.toml", config_dir=tmp_path)
    assert named.get_param("processing.frame_interval") == 1


def test_load_config_reads_again(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("threads = 1\n")
    manager = ConfigManager(file)
    assert manager.get_param("threads") == 1
    file.write_text("threads = 2\n")
    assert manager.get_param("threads") == 1
    assert manager.load_config() == {"threads": 2}
    assert manager.get_param("threads") == 2


def test_from_dict_keeps_a_copy():
    values = {"processing": {"batch_size": 4}}
    manager = ConfigManager.from_dict(values)
    values["processing"]["batch_size"] = 5
    manager.load_config()["processing"]["batch_size"] = 6
    assert manager.get_param("processing.batch_size") == 4


@pytest.mark.parametrize("missing", [{"config_file_path": "no.toml"}, {"config_dir": "no"}])
def test_what_is_not_there_is_named(tmp_path, monkeypatch, missing):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no"):
        ConfigManager(**missing).load_config()


BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: [{', '.join(['*a'] * 30)}]\n" for n in range(4))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("c.ini", "", "must end in"),
        ("c.toml", "x = = 1", "cannot be read"),
        ("c.json", "[1]", "must hold a table"),
        ("c.json", "[" * 200_000, "cannot be read"),
        ("c.yaml", "x: !!python/object/apply:os.system ['true']", "cannot be read"),
        ("c.yaml", BOMB, "more than 100 aliases"),
        ("c.yaml", "# " + "x" * 1_000_001, "more than 1000000 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, name, text, why):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=why):
        ConfigManager(tmp_path / name).load_config()


def test_a_few_aliases_are_fine(tmp_path):
    (tmp_path / "c.yaml").write_text("base: &base {batch_size: 4}\nprocessing: *base\n")
    assert ConfigManager(tmp_path / "c.yaml").get_param("processing.batch_size") == 4


def test_an_empty_file_is_an_empty_table(tmp_path):
    (tmp_path / "c.yaml").write_text("")
    assert ConfigManager(tmp_path / "c.yaml").load_config() == {}


def test_an_older_configuration_becomes_a_processing_config():
    manager = ConfigManager.from_dict(
        {
            "model_settings": {
                "object_detection_model": "yolox-nano",
                "segmentation_model": "something",
                "device": "cpu",
                "objects": {"threshold": 0.4},
            },
            "processing": {"frame_interval": 5, "batch_size": 4, "colour": "blue"},
        }
    )
    config = ProcessingConfig.from_legacy(manager)
    assert config.annotator_options == {"objects": {"model": "yolox-nano", "threshold": 0.4}}
    assert (config.device, config.frame_interval, config.batch_size, config.output_format) == ("cpu", 5, 4, "coco")


def test_an_empty_older_configuration_has_the_defaults():
    assert ProcessingConfig.from_legacy(ConfigManager()) == ProcessingConfig()
