"""Vectors of pictures, crops and shots."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import cv2
import numpy as np
import pytest
from footage import context, flat, lit, place
from looking import Look, box_at, picture_of, with_beside
from opened_models import OpenedModels, frames_of

from cortexia.annotators._descriptor import DIMENSION, NAME, describe
from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.embeddings import Embeddings
from cortexia.annotators.shot_embeddings import ShotEmbeddings
from cortexia.errors import ConfigurationError
from cortexia.types import Embedding, Shot, TimeSpan, Timestamp
from cortexia.types.embedding import packed

OFFLINE = Embeddings(model="offline")
MOBILENET = "mobilenet-v1-embedding"


def likeness(first, second):
    return float(describe(first) @ describe(second))


@pytest.mark.parametrize("picture", [place(1), flat(0), flat(255), flat(128, 1, 1), place(2, 31, 400)])
def test_a_descriptor_has_the_length_one_whatever_the_picture(picture):
    vector = describe(picture)
    assert (vector.shape, vector.dtype) == ((DIMENSION,), np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-6)


def test_a_place_is_more_like_itself_than_like_any_other():
    seeds = range(12)
    for seed in seeds:
        same = place(seed)
        shifted = np.roll(same, 6, axis=1)
        others = max(likeness(same, place(other)) for other in seeds if other != seed)
        for changed in (shifted, lit(same, 0.9), cv2.GaussianBlur(same, (5, 5), 0), cv2.resize(same, (640, 360))):
            assert likeness(same, changed) > others, seed


def test_colours_count():
    """Negative control of a descriptor of edges alone."""
    red, blue = flat(0), flat(0)
    red[..., 2], blue[..., 0] = 200, 200
    assert likeness(red, blue) < 0.6


def test_a_row_says_what_made_it():
    ((_, row),) = Look(OFFLINE, context(), [picture_of(place(1))]).run()
    assert (row.of, row.model, row.dimension, row.metric) == ("picture", NAME, 336, "cosine")
    assert row.values() == pytest.approx(describe(place(1)), abs=1e-6)


def test_crops_have_vectors_of_their_own():
    bgr = place(1)
    picture = picture_of(bgr, shrink=2)
    dog = box_at(picture.annotation, "dog", (0.25, 0.2, 0.75, 0.8), 0.7)
    tiny = box_at(picture.annotation, "fly", (0.0, 0.0, 0.05, 0.05), 0.9)
    shown = [with_beside(picture, dog, tiny), picture_of(place(2), 1)]
    said = Look(dataclasses.replace(OFFLINE, crops=True), context(), shown).run(8)
    assert [(number, row.of, row.label) for number, row in said] == [
        (0, "picture", None),
        (0, "crop", "dog"),
        (1, "picture", None),
    ]
    crop = said[1][1]
    assert (crop.bbox, crop.confidence) == (dog.bbox, 0.7)
    assert crop.values() == pytest.approx(describe(bgr[36:144, 80:240]), abs=1e-6)


def test_crops_alone_need_boxes():
    assert OFFLINE.needs == ("frames",)
    assert dataclasses.replace(OFFLINE, crops=True).needs == ("frames", "objects")


def test_a_chat_gives_no_vectors():
    with pytest.raises(ConfigurationError, match="no vectors"):
        Embeddings(model="endpoint:eye-1")


# -- shots


BASE = Fraction(1, 25)


def row(index, values, of="picture"):
    span = TimeSpan(Timestamp(index, BASE), Timestamp(index + 1, BASE))
    return Embedding(span=span, frame_index=index, of=of, model="m", **packed(np.array(values, np.float64)))


def shot(first, last):
    return Shot(span=TimeSpan(Timestamp(first, BASE), Timestamp(last + 1, BASE)), first_frame=first, last_frame=last)


def solved(*rows):
    stored = StoredAnnotations(lambda types: [made for made in rows if made.type in types])
    return list(ShotEmbeddings().solve(stored, context()))


def test_a_shot_is_the_mean_of_its_pictures_at_length_one():
    rows = [row(2, (1, 0)), row(5, (0, 1)), row(5, (1, 0), of="crop"), row(12, (1, 0))]
    first, second = solved(shot(0, 9), shot(10, 19), shot(20, 29), *rows)
    assert first.values() == pytest.approx([0.5**0.5] * 2)
    assert (first.of, first.model, first.attributes) == ("shot", "m", {"pictures": 2})
    assert (first.span, first.frame_index) == (shot(0, 9).span, 0)
    assert second.values() == pytest.approx([1, 0])


def test_vectors_that_cancel_out_stand_for_nothing():
    assert solved(shot(0, 9), row(2, (1, 0)), row(5, (-1, 0))) == []


@pytest.mark.data
def test_a_small_network_makes_vectors(data_dir):
    """With the real weights; as many pictures at once as one likes."""
    recipe = Embeddings().bound(lambda task: MOBILENET if task == "picture embedding" else None)
    frames = frames_of(data_dir / "videos/composed/montage_cuts_speech.mp4", each=20)
    pictures = [picture_of(frame, number) for number, frame in enumerate(frames[:6])]
    look = Look(recipe, dataclasses.replace(context(), models=OpenedModels(data_dir, threads=2)), pictures)
    said = look.run(4)
    assert {(row.model, row.dimension) for _, row in said} == {(MOBILENET, 1024)}
    assert said == look.run(1)
