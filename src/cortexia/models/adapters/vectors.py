"""Vectors that stand for pictures and faces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unit(vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The vector (n,) at the length 1 (L2); a vector of zeros stays one."""
    exact = vector.astype(np.float64).ravel()
    length = float(np.linalg.norm(exact))
    return (exact / length if length else exact).astype(np.float32)
