"""Grounding DINO (Liu et al., "Grounding DINO", ECCV 2024): boxes for whatever a text names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.adapters.nms import suppress
from cortexia.models.base import DetectionBatch
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import GroundingLimits
from cortexia.models.torch.pictures import prepare
from cortexia.models.torch.runtime import TorchModel, import_libraries, load_image_processor, load_tokenizer
from cortexia.types import Picture

_SEPARATORS = re.compile(r"[.?]")


class GroundingDino(TorchModel):
    """A ``Grounder``. Prompts go in as one text, in lower case, each with a full stop.

    The model scores every box against every token of the text. A box belongs to the prompt that holds its best token,
    and has that token's score: no phrase is decoded and compared with the prompts, so that a label is always one of
    those asked for. Tokens outside of the prompts count for nothing.
    """

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection, GroundingDinoImageProcessorPil

        super().__init__(content, device)
        self._processor = load_image_processor(content, GroundingDinoImageProcessorPil)
        self._tokenizer = load_tokenizer(content)
        self._model = self.load(content, GroundingDinoForObjectDetection, GroundingDinoConfig)
        self._length = int(self._model.config.max_text_len)

    def detect(
        self,
        picture: Picture,
        prompts: Sequence[str],
        limits: GroundingLimits = GroundingLimits(),  # noqa: B008
    ) -> DetectionBatch:
        tokens, owners = self._encode(prompts)
        with self.running() as device:
            inputs = prepare(self._processor, picture)
            outputs = self._model(**inputs.to(device), **tokens.to(device))
            scores = outputs.logits[0].sigmoid().cpu().numpy()
            boxes = outputs.pred_boxes[0].cpu().numpy().astype(np.float64)
        return _read(boxes * _sides(picture), _by_prompt(scores, owners, len(prompts)), tuple(prompts), limits)

    def _encode(self, prompts: Sequence[str]) -> tuple[Any, NDArray[np.int64]]:
        """Tokens of all prompts as one text, and for each token the index of its prompt, -1 for those between."""
        text, spans = join_prompts(prompts)
        tokens = self._tokenizer([text], return_offsets_mapping=True, return_tensors="pt")
        offsets = tokens.pop("offset_mapping")[0].numpy()
        if len(offsets) > self._length:
            raise ConfigurationError(
                f"model {self.model_id!r} takes {self._length} tokens of text, these {len(prompts)} prompts have"
                f" {len(offsets)}; give fewer"
            )
        owners = np.full(len(offsets), -1, np.int64)
        for number, (begin, end) in enumerate(spans):
            owners[(offsets[:, 0] >= begin) & (offsets[:, 1] <= end) & (offsets[:, 1] > offsets[:, 0])] = number
        return tokens, owners


def join_prompts(prompts: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """``forklift. hard hat.`` for ``["forklift", "hard hat"]``, and where in it each prompt stands.

    A full stop or a question mark inside a prompt would end it, and becomes a space. Raises ``ConfigurationError`` for
    no prompt, and for one without a word.
    """
    text, spans = "", []
    for prompt in prompts:
        words = " ".join(_SEPARATORS.sub(" ", prompt.lower()).split())
        if not words:
            raise ConfigurationError(f"prompt {prompt!r} has no word; name what to find, such as 'forklift'")
        begin = len(text) + (1 if text else 0)
        text = f"{text} {words}." if text else f"{words}."
        spans.append((begin, begin + len(words)))
    if not spans:
        raise ConfigurationError("no prompt; name what to find, such as 'forklift'")
    return text, spans


def _sides(picture: Picture) -> NDArray[np.float64]:
    height, width = picture.shape[:2]
    return np.array((width, height, width, height), np.float64)


def _by_prompt(scores: NDArray[Any], owners: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(boxes, prompts): the best score that each box has with a token of each prompt; 0 where that has none."""
    best = np.zeros((len(scores), count))
    for number in range(count):
        of_prompt = scores[:, : len(owners)][:, owners == number]
        if of_prompt.size:
            best[:, number] = of_prompt.max(axis=1)
    return best


def _read(
    centred: NDArray[np.float64], scores: NDArray[np.float64], labels: tuple[str, ...], limits: GroundingLimits
) -> DetectionBatch:
    """``centred``: (n, 4) middle and size in pixels; ``scores``: (n, prompts)."""
    best = scores.max(axis=1)
    likely = np.flatnonzero((best > limits.box_threshold) & (best > limits.text_threshold))
    half = centred[likely, 2:] / 2
    boxes = np.hstack((centred[likely, :2] - half, centred[likely, :2] + half))
    # one class for all: what several prompts name is one thing, with the name that fits best
    stay = suppress(boxes, best[likely], np.zeros(len(likely), np.int64), limits.max_overlap)
    return DetectionBatch(
        boxes[stay].astype(np.float32),
        best[likely][stay].astype(np.float32),
        scores[likely].argmax(axis=1)[stay].astype(np.int64),
        labels,
    )
