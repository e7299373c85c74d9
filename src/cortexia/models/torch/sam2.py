"""SAM 2 and 2.1 (Ravi et al., "SAM 2: Segment Anything in Images and Videos", ICLR 2025), for single pictures.

The library's processor needs torchvision, whose builds follow one build of torch; what it does is done here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.models.folders import FolderContent
from cortexia.models.torch.masks import PromptedMasks
from cortexia.models.torch.pictures import to_rgb
from cortexia.models.torch.runtime import image_settings, import_libraries
from cortexia.types import Picture

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Sam2(PromptedMasks):
    """The picture is stretched to the network's square without regard to its aspect, smoothed where it shrinks,
    brought to 0..1, less the mean and over the deviation (of ImageNet, unless the model's folder has others).

    Folders for video hold the same weights and more, which are left out.
    """

    def __init__(self, content: FolderContent, device: str = "auto") -> None:
        torch = import_libraries()
        from transformers import Sam2Config, Sam2Model

        super().__init__(content, device)
        settings = image_settings(content)
        self._model = self.load(content, Sam2Model, Sam2Config)
        side = self._model.config.prompt_encoder_config.image_size
        self._side = int(side if isinstance(side, int) else side[0])
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(settings.get("image_mean", IMAGENET_MEAN)).reshape(shape)
        self._deviation = torch.tensor(settings.get("image_std", IMAGENET_DEVIATION)).reshape(shape)

    def prepared(self, picture: Picture) -> Any:
        """The network's input, (1, 3, side, side) float32."""
        torch = import_libraries()
        pixels = torch.from_numpy(to_rgb(picture).transpose(2, 0, 1)[None].astype(np.float32))
        square = torch.nn.functional.interpolate(
            pixels, (self._side, self._side), mode="bilinear", align_corners=False, antialias=True
        )
        return (square / 255.0 - self._mean) / self._deviation

    def _look(self, picture: Picture) -> tuple[Any, NDArray[np.float64]]:
        seen = self._model.get_image_embeddings(self.prepared(picture).to(self.device))
        return seen, np.array((self._side / picture.shape[1], self._side / picture.shape[0]))

    def _enlarge(self, mask: Any, picture: Picture) -> Any:
        torch = import_libraries()
        return torch.nn.functional.interpolate(mask, tuple(picture.shape[:2]), mode="bilinear", align_corners=False)
