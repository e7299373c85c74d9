"""Painted places for generated clips: each with a palette of its own, and detail at several scales.

A scene paints a canvas of any size (BGR, uint8), the same one for the same size and seed. Sizes follow the height, so
that a wide canvas shows more of the place and not a stretched one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.types import Picture

Scene = Callable[[int, int, np.random.Generator], Picture]
Colour = tuple[int, int, int]
Line = NDArray[np.float64]


def paint_scene(name: str, width: int, height: int, seed: int) -> Picture:
    """The place ``name`` on a canvas of ``width`` x ``height``. Raises ``KeyError`` for a name not in ``SCENES``."""
    return SCENES[name](width, height, np.random.Generator(np.random.PCG64(seed)))


def _gradient(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Picture:
    """Top to bottom, through the colours at the given fractions of the height."""
    rows = np.linspace(0.0, 1.0, height)
    places = [place for place, _ in stops]
    columns = [np.interp(rows, places, [colour[channel] for _, colour in stops]) for channel in range(3)]
    return np.repeat(np.stack(columns, axis=1)[:, None, :], width, axis=1).astype(np.uint8)


def _ridge(width: int, height: int, rng: np.random.Generator, level: float, rough: float, octaves: int = 7) -> Line:
    """Heights (pixels from the top) of a skyline around ``level``, from octaves of sines."""
    at = np.arange(width) / height
    line = np.zeros(width)
    for octave in range(octaves):
        phase, bend = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.25)
        line += 0.55**octave * np.sin(2 * np.pi * at * bend * 1.3 * 1.9**octave + phase)
    return (level + rough * line) * height


def _fill_below(picture: Picture, line: Line, colour: Colour, shade: float = 0.0) -> None:
    """Everything under the line; ``shade`` darkens (or, negative, lightens) it towards the bottom."""
    height, width = picture.shape[:2]
    depth = (np.arange(height)[:, None] - line[None, :width]) / height
    tint = np.clip(1.0 - shade * np.clip(depth, 0, 1) * 2, 0, 2)[..., None]
    body = np.clip(np.array(colour, dtype=np.float64) * tint, 0, 255)
    cover = np.clip(depth * height + 0.5, 0, 1)[..., None]
    picture[:] = (picture * (1 - cover) + body * cover).astype(np.uint8)


def _cloudy(
    width: int, height: int, rng: np.random.Generator, cell: float = 0.5, octaves: int = 5
) -> NDArray[np.float32]:
    """Fractal noise in about [-1, 1]; ``cell``: size of its largest spots in heights."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = cell * height / 2**octave
        shape = (max(2, round(height / size) + 2), max(2, round(width / size) + 2))
        spots = rng.uniform(-1, 1, shape).astype(np.float32)
        total += 0.5**octave * cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    return total


def _textured(picture: Picture, texture: NDArray[np.float32], strength: float) -> Picture:
    return np.clip(picture + (strength * texture)[..., None], 0, 255).astype(np.uint8)


