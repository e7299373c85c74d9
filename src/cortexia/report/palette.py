"""Colours of labels: Okabe and Ito's set ("Color universal design", 2008), which colour-blind people tell apart."""

from __future__ import annotations

from collections.abc import Sequence

LABEL_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")
"""In the order in which labels take them; ``style.css`` repeats them as ``.c0`` .. ``.c7``."""

TEXT_ON = ("#000000",) * 4 + ("#ffffff",) + ("#000000",) * 3
"""The colour of text on each of them."""


def colour_indexes(labels: Sequence[str]) -> dict[str, int]:
    """A place in the palette for each label, given the most frequent first; from the ninth on colours repeat."""
    return {label: place % len(LABEL_COLOURS) for place, label in enumerate(labels)}
