"""Tags: from an endpoint, from scores, from what was found."""

from __future__ import annotations

import dataclasses

import pytest
from chat_server import chatting, says
from footage import context, place
from looking import Look, box_at, picture_of, with_beside

from cortexia.annotators._tag_words import TAG_WORDS
from cortexia.annotators.tags import Tags, read_list
from cortexia.errors import ConfigurationError, InferenceError

PICTURE = picture_of(place(1))


def told(answer, recipe=None, **message):
    with chatting(says(answer, **message)) as server:
        context_ = dataclasses.replace(context(), endpoints=server.endpoints())
        said = Look(recipe or Tags(model="endpoint:eye-1"), context_, [PICTURE]).run()
    return [made for _, made in said], server


def test_an_endpoint_names_tags_in_the_order_of_certainty():
    rows, server = told('["meadow", "walking", "meadow", " dog "]', probabilities=(0.5, 1.0))
    assert [row.label for row in rows] == ["meadow", "walking", "dog"]
    assert {row.confidence for row in rows} == {None}
    assert [row.attributes["answer_confidence"] for row in rows] == [0.75] * 3
    assert "at most 5" in server.heard[0].text


def test_tokens_are_told_once():
    rows, _ = told('["meadow", "walking"]')
    assert sum(row.attributes.get("prompt_tokens", 0) for row in rows) == 120


def test_labels_close_the_list():
    recipe = Tags(model="endpoint:eye-1", labels="meadow, kitchen", max_tags=2)
    rows, server = told('```json\n["forest", "kitchen"]\n```', recipe)
    assert [row.label for row in rows] == ["kitchen"]
    assert "meadow, kitchen" in server.heard[0].text


def test_labels_are_told_as_they_were_asked_for_whatever_the_case():
    recipe = Tags(model="endpoint:eye-1", labels="kitchen, Golden Gate, Straße")
    rows, _ = told('["Kitchen", "golden gate", "KITCHEN", "STRASSE", "kitchens"]', recipe)
    assert [row.label for row in rows] == ["kitchen", "Golden Gate", "Straße"]


def test_labels_of_objects_are_told_as_they_were_asked_for():
    box = box_at(PICTURE.annotation, "person", (0.1, 0.1, 0.5, 0.5), 0.6)
    said = Look(Tags(model="offline", labels="Person"), context(), [with_beside(PICTURE, box)]).run()
    assert [row.label for _, row in said] == ["Person"]


def test_an_empty_list_is_an_answer():
    assert told("[]")[0] == []


@pytest.mark.parametrize("answer", ["meadow, walking", '{"tags": []}', '["meadow", 3]', "[" * 5000, f'["{"x" * 300}"]'])
def test_what_is_no_list_of_words_fails(answer):
    with pytest.raises(InferenceError, match="eye-1"):
        told(answer)


def test_offline_gives_the_labels_of_that_frame_and_no_place():
    boxes = [
        box_at(PICTURE.annotation, label, (0.1, 0.1, 0.5, 0.5), sure)
        for label, sure in (("person", 0.6), ("dog", 0.9), ("person", 0.7), ("kite", 0.05))
    ]
    said = Look(Tags(model="offline"), context(), [with_beside(PICTURE, *boxes)]).run()
    assert [(row.label, row.confidence, row.attributes["count"]) for _, row in said] == [
        ("dog", 0.9, 1),
        ("person", 0.7, 2),
    ]
    assert all(row.attributes["composed"] for _, row in said)
    few = Look(Tags(model="offline", labels="person", max_tags=1), context(), [with_beside(PICTURE, *boxes)]).run()
    assert [row.label for _, row in few] == ["person"]


def test_offline_says_nothing_where_nothing_was_found():
    assert Look(Tags(model="offline"), context(), [PICTURE]).run() == []


@pytest.mark.parametrize("fence", ["```", "```json", "```JSON", "``` json5", "```text/x-list"])
def test_a_fence_around_a_list_is_passed_over(fence):
    assert read_list("m", f'{fence}\n["a", ""]\n```') == ["a"]
    assert read_list("m", f'{fence} ["a"]```') == ["a"]


def test_a_fence_around_something_else_fails():
    with pytest.raises(InferenceError, match="no JSON list"):
        read_list("m", "```JSON\nmeadow\n```")


def test_the_words_that_are_shipped_are_words():
    assert len(TAG_WORDS) == len(set(TAG_WORDS)) >= 95
    assert all(word == word.strip().lower() for word in TAG_WORDS)


def test_options_are_checked():
    with pytest.raises(ConfigurationError, match="names no label"):
        Tags(labels=" , ")
    with pytest.raises(ConfigurationError, match="256 characters"):
        Tags(labels="x" * 257)
    with pytest.raises(ConfigurationError, match="threshold"):
        Tags(threshold=1.5)
