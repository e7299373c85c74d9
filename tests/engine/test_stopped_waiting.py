"""A session that waits for somebody else when a stop is asked for."""

from __future__ import annotations

import harness
import pytest
import recipes
from harness import Lab
from recipes import Describe, Pictures
from scripted import ScriptedDecoder

from cortexia.engine import CancelToken
from cortexia.errors import JobCancelled
from cortexia.types import JobState


@pytest.fixture
def tokens(monkeypatch) -> list[CancelToken]:
    """One for each run of a lab; a session that comes to frame 24 gives up in the first of them."""
    made: list[CancelToken] = []

    def make() -> CancelToken:
        made.append(CancelToken())
        return made[-1]

    class Waits(recipes.DescribeSession):
        def annotate(self, pictures):
            if pictures[0].annotation.frame_index == 24 and len(made) == 1:
                self.stop(made[0])
                raise JobCancelled("asked to stop while it was waited for")
            return super().annotate(pictures)

        stop = staticmethod(CancelToken.cancel)

    monkeypatch.setattr(harness, "CancelToken", make)
    monkeypatch.setattr(recipes, "DescribeSession", Waits)
    return made


def lab(folder) -> Lab:
    return Lab(folder, ScriptedDecoder([40] * 60), (Pictures(), Describe()))


def test_what_is_done_is_kept_and_nothing_has_failed(tmp_path, tokens):
    stopped = lab(tmp_path / "stopped")
    stopped.run(batch_size=1)
    status, reason = stopped.statuses()["describe_pictures"]
    assert status != "failed", reason
    assert b"describe_pictures" in stopped.export(), "pictures before it were described"
    assert stopped.run(batch_size=1) is JobState.COMPLETED
    undisturbed = lab(tmp_path / "undisturbed")
    assert undisturbed.run(batch_size=1) is JobState.COMPLETED
    assert stopped.export() == undisturbed.export()


def test_giving_up_without_being_asked_to_is_a_failure(tmp_path, tokens, monkeypatch):
    """Negative control of the test above."""
    monkeypatch.setattr(recipes.DescribeSession, "stop", staticmethod(lambda token: None))
    failed = lab(tmp_path)
    failed.run(batch_size=1)
    assert failed.statuses()["describe_pictures"] == ("failed", "cancelled")
