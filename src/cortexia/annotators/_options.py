"""What options of several annotators have in common: ranges, and lists of labels."""

from __future__ import annotations

from collections.abc import Mapping

from cortexia.annotators.base import Annotator
from cortexia.errors import ConfigurationError


def require_ranges(recipe: Annotator, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Raises ``ConfigurationError`` for an option that is set and lies outside its range, both ends included."""
    for option, (low, high) in ranges.items():
        value = getattr(recipe, option)
        if value is not None and not low <= value <= high:
            raise ConfigurationError(
                f"option {option!r} of annotator {recipe.name!r} must lie in {low:g} .. {high:g}, got {value}"
            )


def require_labels(annotator: str, labels: str | None) -> None:
    """Raises ``ConfigurationError`` where the option ``labels`` is set and names nothing: nothing could pass."""
    if labels is not None and not labels_in(labels):
        raise ConfigurationError(f"option 'labels' of annotator {annotator!r} names no label: {labels!r}")


def labels_in(text: str | None) -> frozenset[str] | None:
    """The labels between the commas of ``text``; ``None``, for all, where there is no text."""
    return None if text is None else frozenset(part.strip() for part in text.split(",") if part.strip())
