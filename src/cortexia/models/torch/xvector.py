"""WavLM with x-vectors (Chen et al., "WavLM", IEEE J-STSP 2022; Snyder et al., "X-vectors", ICASSP 2018): vectors that
stand for voices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError, ValidationError
from cortexia.models.folders import FolderContent
from cortexia.models.torch.base import Vectors
from cortexia.models.torch.runtime import TorchModel, import_libraries

RATE = 16_000


class WavlmXVector(TorchModel):
    """A ``VoiceEmbedder``. One stretch of sound a call."""

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import WavLMConfig, WavLMForXVector

        super().__init__(content, device)
        settings = content.settings("preprocessor_config.json")
        if settings.get("sampling_rate", RATE) != RATE:
            raise ConfigurationError(f"model {self.model_id!r} hears {settings['sampling_rate']} Hz, not {RATE}")
        self._is_levelled = bool(settings.get("do_normalize", True))
        self._model = self.load(content, WavLMForXVector, WavLMConfig)
        self.dimension = int(self._model.config.xvector_output_dim)
        self.shortest = shortest_of(self._model.config)

    def voices(self, stretches: Sequence[NDArray[np.float32]]) -> Vectors:
        """Raises ``ValidationError`` for a stretch of fewer than ``shortest`` samples."""
        if short := next((len(samples) for samples in stretches if len(samples) < self.shortest), None):
            raise ValidationError(f"{short} samples of a voice are too few, {self.shortest} it takes")
        torch = import_libraries()
        rows = np.zeros((len(stretches), self.dimension))
        with self.running() as device:
            for place, samples in enumerate(stretches):
                heard = torch.from_numpy(self._levelled(samples)[None]).to(device)
                rows[place] = self._model(heard).embeddings[0].cpu().numpy()
        lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
        return np.asarray(rows / np.maximum(lengths, np.finfo(np.float64).tiny), np.float32)

    def _levelled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """With mean 0 and variance 1, as it was trained."""
        if not self._is_levelled:
            return np.array(samples, np.float32)
        exact = samples.astype(np.float64)
        return np.asarray((exact - exact.mean()) / np.sqrt(exact.var() + 1e-7), np.float32)


def shortest_of(config: Any) -> int:
    """Samples of which the network makes two frames: what they lie apart from each other is part of the vector, and of
    fewer cannot be said. 5200 for the usual shape."""
    needed = 2
    for kernel, dilation in zip(config.tdnn_kernel, config.tdnn_dilation, strict=True):
        needed += dilation * (kernel - 1)
    for kernel, stride in reversed(list(zip(config.conv_kernel, config.conv_stride, strict=True))):
        needed = (needed - 1) * stride + kernel
    return int(needed)
