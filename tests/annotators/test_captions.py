"""Captions: whoever makes them, they say where they come from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chat_server import KEY, answers, chatting, says
from footage import context, flat, place
from looking import Look, box_at, picture_of, shot_around, with_beside

from cortexia.annotators.captions import Captions
from cortexia.errors import (
    CircuitBreakerOpenError,
    ConfigurationError,
    InferenceError,
    UnknownNameError,
    ValidationError,
)
from cortexia.types import Measure

ASKING = Captions(model="endpoint:eye-1")


def pictures(count=3):
    return [picture_of(place(number), number) for number in range(count)]


def asked(server, recipe=ASKING, shown=None, **settings):
    endpoints = server.endpoints(**settings)
    return Look(recipe, dataclasses.replace(context(), endpoints=endpoints), shown or pictures()), endpoints


def test_an_endpoint_is_asked_about_each_picture_as_it_is():
    with chatting(says("A meadow.", probabilities=(0.9, 0.7))) as server:
        look, _ = asked(server)
        said = look.run(8)
    assert [number for number, _ in said] == [0, 1, 2]
    for number, heard in enumerate(server.heard):
        assert heard.text == ASKING.question
        assert np.abs(heard.picture.astype(int) - place(number)).mean() < 8
    caption = said[0][1]
    assert (caption.text, caption.confidence) == ("A meadow.", pytest.approx(0.8))
    assert caption.attributes == {
        "model": "endpoint:eye-1",
        "prompt_tokens": 120,
        "completion_tokens": 7,
        "seen": (320, 180),
    }
    assert KEY not in repr(said)


def test_prompt_detail_and_tokens_reach_the_endpoint():
    with chatting(says("A meadow.")) as server:
        asked(server, Captions(model="endpoint:eye-1", prompt="Which season is it?", max_tokens=9))[0].run()
        asked(server, Captions(model="endpoint:eye-1", detail="long"))[0].run()
    assert server.heard[0].text == "Which season is it?"
    assert server.heard[0].asked["max_tokens"] == 9
    assert "two to four" in server.heard[3].text


def test_an_answer_that_is_none_is_no_caption():
    with chatting(says("A mead", finish="length")) as server, pytest.raises(InferenceError, match="cut short"):
        asked(server)[0].run()


def test_an_endpoint_that_is_away_makes_the_run_wait():
    with chatting(answers(503)) as server, pytest.raises(CircuitBreakerOpenError):
        asked(server)[0].run()


def test_each_answer_of_an_endpoint_can_be_committed():
    assert ASKING.batch_size == 1
    assert Captions(model="offline").batch_size > 1


def test_the_caption_lasts_as_long_as_the_shot():
    picture = picture_of(place(1), 2)
    with chatting(says("A meadow.")) as server:
        look, _ = asked(server, shown=[with_beside(picture, shot_around(picture)), picture])
        (_, of_shot), (_, of_picture) = look.run()
    assert (of_shot.span, of_picture.span) == (shot_around(picture).span, picture.annotation.span)
    assert of_shot.frame_index == of_picture.frame_index == 50


# -- offline


def test_offline_says_what_was_found_in_that_very_frame():
    picture, later = pictures(2)
    dog = box_at(picture.annotation, "dog", (0.1, 0.1, 0.5, 0.5), 0.8)
    cat = box_at(later.annotation, "cat", (0.1, 0.1, 0.5, 0.5), 0.8)
    look = Look(Captions(model="offline"), context(), [with_beside(picture, shot_around(picture), dog, cat)])
    ((_, caption),) = look.run()
    assert (caption.text, caption.confidence) == ("A dog.", None)
    assert caption.attributes == {"model": "composed", "composed": True}
    assert caption.span == shot_around(picture).span


def test_offline_says_nothing_where_nothing_is_known():
    assert Look(Captions(model="offline"), context(), pictures()).run() == []


def test_offline_reads_the_camera_and_the_light_of_the_shot():
    picture = picture_of(flat(20))
    span = shot_around(picture).span
    rows = (
        Measure(span=span, label="motion_summary", values={"pan_mean": -0.1}, attributes={"camera": "pan"}),
        Measure(span=span, label="quality_summary", values={"exposure_mean": 0.08}),
    )
    ((_, caption),) = Look(Captions(model="offline"), context(), [with_beside(picture, *rows)]).run()
    assert caption.text == "Camera pans left, dark picture."


def test_only_offline_needs_what_it_is_composed_from():
    assert Captions(model="offline").needs == ("frames", "shots", "objects", "motion_summary", "quality_summary")
    assert ASKING.needs == Captions(model="blip").needs == ("frames", "shots")


# -- the choice of a model


def test_auto_is_what_is_here_and_never_an_endpoint():
    assert Captions().bound(lambda task: None).model == "offline"
    bound = Captions().bound(lambda task: "blip" if task == "captions" else None)
    assert (bound.model, bound.model_ids) == ("blip", ("blip",))
    assert ASKING.bound(lambda task: "blip") is ASKING
    assert ASKING.model_ids == ()


def test_a_model_that_nobody_chose_is_not_guessed():
    for recipe in (Captions(), Captions(model="blip"), ASKING):
        with pytest.raises(ConfigurationError, match="captions"):
            recipe.session(context())


def test_options_are_checked():
    with pytest.raises(UnknownNameError, match="long"):
        Captions(detail="lnog")
    with pytest.raises(ConfigurationError, match="max_tokens"):
        Captions(max_tokens=0)
    with pytest.raises(ConfigurationError, match="needs the name"):
        Captions(model="endpoint:")


def test_a_damaged_picture_is_named():
    broken = dataclasses.replace(pictures(1)[0], jpeg=b"no picture")
    with chatting(says("A meadow.")) as server, pytest.raises(ValidationError, match="no JPEG"):
        asked(server, shown=[broken])[0].run()
    assert server.heard == []
