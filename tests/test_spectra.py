"""Sums over bands are those of the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from cortexia.spectra import Bands, mel_weights


@pytest.mark.parametrize(("bands", "low_hz", "high_hz"), [(64, 125.0, 7500.0), (128, 20.0, 8000.0), (4, 0.0, 8000.0)])
def test_sums_over_bands_leave_nothing_out(bands, low_hz, high_hz):
    weights = mel_weights(bands, low_hz, high_hz, 512, 16_000)
    spectra = np.random.default_rng(1).random((7, 257))
    assert np.abs(Bands(weights).sums(spectra) - spectra @ weights).max() < 1e-12
    assert np.abs(Bands(weights[:, ::-1]).sums(spectra) - spectra @ weights).max() > 1e-3
