"""SigLIP and SigLIP 2 of a fixed picture size (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023;
Tschannen et al., "SigLIP 2", arXiv 2502.14786)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.models.folders import FolderContent
from cortexia.models.torch.embedding import TwoTowers
from cortexia.models.torch.runtime import import_libraries


class Siglip(TwoTowers):
    """Each label is judged alone (sigmoid): none may fit, or several."""

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

        super().__init__(content, device, (SiglipModel, SiglipConfig, SiglipImageProcessorPil))

    def _dimension(self, config: Any) -> int:
        return int(config.vision_config.hidden_size)

    def _encode(self, text: str) -> Any:
        """Filled up to the full length, and in lower case, as it was trained."""
        tokens = self._tokenizer(
            [text.lower()], padding="max_length", truncation=True, max_length=self._length, return_tensors="pt"
        )
        # the model was trained without a mask
        return type(tokens)({"input_ids": tokens["input_ids"]})

    def _fit(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1.0 / (1.0 + np.exp(-(logits + float(self._model.logit_bias)))))
