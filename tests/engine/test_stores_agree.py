"""The same clip annotated into each kind of store gives the same rows, ids and bytes."""

from __future__ import annotations

from dataclasses import dataclass

import postgres
from harness import Lab
from recipes import Beats, Boxes, CountBoxes, Describe, NeedsBoxes, Pictures, Steps
from scripted import ScriptedDecoder

from cortexia.stores import open_store
from cortexia.stores.base import StorageBackend
from cortexia.types import JobState

EVERYTHING = (Boxes(), NeedsBoxes(nth=7), Steps(), Beats(), Pictures(), Describe(), CountBoxes())


@dataclass
class PostgresLab(Lab):
    url: str = ""

    def store(self) -> StorageBackend:
        return open_store(self.url)


def decoder() -> ScriptedDecoder:
    return ScriptedDecoder([40 if index % 5 else 120 for index in range(75)], audio_s=4.2)


def test_postgresql_has_what_sqlite_has(tmp_path):
    here = Lab(tmp_path / "here", decoder(), EVERYTHING)
    there = PostgresLab(tmp_path / "there", decoder(), EVERYTHING, url=postgres.fresh_url(tmp_path))
    assert here.run(window_s=1.0) is JobState.COMPLETED
    assert there.run(window_s=0.4, die_after=5) is not JobState.COMPLETED
    assert there.run(window_s=0.7) is JobState.COMPLETED
    export = here.export()
    assert len(export.splitlines()) > 300
    assert there.export() == export
