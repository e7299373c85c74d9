"""What CLIP and SigLIP have in common: two towers whose vectors can be compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import Vectors
from cortexia.models.torch.pictures import prepare
from cortexia.models.torch.runtime import TorchModel, load_image_processor, load_tokenizer
from cortexia.types import Picture


class TwoTowers(TorchModel, ABC):
    """An ``Embedder``. One picture or text a call."""

    def __init__(self, content: FolderContent, device: str, classes: tuple[Any, Any, Any]) -> None:
        model_class, config_class, processor_class = classes
        super().__init__(content, device)
        self._processor = load_image_processor(content, processor_class)
        self._tokenizer = load_tokenizer(content)
        self._model = self.load(content, model_class, config_class)
        self._length = int(self._model.config.text_config.max_position_embeddings)
        self.dimension = self._dimension(self._model.config)

    @abstractmethod
    def _dimension(self, config: Any) -> int: ...

    @abstractmethod
    def _encode(self, text: str) -> Any:
        """Tokens of one text, cut to the model's length."""

    @abstractmethod
    def _fit(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores in [0, 1] for the scaled products (n,) of a picture and n labels."""

    def pictures(self, pictures: Sequence[Picture]) -> Vectors:
        with self.running() as device:
            rows = [
                self._model.get_image_features(prepare(self._processor, picture)["pixel_values"].to(device))
                for picture in pictures
            ]
        return self._of_length_one(rows)

    def texts(self, texts: Sequence[str]) -> Vectors:
        with self.running() as device:
            rows = [self._model.get_text_features(**self._encode(text).to(device)) for text in texts]
        return self._of_length_one(rows)

    def scores(self, picture: Picture, labels: Vectors) -> NDArray[np.float32]:
        if not len(labels):
            return np.zeros(0, np.float32)
        (of_picture,) = self.pictures([picture]).astype(np.float64)
        scale = float(self._model.logit_scale.exp())
        return self._fit(labels.astype(np.float64) @ of_picture * scale).astype(np.float32)

    def _of_length_one(self, rows: Sequence[Any]) -> Vectors:
        """Brought to length 1 in float64, row by row."""
        if not rows:
            return np.zeros((0, self.dimension), np.float32)
        exact = np.stack([row.pooler_output[0].cpu().numpy() for row in rows]).astype(np.float64)
        lengths = np.sqrt(np.square(exact).sum(axis=1, keepdims=True))
        return np.asarray(exact / np.maximum(lengths, np.finfo(np.float64).tiny), np.float32)
