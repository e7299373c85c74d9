"""Pixels laid out as networks take them: fitted into a corner, stretched, as planes, in another order of colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cortexia.errors import ConfigurationError
from cortexia.models.base import InferenceSession
from cortexia.types import Picture

GRID = 32
"""Sides of pictures for networks that take any size are multiples of it (pixels): their coarsest stride."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture of size ``picture`` lies in what a network takes: brought to ``inner``, in the top left corner of
    ``outer``."""

    picture: Size
    inner: Size
    outer: Size

    @property
    def scale(self) -> NDArray[np.float64]:
        """Pixels of the picture for one of the network's, (2,): along x and along y."""
        return np.array(self.picture, np.float64) / self.inner


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large a picture goes in, its aspect kept. ``fixed``: the one size that the network takes; ``None`` where it
    takes any, and then larger pictures are shrunk to ``longest`` pixels on their longer side (``None``: none are).
    """

    fixed: Size | None = None
    longest: int | None = None

    def fit(self, width: int, height: int) -> Fit:
        """The place of a picture of ``width`` x ``height`` pixels."""
        if self.fixed is not None:
            return Fit((width, height), _scaled((width, height), self.fixed), self.fixed)
        inner = (width, height)
        if self.longest is not None and max(inner) > self.longest:
            inner = _scaled(inner, (self.longest, self.longest))
        return Fit((width, height), inner, (_upwards(inner[0]), _upwards(inner[1])))


def sizing_of(session: InferenceSession, longest: int | None) -> Sizing:
    """The sizing for a network with planes as input, (n, channels, height, width).

    Raises ``ConfigurationError`` for another input.
    """
    shape = session.inputs[0].shape
    if len(shape) != 4:
        raise ConfigurationError(
            f"this network takes no pictures as planes: its input is {shape}, not (n, channels, height, width); name"
            " another adapter in its entry of the catalogue"
        )
    height, width = shape[-2:]
    return Sizing(None if width is None or height is None else (width, height), longest)


def fitted(picture: Picture, fit: Fit, padding: int = 0) -> Picture:
    """The picture as ``fit`` says; what is left of ``outer`` has the value ``padding``."""
    padded = np.full((fit.outer[1], fit.outer[0], 3), padding, np.uint8)
    inner = picture
    if fit.inner != fit.picture:
        inner = resized(picture, fit.inner)
    padded[: fit.inner[1], : fit.inner[0]] = inner
    return padded


def resized(picture: Picture, size: Size) -> Picture:
    """The picture at ``size`` without regard to its aspect, bilinear."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def planes(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """(h, w, channels) as (channels, h, w) float32."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)


def stretched_rgb(picture: Picture, size: Size) -> Picture:
    """The picture at ``size`` without regard to its aspect, RGB."""
    return np.ascontiguousarray(resized(picture, size)[..., ::-1])


def _scaled(size: Size, bounds: Size) -> Size:
    """The largest size of the same aspect within ``bounds``."""
    scale = min(bounds[0] / size[0], bounds[1] / size[1])
    return max(1, min(bounds[0], round(size[0] * scale))), max(1, min(bounds[1], round(size[1] * scale)))


def _upwards(side: int) -> int:
    return -(-side // GRID) * GRID
