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


def test_where_there_is_no_key_it_says_so():
    shown = CliRunner().invoke(cli, ["config", "show", "--json"])
    assert json.loads(shown.output)["endpoint_key"] == {"value": "", "origin": "default"}
