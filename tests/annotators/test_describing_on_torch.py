"""Captions, tags, regions and vectors by tiny models of the real architectures; nothing is claimed of what they see."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tiny_models
from footage import context, place
from looking import Look, picture_of

from cortexia.annotators.captions import Captions
from cortexia.annotators.embeddings import Embeddings
from cortexia.annotators.regions import Regions
from cortexia.annotators.tags import Tags
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.access import open_models
from cortexia.models.shop import ModelShop
from cortexia.models.torch import florence, open_captioner, open_embedder
from cortexia.models.torch.embedding import TwoTowers

TASKS = {
    "florence-2": "captions, objects and region descriptions",
    "blip": "captions",
    "siglip": "picture and text embedding",
    "clip": "picture and text embedding",
}
PICTURES = [place(number, 96, 64) for number in range(4)]
LABELS = "red,dog,street"


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    root = tmp_path_factory.mktemp("models")
    own = tiny_models.make_catalogue(root, TASKS)
    return Settings(cache_dir=str(root / "cache"), models=(str(root),), model_catalog=str(own), device="cpu")


@pytest.fixture(scope="module")
def models(settings):
    made = open_models(settings)
    yield made
    made.close()


def look(recipe, models):
    shown = [picture_of(bgr, number, shrink=2) for number, bgr in enumerate(PICTURES)]
    return Look(recipe, dataclasses.replace(context(), models=models), shown)


@pytest.mark.parametrize(
    ("recipe", "model"),
    [
        (Captions(), "tiny-florence-2"),
        (Regions(), "tiny-florence-2"),
        (Tags(), "tiny-siglip"),
        (Embeddings(), "tiny-siglip"),
    ],
)
def test_auto_takes_what_was_pulled(recipe, model, settings):
    bound = recipe.bound(ModelShop(settings).best)
    assert (bound.model, bound.model_ids) == (model, (model,))


@pytest.mark.parametrize(
    "recipe",
    [
        Captions(model="tiny-blip", max_tokens=6),
        Captions(model="tiny-florence-2", max_tokens=6, detail="long"),
        Tags(model="tiny-siglip", labels=LABELS, threshold=0.0),
        Tags(model="tiny-clip", labels=LABELS, threshold=0.0),
        Embeddings(model="tiny-clip"),
        Embeddings(model="tiny-siglip"),
    ],
    ids=lambda recipe: f"{recipe.name}-{recipe.model}",
)
def test_pictures_at_once_and_stops_change_nothing(recipe, models):
    said = look(recipe, models).run(1)
    assert said
    assert look(recipe, models).run(4) == said
    assert look(recipe, models).run(3, stops=[1, 2]) == said


def test_a_caption_is_what_the_model_says_and_how_sure_it_is(models):
    captioner = open_captioner(models, "tiny-blip")
    for number, row in look(Captions(model="tiny-blip", max_tokens=6), models).run():
        made = captioner.describe(PICTURES[number], None, 6)
        assert (row.text, row.confidence) == (made.text, made.confidence)
        assert 0.0 < row.confidence <= 1.0
        assert row.attributes == {"model": "tiny-blip"}


WORDS = "</s><s>a red car<loc_0><loc_100><loc_500><loc_900>no box<loc_5></s>"


def test_regions_are_what_the_model_says_in_pixels_of_the_display(models, monkeypatch):
    """A model that learned nothing finds next to none, so words are put into its mouth."""
    read = florence.read_regions
    monkeypatch.setattr(florence, "read_regions", lambda text, width, height: read(WORDS, width, height))
    said = look(Regions(model="tiny-florence-2", max_tokens=6), models).run(2)
    assert [number for number, _ in said] == [0, 1, 2, 3]
    width, height = (2 * side for side in (96, 64))
    for _, row in said:
        assert row.text.endswith("a red car")
        box = row.bbox
        corners = (box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)
        assert corners == pytest.approx((0.0005, 0.1005, 0.5005, 0.9005))
        assert row.attributes.keys() == {"model", "answer_confidence"}


def test_tags_are_the_scores_of_the_labels(models):
    embedder = open_embedder(models, "tiny-clip")
    said = look(Tags(model="tiny-clip", labels=LABELS, threshold=0.0), models).run()
    for number, picture in enumerate(PICTURES):
        own = [row for at, row in said if at == number]
        assert {row.label for row in own} == set(LABELS.split(","))
        assert [row.confidence for row in own] == sorted((row.confidence for row in own), reverse=True)
        scores = embedder.scores(picture, embedder.texts([f"a photo of {label}" for label in LABELS.split(",")]))
        assert sorted(row.confidence for row in own) == sorted(scores.tolist())


def test_vectors_are_those_of_the_model(models):
    wanted = open_embedder(models, "tiny-siglip").pictures(PICTURES)
    said = look(Embeddings(model="tiny-siglip"), models).run(8)
    assert np.allclose([row.values() for _, row in said], wanted, atol=1e-6)
    assert {row.dimension for _, row in said} == {wanted.shape[1]}


def test_a_model_of_another_task_is_refused(models):
    for recipe in (Captions(model="tiny-clip"), Tags(model="tiny-blip"), Embeddings(model="tiny-blip")):
        with pytest.raises(UnknownNameError, match="family for"):
            look(recipe, models).run()
    with pytest.raises(ConfigurationError, match="gives no boxes"):
        look(Regions(model="tiny-blip"), models).run()


def test_labels_are_encoded_once_for_all_pictures(models, monkeypatch):
    asked = []
    texts = TwoTowers.texts
    monkeypatch.setattr(TwoTowers, "texts", lambda model, some: asked.extend(some) or texts(model, some))
    assert look(Tags(model="tiny-clip", labels=LABELS, threshold=0.0), models).run(2)
    assert asked == [f"a photo of {label}" for label in LABELS.split(",")]


@pytest.mark.parametrize(
    ("recipe", "first"),
    [
        (Captions(model="offline"), 0),
        (Captions(model="tiny-blip", max_tokens=6), 0),
        (Regions(model="tiny-florence-2", max_tokens=6), 0),
        (Tags(model="tiny-clip", labels=LABELS), 3),
    ],
    ids=lambda value: f"{value.name}-{value.model}" if isinstance(value, Captions | Regions | Tags) else None,
)
def test_each_picture_is_a_sign_of_life_and_each_label_before(recipe, first, models):
    moves = []
    shown = look(recipe, models)
    shown.context = dataclasses.replace(shown.context, moved=lambda: moves.append(1))
    session = recipe.session(shown.context)
    assert len(moves) == first
    session.annotate(shown.pictures)
    session.close()
    assert len(moves) == first + len(PICTURES)
