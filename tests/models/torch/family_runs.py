"""One run of each family, as something that can be compared bit by bit."""

from __future__ import annotations

import hashlib

import numpy as np

from cortexia.models.torch import GroundingLimits

BOXES = np.array([[5, 5, 40, 40], [10, 3, 60, 30.5]])
RUNS = {
    "ast": lambda model, picture: model.tag(picture.reshape(-1).astype(np.float32) / 255 - 0.5).tobytes(),
    "blip": lambda model, picture: model.describe(picture, max_tokens=8),
    "clip": lambda model, picture: model.pictures([picture]).tobytes() + model.texts(["a dog"]).tobytes(),
    "florence-2": lambda model, picture: model.describe(picture, "objects", 16),
    "grounding-dino": lambda model, picture: arrays(
        *vars_of(model.detect(picture, ["dog", "man"], GroundingLimits(0, 0)))
    ),
    "sam": lambda model, picture: arrays(*vars_of(model.segment(picture, BOXES))),
    "sam2": lambda model, picture: arrays(*vars_of(model.segment(picture, BOXES))),
    "siglip": lambda model, picture: model.pictures([picture]).tobytes() + model.texts(["a dog"]).tobytes(),
    "wavlm-xvector": lambda model, picture: model.voices([picture.ravel()[:8000].astype(np.float32) / 255]).tobytes(),
}


def vars_of(batch) -> list[np.ndarray]:
    return [value for name in batch.__slots__ if isinstance(value := getattr(batch, name), np.ndarray)]


def arrays(*parts: np.ndarray) -> str:
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
