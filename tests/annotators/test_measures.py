"""Each measure of a picture moves with what it measures, and with little else."""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from cortexia.annotators import _measures as measures
from cortexia.annotators._cells import cell_means
from cortexia.decoders.views import ViewMaker
from cortexia.testing import SCENES, paint_scene

WORKING = (480, 270)


@functools.cache
def scene(name: str, size=WORKING):
    return cv2.cvtColor(paint_scene(name, *size, 1), cv2.COLOR_BGR2GRAY)


def level(value: int, size=WORKING):
    return np.full(size[::-1], value, np.uint8)


def blurred(luma, sigma: float):
    return cv2.GaussianBlur(luma, (0, 0), sigma) if sigma else luma


def noisy(luma, sigma: float, seed: int = 3):
    grain = np.random.default_rng(seed).normal(0, sigma, luma.shape)
    return np.clip(np.round(luma + grain), 0, 255).astype(np.uint8)


def histogram(luma):
    return measures.luma_histogram(luma)


def rises(values) -> bool:
    return all(one < two for one, two in itertools.pairwise(values))


# -- sharpness


@pytest.mark.parametrize("name", SCENES)
def test_sharpness_falls_as_blur_grows(name):
    sharpness = [measures.sharpness(blurred(scene(name), sigma)) for sigma in (0, 0.5, 1, 2, 4, 8)]
    assert rises(sharpness[::-1])


def test_blur_crosses_the_customary_threshold():
    assert measures.sharpness(scene("sea")) > measures.SHARPNESS_THRESHOLD
    assert measures.sharpness(blurred(scene("sea"), 4)) < measures.SHARPNESS_THRESHOLD


@pytest.mark.parametrize("name", ["sea", "forest", "meadow"])
def test_sharpness_keeps_under_an_offset_and_follows_the_square_of_the_gain(name):
    middle = np.clip(scene(name), 40, 200)
    sharpness = measures.sharpness(middle)
    assert measures.sharpness(middle + 30) == pytest.approx(sharpness)
    halved = np.round(middle * 0.5).astype(np.uint8)
    assert measures.sharpness(halved) == pytest.approx(sharpness / 4, rel=0.1)


def working_view(bgr):
    picture = av.VideoFrame.from_ndarray(bgr, "bgr24").reformat(format="yuv420p")
    return ViewMaker(0, Fraction(1)).make(picture, measures.WORKING_VIEW)


@pytest.mark.parametrize("name", ["sea", "city", "meadow", "studio"])
def test_sharpness_depends_little_on_the_size_of_the_video(name):
    """What is left of the size: averaging twice, by ratios that are not whole, softens."""
    large = paint_scene(name, 1920, 1080, 1)
    sharpness = measures.sharpness(working_view(large))
    for size in ((1280, 720), (960, 540), (640, 360)):
        smaller = measures.sharpness(working_view(cv2.resize(large, size, interpolation=cv2.INTER_AREA)))
        assert 0.55 < smaller / sharpness < 1.1
    at_full_size = measures.sharpness(cv2.cvtColor(large, cv2.COLOR_BGR2GRAY))
    assert not 0.55 < at_full_size / sharpness < 1.1


# -- noise


@pytest.mark.parametrize("name", [*SCENES, "flat"])
def test_noise_is_near_the_truth(name):
    clean = level(120) if name == "flat" else np.clip(scene(name), 60, 195)
    found = [measures.noise_sigma(noisy(clean, sigma)) for sigma in (0, 1, 2, 5, 10, 20)]
    assert rises(found)
    assert found[0] < 0.4
    assert found[1:] == pytest.approx([1, 2, 5, 10, 20], rel=0.08, abs=0.2)


def test_texture_is_hardly_taken_for_noise():
    """What the mean over the whole picture (Immerkaer's own estimate) would say of a meadow is a multiple."""
    clean = scene("meadow")
    everywhere = math.sqrt(math.pi / 2) * np.abs(cv2.Sobel(clean, cv2.CV_16S, 2, 2)).mean() / 6
    assert everywhere > 2
    assert measures.noise_sigma(clean) < 0.2


def test_black_bars_hide_no_noise():
    picture = noisy(np.clip(scene("dusk"), 60, 195), 5)
    alone = measures.noise_sigma(picture)
    picture[:45] = picture[-45:] = 0
    assert measures.noise_sigma(picture) == pytest.approx(alone, rel=0.1)


