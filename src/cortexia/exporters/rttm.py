"""Rich Transcription Time Marked: who speaks when, for scores and tools of diarization.

Format: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cortexia.exporters.base import ExportFolder, ExportSource
from cortexia.exporters.fields import one_field
from cortexia.exporters.heard import milliseconds
from cortexia.exporters.sequences import SequenceNames
from cortexia.types import StoredRow

# quotes are for readers of tables, angle brackets for what is not available
_RESERVED = "\"'<>"


class RttmExporter:
    """A line for each turn of a speaker, ``SPEAKER file 1 start duration <NA> <NA> name <NA> <NA>``, in seconds to the
    millisecond. The file is named as the video's part of an export is; both names are one field each, as
    ``exporters.fields`` says."""

    name: ClassVar[str] = "rttm"
    suffix: ClassVar[str] = ".rttm"
    media_type: ClassVar[str] = "text/plain"
    target: ClassVar[Literal["folder"]] = "folder"
    empty: ClassVar[bytes] = b""
    may_join: ClassVar[bool] = True
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than turns of speakers",
        "ids of speakers (speakers of one name are one)",
        "confidences",
        "less than a millisecond",
    )

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        count, names = 0, SequenceNames()
        for video, own in source.things_by_video("speaker_turn"):
            name = names.of(video)
            with out.file(f"{name}{self.suffix}") as file:
                for row in own:
                    file.write(_line(one_field(name, _RESERVED), row))
                    count += 1
        return count


def _line(name: str, row: StoredRow) -> bytes:
    start, end = milliseconds(row)
    speaker = one_field(row.annotation.label or "", _RESERVED)
    times = f"{start / 1000:.3f} {(end - start) / 1000:.3f}"
    return f"SPEAKER {name} 1 {times} <NA> <NA> {speaker} <NA> <NA>\n".encode()
