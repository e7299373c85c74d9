"""Boxes for words: named as the user wrote them, one for each thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as hub

from cortexia.errors import ConfigurationError
from cortexia.models.torch import GroundingLimits
from cortexia.models.torch.grounding_dino import _by_prompt, _read, join_prompts

PROMPTS = ["Forklift", "hard  hat", "man?"]
ALL = GroundingLimits(0.0, 0.0, 1.0)


def test_prompts_become_the_text_that_the_model_wants():
    text, spans = join_prompts(["forklift", " Hard hat. "])
    assert text == "forklift. hard hat."
    assert [text[begin:end] for begin, end in spans] == ["forklift", "hard hat"]


@pytest.mark.parametrize("prompts", [[], [""], ["man", " . ?"]])
def test_prompts_without_a_word_are_refused(prompts):
    with pytest.raises(ConfigurationError, match="such as 'forklift'"):
        join_prompts(prompts)


def test_labels_are_the_prompts_as_they_were_written(family, pictures):
    found = family("grounding-dino").detect(pictures[0], PROMPTS, ALL)
    assert found.labels == tuple(PROMPTS)
    assert len(found) == 20
    assert (found.boxes.dtype, found.scores.dtype, found.classes.dtype) == (np.float32, np.float32, np.int64)
    assert (np.diff(found.scores) <= 0).all()
    assert len(set(found.classes.tolist())) > 1


def library_result(folder, picture):
    processor = hub.GroundingDinoProcessor(
        hub.GroundingDinoImageProcessorPil.from_pretrained(folder), hub.AutoTokenizer.from_pretrained(folder)
    )
    text = "forklift. hard hat. man."
    inputs = processor(images=[picture[..., ::-1]], text=[text], return_tensors="pt")
    with torch.inference_mode():
        outputs = hub.GroundingDinoForObjectDetection.from_pretrained(folder).eval()(**inputs)
    tokens = processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())
    (result,) = processor.post_process_grounded_object_detection(
        outputs, inputs["input_ids"], threshold=0.0, text_threshold=0.0, target_sizes=[picture.shape[:2]]
    )
    return tokens, outputs.logits[0].sigmoid().numpy(), result["boxes"].numpy()


def test_boxes_are_those_of_the_library_and_belong_to_the_prompt_with_the_best_token(family, tiny_folder, pictures):
    tokens, scores, boxes = library_result(tiny_folder("grounding-dino"), pictures[0])
    words = {"forklift": 0, "hard": 1, "hat": 1, "man": 2}
    places = [number for number, token in enumerate(tokens) if token in words]
    best = scores[:, places].max(axis=1)
    named = [words[tokens[places[at]]] for at in scores[:, places].argmax(axis=1)]
    order = np.argsort(-best, kind="stable")
    ours = family("grounding-dino").detect(pictures[0], PROMPTS, ALL)
    assert np.allclose(ours.scores, best[order], atol=1e-6)
    assert np.allclose(ours.boxes, boxes[order], atol=1e-3)
    assert ours.classes.tolist() == [named[number] for number in order]


def test_thresholds_let_through_what_exceeds_them(family, pictures):
    model = family("grounding-dino")
    everything = model.detect(pictures[0], PROMPTS, ALL).scores
    middle = float(everything[10])
    for limits in (GroundingLimits(middle, 0.0, 1.0), GroundingLimits(0.0, middle, 1.0)):
        assert np.array_equal(model.detect(pictures[0], PROMPTS, limits).scores, everything[everything > middle])


def test_what_two_prompts_name_is_one_thing():
    centred = np.array([[50, 50, 20, 20], [51, 50, 20, 20], [10, 10, 5, 5]], float)
    scores = np.array([[0.5, 0.1], [0.2, 0.9], [0.6, 0.0]])
    found = _read(centred, scores, ("helmet", "hard hat"), GroundingLimits())
    assert [
        (found.labels[kind], round(float(score), 3)) for kind, score in zip(found.classes, found.scores, strict=True)
    ] == [
        ("hard hat", 0.9),
        ("helmet", 0.6),
    ]
    assert found.boxes[0].tolist() == [41, 40, 61, 60]
    apart = _read(centred, scores, ("helmet", "hard hat"), GroundingLimits(max_overlap=0.99))
    assert len(apart) == 3


def test_tokens_between_prompts_count_for_nothing():
    scores = np.array([[0.99, 0.2, 0.99, 0.4, 0.99, 0.99]])
    owners = np.array([-1, 0, -1, 1, -1])
    assert _by_prompt(scores, owners, 3).tolist() == [[0.2, 0.4, 0.0]]


def test_more_prompts_than_the_model_takes_are_refused(family, pictures):
    with pytest.raises(ConfigurationError, match="takes 32 tokens"):
        family("grounding-dino").detect(pictures[0], ["hard hat"] * 20)


def test_nothing_above_the_threshold_is_an_empty_batch(family, pictures):
    found = family("grounding-dino").detect(pictures[0], PROMPTS, GroundingLimits(1.0))
    assert (found.boxes.shape, found.scores.shape, found.classes.shape) == ((0, 4), (0,), (0,))