@pytest.mark.parametrize("value", [0, 120, 255])
def test_one_level_is_without_noise(value):
    assert measures.noise_sigma(level(value)) == 0


def test_compression_takes_noise_away():
    picture = noisy(scene("dusk"), 5)
    found = []
    for quality in (80, 50, 10):
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        found.append(measures.noise_sigma(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)))
    assert rises([*found[::-1], measures.noise_sigma(picture)])


# -- light


@pytest.mark.parametrize("value", [0, 51, 128, 255])
def test_exposure_is_the_mean(value):
    assert measures.exposure(histogram(level(value))) == pytest.approx(value / 255)


@pytest.mark.parametrize(("gain", "lift"), [(1.0, 0), (0.5, 0), (0.25, 100), (0.8, 40)])
def test_exposure_and_contrast_follow_gain_and_lift(gain, lift):
    luma = scene("forest")
    lit = histogram(np.round(luma * gain + lift).astype(np.uint8))
    assert measures.exposure(lit) == pytest.approx((luma.mean() * gain + lift) / 255, abs=0.002)
    assert measures.contrast(lit) == pytest.approx(luma.std() * gain / 255, abs=0.002)


def test_contrast_is_at_most_a_half():
    half = level(0)
    half[:, :240] = 255
    assert measures.contrast(histogram(half)) == 0.5
    assert measures.contrast(histogram(level(70))) == 0


def test_what_is_nearly_black_and_nearly_white():
    luma = level(0, (5, 1))
    luma[0] = [15, 16, 128, 239, 240]
    assert measures.underexposed(histogram(luma)) == 0.2
    assert measures.overexposed(histogram(luma)) == 0.2


@pytest.mark.parametrize("name", ["dusk", "city"])
def test_shares_follow_the_light(name):
    lit = [np.clip(scene(name) * gain, 0, 255).astype(np.uint8) for gain in (0.05, 0.3, 1.0, 2.0, 5.0)]
    under = [measures.underexposed(histogram(luma)) for luma in lit]
    over = [measures.overexposed(histogram(luma)) for luma in lit]
    assert under == sorted(under, reverse=True)
    assert under[0] > 0.9
    assert over == sorted(over)
    assert over[-1] > 0.1 > over[2]


@pytest.mark.parametrize("count", [1, 2, 4, 16, 64, 256])
def test_entropy_is_the_logarithm_of_the_palette(count):
    palette = np.arange(256) * count // 256 * (256 // count)
    luma = np.tile(palette, (256, 1)).astype(np.uint8)
    assert measures.entropy(histogram(luma)) == pytest.approx(math.log2(count), abs=1e-9)


def test_fewer_levels_of_a_scene_have_less_entropy():
    luma = scene("forest")
    assert rises([measures.entropy(histogram(luma // step * step)) for step in (128, 64, 16, 4, 1)])


# -- difference


@pytest.mark.parametrize("step", [0, 51, 255])
def test_difference_in_fractions_of_full_scale(step):
    assert measures.difference(level(step), level(0)) == measures.difference(level(0), level(step)) == step / 255


def test_difference_grows_with_the_way_moved():
    wide = scene("city", (600, 270))
    assert rises([measures.difference(wide[:, shift : shift + 480], wide[:, :480]) for shift in (0, 1, 2, 4, 8)])


# -- any size


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 480), (480, 3), (17, 15)])
def test_pictures_of_any_size_can_be_measured(size):
    luma = noisy(level(100, size), 20)
    assert measures.sharpness(luma) >= 0
    assert measures.noise_sigma(luma) >= 0
    assert 0 <= measures.entropy(histogram(luma)) <= 8


@pytest.mark.parametrize(("columns", "rows"), [(8, 8), (9, 8), (30, 16), (480, 270)])
def test_cells_are_means_over_areas(columns, rows):
    luma = noisy(scene("grid"), 10)
    wanted = cv2.resize(luma.astype(np.float64), (columns, rows), interpolation=cv2.INTER_AREA)
    assert cell_means(luma, columns, rows) == pytest.approx(wanted, abs=1e-4)


def test_cells_may_be_smaller_than_pixels():
    assert cell_means(np.array([[10, 20]], np.uint8), 4, 2) == pytest.approx(np.array([[10, 10, 20, 20]] * 2))
