"""Whoever gives scores to labels of sound, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Score(NamedTuple):
    """``value`` in [0, 1], how far ``label`` is heard. ``finer``: what of it, where the listener knows better."""

    label: str
    value: float
    finer: str | None = None


class Listener(Protocol):
    """Hears a window every ``hop`` samples. What it says of one depends on the samples that it is given alone."""

    @property
    def window(self) -> int:
        """Samples that it hears at once, at 16 kHz."""

    @property
    def lead(self) -> int:
        """Samples before them that it has to hear too; silence where the sound begins later."""

    @property
    def hop(self) -> int:
        """Samples from one window to the next; at most ``window``."""

    def scores(self, samples: NDArray[np.float32]) -> Sequence[Score]:
        """One for each label that may be heard, in the same order every time.

        ``samples``: (lead + window,) mono at 16 kHz."""

    def close(self) -> None:
        """Give back threads."""
