"""WebVTT, as https://www.w3.org/TR/webvtt1/ has it: what browsers show over a video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cortexia.cues.making import Cue
from cortexia.cues.text import cleaned
from cortexia.exporters.subtitles import NAME, NONE, Subtitles, clock

VOICE = "voice"
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class WebVttExporter(Subtitles):
    """A file for each video in which something was said. ``speakers``: ``voice`` marks who speaks (``<v Ann>``), which
    a page can show by its style; ``name`` also writes the name where the speaker changes; ``none`` tells neither."""

    name: ClassVar[str] = "webvtt"
    suffix: ClassVar[str] = ".vtt"
    media_type: ClassVar[str] = "text/vtt"
    empty: ClassVar[bytes] = b"WEBVTT\n"
    speaker_choices: ClassVar[tuple[str, ...]] = (VOICE, NAME, NONE)
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than words, utterances and sounds",
        "when each word of a cue is said",
        "less than a millisecond, and ends as they are heard (cues stay to be read)",
        "confidences",
        "languages other than the one that is spoken most",
        "control characters and more than one space between words",
    )

    speakers: str = VOICE

    def head(self, language: str | None) -> str:
        told = f"Language: {language}\n" if language and _LANGUAGE.fullmatch(language) else ""
        return f"WEBVTT\n{told}\n"

    def block(self, number: int, cue: Cue, lines: Sequence[str]) -> str:
        speaker = cleaned(cue.speaker or "") if self.speakers != NONE else ""
        voice = f"<v {speaker.translate(_ESCAPED)}>" if speaker else ""
        text = "\n".join(line.translate(_ESCAPED) for line in lines)
        return f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{voice}{text}\n\n"
