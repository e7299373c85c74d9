"""``--option NAME.KEY=VALUE``: what is a value, and what is text."""

from __future__ import annotations

import pytest

from cortexia.cli.options import parse_options
from cortexia.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ('"3"', "3"),
        ("a=b", "a=b"),
        ('{"anna":{"model":"m"}}', '{"anna":{"model":"m"}}'),
        ("[1]", "[1]"),
        ("{", "{"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_values_are_plain_and_all_else_is_text(text, value):
    assert parse_options((f"speakers.enrolled={text}",)) == {"speakers": {"enrolled": value}}


def test_what_is_nested_too_deeply_is_refused():
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        parse_options((f"speakers.enrolled={'[' * 100_000}",))
