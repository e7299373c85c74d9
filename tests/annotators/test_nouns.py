"""Labels as English."""

from __future__ import annotations

import pytest

from cortexia.annotators._nouns import counted, joined, one, plural, sentence
from cortexia.models.adapters.coco import COCO_LABELS

ODD = {
    "person": "people",
    "bus": "buses",
    "bench": "benches",
    "sheep": "sheep",
    "skis": "pairs of skis",
    "wine glass": "wine glasses",
    "knife": "knives",
    "sandwich": "sandwiches",
    "broccoli": "pieces of broccoli",
    "couch": "couches",
    "tv": "TVs",
    "mouse": "mice",
    "scissors": "pairs of scissors",
    "toothbrush": "toothbrushes",
}


@pytest.mark.parametrize("label", COCO_LABELS)
def test_every_label_of_coco_has_its_plural(label):
    assert plural(label) == ODD.get(label, f"{label}s")


def test_articles():
    with_an = {label for label in COCO_LABELS if one(label).startswith("an ")}
    assert with_an == {"airplane", "elephant", "umbrella", "apple", "orange", "oven"}
    assert [one(label) for label in ("skis", "tv", "car")] == ["a pair of skis", "a TV", "a car"]


@pytest.mark.parametrize(
    ("count", "label", "words"),
    [
        (1, "umbrella", "an umbrella"),
        (2, "person", "two people"),
        (12, "stop sign", "twelve stop signs"),
        (13, "car", "13 cars"),
        (3, "snow man", "three snow men"),
        (2, "lorry", "two lorries"),
        (2, "toy", "two toys"),
        (2, "skis", "two pairs of skis"),
    ],
)
def test_counts(count, label, words):
    assert counted(count, label) == words


def test_lists_and_sentences():
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"]), joined([])] == [
        "a",
        "a and b",
        "a, b and c",
        "",
    ]
    assert sentence("two TVs") == "Two TVs."
