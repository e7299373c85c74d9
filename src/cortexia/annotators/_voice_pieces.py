"""What is known of the voices in a video, read from their rows: as arrays, since there may be tens of thousands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._voice_groups import VoiceTable
from cortexia.annotators._voice_statistics import VoiceStatistics
from cortexia.errors import AnnotatorError
from cortexia.types import Annotation, Embedding, TimeSpan


@dataclass(frozen=True, slots=True)
class VoicePieces:
    """Rows of voices in order of their start, as parallel sequences.

    ``vectors``: (n, dimension) float32. ``table``: statistics, where the rows tell any. ``interval``: (n,), the number
    of the interval of speech in which a piece begins. ``local``: the local speaker of each, where the rows tell any;
    ``is_overlap`` goes with it.
    """

    spans: Sequence[TimeSpan]
    vectors: NDArray[np.float32]
    table: VoiceTable | None
    interval: NDArray[np.int64]
    local: Sequence[str] | None
    is_overlap: Sequence[bool]
    confidence: Sequence[float]
    model: str

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def seconds(self) -> NDArray[np.float64]:
        return np.array([span.end.seconds - span.start.seconds for span in self.spans])


def read_pieces(rows: Iterable[Annotation], intervals: Sequence[TimeSpan]) -> VoicePieces:
    """Raises ``AnnotatorError`` where the rows are of several models."""
    kept = [row for row in rows if isinstance(row, Embedding) and row.of == "voice"]
    models = {row.model for row in kept}
    if len(models) > 1:
        raise AnnotatorError("speakers", f"voices of several models cannot be compared: {', '.join(sorted(models))}")
    starts = [span.start for span in intervals]
    is_local = any("local" in row.attributes for row in kept)
    return VoicePieces(
        spans=[row.span for row in kept],
        vectors=np.array([row.values() for row in kept] or np.empty((0, 1)), np.float32),
        table=_table(kept),
        interval=np.array([bisect_right(starts, row.span.start) for row in kept], np.int64),
        local=[str(row.attributes["local"]) for row in kept] if is_local else None,
        is_overlap=[bool(row.attributes.get("is_overlap", False)) for row in kept],
        confidence=[1.0 if row.confidence is None else row.confidence for row in kept],
        model=models.pop() if models else "",
    )


def _table(rows: Sequence[Embedding]) -> VoiceTable | None:
    if not rows or any("moments" not in row.attributes for row in rows):
        return None
    return VoiceTable.of(
        [VoiceStatistics.unpacked(row.attributes["frames"], row.attributes["moments"]) for row in rows]
    )
