"""Settings: flag over variable over file over default; nothing unknown passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cortexia.config import ProcessingConfig, Settings, load_settings
from cortexia.errors import ConfigurationError, UnknownNameError


def test_precedence(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('window_s = 1\nthreads = 1\nstore = "file.db"\n[options.shots]\nsensitivity = 2.0\n')
    environ = {"CORTEXIA_WINDOW_S": "2", "CORTEXIA_THREADS": "2", "HOME": "/"}
    loaded = load_settings({"window_s": 3.0, "options": {"frames": {"per_shot": 2}}}, file, environ)
    settings = loaded.settings
    assert (settings.window_s, settings.threads, settings.store, settings.lease_s) == (3.0, 2, "file.db", 20.0)
    assert settings.options == {"shots": {"sensitivity": 2.0}, "frames": {"per_shot": 2}}
    assert loaded.origin["window_s"] == "given"
    assert loaded.origin["threads"] == "CORTEXIA_THREADS"
    assert loaded.origin["store"] == str(file)
    assert loaded.origin["lease_s"] == "default"


def test_the_local_file_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cortexia.toml").write_text("commit_rows = 7\n")
    assert load_settings(environ={}).settings.commit_rows == 7
    (tmp_path / "other.json").write_text(json.dumps({"commit_rows": 9}))
    assert load_settings(environ={"CORTEXIA_CONFIG": "other.json"}).settings.commit_rows == 9


def test_lists_come_as_text_or_lists():
    assert load_settings(environ={"CORTEXIA_ANNOTATORS": "shots, loudness"}).settings.annotators == (
        "shots",
        "loudness",
    )
    assert load_settings({"annotators": ["shots"]}, environ={}).settings.annotators == ("shots",)
    assert load_settings({"batch_size": None}, environ={"CORTEXIA_BATCH_SIZE": "4"}).settings.batch_size == 4


@pytest.mark.parametrize(
    ("given", "environ", "hint"),
    [
        ({"windows_s": 1.0}, {}, "did you mean 'window_s'"),
        ({}, {"CORTEXIA_WINDOWS_S": "1"}, "did you mean 'CORTEXIA_WINDOW_S'"),
        ({}, {"CORTEXIA_THREADS": "many"}, "must be int"),
        ({"executor": "process"}, {}, "did you mean 'processes'"),
        ({"window_s": True}, {}, "must be a number"),
        ({"window_s": 0.0}, {}, "at least 0.01"),
        ({}, {"CORTEXIA_WINDOW_S": "nan"}, "at least 0.01"),
        ({}, {"CORTEXIA_LEASE_S": "inf"}, "at least 0.1"),
        ({"threads": -1}, {}, "must be 0"),
        ({"batch_size": 0}, {}, "at least 1"),
        ({"store": 3}, {}, "must be str"),
        ({"annotators": 3}, {}, "list of names"),
        ({"options": {"shots": 3}}, {}, "table of annotators"),
    ],
)
def test_what_is_wrong_is_refused_with_a_hint(given, environ, hint):
    with pytest.raises(ConfigurationError, match=hint):
        load_settings(given, environ=environ)


@pytest.mark.parametrize("text", ["a = [", "[1]", "\xff"])
def test_a_broken_file_says_so(tmp_path, text):
    file = tmp_path / "broken.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"broken\.toml|setting"):
        load_settings({}, file, {})


def test_a_json_file_must_be_a_table(tmp_path):
    (tmp_path / "c.json").write_text("[1]")
    with pytest.raises(ConfigurationError, match="table"):
        load_settings({}, tmp_path / "c.json", {})


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_settings({}, tmp_path / "missing.toml", {})


def test_a_tilde_is_the_home_folder():
    settings = Settings(cache_dir="~/cache", models=("~/models",))
    assert settings.cache_path == Path.home() / "cache"
    assert settings.model_folders == (Path.home() / "models", Path.home() / "cache/models")


def test_threads_and_cache_have_sensible_defaults(tmp_path):
    assert Settings().thread_budget >= 1
    assert Settings(threads=3).thread_budget == 3
    assert Settings(cache_dir=str(tmp_path)).cache_path == tmp_path
    assert Settings().cache_path.name == "cortexia"


def test_processing_config_is_checked():
    config = ProcessingConfig(model_settings={"device": "cuda:0", "shots": {"sensitivity": 1.0}})
    assert config.device == "cuda:0"
    assert config.annotator_options == {"shots": {"sensitivity": 1.0}}
    assert config._max_workers >= 1
    assert ProcessingConfig.from_dict({"batch_size": 4}).batch_size == 4
    with pytest.raises(UnknownNameError, match="did you mean 'batch_size'"):
        ProcessingConfig.from_dict({"batchsize": 4})
    for wrong in (
        {"batch_size": 0},
        {"frame_interval": True},
        {"model_settings": 3},
        {"model_settings": {"device": "gpu"}},
        {"_max_workers": 0},
    ):
        with pytest.raises(ConfigurationError):
            ProcessingConfig(**wrong)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False)]
)
def test_switches_are_read_from_the_environment(text, value):
    assert load_settings(environ={"CORTEXIA_ALLOW_HTTP": text}).settings.allow_http is bool(value)


def test_a_switch_is_no_number():
    with pytest.raises(ConfigurationError, match="allow_http"):
        load_settings(environ={"CORTEXIA_ALLOW_HTTP": "2"})


def test_the_endpoint_of_the_aws_tools_is_the_last_resort(tmp_path):
    aws = {"AWS_ENDPOINT_URL": "https://general", "AWS_ENDPOINT_URL_S3": "https://s3"}
    loaded = load_settings(environ=aws)
    assert (loaded.settings.s3_endpoint_url, loaded.origin["s3_endpoint_url"]) == ("https://s3", "AWS_ENDPOINT_URL_S3")
    own = load_settings(environ={**aws, "CORTEXIA_S3_ENDPOINT_URL": "https://own"})
    assert own.settings.s3_endpoint_url == "https://own"


KEY = "sk-never-to-be-seen"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"endpoint_url": "example.org/v1"}, "base URL"),
        ({"endpoint_url": "https://user:word@example.org/v1"}, "base URL"),
        ({"endpoint_url": "https://example.org/v1?key=word"}, "base URL"),
        ({"endpoint_key": f"{KEY}\n"}, "printable ASCII"),
        ({"endpoint_key": f"{KEY} "}, "printable ASCII"),
        ({"endpoint_key": [KEY]}, "must be str"),
        ({"endpoint_url": "https://example.org/v1", "endpoint_timeout_s": 120.0}, "less than 'stall_timeout_s'"),
        ({"endpoint_price_input": -1.0}, "at least 0"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_without_naming_secrets(given, why):
    with pytest.raises(ConfigurationError, match=why) as refused:
        load_settings(given, environ={})
    assert KEY not in str(refused.value)
    assert "word" not in str(refused.value)


def test_the_key_of_the_endpoint_is_not_shown():
    settings = load_settings(environ={"CORTEXIA_ENDPOINT_KEY": KEY}).settings
    assert settings.endpoint_key == KEY
    assert KEY not in repr(settings)


def test_a_short_stall_needs_no_endpoint():
    assert Settings(stall_timeout_s=1.0).endpoint_timeout_s == 60.0
