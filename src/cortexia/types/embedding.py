"""Vectors that stand for pictures, parts of them, texts and voices."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ValidationError
from cortexia.types.annotation import Annotation

Vector = NDArray[np.float32]
SUBJECTS = ("picture", "shot", "crop", "face", "text", "voice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding(Annotation):
    """A vector of length 1 (L2). ``vector``: its ``dimension`` numbers as little-endian float32 in base64.

    ``of``: what it stands for, one of ``SUBJECTS``. ``model``: which weights made it; only vectors of one model can be
    compared, by ``metric``.
    """

    type: ClassVar[str] = "embedding"
    stored_type: ClassVar[str] = "embedding"

    vector: str
    dimension: int
    model: str
    of: str
    metric: str = "cosine"

    def __post_init__(self) -> None:
        if self.of not in SUBJECTS:
            raise ValidationError(f"embedding: of must be one of {', '.join(SUBJECTS)}, got {self.of!r}")
        values = self.values()
        if len(values) != self.dimension or not len(values):
            raise ValidationError(f"embedding: {len(values)} numbers where the dimension is {self.dimension}")
        if not abs(float(np.linalg.norm(values.astype(np.float64))) - 1.0) < 1e-3:
            raise ValidationError("embedding: the vector has not the length 1")
        Annotation.__post_init__(self)

    def values(self) -> Vector:
        """The vector (dimension,), read-only. Raises ``ValidationError`` where it is none."""
        try:
            return np.frombuffer(base64.b64decode(self.vector, validate=True), "<f4")
        except (binascii.Error, ValueError) as error:
            raise ValidationError(f"embedding: {error}") from error


def packed(values: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """The fields ``vector`` and ``dimension`` of an ``Embedding`` for ``values`` (n,), brought to the length 1.

    Raises ``ValidationError`` for a vector without a direction."""
    exact = np.asarray(values, np.float64).ravel()
    length = float(np.linalg.norm(exact))
    if not np.isfinite(length) or length == 0.0:
        raise ValidationError("embedding: a vector of zeros, or with numbers that are not finite, has no direction")
    return {
        "vector": base64.b64encode((exact / length).astype("<f4").tobytes()).decode("ascii"),
        "dimension": len(exact),
    }
