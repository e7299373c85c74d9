"""CLIP (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.models.folders import FolderContent
from cortexia.models.torch.embedding import TwoTowers
from cortexia.models.torch.runtime import import_libraries


class Clip(TwoTowers):
    """Labels share the score 1 among them (softmax): one of them is taken to be right."""

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

        super().__init__(content, device, (CLIPModel, CLIPConfig, CLIPImageProcessorPil))

    def _dimension(self, config: Any) -> int:
        return int(config.projection_dim)

    def _encode(self, text: str) -> Any:
        return self._tokenizer([text], truncation=True, max_length=self._length, return_tensors="pt")

    def _fit(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum())
