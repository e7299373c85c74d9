"""What was found nearest to a key picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from cortexia.sightings import BOXES, Sighting, put_together
from cortexia.types import Region, StoredRow


@dataclass(slots=True)
class _Frame:
    """``distance``: frames to the key picture."""

    distance: int
    index: int
    start: int
    rows: list[tuple[StoredRow, Region]] = field(default_factory=list)


@dataclass(slots=True)
class Near:
    """Rows of the frame nearest to a key picture within its shot, told apart by what they are: boxes may have been
    looked for in other frames than masks or faces. ``picture``: the frame of the key picture."""

    picture: int
    _frames: dict[str, _Frame] = field(default_factory=dict)

    def take(self, row: StoredRow, region: Region) -> None:
        """Rows in order of time: of two frames that are as near the earlier stays."""
        kind = "box" if region.type in BOXES else region.type
        held, distance = self._frames.get(kind), abs(region.frame - self.picture)
        if held is None or distance < held.distance:
            self._frames[kind] = held = _Frame(distance, region.frame, row.start_us)
        if held.index == region.frame:
            held.rows.append((row, region))

    @property
    def main(self) -> _Frame:
        """The frame that is shown: that of the boxes, where there are any."""
        return self._frames.get("box") or min(self._frames.values(), key=lambda frame: frame.distance)

    def sightings(self) -> list[Sighting]:
        """What stands in that frame, and what stands in the very key picture."""
        index = self.main.index
        shown = [frame for frame in self._frames.values() if frame.index == index or not frame.distance]
        return put_together([pair for frame in shown for pair in frame.rows])
