"""What was detected in a picture, for those who look at the same picture after the detector."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cortexia.types import Annotation, Detection, Frame


def detections_in(frame: Frame, said: Sequence[Annotation], wanted: Collection[str] | None) -> list[Detection]:
    """Detections of this very frame with one of the labels ``wanted`` (``None``: any), by falling confidence; of equal
    ones by label and box. ``said``: what upstream said since the last picture that was looked at."""
    found = [
        item
        for item in said
        if isinstance(item, Detection) and item.frame_index == frame.index and (wanted is None or item.label in wanted)
    ]
    return sorted(found, key=lambda item: (-(item.confidence or 0.0), item.label or "", item.box.xywh))


def corners_of(found: Detection) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 of its box."""
    return found.box.corners
