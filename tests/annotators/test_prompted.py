"""What is named in a prompt."""

from __future__ import annotations

import pytest

from cortexia.annotators._prompted import prompts_of
from cortexia.errors import ConfigurationError


def test_names_stand_between_commas_each_once_in_one_line():
    assert prompts_of(" forklift,hard \n hat, Forklift,\thard hat,, ") == ("forklift", "hard hat", "Forklift")


@pytest.mark.parametrize("text", ["", " ,\n,"])
def test_a_prompt_that_names_nothing_is_refused(text):
    with pytest.raises(ConfigurationError, match="names nothing"):
        prompts_of(text)
