"""Florence-2 (Xiao et al., "Florence-2", CVPR 2024): captions, and boxes as words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cortexia.errors import UnknownNameError
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import MAX_TOKENS, Caption, TextRegion
from cortexia.models.torch.pictures import prepare
from cortexia.models.torch.runtime import TorchModel, import_libraries, load_image_processor, load_tokenizer
from cortexia.models.torch.words import chosen, confidence, greedy
from cortexia.types import Picture

TASKS = {
    "caption": "<CAPTION>",
    "detailed_caption": "<DETAILED_CAPTION>",
    "objects": "<OD>",
    "regions": "<DENSE_REGION_CAPTION>",
}
WITH_BOXES = ("objects", "regions")
BINS = 1000

_REGION = re.compile(r"([^<>]*)((?:<loc_\d+>\s*)+)")
_PLACE = re.compile(r"<loc_(\d+)>")


class Florence(TorchModel):
    """A ``Captioner``. Boxes come as words for 1000 bins of the width and the height, and mean the middle of a bin."""

    tasks = tuple(TASKS)

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import (
            CLIPImageProcessorPil,
            Florence2Config,
            Florence2ForConditionalGeneration,
            Florence2Processor,
        )

        super().__init__(content, device)
        more = content.settings("processor_config.json")
        # without post_processor_config it fails later, on the first answer with boxes; these are read here, not there
        self._processor = Florence2Processor(
            load_image_processor(content, CLIPImageProcessorPil),
            load_tokenizer(content),
            num_additional_image_tokens=more.get("num_additional_image_tokens", 0),
            post_processor_config=more.get("post_processor_config"),
        )
        self._tokenizer = tokenizer = self._processor.tokenizer
        # the words for places are special tokens too, and count
        self._ends = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
        self._model = self.load(content, Florence2ForConditionalGeneration, Florence2Config)

    def describe(self, picture: Picture, task: str | None = None, max_tokens: int = MAX_TOKENS) -> Caption:
        wanted = task or self.tasks[0]
        if wanted not in TASKS:
            raise UnknownNameError(f"task of model {self.model_id!r}", wanted, self.tasks)
        with self.running() as device:
            inputs = prepare(self._processor, picture, text=[TASKS[wanted]]).to(device)
            generated = self._model.generate(**inputs, **greedy(max_tokens))
            sure = confidence(generated, self._ends)
            words = chosen(generated)
            if wanted not in WITH_BOXES:
                return Caption(self._tokenizer.decode(words, skip_special_tokens=True).strip(), sure)
            text = self._tokenizer.decode(words, skip_special_tokens=False)
        return Caption("", sure, tuple(read_regions(text, picture.shape[1], picture.shape[0])))


def read_regions(text: str, width: int, height: int) -> Iterator[TextRegion]:
    """``car<loc_1><loc_2><loc_3><loc_4>`` and so on: a text with boxes of four places each. What comes before the first
    text belongs to none; a box that is not whole, or has no area, is left out."""
    label = ""
    for before, places in _REGION.findall(text):
        label = before.strip() or label
        numbers = [min(int(place), BINS - 1) + 0.5 for place in _PLACE.findall(places)]
        for at in range(0, len(numbers) - 3, 4):
            x1, y1, x2, y2 = numbers[at : at + 4]
            if label and x1 < x2 and y1 < y2:
                yield TextRegion(label, (x1 * width / BINS, y1 * height / BINS, x2 * width / BINS, y2 * height / BINS))
