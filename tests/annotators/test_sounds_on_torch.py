"""Sound events by a tiny model of the real architecture; nothing is claimed of what it hears."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tiny_models
from driving import Drive, annotations
from footage import context, sound_of

from cortexia.annotators.sounds import TORCH_GRID, Sounds
from cortexia.config import Settings
from cortexia.models.access import open_models
from cortexia.models.shop import ModelShop

HEARD = Sounds(model="tiny-ast", labels="all", threshold=0.2)
SOUND = (0.2 * np.random.default_rng(2).standard_normal(9 * 16_000)).astype(np.float32)
SOUND[4 * 16_000 : 6 * 16_000] = 0


@pytest.fixture(scope="module")
def chosen(tmp_path_factory) -> Settings:
    root = tmp_path_factory.mktemp("models")
    own = tiny_models.make_catalogue(root, {"ast": "sound events"})
    return Settings(cache_dir=str(root / "cache"), models=(str(root),), model_catalog=str(own), device="cpu")


@pytest.fixture(scope="module")
def where(chosen):
    models = open_models(chosen)
    yield dataclasses.replace(context(), models=models)
    models.close()


def test_auto_takes_what_was_pulled(chosen):
    assert Sounds().bound(ModelShop(chosen).best).model == "tiny-ast"


def test_rows_carry_the_scores_of_the_model(where):
    rows = annotations(Drive(HEARD, where, sound_of(SOUND)).run())
    assert rows
    assert {row.label for row in rows} <= set(tiny_models.CLASSES)
    window, hop = TORCH_GRID
    padded = np.pad(SOUND, (0, 2 * window))
    windows = [padded[at : at + window] for at in range(0, len(SOUND), hop)]
    scores = where.models.lend("tiny-ast").use(lambda model: np.array([model.tag(part) for part in windows]))
    for row in rows:
        place = tiny_models.CLASSES.index(row.label)
        assert np.abs(scores[:, place] - row.confidence).min() < 1e-4
        assert row.attributes["model"] == "tiny-ast"


def test_groups_are_of_the_classes_that_the_model_has(where):
    rows = annotations(Drive(Sounds(model="tiny-ast", threshold=0.05), where, sound_of(SOUND)).run())
    assert {row.label for row in rows} <= {"laughter", "music", "applause"}


@pytest.mark.parametrize("size", [777, 16_000])
def test_neither_blocks_nor_a_kill_change_a_row(where, size):
    plain = annotations(Drive(HEARD, where, sound_of(SOUND)).run())
    drive = Drive(HEARD, where, sound_of(SOUND, (size,)))
    said = drive.run(keep_stops=True)
    assert annotations(said) == plain
    for stop in drive.stops[:: max(1, len(drive.stops) // 4)]:
        assert drive.resume(stop, said) == said
