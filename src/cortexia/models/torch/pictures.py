"""Pictures on their way into torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.types import Picture


def to_rgb(picture: Picture) -> NDArray[np.uint8]:
    """RGB, (h, w, 3), contiguous, from BGR. Raises ``ValidationError`` for what is no picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValidationError(f"a picture is (h, w, 3) uint8, got {picture.shape} {picture.dtype}")
    return np.ascontiguousarray(picture[..., ::-1])


def prepare(processor: Any, picture: Picture, **more: Any) -> Any:
    """What an image processor of transformers makes of one picture, as tensors with a first axis of 1."""
    return processor(images=[to_rgb(picture)], input_data_format="channels_last", return_tensors="pt", **more)
