"""From an entry of the catalogue to a detector that works."""

from __future__ import annotations

from collections.abc import Callable

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters import nanodet, yolox
from cortexia.models.adapters.base import Detector, Family, Limits, NetworkDetector, input_side
from cortexia.models.base import InferenceSession, ModelAccess, ModelEntry

Maker = Callable[[InferenceSession, Limits, int], Family]


def _yolox(session: InferenceSession, limits: Limits, side: int) -> Family:
    return yolox.Yolox(input_side(session, side), limits)


def _nanodet(session: InferenceSession, limits: Limits, side: int) -> Family:
    return nanodet.Nanodet(input_side(session, side), limits, nanodet.output_names(session))


_FAMILIES: dict[str, tuple[Maker, float, int]] = {
    "yolox": (_yolox, yolox.MAX_OVERLAP, 416),
    "nanodet": (_nanodet, nanodet.MAX_OVERLAP, 320),
}


def open_detector(models: ModelAccess, model_id: str, threshold: float, max_overlap: float | None = None) -> Detector:
    """The detector for a model of the catalogue, with as many threads as the job may use.

    ``max_overlap``: intersection over union, at most, of two detections of a class; by default the family's own. The
    entry's settings may say otherwise: ``max_overlap``, and ``input_size`` (width, height) where several go.
    Raises ``UnknownNameError`` for a family that is no detector's, ``ConfigurationError`` for settings that do not fit,
    and whatever ``ModelAccess.open`` raises.
    """
    entry = models.entry(model_id)
    if entry.adapter not in _FAMILIES:
        raise UnknownNameError(f"detector family (of model {model_id!r})", entry.adapter, _FAMILIES)
    make, usual_overlap, usual_side = _FAMILIES[entry.adapter]
    if max_overlap is None:
        max_overlap = _overlap(entry, usual_overlap)
    side = _side(entry, usual_side)
    session = models.open(model_id)
    return NetworkDetector(session, make(session, Limits(threshold, max_overlap), side), models.threads)


def _overlap(entry: ModelEntry, usual: float) -> float:
    match entry.settings.get("max_overlap", usual):
        case float() | int() as overlap if 0 <= overlap <= 1:
            return float(overlap)
        case other:
            raise _unfit(entry, "max_overlap", "a number in 0 .. 1", other)


def _side(entry: ModelEntry, usual: int) -> int:
    match entry.settings.get("input_size", [usual, usual]):
        case [int(width), int(height)] if width == height > 0:
            return width
        case other:
            raise _unfit(entry, "input_size", "[width, height] in pixels, of a square", other)


def _unfit(entry: ModelEntry, setting: str, wanted: str, given: object) -> ConfigurationError:
    return ConfigurationError(f"model {entry.id!r}: setting {setting!r} must be {wanted}, got {given!r}")
