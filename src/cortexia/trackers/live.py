"""The tracklets that may still get a box, as parallel arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from cortexia.trackers.base import Flags, Floats, Integers
from cortexia.trackers.frames import Frame


@dataclass(slots=True)
class Live:
    """A column for each tracklet, in the order in which they began.

    ``number``: counted from 0. ``states``: (5, 4, n), see ``kalman``, or (4, n), the last box. ``looks``: (d, n), the
    mean of its vectors, later ones weighing more. ``seen``: microseconds, when it had its last box. ``hits``: boxes.
    ``peak``: highest score. ``is_track``: it is confirmed.
    """

    number: Integers
    states: Floats
    looks: Floats
    seen: Integers
    hits: Integers
    peak: Floats
    is_track: Flags

    @classmethod
    def begun(cls, numbers: Integers, states: Floats, frame: Frame, columns: Integers) -> Live:
        """Tracklets of one box each: those of ``frame`` at ``columns``."""
        return cls(
            number=numbers,
            states=states,
            looks=frame.vectors[:, columns],
            seen=np.full(len(numbers), frame.now, np.int64),
            hits=np.ones(len(numbers), np.int64),
            peak=frame.scores[columns],
            is_track=np.zeros(len(numbers), bool),
        )

    def __len__(self) -> int:
        return len(self.number)

    def kept(self, chosen: Flags | Integers) -> Live:
        return Live(*(getattr(self, item.name)[..., chosen] for item in fields(self)))

    def joined(self, others: Live) -> Live:
        pairs = ((getattr(self, item.name), getattr(others, item.name)) for item in fields(self))
        return Live(*(np.concatenate(pair, axis=-1) for pair in pairs))
