"""Words about pictures: those of the library, the same each time, with a confidence that is a mean probability."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch
import transformers as hub

from cortexia.errors import UnknownNameError
from cortexia.models.torch import TextRegion
from cortexia.models.torch.florence import read_regions

BOTH = pytest.mark.parametrize("adapter", ["blip", "florence-2"])


@BOTH
def test_a_caption_is_text_with_a_confidence(family, pictures, adapter):
    said = family(adapter).describe(pictures[0], max_tokens=12)
    assert said.text
    assert said.text == said.text.strip()
    assert said.confidence is not None
    assert 0 < said.confidence <= 1
    assert said == family(adapter).describe(pictures[0], family(adapter).tasks[0], 12)
    others = {family(adapter).describe(picture, max_tokens=12).confidence for picture in pictures}
    assert len(others) == 4, "it depends on the picture"


@BOTH
def test_an_unknown_task_lists_the_known_ones(family, pictures, adapter):
    with pytest.raises(UnknownNameError, match="known: caption"):
        family(adapter).describe(pictures[0], "poem")


def test_blip_says_what_the_library_says(family, tiny_folder, pictures):
    folder = tiny_folder("blip")
    pixels = hub.BlipImageProcessorPil.from_pretrained(folder)(images=[pictures[0][..., ::-1]], return_tensors="pt")
    model, tokenizer = (
        hub.BlipForConditionalGeneration.from_pretrained(folder),
        hub.AutoTokenizer.from_pretrained(folder),
    )
    with torch.inference_mode():
        words = model.eval().generate(**pixels, max_new_tokens=12, num_beams=1, do_sample=False)[0, 1:]
        said = family("blip").describe(pictures[0], max_tokens=12)
        # the probability of each word by a plain run over all of them
        ids = torch.cat((torch.tensor([model.decoder_input_ids]), words))[None]
        logits = model(pixel_values=pixels["pixel_values"], input_ids=ids[:, :-1]).logits[0]
    assert said.text == tokenizer.decode(words, skip_special_tokens=True).strip()
    chosen = [float(row.softmax(dim=-1)[word]) for row, word in zip(logits, words.tolist(), strict=True)]
    kept = [share for share, word in zip(chosen, words.tolist(), strict=True) if word not in tokenizer.all_special_ids]
    assert said.confidence == pytest.approx(float(np.mean(kept)), abs=1e-5)


def test_at_most_so_many_tokens_are_said(family, pictures):
    few, more = (family("blip").describe(pictures[0], max_tokens=count).text for count in (2, 12))
    assert more.startswith(few)
    assert len(few.split()) <= 2


def test_no_word_has_no_confidence(family, pictures):
    model = family("blip")
    with torch.no_grad():
        bias = model._model.text_decoder.cls.predictions.bias
        before = bias.clone()
        bias[3] += 1000.0
    try:
        said = model.describe(pictures[0])
    finally:
        bias.copy_(before)
    assert (said.text, said.confidence) == ("", None)


def library_answer(folder, picture, task):
    processor = hub.Florence2Processor(
        loaded_pictures(folder), hub.AutoTokenizer.from_pretrained(folder), post_processor_config={}
    )
    inputs = processor(images=[picture[..., ::-1]], text=[task], return_tensors="pt")
    model = hub.Florence2ForConditionalGeneration.from_pretrained(folder).eval()
    with torch.inference_mode():
        return processor, model.generate(**inputs, max_new_tokens=40, num_beams=1, do_sample=False)[0]


def loaded_pictures(folder):
    made = hub.CLIPImageProcessorPil.from_pretrained(folder)
    made.image_seq_length = 17
    return made


def test_florence_says_what_the_library_says(family, tiny_folder, pictures):
    processor, words = library_answer(tiny_folder("florence-2"), pictures[0], "<CAPTION>")
    said = family("florence-2").describe(pictures[0], "caption", 40)
    assert said.text == processor.tokenizer.decode(words, skip_special_tokens=True).strip()
    assert said.regions == ()
    pairs = list(zip(words[1:].tolist(), words[2:].tolist(), strict=False))
    assert len(pairs) == len(set(pairs)) > 5, "the folder forbids a pair of words to come twice"


class Says(torch.nn.Module):
    """In place of a model's last layer: prefers the ``words`` one after the other, whatever the picture shows."""

    def __init__(self, tokenizer, *words: str) -> None:
        super().__init__()
        self._tokens = tokenizer.convert_tokens_to_ids([*words, tokenizer.eos_token])
        self._size = len(tokenizer)
        self._said = 0

    def forward(self, hidden):
        logits = torch.zeros(*hidden.shape[:2], self._size)
        logits[..., self._tokens[self._said]] = 50.0
        self._said += 1
        return logits


@contextlib.contextmanager
def saying(model, *words: str):
    last = model._model.lm_head
    model._model.lm_head = Says(model._tokenizer, *words)
    try:
        yield
    finally:
        model._model.lm_head = last


@pytest.mark.parametrize("task", ["objects", "regions"])
def test_florence_gives_boxes_in_pixels_of_the_picture(family, pictures, task):
    model = family("florence-2")
    places = ("<loc_0>", "<loc_200>", "<loc_600>", "<loc_800>")
    for picture in pictures:
        with saying(model, "dog", *places):
            said = model.describe(picture, task, 100)
        width, height = picture.shape[1] / 1000, picture.shape[0] / 1000
        (region,) = said.regions
        assert (said.text, region.text) == ("", "dog")
        assert said.confidence == pytest.approx(1.0)
        assert region.box == pytest.approx((0.5 * width, 200.5 * height, 600.5 * width, 800.5 * height))


def test_what_florence_says_without_places_has_no_boxes(family, pictures):
    """Negative control of the test above."""
    model = family("florence-2")
    with saying(model, "dog", "<loc_0>", "<loc_200>"):
        assert model.describe(pictures[0], "objects", 100).regions == ()


SAID = (
    "</s><s>car<loc_100><loc_200><loc_300><loc_400><loc_0><loc_0><loc_999><loc_999>man<loc_1><loc_2><loc_3><loc_4></s>"
)


def test_boxes_are_read_as_the_library_reads_them(family):
    processor = hub.Florence2Processor(
        family("florence-2")._processor.image_processor,
        family("florence-2")._processor.tokenizer,
        post_processor_config={"description_with_bboxes": {}},
    )
    wanted = processor.post_process_generation(text=SAID, task="<OD>", image_size=(640, 480))["<OD>"]
    ours = list(read_regions(SAID, 640, 480))
    assert [region.text for region in ours] == wanted["labels"]
    assert [[int(edge) for edge in region.box] for region in ours] == wanted["bboxes"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a street", []),
        ("<loc_1><loc_1><loc_2><loc_2>", []),
        ("a<loc_1><loc_2><loc_3>", []),
        ("a<loc_3><loc_1><loc_1><loc_3>", []),
        ("a dog <loc_0> <loc_0> <loc_499> <loc_2000>", [TextRegion("a dog", (0.05, 0.1, 49.95, 199.9))]),
    ],
)
def test_boxes_that_are_none_are_left_out(text, found):
    ours = list(read_regions(text, 100, 200))
    assert [region.text for region in ours] == [region.text for region in found]
    assert [region.box for region in ours] == [pytest.approx(region.box) for region in found]
