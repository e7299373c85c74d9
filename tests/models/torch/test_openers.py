"""Models on torch through the one door: catalogue, folders, manager, and openers by task."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from family_runs import RUNS
from tiny_models import write_catalogue

from cortexia.config import Settings
from cortexia.errors import ModelError, UnknownNameError
from cortexia.models.access import open_models
from cortexia.models.manifest import MANIFEST
from cortexia.models.shop import ModelShop
from cortexia.models.torch import open_captioner, open_embedder, open_grounder, open_masker


@pytest.fixture
def models(tiny_folder, tmp_path):
    """Every tiny model through the catalogue, the folders and the manager of a worker."""
    for adapter in RUNS:
        tiny_folder(adapter)
    own = write_catalogue(tmp_path / "own.toml", dict.fromkeys(RUNS, "a test"))
    settings = Settings(
        cache_dir=str(tmp_path / "cache"),
        models=(str(tiny_folder("clip").parent),),
        model_catalog=str(own),
        device="cpu",
    )
    made = open_models(settings)
    yield made, ModelShop(settings)
    made.close()


@pytest.mark.parametrize("adapter", sorted(RUNS))
def test_a_folder_as_the_libraries_save_it_is_adopted_and_runs(adapter, tiny_folder, family, pictures, tmp_path):
    folder = shutil.copytree(tiny_folder(adapter), tmp_path / "saved", ignore=shutil.ignore_patterns(MANIFEST))
    settings = Settings(cache_dir=str(tmp_path / "cache"), device="cpu")
    entry = ModelShop(settings).adopt(str(folder))
    assert (entry.adapter, entry.revision) == (adapter, None)
    shutil.rmtree(folder)
    access = open_models(settings)
    lent = access.lend(entry.id)
    assert lent.use(lambda model: RUNS[adapter](model, pictures[0])) == RUNS[adapter](family(adapter), pictures[0])
    access.close()


def test_openers_give_what_the_families_give(models, family, pictures):
    access, shop = models
    picture = pictures[0]
    embedder = open_embedder(access, "tiny-clip")
    assert embedder.dimension == 8
    assert np.array_equal(embedder.pictures(pictures), family("clip").pictures(pictures))
    assert np.array_equal(embedder.texts(["a"]), family("clip").texts(["a"]))
    labels = embedder.texts(["a", "b"])
    assert np.array_equal(embedder.scores(picture, labels), family("clip").scores(picture, labels))
    assert embedder.pictures([]).shape == (0, 8)
    captioner = open_captioner(access, "tiny-florence-2")
    assert captioner.tasks[0] == "caption"
    assert captioner.describe(picture, "objects", 16) == RUNS["florence-2"](family("florence-2"), picture)
    for adapter, opener in (("sam", open_masker), ("sam2", open_masker), ("grounding-dino", open_grounder)):
        opened_here = opener(access, f"tiny-{adapter}")
        assert RUNS[adapter](opened_here, picture) == RUNS[adapter](family(adapter), picture)
    assert len(access.stats().resident) == 4, "the others were put away"
    assert np.array_equal(embedder.pictures(pictures), family("clip").pictures(pictures)), "and come back"
    assert shop.digest("tiny-clip") != shop.digest("tiny-siglip")


def test_a_model_that_was_pulled_meanwhile_is_found(tiny_folder, tmp_path):
    own = write_catalogue(tmp_path / "own.toml", {"clip": "a test"})
    settings = Settings(cache_dir=str(tmp_path / "cache"), model_catalog=str(own), device="cpu")
    access = open_models(settings)
    with pytest.raises(ModelError, match="cortexia models pull tiny-clip"):
        open_embedder(access, "tiny-clip")
    shutil.copytree(tiny_folder("clip"), settings.model_folders[-1] / "tiny-clip")
    assert open_embedder(access, "tiny-clip").dimension == 8


def test_an_opener_refuses_a_model_of_another_task(models):
    with pytest.raises(UnknownNameError, match="family for captions"):
        open_captioner(models[0], "tiny-clip")
    with pytest.raises(UnknownNameError, match="family for masks"):
        open_masker(models[0], "yolox-nano")


def test_results_are_the_same_where_memory_is_short(models, family, pictures, monkeypatch):
    """A family that has no memory for more than one picture: the real one, with a probe before it."""
    from cortexia.models.torch.clip import Clip

    whole, sizes, see = family("clip").pictures(pictures), [], Clip.pictures

    def short(self, some):
        sizes.append(len(some))
        with self.running():
            if len(some) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return see(self, some)

    monkeypatch.setattr(Clip, "pictures", short)
    assert np.array_equal(open_embedder(models[0], "tiny-clip").pictures(pictures), whole)
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert models[0].stats().models["tiny-clip"].halved == 2
