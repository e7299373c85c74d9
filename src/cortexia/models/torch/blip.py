"""BLIP (Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022): captions."""

from __future__ import annotations

from cortexia.errors import UnknownNameError
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import MAX_TOKENS, Caption
from cortexia.models.torch.pictures import prepare
from cortexia.models.torch.runtime import TorchModel, import_libraries, load_image_processor, load_tokenizer
from cortexia.models.torch.words import chosen, confidence, greedy
from cortexia.types import Picture


class Blip(TorchModel):
    """A ``Captioner`` for whole pictures."""

    tasks = ("caption",)

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

        super().__init__(content, device)
        self._processor = load_image_processor(content, BlipImageProcessorPil)
        self._tokenizer = load_tokenizer(content)
        self._model = self.load(content, BlipForConditionalGeneration, BlipConfig)

    def describe(self, picture: Picture, task: str | None = None, max_tokens: int = MAX_TOKENS) -> Caption:
        if task not in (None, *self.tasks):
            raise UnknownNameError(f"task of model {self.model_id!r}", str(task), self.tasks)
        with self.running() as device:
            pixels = prepare(self._processor, picture)["pixel_values"].to(device)
            generated = self._model.generate(pixels, **greedy(max_tokens))
            text = self._tokenizer.decode(chosen(generated), skip_special_tokens=True)
            return Caption(text.strip(), confidence(generated, self._tokenizer.all_special_ids))
