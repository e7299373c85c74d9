"""What formats of subtitles have in common: a file for each video, made of cues."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from cortexia.cues.layout import Layout
from cortexia.cues.making import Cue, cue_lines, cues
from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportFolder, ExportSource
from cortexia.exporters.heard import TYPES, Hearing
from cortexia.exporters.sequences import SequenceNames

NONE, NAME = "none", "name"
_MILLISECONDS = 1000
_RANGES = {
    "line_chars": (1, 200),
    "lines": (1, 10),
    "max_s": (0.001, 60),
    "min_s": (0.001, 60),
    "gap_s": (0, 10),
    "chars_per_s": (1, 1000),
}
_WHOLE = ("line_chars", "lines")
_IN_MEMORY_BYTES = 1 << 18


@dataclass(frozen=True)
class Subtitles(ABC):
    """Cues of words, said by their speakers where that is known; of utterances without words, their text.

    A cue has at most ``lines`` lines of ``line_chars`` columns (a character of double width takes two) unless a single
    word is longer, and lasts at most ``max_s`` seconds; at least ``min_s``, and as long as reading ``chars_per_s``
    characters a second takes, where nothing follows. Between two cues are ``gap_s`` seconds, where the first does not
    get shorter than ``min_s`` by it. It ends where a sentence, a clause or a pause does; a second of silence always
    ends it. ``sounds``: whether sounds are cues of their own, ``[laughter]``, as long as they last.
    """

    suffix: ClassVar[str] = ""
    target: ClassVar[Literal["folder"]] = "folder"
    speaker_choices: ClassVar[tuple[str, ...]] = (NAME, NONE)

    line_chars: int = 42
    lines: int = 2
    max_s: float = 7.0
    min_s: float = 1.0
    gap_s: float = 0.083
    chars_per_s: float = 20.0
    sounds: bool = True
    speakers: str = NAME

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value, is_whole = getattr(self, name), name in _WHOLE
            kinds = int if is_whole else int | float
            if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
                what = "a whole number" if is_whole else "a number"
                raise ConfigurationError(f"{name} must be {what} from {least} to {most}, got {value!r:.40}")
        if not isinstance(self.sounds, bool):
            raise ConfigurationError(f"sounds must be true or false, got {self.sounds!r}")
        if self.speakers not in self.speaker_choices:
            raise ConfigurationError(
                f"speakers must be one of {', '.join(self.speaker_choices)}, got {self.speakers!r}"
            )
        self.layout()

    def layout(self) -> Layout:
        """Raises ``ConfigurationError`` for what cannot be."""
        longest, shortest, gap = (round(value * _MILLISECONDS) for value in (self.max_s, self.min_s, self.gap_s))
        return Layout(self.line_chars, self.lines, longest, shortest, gap, self.chars_per_s, self.speakers == NAME)

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names, layout = 0, SequenceNames(), self.layout()
        types = (*TYPES, "sound_event") if self.sounds else TYPES
        for video, own in source.things_by_video(*types):
            hearing = Hearing()
            # the language is known when all was heard, and stands first
            with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as body:
                body.writelines(
                    self.block(number, cue, cue_lines(cue, layout)).encode()
                    for number, cue in enumerate(cues(hearing.said(own), layout), 1)
                )
                if body.tell():
                    body.seek(0)
                    with out.file(f"{names.of(video)}{self.suffix}") as file:
                        file.write(self.head(hearing.language).encode())
                        shutil.copyfileobj(body, file)
            count += hearing.count
        return count

    @abstractmethod
    def head(self, language: str | None) -> str:
        """What stands before the cues. ``language``: that of most of the text."""

    @abstractmethod
    def block(self, number: int, cue: Cue, lines: Sequence[str]) -> str:
        """A cue, numbered from 1."""


def clock(milliseconds: int, point: str) -> str:
    """``01:02:03.004`` with ``point`` before the milliseconds; hours take as many digits as they need."""
    seconds, rest = divmod(milliseconds, _MILLISECONDS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
