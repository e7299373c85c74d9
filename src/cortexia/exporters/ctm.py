"""Time-marked conversation: a word a line, for scores of recognition (NIST, SCTK ``ctm`` format)."""

from __future__ import annotations

from typing import ClassVar, Literal

from cortexia.exporters.base import ExportFolder, ExportSource
from cortexia.exporters.fields import one_field
from cortexia.exporters.heard import milliseconds, words_once
from cortexia.exporters.sequences import SequenceNames
from cortexia.types import SpokenWord, StoredRow, Word

# alternatives begin with <ALT_BEGIN>, and @ is none of them
_RESERVED = "<"


class CtmExporter:
    """A line for each word, ``file 1 start duration word confidence``, in seconds to the millisecond, in order of time.
    A confidence that is not known is ``NA``. The file is named as the video's part of an export is; both names and
    words are one field each, as ``exporters.fields`` says."""

    name: ClassVar[str] = "ctm"
    suffix: ClassVar[str] = ".ctm"
    media_type: ClassVar[str] = "text/plain"
    target: ClassVar[Literal["folder"]] = "folder"
    empty: ClassVar[bytes] = b""
    may_join: ClassVar[bool] = True
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than words",
        "who says a word, and to which utterance it belongs",
        "less than a millisecond, and less than a millionth of confidence",
    )

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names = 0, SequenceNames()
        for video, own in source.things_by_video("spoken_word", "word"):
            name = names.of(video)
            with out.file(f"{name}{self.suffix}") as file:
                for row in words_once(own):
                    file.write(_line(one_field(name, _RESERVED), row))
                    count += 1
        return count


def _line(name: str, row: StoredRow) -> bytes:
    start, end = milliseconds(row)
    said = row.annotation
    word = one_field(said.text if isinstance(said, SpokenWord | Word) else "", _RESERVED)
    word = "%40" if word == "@" else word
    confidence = "NA" if said.confidence is None else f"{said.confidence:.6f}"
    return f"{name} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} {word} {confidence}\n".encode()
