"""Vectors of pictures and texts: of length 1, those of the library, and the same whatever else is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as hub

TEXTS = ["a red dog", "man", "a man with a hard hat on a street and a red dog with a forklift"]
BOTH = pytest.mark.parametrize("adapter", ["clip", "siglip"])
CLASSES = {
    "clip": (hub.CLIPModel, hub.CLIPImageProcessorPil, {}),
    "siglip": (hub.SiglipModel, hub.SiglipImageProcessorPil, {"padding": "max_length"}),
}


@BOTH
def test_rows_have_the_length_one(family, pictures, adapter):
    model = family(adapter)
    for rows, count in ((model.pictures(pictures), 4), (model.texts(TEXTS), 3), (model.texts([]), 0)):
        assert rows.shape == (count, model.dimension)
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows.astype(np.float64), axis=1), 1.0, atol=1e-6)


@BOTH
def test_vectors_are_those_of_the_library(family, tiny_folder, pictures, adapter):
    model_class, processor_class, options = CLASSES[adapter]
    folder = tiny_folder(adapter)
    model = model_class.from_pretrained(folder).eval()
    processor, tokenizer = processor_class.from_pretrained(folder), hub.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        seen = model.get_image_features(**processor(images=[pictures[0][..., ::-1]], return_tensors="pt"))
        text = tokenizer(["a red dog"], return_tensors="pt", max_length=8, truncation=True, **options)
        read = model.get_text_features(input_ids=text["input_ids"])
    for ours, theirs in ((family(adapter).pictures(pictures[:1]), seen), (family(adapter).texts(TEXTS[:1]), read)):
        wanted = torch.nn.functional.normalize(theirs.pooler_output.double()).numpy()
        assert np.allclose(ours, wanted, atol=1e-6)


@BOTH
def test_a_vector_does_not_depend_on_the_others(family, pictures, adapter):
    model = family(adapter)
    together = model.pictures(pictures)
    for number, picture in enumerate(pictures):
        assert np.array_equal(model.pictures([picture])[0], together[number])
    assert len({row.tobytes() for row in together}) == 4, "pictures that differ have vectors that differ"
    assert np.array_equal(model.texts(TEXTS[1:2])[0], model.texts(TEXTS)[1])


def test_the_order_of_colours_is_minded(family, pictures):
    model = family("clip")
    assert not np.array_equal(model.pictures(pictures[:1]), model.pictures([pictures[0][..., ::-1]]))


def test_a_long_text_is_cut_to_the_length_of_the_model(family):
    long = family("siglip").texts([" ".join(["dog"] * 50), " ".join(["dog"] * 9)])
    assert np.array_equal(long[0], long[1])


def test_case_does_not_matter_to_siglip(family):
    model = family("siglip")
    assert np.array_equal(model.texts(["A RED dog"]), model.texts(["a red DOG"]))


def scores(model, picture, texts):
    return model.scores(picture, model.texts(texts))


def test_clip_shares_one_among_the_labels_and_siglip_judges_each(family, pictures):
    shares = scores(family("clip"), pictures[0], TEXTS)
    assert shares.sum() == pytest.approx(1.0, abs=1e-6)
    alone = scores(family("siglip"), pictures[0], TEXTS)
    assert np.array_equal(alone[:1], scores(family("siglip"), pictures[0], TEXTS[:1]))
    assert ((alone > 0) & (alone < 1)).all()
    assert scores(family("clip"), pictures[0], []).shape == (0,)


@pytest.mark.parametrize("adapter", ["clip", "siglip"])
def test_scores_are_those_of_the_library(family, tiny_folder, pictures, adapter):
    model_class, processor_class, options = CLASSES[adapter]
    folder = tiny_folder(adapter)
    tokens = hub.AutoTokenizer.from_pretrained(folder)(
        TEXTS[:2], return_tensors="pt", **{"padding": True, "truncation": True, "max_length": 8, **options}
    )
    pixels = processor_class.from_pretrained(folder)(images=[pictures[0][..., ::-1]], return_tensors="pt")
    if adapter == "siglip":
        tokens = {"input_ids": tokens["input_ids"]}
    with torch.inference_mode():
        logits = model_class.from_pretrained(folder).eval()(**tokens, **pixels).logits_per_image[0]
    wanted = logits.softmax(dim=0) if adapter == "clip" else logits.sigmoid()
    assert np.allclose(scores(family(adapter), pictures[0], TEXTS[:2]), wanted.numpy(), atol=1e-5)
