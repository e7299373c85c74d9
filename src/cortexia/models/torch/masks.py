"""What SAM and SAM 2 have in common: a picture is looked at once, then every prompt is answered by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.models.torch.base import MaskBatch
from cortexia.models.torch.runtime import TorchModel, import_libraries
from cortexia.types import Picture

FOREGROUND = 1
"""Label of a point on the thing that is meant."""


class PromptedMasks(TorchModel, ABC):
    """A ``Masker``."""

    _model: Any

    @abstractmethod
    def _look(self, picture: Picture) -> tuple[Any, Any]:
        """What the decoder needs of the picture, and (x, y) by which its coordinates become the network's."""

    @abstractmethod
    def _enlarge(self, mask: Any, picture: Picture) -> Any:
        """The decoder's mask (1, 1, a, b), as logits at the size of the picture, (1, 1, h, w)."""

    def segment(
        self, picture: Picture, boxes: NDArray[Any] | None = None, points: NDArray[Any] | None = None
    ) -> MaskBatch:
        count = _prompt_count(boxes, points)
        masks = np.zeros((count, *picture.shape[:2]), np.bool_)
        scores = np.zeros(count, np.float32)
        if not count:
            return MaskBatch(masks, scores)
        with self.running():
            seen, scale = self._look(picture)
            for number in range(count):
                prompt = self._prompt(number, boxes, points, scale)
                outputs = self._model(image_embeddings=seen, multimask_output=True, **prompt)
                expected = outputs.iou_scores[0, 0].cpu().numpy()
                best = int(expected.argmax())
                logits = self._enlarge(outputs.pred_masks[:, 0, best : best + 1], picture)
                masks[number] = (logits[0, 0] > 0).cpu().numpy()
                scores[number] = np.clip(expected[best], 0.0, 1.0)
        return MaskBatch(masks, scores)

    def _prompt(
        self, number: int, boxes: NDArray[Any] | None, points: NDArray[Any] | None, scale: NDArray[np.float64]
    ) -> dict[str, Any]:
        """One prompt as the decoder takes it, in the network's pixels."""
        torch = import_libraries()
        given: dict[str, Any] = {}
        if boxes is not None:
            corners = np.asarray(boxes[number], np.float64).reshape(2, 2) * scale
            given["input_boxes"] = torch.tensor(corners.reshape(1, 1, 4), dtype=torch.float32, device=self.device)
        if points is not None:
            places = np.asarray(points[number], np.float64) * scale
            given["input_points"] = torch.tensor(places[None, None], dtype=torch.float32, device=self.device)
            given["input_labels"] = torch.full((1, 1, len(places)), FOREGROUND, device=self.device)
        return given


def _prompt_count(boxes: NDArray[Any] | None, points: NDArray[Any] | None) -> int:
    if boxes is not None and (boxes.ndim != 2 or boxes.shape[1] != 4):
        raise ValidationError(f"boxes are (n, 4), got {boxes.shape}")
    if points is not None and (points.ndim != 3 or points.shape[2] != 2 or not points.shape[1]):
        raise ValidationError(f"points are (n, k, 2), got {points.shape}")
    counts = {len(prompts) for prompts in (boxes, points) if prompts is not None}
    if len(counts) != 1:
        raise ValidationError("masks need boxes, or points, or as many of the one as of the other")
    return counts.pop()
