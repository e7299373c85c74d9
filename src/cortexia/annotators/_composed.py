"""Captions without a model: sentences put together from what other annotators said, and from nothing else.

A picture that no detector looked at has no boxes, and neither has one in which nothing was found: so a sentence never
says that there is nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from cortexia.annotators._nouns import counted, joined, one, sentence
from cortexia.annotators.motion_summary import MotionSummary
from cortexia.annotators.quality_summary import BLACK, FROZEN, SUMMARY
from cortexia.types import Annotation, BBox, Detection, Measure

COMPOSED = "composed"
"""The model of a row that no model made."""

MOVING = "moving"
"""The label of what ``objects`` saw move and could not name."""

_KINDS = 4
_SAME = 0.5
_DARK, _BRIGHT = 0.2, 0.75
_TURNS = {
    "pan": ("left", "right"),
    "tilt": ("up", "down"),
    "zoom": ("out", "in"),
    "roll": ("to the left", "to the right"),
}
_CAMERA = {"static": "camera at rest", "handheld": "handheld camera", "mixed": "camera on the move"}
_SIZES = ((0.01, "tiny "), (0.05, "small "), (0.3, ""), (0.7, "large "))
_PLACES = (
    ("at the top left", "at the top", "at the top right"),
    ("at the left", "in the middle", "at the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)


def compose(boxes: Sequence[Detection], measures: Sequence[Measure]) -> str | None:
    """A sentence about a picture: what is in it, what the camera of its shot does, and how light the shot is.

    ``boxes``: of that very frame. ``measures``: of ``motion_summary`` and ``quality_summary`` whose span holds it.
    ``None`` where nothing is known.
    """
    parts = [part for part in (things(boxes), _camera(measures), _light(measures)) if part]
    return sentence(", ".join(parts)) if parts else None


def things(boxes: Sequence[Detection]) -> str:
    """``two people, a car and three other things``; people first, then what there is most of. Empty for no boxes.

    What moves and has no name counts where no named thing covers half of it, or it half of a named thing.
    """
    named = [box for box in boxes if box.label not in (None, MOVING)]
    moving = [box for box in boxes if box.label == MOVING and not any(_overlaps(box.box, other.box) for other in named)]
    counts = Counter(str(box.label) for box in named)
    ranked = sorted(counts, key=lambda label: (label != "person", -counts[label], label))
    parts = [counted(counts[label], label) for label in ranked[:_KINDS]]
    if rest := sum(counts[label] for label in ranked[_KINDS:]):
        parts.append(counted(rest, "other thing") if rest > 1 else "another thing")
    if moving:
        parts.append("something that moves" if len(moving) == 1 else f"{counted(len(moving), 'thing')} that move")
    return joined(parts)


def _overlaps(first: BBox, second: BBox) -> bool:
    shared = first.shared_area(second)
    return shared > 0 and shared >= _SAME * min(first.area, second.area)


def _camera(measures: Iterable[Measure]) -> str:
    for measure in measures:
        if measure.label != MotionSummary.name or measure.reason is not None:
            continue
        kind = str(measure.attributes.get("camera"))
        if kind in _TURNS:
            return f"camera {kind}s {_TURNS[kind][measure.values[f'{kind}_mean'] > 0]}"
        return _CAMERA.get(kind, "")
    return ""


def _light(measures: Sequence[Measure]) -> str:
    """Black and frozen where the very moment is; dark and bright by the mean luma of the shot (0 to 1)."""
    labels = {measure.label for measure in measures}
    if BLACK in labels:
        return "black picture"
    summary = next((row for row in measures if row.label == SUMMARY and row.reason is None), None)
    words = [_brightness(summary.values["exposure_mean"])] if summary else []
    shown = [word for word in (*words, "frozen" if FROZEN in labels else "") if word]
    return " ".join((*shown, "picture")) if shown else ""


def _brightness(exposure: float) -> str:
    return "dark" if exposure < _DARK else "bright" if exposure > _BRIGHT else ""


def describe_box(label: str, box: BBox, display: tuple[int, int]) -> str:
    """``A large car at the left.``: by the share of the picture that the box covers, and the third of it in which the
    box's centre lies. ``display``: width and height of the picture in the box's pixels."""
    width, height = display
    share = box.area / (width * height)
    size = next((word for limit, word in _SIZES if share < limit), "very large ")
    column = min(2, max(0, int(3 * (box.x1 + box.x2) / 2 / width)))
    row = min(2, max(0, int(3 * (box.y1 + box.y2) / 2 / height)))
    article, what = one("thing that moves" if label == MOVING else label).split(" ", 1)
    return sentence(f"{'a' if size else article} {size}{what} {_PLACES[row][column]}")


def measures_of(beside: Iterable[Annotation]) -> list[Measure]:
    return [row for row in beside if isinstance(row, Measure)]