def _glow(picture: Picture, centre: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    distance = np.hypot(columns - centre[0], rows - centre[1]) / radius
    light = (strength * np.exp(-(distance**2)))[..., None]
    picture[:] = np.clip(picture * (1 - light) + np.array(colour) * light, 0, 255).astype(np.uint8)


def _disc(picture: Picture, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    at = (round(centre[0] * 16), round(centre[1] * 16))
    cv2.circle(picture, at, max(1, round(radius * 16)), colour, -1, cv2.LINE_AA, 4)


def _box(picture: Picture, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    cv2.rectangle(picture, (round(left), round(top)), (round(right), round(bottom)), colour, -1)


def _dusk(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Mountains against an evening sky."""
    sky = _gradient(
        width, height, [(0, (96, 44, 30)), (0.35, (140, 84, 150)), (0.62, (110, 150, 250)), (1, (150, 200, 255))]
    )
    for _ in range(width * 60 // height):
        _disc(
            sky,
            (rng.uniform(0, width), rng.uniform(0, 0.35) * height),
            rng.uniform(0.6, 1.5) * height / 700,
            (235, 225, 220),
        )
    sun = (0.62 * min(width, 1.8 * height), 0.52 * height)
    _glow(sky, sun, 0.42 * height, (120, 190, 255), 0.75)
    _disc(sky, sun, 0.07 * height, (190, 240, 255))
    layers: list[tuple[float, float, Colour]] = [
        (0.56, 0.05, (150, 100, 128)),
        (0.66, 0.06, (110, 66, 88)),
        (0.78, 0.06, (74, 40, 52)),
        (0.92, 0.045, (38, 20, 26)),
    ]
    for level, rough, colour in layers:
        _fill_below(sky, _ridge(width, height, rng, level, rough), colour, 0.5)
    return sky


def _sea(width: int, height: int, rng: np.random.Generator) -> Picture:
    """A bright bay with an island and glitter on the water."""
    picture = _gradient(
        width, height, [(0, (235, 170, 90)), (0.45, (250, 225, 190)), (0.451, (170, 130, 20)), (1, (90, 58, 6))]
    )
    clouds = np.clip(_cloudy(width, height, rng, 0.6) * 1.1 - 0.15, 0, 0.9)
    clouds *= np.clip(1 - np.arange(height)[:, None] / (0.4 * height), 0, 1) ** 0.5
    picture[:] = (picture * (1 - clouds[..., None]) + 250 * clouds[..., None]).astype(np.uint8)
    island = _ridge(width, height, rng, 0.462, 0.035)
    waterline = round(0.45 * height)
    below = picture[waterline:].copy()
    _fill_below(picture, island, (96, 120, 92), 2.0)
    picture[waterline:] = below
    for _ in range(width * 900 // height):
        depth = rng.uniform(0, 1) ** 1.6
        length, row = (0.006 + 0.035 * depth) * height, waterline + (0.01 + 0.54 * depth) * height
        column, gleam = rng.uniform(-0.05, 1) * width, rng.uniform(0.25, 1)
        tint = (int(150 + 100 * gleam), int(110 + 130 * gleam), int(30 + 190 * gleam * gleam))
        cv2.line(
            picture,
            (round(column), round(row)),
            (round(column + length), round(row)),
            tint,
            max(1, height // 360),
            cv2.LINE_AA,
        )
    return picture


def _city(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Lit windows at night, over wet asphalt."""
    picture = _gradient(
        width, height, [(0, (48, 22, 12)), (0.5, (92, 52, 22)), (0.8, (120, 90, 60)), (1, (40, 34, 30))]
    )
    _glow(picture, (0.3 * width, 0.75 * height), 0.5 * height, (80, 120, 190), 0.5)
    for depth, (tone, low, high) in enumerate(
        [((78, 48, 30), 0.28, 0.5), ((52, 30, 20), 0.38, 0.62), ((30, 18, 14), 0.52, 0.72)]
    ):
        left = rng.uniform(-0.1, 0) * height
        while left < width:
            right, top = left + rng.uniform(0.1, 0.24) * height, rng.uniform(low, high) * height
            _box(picture, left, top, right, 0.86 * height, tone)
            _windows(picture, (left, top, right, 0.84 * height), rng, 0.022 + 0.008 * depth)
            left = right + rng.uniform(-0.01, 0.05) * height
    street = picture[round(0.86 * height) :]
    mirror = picture[round(0.86 * height) - len(street) : round(0.86 * height)][::-1]
    street[:] = cv2.blur((0.45 * mirror + 12).astype(np.uint8), (1, max(1, height // 24)))
    return picture


def _windows(
    picture: Picture, house: tuple[float, float, float, float], rng: np.random.Generator, pitch: float
) -> None:
    left, top, right, bottom = house
    step = pitch * picture.shape[0]
    lamps: list[Colour] = [(120, 210, 255), (150, 225, 250), (90, 170, 240), (230, 220, 190)]
    for row in np.arange(top + step, bottom - step, step * 1.25):
        for column in np.arange(left + 0.6 * step, right - 0.8 * step, step):
            if rng.uniform() < 0.42:
                _box(picture, column, row, column + 0.45 * step, row + 0.6 * step, lamps[rng.integers(4)])


def _forest(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Trunks in green mist."""
    picture = _gradient(width, height, [(0, (170, 225, 205)), (0.6, (120, 190, 150)), (1, (50, 96, 60))])
    picture = _textured(picture, _cloudy(width, height, rng, 0.4), 14)
    for depth in range(5):
        tone = np.array([130, 170, 140]) * (1 - depth / 5) + np.array([24, 40, 34]) * (depth / 5)
        colour = (int(tone[0]), int(tone[1]), int(tone[2]))
        for _ in range(max(2, round((11 - 1.6 * depth) * width / height / 1.6))):
            _tree(picture, rng, depth, colour)
        _fill_below(picture, _ridge(width, height, rng, 0.76 + 0.05 * depth, 0.012), colour, -0.4)
    return picture


def _tree(picture: Picture, rng: np.random.Generator, depth: int, colour: Colour) -> None:
    height, width = picture.shape[:2]
    column, girth = rng.uniform(0, width), (0.008 + 0.008 * depth) * height
    foot = (0.8 + 0.06 * depth) * height
    lean = rng.uniform(-0.03, 0.03) * height
    trunk = np.array(
        [
            (column - girth, foot),
            (column + girth, foot),
            (column + 0.5 * girth + lean, 0),
            (column - 0.5 * girth + lean, 0),
        ]
    )
    cv2.fillPoly(picture, [np.round(trunk).astype(np.int32)], colour, cv2.LINE_AA)
    for _ in range(5):
        root, reach = rng.uniform(0.1, 0.6) * height, rng.uniform(-0.16, 0.16) * height
        start = (round(column + lean * (1 - root / foot)), round(root))
        cv2.line(
            picture,
            start,
            (round(column + reach), round(root - abs(reach) * 0.7)),
            colour,
            max(1, round(girth * 0.35)),
            cv2.LINE_AA,
        )


def _desert(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Dunes under a white noon."""
    picture = _gradient(width, height, [(0, (225, 180, 120)), (0.5, (225, 222, 205)), (1, (120, 170, 225))])
    for layer in range(5):
        level = 0.46 + 0.13 * layer
        warm = (int(150 - 22 * layer), int(190 - 20 * layer), int(240 - 14 * layer))
        line = _ridge(width, height, rng, level, 0.03 + 0.012 * layer, 2)
        _fill_below(picture, line, warm, 0.55)
    ripples = np.sin(
        np.arange(height)[:, None] ** 1.35 / height**0.35 * 2.2 + 2.5 * _cloudy(width, height, rng, 0.5, 3)
    )
    fade = np.clip((np.arange(height) / height - 0.55) * 3, 0, 1)[:, None]
    return _textured(picture, (ripples * fade).astype(np.float32), 13)


def _meadow(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Flowers in high grass."""
    picture = _gradient(
        width, height, [(0, (245, 205, 150)), (0.3, (240, 230, 205)), (0.42, (96, 190, 150)), (1, (30, 110, 56))]
    )
    _fill_below(picture, _ridge(width, height, rng, 0.34, 0.02), (92, 150, 88), -0.6)
    _fill_below(picture, _ridge(width, height, rng, 0.45, 0.015), (70, 176, 122), 0.5)
    picture = _textured(
        picture, _cloudy(width, height, rng, 0.12, 4) * (np.arange(height)[:, None] > 0.45 * height), 16
    )
    petals: list[Colour] = [(60, 60, 235), (245, 245, 250), (40, 205, 250), (200, 90, 190), (230, 150, 90)]
    places = sorted(
        (rng.uniform(0, 1) ** 0.8, rng.uniform(0, width), int(rng.integers(5))) for _ in range(width * 260 // height)
    )
    for depth, column, kind in places:
        row, size = (0.47 + 0.52 * depth) * height, (0.004 + 0.016 * depth) * height
        cv2.line(
            picture,
            (round(column), round(row)),
            (round(column), round(row + 3 * size)),
            (40, 120, 50),
            max(1, round(size / 3)),
            cv2.LINE_AA,
        )
        _disc(picture, (column, row), size, petals[kind])
        _disc(picture, (column, row), 0.35 * size, (40, 150, 220))
    return picture


def _studio(width: int, height: int, rng: np.random.Generator) -> Picture:
    """A papered room with pictures on the wall and a lamp."""
    picture = _gradient(
        width, height, [(0, (120, 130, 176)), (0.74, (138, 150, 200)), (0.741, (50, 66, 104)), (1, (30, 40, 70))]
    )
    step = 0.11 * height
    for row, top in enumerate(np.arange(0.03 * height, 0.7 * height, step)):
        for left in np.arange(-step, width + step, step):
            _disc(picture, (left + (row % 2) * step / 2, top), 0.016 * height, (104, 112, 160))
    picture[round(0.725 * height) : round(0.75 * height)] = (205, 215, 225)
    for column in np.arange(0.28 * height, width, 0.78 * height):
        wide, tall = rng.uniform(0.22, 0.42) * height, rng.uniform(0.2, 0.32) * height
        left, top = column + rng.uniform(-0.06, 0.06) * height, rng.uniform(0.12, 0.24) * height
        _box(picture, left - 6, top - 6, left + wide + 6, top + tall + 6, (40, 52, 70))
        _box(picture, left, top, left + wide, top + tall, (225, 232, 236))
        inner = _dusk(max(8, round(wide * 0.8)), max(8, round(tall * 0.75)), rng)
        _paste(picture, inner, round(left + 0.1 * wide), round(top + 0.125 * tall))
    boards = np.sin(np.arange(width)[None, :] / height * 40) * (np.arange(height)[:, None] > 0.75 * height)
    picture = _textured(picture, (boards + 0.4 * _cloudy(width, height, rng, 0.3)).astype(np.float32), 7)
    _glow(picture, (0.16 * height, 0.3 * height), 0.5 * height, (170, 220, 255), 0.6)
    return picture


def _paste(picture: Picture, patch: Picture, left: int, top: int) -> None:
    room = picture[max(0, top) : top + patch.shape[0], max(0, left) : left + patch.shape[1]]
    room[:] = patch[: room.shape[0], : room.shape[1]]


def _grid(width: int, height: int, rng: np.random.Generator) -> Picture:
    """A test card: colour bars, checks and a ramp."""
    bars = [(192, 192, 192), (0, 192, 192), (192, 192, 0), (0, 192, 0), (192, 0, 192), (0, 0, 192), (192, 0, 0)]
    picture = np.zeros((height, width, 3), np.uint8)
    cell = max(1, round(height / 4))
    for ordinal, left in enumerate(range(0, width, cell)):
        picture[:, left : left + cell] = bars[ordinal % 7]
    check = max(1, round(height / 24))
    rows, columns = np.ogrid[:height, :width]
    checks = ((rows // check + columns // check) % 2 * 160 + 40).astype(np.uint8)
    band = slice(round(0.55 * height), round(0.8 * height))
    picture[band] = checks[band, :, None]
    picture[round(0.8 * height) :] = (np.arange(width) * 255 // max(1, width - 1)).astype(np.uint8)[None, :, None]
    return picture


SCENES: dict[str, Scene] = {
    "dusk": _dusk,
    "sea": _sea,
    "city": _city,
    "forest": _forest,
    "desert": _desert,
    "meadow": _meadow,
    "studio": _studio,
    "grid": _grid,
}
