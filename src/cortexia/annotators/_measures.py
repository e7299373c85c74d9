"""What is measured of a single picture: luma (height, width) uint8, 0 black, 255 white, at the working resolution.

The working resolution is fixed because sharpness and noise depend on the scale: larger pictures are averaged down
until their longer side has 480 pixels (480 x 270 for 16:9, 270 x 480 upright), smaller ones are left as they are.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._cells import cell_means
from cortexia.types import Picture, ViewSpec

WORKING_VIEW = ViewSpec(bound=480, pixel_format="gray", resample="area")

SHARPNESS_THRESHOLD = 100.0
"""Variance of the Laplacian below which a picture is customarily called blurred. It depends on what is shown: a wall in
focus lies below it, too."""

NEAR_BLACK = 16
NEAR_WHITE = 239
"""Luma below the one is nearly black, above the other nearly white."""

_NOISE_GAIN = math.sqrt(math.pi / 2) / 6
_BLOCK = 16
_QUIET_SHARE = 0.25
_QUIET_BIAS = 0.944
_LEVELS = np.arange(256)

Histogram = NDArray[np.int64]


def sharpness(luma: Picture) -> float:
    """Variance of the Laplacian (4 neighbours), in squared levels, 0 and up; monotone in focus for one scene.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000. It grows with
    the square of the contrast: a picture lit half as bright has a quarter of it.
    """
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return float(deviation[0, 0]) ** 2


def noise_sigma(luma: Picture) -> float:
    """Standard deviation of white noise, in levels (0 .. 255).

    The mask of J. Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996, which cancels planes and straight
    edges along the axes. Its mean over the whole picture takes texture for noise; here it is averaged over blocks of
    about 16 x 16 pixels, and the quarter of quietest blocks decides, as in the block-based estimators that S. I. Olsen
    compares ("Estimation of noise in images: an evaluation", CVGIP 55(4), 1993), with their bias taken out.
    Blocks that are nearly black or white on average, where noise is clipped, count only if there are no others.
    """
    height, width = luma.shape
    blocks = max(1, width // _BLOCK), max(1, height // _BLOCK)
    # the second derivative along both axes is that very mask
    response = np.abs(cv2.Sobel(luma, cv2.CV_16S, 2, 2)).astype(np.float32)
    levels, means = cell_means(luma, *blocks), cell_means(response, *blocks)
    usable = means[(levels >= NEAR_BLACK) & (levels <= NEAR_WHITE)]
    ranked = np.sort(usable if usable.size else means, axis=None)
    return float(ranked[int(_QUIET_SHARE * len(ranked))]) * _NOISE_GAIN / _QUIET_BIAS


def difference(luma: Picture, before: Picture) -> float:
    """Mean absolute difference of two pictures of the same size, 0 .. 1 (black to white)."""
    return cv2.norm(luma, before, cv2.NORM_L1) / (255 * luma.size)


def luma_histogram(luma: Picture) -> Histogram:
    """Pixels at each of the 256 levels."""
    return cv2.calcHist([luma], [0], None, [256], [0, 256]).reshape(-1).astype(np.int64)


def exposure(histogram: Histogram) -> float:
    """Mean luma, 0 (black) .. 1 (white). Code values as stored, not linear light."""
    return float(histogram @ _LEVELS / histogram.sum() / 255)


def underexposed(histogram: Histogram) -> float:
    """Share of pixels that are nearly black (below 16), 0 .. 1."""
    return float(histogram[:NEAR_BLACK].sum() / histogram.sum())


def overexposed(histogram: Histogram) -> float:
    """Share of pixels that are nearly white (above 239), 0 .. 1."""
    return float(histogram[NEAR_WHITE + 1 :].sum() / histogram.sum())


def contrast(histogram: Histogram) -> float:
    """Standard deviation of luma, 0 .. 0.5 of full scale.

    RMS contrast after E. Peli, "Contrast in complex images", JOSA A 7(10), 1990.
    """
    count = histogram.sum()
    mean = histogram @ _LEVELS / count
    return math.sqrt(float(histogram @ (_LEVELS - mean) ** 2 / count)) / 255


def entropy(histogram: Histogram) -> float:
    """Shannon entropy of the levels in bits, 0 (one level) .. 8 (all alike).

    C. E. Shannon, "A mathematical theory of communication", 1948, of the histogram: where pixels lie does not count.
    """
    shares = histogram[histogram > 0] / histogram.sum()
    return abs(float(shares @ np.log2(shares)))
