"""Sentences without a model: what they say is what was found, and nothing more."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cortexia.annotators._composed import compose, describe_box, things
from cortexia.types import BBox, Detection, Measure, TimeSpan, Timestamp

SPAN = TimeSpan(Timestamp(0, Fraction(1, 25)), Timestamp(50, Fraction(1, 25)))


def box(label, x=0.0, y=0.0, width=10.0, height=10.0):
    return Detection(span=SPAN, frame_index=0, label=label, bbox=BBox.from_xywh(x, y, width, height), confidence=0.5)


def spread(*labels):
    """Boxes that do not touch."""
    return [box(label, x=20.0 * number) for number, label in enumerate(labels)]


def camera(kind, **values):
    return Measure(span=SPAN, label="motion_summary", values={"shake": 0.0, **values}, attributes={"camera": kind})


def light(exposure):
    return Measure(span=SPAN, label="quality_summary", values={"exposure_mean": exposure})


def stretch(label):
    return Measure(span=SPAN, label=label, values={"exposure": 0.0})


@pytest.mark.parametrize(
    ("boxes", "measures", "sentence"),
    [
        (
            spread("car", "person", "person"),
            [camera("pan", pan_mean=-0.2), light(0.1)],
            "Two people and a car, camera pans left, dark picture.",
        ),
        (spread("dog"), [camera("pan", pan_mean=0.2)], "A dog, camera pans right."),
        (spread("dog"), [camera("zoom", zoom_mean=0.2), light(0.5)], "A dog, camera zooms in."),
        (spread("dog"), [camera("tilt", tilt_mean=-0.2)], "A dog, camera tilts up."),
        (spread("dog"), [camera("roll", roll_mean=0.1)], "A dog, camera rolls to the right."),
        ([], [camera("static"), light(0.9)], "Camera at rest, bright picture."),
        ([], [camera("handheld")], "Handheld camera."),
        ([], [light(0.02), stretch("black"), stretch("frozen")], "Black picture."),
        ([], [light(0.5), stretch("frozen")], "Frozen picture."),
        ([], [light(0.1), stretch("frozen")], "Dark frozen picture."),
        ([], [light(0.5)], None),
        ([], [Measure(span=SPAN, label="motion_summary", reason="too_short")], None),
        ([], [Measure(span=SPAN, label="quality_summary", reason="no frame of this shot was sampled")], None),
        ([], [], None),
    ],
)
def test_it_says_what_is_known(boxes, measures, sentence):
    assert compose(boxes, measures) == sentence


def test_people_come_first_and_the_rest_is_counted():
    boxes = spread("car", "car", "dog", "dog", "dog", "kite", "bus", "tv", "person")
    assert things(boxes) == "a person, three dogs, two cars, a bus and two other things"
    assert things(spread("cat", "dog", "kite", "bus", "tv")).endswith("and another thing")


def test_the_order_of_boxes_changes_nothing():
    boxes = spread("car", "person", "dog", "dog", "kite")
    assert things(boxes) == things(boxes[::-1])


def test_what_moves_counts_where_nothing_is_named():
    person = box("person", 0, 0, 10, 10)
    same, other = box("moving", 1, 1, 8, 8), box("moving", 50, 50, 9, 9)
    assert things([person, same]) == "a person"
    assert things([person, other]) == "a person and something that moves"
    assert things([other, box("moving", 80, 80)]) == "two things that move"


@pytest.mark.parametrize(
    ("label", "place", "sentence"),
    [
        ("car", (0, 40, 20, 20), "A small car at the left."),
        ("car", (0, 0, 5, 5), "A tiny car at the top left."),
        ("umbrella", (35, 35, 30, 30), "An umbrella in the middle."),
        ("umbrella", (70, 90, 29, 9), "A small umbrella at the bottom right."),
        ("skis", (10, 10, 80, 80), "A large pair of skis in the middle."),
        ("person", (0, 0, 100, 100), "A very large person in the middle."),
        ("moving", (40, 0, 25, 25), "A thing that moves at the top."),
    ],
)
def test_a_box_is_told_by_size_and_place(label, place, sentence):
    assert describe_box(label, BBox.from_xywh(*place), (100, 100)) == sentence
