"""Tab-separated values: what was heard as one table, as IANA's text/tab-separated-values has it (no tabs in fields)."""

from __future__ import annotations

from typing import IO, ClassVar, Literal

from cortexia.exporters.base import ExportSource
from cortexia.exporters.csv import guard_cell
from cortexia.exporters.heard import seconds
from cortexia.exporters.sequences import SequenceNames
from cortexia.types import SpeakerTurn, SpokenWord, StoredRow, Utterance, Word

COLUMNS = ("video", "start_s", "end_s", "type", "speaker", "label", "text", "confidence")
TYPES = ("speech", "utterance", "word", "speaker_turn", "spoken_word", "sound_event")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class TsvExporter:
    """A line for each row of speech, utterances, words, turns of speakers and sounds, after a line with the names of
    the columns; UTF-8, LF. In text ``\\t``, ``\\n``, ``\\r`` and ``\\\\`` stand for a tab, ends of lines and a
    backslash; what a spreadsheet would take for a formula is guarded as in CSV."""

    name: ClassVar[str] = "tsv"
    suffix: ClassVar[str] = ".tsv"
    media_type: ClassVar[str] = "text/tab-separated-values"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than speech, utterances, words, turns of speakers and sounds",
        "ids of speakers, languages, and which words make an utterance",
        "the difference between empty text and none",
    )

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        out.write("\t".join(COLUMNS).encode() + b"\n")
        count, names = 0, SequenceNames()
        video_id, name = "", ""
        for row in source.rows(*TYPES):
            if row.video_id != video_id:
                video_id, name = row.video_id, names.of(source.video(row.video_id))
            out.write("\t".join(_cells(name, row)).encode() + b"\n")
            count += 1
        return count


def _cells(video: str, row: StoredRow) -> tuple[str, ...]:
    """In the order of the columns. Times are seconds from the origin of the video, to the microsecond."""
    said = row.annotation
    is_speakers = isinstance(said, SpeakerTurn | SpokenWord)
    text = said.text if isinstance(said, Utterance | Word | SpokenWord) else None
    speaker, label = (said.label, None) if is_speakers else (None, said.label)
    times = seconds(row.start_us), seconds(row.end_us)
    confidence = None if said.confidence is None else repr(float(said.confidence))
    return tuple(map(_cell, (video, *times, said.type, speaker, label, text, confidence)))


def _cell(text: str | None) -> str:
    return "" if text is None else str(guard_cell(text)).translate(_ESCAPED)
