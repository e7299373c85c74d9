"""Speakers: who speaks when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from cortexia.annotators._enrolled import enrolled_voices, names_of
from cortexia.annotators._options import require_ranges
from cortexia.annotators._speaker_groups import FoundSpeakers, SpeakerLimits, find_speakers
from cortexia.annotators._speaker_turns import merged, turns_of_locals, turns_of_speech
from cortexia.annotators._turn import Turn
from cortexia.annotators._vector_groups import mean_directions
from cortexia.annotators._voice_groups import GroupLimits
from cortexia.annotators._voice_pieces import VoicePieces, read_pieces
from cortexia.annotators._voice_statistics import NAME as OFFLINE_VOICE
from cortexia.annotators.base import SessionContext, Solver, StoredAnnotations
from cortexia.errors import ConfigurationError
from cortexia.naming import letters
from cortexia.types import Annotation, SpeakerTurn

MOST_SPEAKERS = 20
_ID_DIGITS = 12


@dataclass(frozen=True)
class Speakers(Solver):
    """A ``SpeakerTurn`` for each time that somebody speaks: ``Speaker A``, ``Speaker B``, ... in order of appearance.

    Offline voices are put together while one Gaussian explains two stretches nearly as well as two do; ``penalty`` says
    how much better two must be, as a multiple of what the Bayesian information criterion asks for: more of it, and
    there are fewer speakers. Then each half second goes to the speaker whom it is most likely of, a change of speaker
    being unlikely, and groups are compared again. Vectors of a model are put together by average linkage down to a
    cosine of ``similarity``, and whoever speaks for less than ``least_s`` is taken for the most alike of the others.
    ``min_speakers`` and ``max_speakers`` go before both, as far as there is speech for so many; ``max_speakers`` also
    before what a ``segmentation`` says, that the local speakers of one window are different people.

    Turns of one speaker with at most ``pause_s`` between them, in which nobody else begins, are one. What is shorter
    than ``min_turn_s``, with all that its speaker says right before and after, goes to whom it touches and who speaks
    for longer, else it goes. ``confidence``: that of the speech, times the share of
    that speaker among all that it might be. ``is_overlap`` turns come of voices with a ``segmentation`` only.

    ``enrolled``: voices with names, as ``--enroll`` makes it. Whose mean vector has a cosine with one of them of at
    least ``enrolled_similarity`` has that name (by default 0.5 for vectors of a model, 0.85 offline).
    """

    name: ClassVar[str] = "speakers"
    version: ClassVar[str] = "1"
    requires: ClassVar[tuple[str, ...]] = ("voices", "speech")
    provides: ClassVar[tuple[str, ...]] = ("speaker_turn",)

    min_speakers: int = 1
    max_speakers: int = MOST_SPEAKERS
    penalty: float = 2.0
    similarity: float = 0.3
    least_s: float = 2.0
    pause_s: float = 0.5
    min_turn_s: float = 0.2
    enrolled: str = ""
    enrolled_similarity: float | None = None

    def __post_init__(self) -> None:
        require_ranges(
            self,
            {
                "min_speakers": (1, 100),
                "max_speakers": (1, 100),
                "penalty": (0.1, 10.0),
                "similarity": (0.01, 1.0),
                "least_s": (0.0, 60.0),
                "pause_s": (0.0, 10.0),
                "min_turn_s": (0.0, 10.0),
                "enrolled_similarity": (0.01, 1.0),
            },
        )
        if self.min_speakers > self.max_speakers:
            raise ConfigurationError(
                f"annotator 'speakers': min_speakers is {self.min_speakers}, and max_speakers only {self.max_speakers}"
            )
        enrolled_voices(self.enrolled)

    def solve(self, stored: StoredAnnotations, context: SessionContext) -> Iterable[Annotation]:
        intervals = list(stored.of("speech"))
        pieces = read_pieces(stored.of("embedding"), [speech.span for speech in intervals])
        found = find_speakers(pieces, self._limits(), context.moved)
        speakers, shares = found.speaker.tolist(), found.share.tolist()
        if pieces.local is None:
            turns = turns_of_speech(intervals, pieces, speakers, shares)
        else:
            turns = turns_of_locals(pieces, speakers, shares)
        yield from self._rows(turns, self._names(pieces, found), context.video_id)

    def _limits(self) -> SpeakerLimits:
        groups = GroupLimits(self.penalty, self.min_speakers, self.max_speakers)
        return SpeakerLimits(groups, self.similarity, self.least_s)

    def _names(self, pieces: VoicePieces, found: FoundSpeakers) -> Mapping[int, tuple[str, float]]:
        enrolled = enrolled_voices(self.enrolled)
        if not enrolled or not len(pieces):
            return {}
        usual = 0.85 if pieces.model == OFFLINE_VOICE else 0.5
        threshold = usual if self.enrolled_similarity is None else self.enrolled_similarity
        # what somebody says alone; by all that they say only where they never are
        weights = pieces.seconds * ~np.array(pieces.is_overlap, np.bool_) + 1e-6
        means = mean_directions(pieces.vectors, found.speaker, weights)
        return names_of(means, pieces.model, enrolled, threshold)

    def _rows(
        self, turns: Iterable[Turn], names: Mapping[int, tuple[str, float]], video_id: str
    ) -> Iterator[SpeakerTurn]:
        """``names``: with their cosines, by speaker. Speakers of one name are one."""
        first = {name: min(speaker for speaker in names if names[speaker][0] == name) for name, _ in names.values()}
        same = {speaker: first[name] for speaker, (name, _) in names.items()}
        turns = (replace(turn, speaker=same.get(turn.speaker, turn.speaker)) for turn in turns)
        numbers: dict[int, int] = {}
        unnamed = 0
        labels: dict[int, str] = {}
        for turn in merged(turns, self.pause_s, self.min_turn_s):
            if turn.speaker not in numbers:
                numbers[turn.speaker] = len(numbers) + 1
                named = names.get(turn.speaker)
                labels[turn.speaker] = named[0] if named else f"Speaker {letters(unnamed)}"
                unnamed += named is None
            yield _row(turn, labels[turn.speaker], numbers[turn.speaker], names.get(turn.speaker), video_id)


def _row(turn: Turn, label: str, number: int, named: tuple[str, float] | None, video_id: str) -> SpeakerTurn:
    facts: dict[str, Any] = {} if named is None else {"enrolled_similarity": round(named[1], 4)}
    return SpeakerTurn(
        span=turn.span,
        label=label,
        confidence=round(min(1.0, max(0.0, turn.confidence)), 4),
        speaker_id=f"speaker_{video_id[:_ID_DIGITS]}_{number:03d}",
        is_overlap=turn.is_overlap,
        attributes=facts,
    )
