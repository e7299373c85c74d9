"""Masks for boxes and points: at the size of the picture, those of the library, each prompt for itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers as hub
from tiny_models import opened, write_manifest

from cortexia.errors import ValidationError

BOXES = np.array([[5, 5, 40, 40], [10, 3, 60, 30.5], [0, 0, 70, 48]])
POINTS = np.array([[[20, 20], [10, 10]], [[30, 12], [40, 20]], [[1, 1], [2, 2]]], np.float32)
BOTH = pytest.mark.parametrize("adapter", ["sam", "sam2"])


@BOTH
def test_a_mask_for_each_prompt_at_the_size_of_the_picture(family, pictures, adapter):
    found = family(adapter).segment(pictures[0], BOXES)
    assert found.masks.shape == (3, 48, 70)
    assert found.masks.dtype == np.bool_
    assert found.scores.dtype == np.float32
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert 0 < found.masks.mean() < 1, "neither nothing nor everything"
    assert family(adapter).segment(pictures[1], BOXES[:1]).masks.shape == (1, 90, 33)
    assert family(adapter).segment(pictures[0], BOXES[:0]).masks.shape == (0, 48, 70)


@BOTH
def test_each_prompt_is_answered_by_itself(family, pictures, adapter):
    model = family(adapter)
    for prompts in ({"boxes": BOXES}, {"points": POINTS}, {"boxes": BOXES, "points": POINTS}):
        together = model.segment(pictures[0], **prompts)
        for number in range(3):
            alone = model.segment(pictures[0], **{name: given[number : number + 1] for name, given in prompts.items()})
            assert np.array_equal(alone.masks[0], together.masks[number])
            assert alone.scores[0] == together.scores[number]
    assert not np.array_equal(model.segment(pictures[0], BOXES).scores, model.segment(pictures[2], BOXES).scores)


def best_of_three(outputs, enlarge) -> tuple[np.ndarray, np.ndarray]:
    scores = outputs.iou_scores[0].numpy()
    best = scores.argmax(axis=1)
    masks = enlarge(outputs.pred_masks)
    rows = np.arange(len(best))
    return masks[rows, best], np.clip(scores[rows, best], 0, 1)


def test_sam_answers_as_the_library_does(family, tiny_folder, pictures):
    folder = tiny_folder("sam")
    processor = hub.SamProcessor(hub.SamImageProcessorPil.from_pretrained(folder))
    inputs = processor(images=[pictures[0][..., ::-1]], input_boxes=[BOXES.tolist()], return_tensors="pt")
    sizes = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
    inputs["input_boxes"] = inputs["input_boxes"].float()
    with torch.inference_mode():
        outputs = hub.SamModel.from_pretrained(folder).eval()(**inputs)
        masks, scores = best_of_three(
            outputs, lambda masks: processor.image_processor.post_process_masks(masks, *sizes)[0].numpy()
        )
    ours = family("sam").segment(pictures[0], BOXES)
    assert (ours.masks == masks).mean() > 0.999
    assert np.allclose(ours.scores, scores, atol=1e-6)


def test_sam2_answers_as_the_library_does(family, tiny_folder, pictures):
    model = hub.Sam2Model.from_pretrained(tiny_folder("sam2")).eval()
    boxes = torch.tensor(BOXES * (64 / 70, 64 / 48, 64 / 70, 64 / 48), dtype=torch.float32)[None]
    with torch.inference_mode():
        outputs = model(pixel_values=family("sam2").prepared(pictures[0]), input_boxes=boxes)
        masks, scores = best_of_three(
            outputs,
            lambda masks: torch.nn.functional.interpolate(masks[0], (48, 70), mode="bilinear").gt(0).numpy(),
        )
    ours = family("sam2").segment(pictures[0], BOXES)
    assert (ours.masks == masks).mean() > 0.999
    assert np.allclose(ours.scores, scores, atol=1e-6)


@pytest.mark.parametrize("size", [(200, 301), (48, 70), (64, 64)])
def test_sam2_is_prepared_as_pillow_would(family, size):
    picture = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    peer = hub.ViTImageProcessorPil(
        size={"height": 64, "width": 64},
        resample=2,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    wanted = peer(images=[picture[..., ::-1]], return_tensors="np")["pixel_values"]
    ours = family("sam2").prepared(picture).numpy()
    assert ours.shape == wanted.shape
    # Pillow rounds to whole values of 0..255, twice
    assert np.abs(ours - wanted).max() < 1.01 / 255 / 0.224


def test_folders_for_video_open_too(family, tiny_folder, pictures, tmp_path):
    """The hub has SAM 2 as ``sam2_video``: other name, same weights, and more of them."""
    for path in tiny_folder("sam2").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "model_type": "sam2_video", "architectures": ["Sam2VideoModel"], "num_maskmem": 7})
    )
    weights = torch_weights(tmp_path / "model.safetensors")
    write_weights(tmp_path / "model.safetensors", {**weights, "memory_encoder.projection.weight": torch.ones(2)})
    write_manifest(tmp_path, "tiny/sam2")
    ours = opened(tmp_path, "sam2").segment(pictures[0], BOXES)
    assert np.array_equal(ours.masks, family("sam2").segment(pictures[0], BOXES).masks)


def torch_weights(path):
    from safetensors.torch import load_file

    return load_file(path)


def write_weights(path, weights) -> None:
    from safetensors.torch import save_file

    save_file(weights, path, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("boxes", "points"),
    [
        (None, None),
        (BOXES[0], None),
        (BOXES[:, :3], None),
        (None, POINTS[0]),
        (None, POINTS[:, :0]),
        (BOXES[:2], POINTS),
    ],
)
def test_prompts_that_are_none_are_refused(family, pictures, boxes, points):
    with pytest.raises(ValidationError):
        family("sam").segment(pictures[0], boxes, points)


@pytest.mark.parametrize("picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(family, picture):
    with pytest.raises(ValidationError, match="a picture is"):
        family("sam2").segment(picture, BOXES)
