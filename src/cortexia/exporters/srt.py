"""SubRip: numbered cues, as players and editors take them. UTF-8 without a mark, ends of lines are LF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cortexia.cues.making import Cue
from cortexia.exporters.subtitles import Subtitles, clock

# the format has no way to tell text from tags, and players take what looks like one for one
_NO_TAGS = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")"})


@dataclass(frozen=True)
class SrtExporter(Subtitles):
    """A file for each video in which something was said. ``speakers``: ``name`` writes ``Ann:`` where the speaker
    changes; ``none`` does not."""

    name: ClassVar[str] = "srt"
    suffix: ClassVar[str] = ".srt"
    media_type: ClassVar[str] = "application/x-subrip"
    empty: ClassVar[bytes] = b""
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than words, utterances and sounds",
        "when each word of a cue is said",
        "less than a millisecond, and ends as they are heard (cues stay to be read)",
        "confidences",
        "the language",
        "who speaks, other than as text where the speaker changes",
        "angle brackets and braces, which would be tags (they are written as \u2039 \u203a and round brackets)",
        "control characters and more than one space between words",
    )

    def head(self, language: str | None) -> str:
        return ""

    def block(self, number: int, cue: Cue, lines: Sequence[str]) -> str:
        text = "\n".join(line.replace("-->", "\u2192").translate(_NO_TAGS) for line in lines)
        return f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n\n"
