"""A line over time."""

from __future__ import annotations

from dataclasses import dataclass, field

from cortexia.report.axis import Axis, Block
from cortexia.report.series import Span

BLOCKS_SHOWN = 1500
"""So many of a lane have tooltips of their own."""


@dataclass(frozen=True, slots=True)
class Lane:
    """``blocks`` have tooltips of their own; ``paths`` are (class, path data) for what is too much for that.

    ``shade``: place in the palette, where the lane has a colour of its own. ``note``: what the lane adds up to.
    ``wave``: a shape over all of it, in a lane that is higher than others.
    """

    name: str
    note: str
    blocks: list[Block] = field(default_factory=list)
    paths: list[tuple[str, str]] = field(default_factory=list)
    shade: int | None = None
    wave: str = ""


def spans_lane(name: str, note: str, spans: list[Span], axis: Axis, look: str, most: int = BLOCKS_SHOWN) -> Lane:
    """A lane of stretches, each with a tooltip, in which after the name stands what its span says; more than ``most``
    are one path."""
    if len(spans) > most:
        return Lane(name, note, paths=[(look, axis.path(spans))])
    blocks = [axis.block(span, look, f"{name}{span.text}, {axis.between(*span[:2])}") for span in spans]
    return Lane(name, note, blocks)
