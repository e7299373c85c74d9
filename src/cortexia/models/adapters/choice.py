"""From an entry of the catalogue to a detector that works."""

from __future__ import annotations

from collections.abc import Callable

from cortexia.models.adapters import nanodet, settings, yolox
from cortexia.models.adapters.base import Detector, Family, Limits, NetworkDetector, input_side
from cortexia.models.base import InferenceSession, ModelAccess

Maker = Callable[[InferenceSession, Limits, int], Family]


def _yolox(session: InferenceSession, limits: Limits, side: int) -> Family:
    return yolox.Yolox(input_side(session, side), limits)


def _nanodet(session: InferenceSession, limits: Limits, side: int) -> Family:
    return nanodet.Nanodet(input_side(session, side), limits, nanodet.output_names(session))


_FAMILIES: dict[str, tuple[Maker, float, int]] = {
    "yolox": (_yolox, yolox.MAX_OVERLAP, 416),
    "nanodet": (_nanodet, nanodet.MAX_OVERLAP, 320),
}

DETECTORS = tuple(_FAMILIES)
"""Families of detectors."""


def open_detector(models: ModelAccess, model_id: str, threshold: float, max_overlap: float | None = None) -> Detector:
    """The detector for a model of the catalogue, with as many threads as the job may use.

    ``max_overlap``: intersection over union, at most, of two detections of a class; by default the family's own. The
    entry's settings may say otherwise: ``max_overlap``, and ``input_size`` (width, height) where several go.
    Raises ``UnknownNameError`` for a family that is no detector's, ``ConfigurationError`` for settings that do not fit,
    and whatever ``ModelAccess.open`` raises.
    """
    entry = models.entry(model_id)
    settings.check_family(entry, "detector", _FAMILIES)
    make, usual_overlap, usual_side = _FAMILIES[entry.adapter]
    if max_overlap is None:
        max_overlap = settings.overlap(entry, usual_overlap)
    side = settings.side(entry, usual_side)
    session = models.open(model_id)
    return NetworkDetector(session, make(session, Limits(threshold, max_overlap), side), models.threads)
