"""Vectors of captions, by a tiny model of a real architecture; nothing is claimed of what it understands."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import tiny_models
from footage import context

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.text_embeddings import TextEmbeddings
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, ModelError
from cortexia.models.access import open_models
from cortexia.models.torch import open_embedder
from cortexia.types import BBox, Caption, TimeSpan, Timestamp

BASE = Fraction(1, 25)
TEXTS = ("a red dog", "a street", "a red dog", "a man with a hat")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    own = tiny_models.make_catalogue(root, {"siglip": "picture and text embedding"})
    made = open_models(Settings(cache_dir=str(root / "c"), models=(str(root),), model_catalog=str(own), device="cpu"))
    yield made
    made.close()


def said(*texts: str) -> StoredAnnotations:
    rows = [
        Caption(span=TimeSpan(Timestamp(at, BASE), Timestamp(at + 9, BASE)), frame_index=at, text=text)
        for at, text in enumerate(texts)
    ]
    rows = [*rows[:-1], dataclasses.replace(rows[-1], bbox=BBox(1.0, 2.0, 3.0, 4.0))] if rows else []
    return StoredAnnotations(read=lambda types: rows)


def solved(models, stored):
    return list(TextEmbeddings(model="tiny-siglip").solve(stored, dataclasses.replace(context(), models=models)))


def test_each_caption_has_the_vector_of_its_text(models):
    rows = solved(models, said(*TEXTS))
    wanted = open_embedder(models, "tiny-siglip").texts(list(TEXTS))
    assert [row.frame_index for row in rows] == [0, 1, 2, 3]
    assert {(row.of, row.model, row.metric) for row in rows} == {("text", "tiny-siglip", "cosine")}
    assert all(np.allclose(row.values(), vector, atol=1e-6) for row, vector in zip(rows, wanted, strict=True))
    assert rows[0].vector == rows[2].vector != rows[1].vector
    assert (rows[0].bbox, rows[3].bbox) == (None, BBox(1.0, 2.0, 3.0, 4.0))


def test_many_captions_are_the_same_as_one_by_one(models):
    texts = [f"{TEXTS[number % 4]} {'red ' * (number % 7)}" for number in range(150)]
    alone = [solved(models, said(text))[0].vector for text in texts[:10]]
    assert [row.vector for row in solved(models, said(*texts))][:10] == alone


def test_nothing_said_nothing_made(models):
    assert solved(models, said()) == []


def test_it_needs_a_model_that_knows_words(models):
    assert TextEmbeddings().bound({}.get).model_ids == ("siglip2-base-patch16-224",)
    assert TextEmbeddings().bound({"picture and text embedding": "tiny-siglip"}.get).model_ids == ("tiny-siglip",)
    with pytest.raises(ConfigurationError, match="what model"):
        list(TextEmbeddings().solve(said("a"), context()))
    usual, here = TextEmbeddings(model="siglip2-base-patch16-224"), dataclasses.replace(context(), models=models)
    with pytest.raises(ModelError, match="cortexia models pull siglip2"):
        list(usual.solve(said("a"), here))
