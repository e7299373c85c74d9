"""Local speakers: who speaks when within ten seconds, and what each of them sounds like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cortexia.annotators._sound import SoundSession, Tape
from cortexia.annotators._voice_makers import Samples, Voice, VoiceMaker
from cortexia.models.adapters.pyannote import SPEAKERS, WINDOW, LocalSpeakers
from cortexia.models.adapters.running import Runner
from cortexia.types import Annotation, Embedding
from cortexia.types.embedding import packed

CORE = WINDOW // 2
"""Samples of a window that count; the others, as many on either side, show what comes before and after."""
_LEAD = (WINDOW - CORE) // 2
Segmenter = Runner[Samples, LocalSpeakers]


class LocalVoicesSession(SoundSession):
    """Windows on a grid that begins with the stretch, silence before and after it. ``_done``: windows so far."""

    def __init__(self, maker: VoiceMaker, segmenter: Segmenter) -> None:
        super().__init__()
        self._maker = maker
        self._segmenter = segmenter
        self._begin = 0
        self._done = 0

    def begin_stretch(self, tape: Tape) -> None:
        self._begin, self._done = tape.begin, 0

    @property
    def _core(self) -> int:
        return self._begin + self._done * CORE

    def hear(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._core - _LEAD + WINDOW <= tape.end:
            made += self._next(tape)
        return made

    def stop(self, tape: Tape, upstream: Sequence[Annotation]) -> list[Annotation]:
        made: list[Annotation] = []
        while self._core < tape.end:
            made += self._next(tape)
        return made

    def _next(self, tape: Tape) -> list[Annotation]:
        first = self._core - _LEAD
        samples = np.zeros(WINDOW, np.float32)
        heard = tape.between(max(first, tape.start), min(first + WINDOW, tape.end))
        begin = max(0, tape.start - first)
        samples[begin : begin + len(heard)] = heard
        (told,) = self._segmenter.run([samples])
        made = list(self._rows(tape, samples, told))
        self._done += 1
        return sorted(made, key=lambda row: (row.span.start, row.span.end))

    def _rows(self, tape: Tape, samples: Samples, told: LocalSpeakers) -> Iterator[Annotation]:
        first, edges = self._core - _LEAD, told.edges()
        inside = np.clip(edges, _LEAD, min(_LEAD + CORE, tape.end - first))
        for number in range(SPEAKERS):
            spoken = list(pieces(told.is_speaking, number, inside))
            voice = self._voice(samples, told.is_speaking, number, edges) if spoken else None
            if voice is None:
                continue
            for begin, end, is_overlap, frames in spoken:
                yield Embedding(
                    span=tape.span(first + begin, first + end),
                    confidence=round(float(told.confidence[frames].mean()), 4),
                    model=self._maker.model,
                    of="voice",
                    attributes={**voice.facts, "local": f"{first}.{number}", "is_overlap": is_overlap},
                    **packed(voice.vector),
                )

    def _voice(
        self, samples: Samples, is_speaking: NDArray[np.bool_], number: int, edges: NDArray[np.int64]
    ) -> Voice | None:
        """Of what the local speaker says alone; of all that it says, where that says nothing."""
        alone = is_speaking[:, number] & (is_speaking.sum(axis=1) == 1)
        for chosen in (alone, is_speaking[:, number]):
            lengths = np.diff(edges)
            (voice,) = self._maker.voices([samples[np.repeat(chosen, lengths)]])
            if voice is not None:
                return voice
        return None

    def needs(self, tape: Tape) -> int:
        return self._core - _LEAD

    def final_until(self, tape: Tape) -> int:
        return self._core

    def memory(self) -> dict[str, Any]:
        return {"done": self._done}

    def recall(self, memory: Mapping[str, Any]) -> None:
        self._done = memory["done"]

    def close(self) -> None:
        self._segmenter.close()
        self._maker.close()


def pieces(
    is_speaking: NDArray[np.bool_], number: int, edges: NDArray[np.int64]
) -> Iterator[tuple[int, int, bool, slice]]:
    """Where speaker ``number`` speaks: begin and end in samples, whether with somebody else, and the frames. ``edges``:
    of the frames; those that are empty do not count."""
    state = np.where(is_speaking[:, number], np.where(is_speaking.sum(axis=1) > 1, 2, 1), 0)
    changes = np.flatnonzero(np.diff(state)) + 1
    for begin, end in zip((0, *changes.tolist()), (*changes.tolist(), len(state)), strict=True):
        if state[begin] and edges[begin] < edges[end]:
            yield int(edges[begin]), int(edges[end]), bool(state[begin] == 2), slice(begin, end)
