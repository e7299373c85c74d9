"""How long lines and cues are."""

from __future__ import annotations

from dataclasses import dataclass

from cortexia.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Layout:
    """``columns`` of a line, ``lines`` of a cue; times in milliseconds; ``pace``: columns that are read in a second.
    ``names``: whether the speaker's name is a part of the text. ``divides``: whether a word wider than a line
    is divided; else its line is wider."""

    columns: int = 42
    lines: int = 2
    longest: int = 7000
    shortest: int = 1000
    gap: int = 83
    pace: float = 20.0
    names: bool = False
    divides: bool = False

    @property
    def room(self) -> int:
        """Columns of a whole cue."""
        return self.columns * self.lines

    def __post_init__(self) -> None:
        least = {"columns": 1, "lines": 1, "longest": 1, "shortest": 1, "gap": 0}
        for name, floor in least.items():
            if getattr(self, name) < floor:
                raise ConfigurationError(f"cues: {name} must be at least {floor}, got {getattr(self, name)}")
        if not self.shortest <= self.longest:
            raise ConfigurationError(f"cues: the shortest, {self.shortest} ms, outlasts the longest, {self.longest} ms")
        if not 0 < self.pace < float("inf"):
            raise ConfigurationError(f"cues: characters a second must be above 0, got {self.pace}")
