"""YAMNet (M. Plakal and D. Ellis, Google, 2020): 521 classes of sound, by MobileNet v1 on log-mel spectra.

The TFLite export that takes spectra. Its scores are of 8 bits or so, and low for some classes: what counts as heard is
for its users to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cortexia.models.base import Tensor
from cortexia.spectra import Bands, frames_of, hann, magnitudes, mel_weights

RATE = 16_000
FRAMES, BANDS = 96, 64
FRAME, HOP, FFT = 400, 160, 512
PATCH = FRAME + (FRAMES - 1) * HOP
"""Samples that it hears at once: 96 frames of 25 ms, one each 10 ms."""
PATCH_HOP = 24 * HOP
"""Samples from one patch to the next, 0.24 s: half of its authors' step, so that ends are found more exactly."""
_WINDOW = hann(FRAME)
_BANDS = Bands(mel_weights(BANDS, 125.0, 7500.0, FFT, RATE))
_OFFSET = 0.001


class Yamnet:
    """Takes log-mel spectra of patches of sound, which are mono at 16 kHz in [-1, 1].

    The result: (521,) float32 in [0, 1], in the order of ``audioset.CLASSES``; each class is judged alone.
    """

    def prepare(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(96, 64) from (15600,): ln(magnitude in 64 mel bands of 125 to 7500 Hz + 0.001)."""
        spectra = magnitudes(frames_of(samples, FRAME, HOP), _WINDOW, FFT)
        return np.log(_BANDS.sums(spectra) + _OFFSET).astype(np.float32)

    def read(self, outputs: Sequence[Tensor], samples: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = outputs[0].astype(np.float32)
        return scores
