"""``cortexia config show``: what is in force, and no secret of it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from cortexia.cli.main import cli

KEY = "sk-never-to-be-seen"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_key_of_the_endpoint_is_masked(options, monkeypatch):
    monkeypatch.setenv("CORTEXIA_ENDPOINT_KEY", KEY)
    shown = CliRunner().invoke(cli, ["config", "show", *options])
    assert shown.exit_code == 0
    assert "***" in shown.output
    assert KEY not in shown.output
    assert "CORTEXIA_ENDPOINT_KEY" in shown.output


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("MLFLOW_TRACKING_URI", "postgresql://mlf:s3cret@db/mlflow", "postgresql://db/mlflow"),
        ("MLFLOW_TRACKING_URI", "https://s3cret@mlflow.example.org/a?token=s3cret", "https://mlflow.example.org/a"),
        ("HF_ENDPOINT", "https://user:s3cret@hub.example.org", "https://hub.example.org"),
        ("AWS_ENDPOINT_URL", "https://user:s3cret@s3.example.org", "https://s3.example.org"),
        ("CORTEXIA_STORE", "postgresql://me:s3cret@db/annotations", "postgresql://me:***@db/annotations"),
    ],
)
def test_an_address_is_shown_without_credentials(options, variable, value, shown, monkeypatch):
    monkeypatch.setenv(variable, value)
    done = CliRunner().invoke(cli, ["config", "show", *options])
    assert done.exit_code == 0
    assert f'"{shown}"' in done.output
    assert "s3cret" not in done.output


def test_where_there_is_no_key_it_says_so():
    shown = CliRunner().invoke(cli, ["config", "show", "--json"])
    assert json.loads(shown.output)["endpoint_key"] == {"value": "", "origin": "default"}
