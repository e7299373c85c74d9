"""SAM (Kirillov et al., "Segment Anything", ICCV 2023): masks for boxes and points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.models.folders import FolderContent
from cortexia.models.torch.masks import PromptedMasks
from cortexia.models.torch.pictures import prepare
from cortexia.models.torch.runtime import import_libraries, load_image_processor
from cortexia.types import Picture


class Sam(PromptedMasks):
    """The longer side is brought to the network's, the rest filled up below and to the right, by the library's own
    processor."""

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        import_libraries()
        from transformers import SamConfig, SamImageProcessorPil, SamModel

        super().__init__(content, device)
        self._processor = load_image_processor(content, SamImageProcessorPil)
        self._model = self.load(content, SamModel, SamConfig)

    def _look(self, picture: Picture) -> tuple[Any, NDArray[np.float64]]:
        inputs = prepare(self._processor, picture)
        seen = self._model.get_image_embeddings(inputs["pixel_values"].to(self.device))
        height, width = (int(side) for side in inputs["reshaped_input_sizes"][0])
        return seen, np.array((width / picture.shape[1], height / picture.shape[0]))

    def _enlarge(self, mask: Any, picture: Picture) -> Any:
        sizes = [tuple(picture.shape[:2])], [self._inner_size(picture)]
        return self._processor.post_process_masks([mask], *sizes, binarize=False)[0]

    def _inner_size(self, picture: Picture) -> tuple[int, int]:
        """Height and width of the picture inside the network's square."""
        longest = max(picture.shape[:2])
        scale = self._processor.size["longest_edge"] / longest
        height, width = picture.shape[:2]
        return int(height * scale + 0.5), int(width * scale + 0.5)
