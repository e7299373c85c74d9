"""Which boxes over time are the same thing: one interface, a file for each way."""

from __future__ import annotations

from cortexia import registry
from cortexia.trackers.base import Tracker, TrackerOptions

__all__ = ["Tracker", "TrackerOptions", "make_tracker"]


def make_tracker(name: str, options: TrackerOptions | None = None) -> Tracker:
    """The tracker ``name`` for one sequence. Raises ``UnknownNameError`` for a name that does not exist."""
    tracker: Tracker = registry.load("trackers", name)(options or TrackerOptions())
    return tracker
