"""Region descriptions: a box, and what is in it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chat_server import chatting, says
from footage import context, flat
from looking import Look, box_at, picture_of, with_beside

from cortexia.annotators._describing import DescribingSession
from cortexia.annotators.regions import QUESTION, Regions
from cortexia.models.torch import Caption, TextRegion
from cortexia.types import BBox


def scene():
    """A picture of half the display's size with a red and a green part, and the boxes of both."""
    bgr = flat(128, 200, 100)
    bgr[20:60, 20:80] = (0, 0, 255)
    bgr[40:90, 120:180] = (0, 255, 0)
    picture = picture_of(bgr, shrink=2)
    red = box_at(picture.annotation, "red", (0.1, 0.2, 0.4, 0.6), 0.9)
    green = box_at(picture.annotation, "green", (0.6, 0.4, 0.9, 0.9), 0.6)
    return with_beside(picture, red, green)


def test_an_endpoint_sees_each_box_with_a_margin():
    with chatting(says("Something red."), says("Something green.")) as server:
        context_ = dataclasses.replace(context(), endpoints=server.endpoints())
        said = [made for _, made in Look(Regions(model="endpoint:eye-1"), context_, [scene()]).run()]
    assert [(row.label, row.text) for row in said] == [("red", "Something red."), ("green", "Something green.")]
    assert said[0].bbox == BBox(40.0, 40.0, 160.0, 120.0)
    assert [heard.text for heard in server.heard] == [QUESTION] * 2
    first, second = (heard.picture for heard in server.heard)
    assert first.shape == (48, 72, 3)
    assert np.abs(first[20:30, 20:50].reshape(-1, 3).mean(axis=0) - (0, 0, 255)).max() < 12
    assert np.abs(second[25:35, 20:50].reshape(-1, 3).mean(axis=0) - (0, 255, 0)).max() < 12


def test_who_asks_often_says_that_it_moves():
    moves = []
    with chatting(says("Something."), *[lambda h, a: (moves.append("asked"), says("Else.")(h, a))] * 2) as server:
        context_ = dataclasses.replace(context(), endpoints=server.endpoints(), moved=lambda: moves.append("moved"))
        Look(Regions(model="endpoint:eye-1"), context_, [scene()]).run()
    assert "moved" in moves[: moves.index("asked")]


def test_offline_tells_label_size_and_place():
    said = [made for _, made in Look(Regions(model="offline"), context(), [scene()]).run()]
    assert [row.text for row in said] == ["A red at the left.", "A green at the right."]
    assert all(row.attributes == {"model": "composed", "composed": True} for row in said)
    assert {row.confidence for row in said} == {None}


@pytest.mark.parametrize(
    ("options", "labels"),
    [({"max_per_picture": 1}, ["red"]), ({"min_side": 45}, ["green"]), ({"min_side": 60}, [])],
)
def test_small_and_many_are_left_out(options, labels):
    said = Look(Regions(model="offline", **options), context(), [scene()]).run()
    assert [row.label for _, row in said] == labels


def test_boxes_of_other_frames_are_not_told():
    other = picture_of(flat(9, 200, 100), 3)
    assert Look(Regions(model="offline"), context(), [with_beside(other, *scene().beside)]).run() == []


def test_only_who_has_no_boxes_of_its_own_needs_them():
    assert Regions(model="offline").needs == Regions(model="endpoint:e").needs == ("frames", "objects")
    assert Regions(model="florence").needs == ("frames",)


class Finder:
    """A ``Captioner`` that knows what is in ``scene``: pixels of the picture, in part beyond it."""

    tasks = ("caption", "regions")

    def describe(self, picture, task=None, max_tokens=64):
        assert (picture.shape, task) == ((100, 200, 3), "regions")
        regions = (
            TextRegion("a red part", (20.0, 20.0, 80.0, 60.0)),
            TextRegion("reaches out", (150.0, -5.0, 230.0, 50.0)),
            TextRegion("lies outside", (210.0, 10.0, 230.0, 50.0)),
            TextRegion("one too many", (0.0, 0.0, 10.0, 10.0)),
        )
        return Caption("", 0.75, regions)


def test_regions_of_a_model_come_in_pixels_of_the_display():
    recipe = Regions(model="m", max_per_picture=3)
    (said,) = DescribingSession(recipe.finding(Finder()), lambda: None).annotate([scene()])
    assert [(row.text, row.bbox) for row in said] == [
        ("a red part", BBox(40.0, 40.0, 160.0, 120.0)),
        ("reaches out", BBox(300.0, 0.0, 400.0, 100.0)),
    ]
    assert all(row.attributes == {"model": "m", "answer_confidence": 0.75} for row in said)
    assert {(row.confidence, row.label) for row in said} == {(None, None)}
