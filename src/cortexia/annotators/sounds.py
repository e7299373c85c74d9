"""Sound events: laughter, applause, music and whatever else there is to be heard beside words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from cortexia.annotators._by_model import AUTO, OFFLINE
from cortexia.annotators._listeners import Listener
from cortexia.annotators._offline_sounds import LABELS as OFFLINE_LABELS
from cortexia.annotators._offline_sounds import THRESHOLD as OFFLINE_THRESHOLD
from cortexia.annotators._offline_sounds import OfflineListener
from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators._sound_events import EventLimits, EventsSession
from cortexia.annotators._sound_labels import ALL, thresholds_of, wanted_labels
from cortexia.annotators._tagging import TaggingListener
from cortexia.annotators.base import Medium, SessionContext, StreamAnnotator
from cortexia.errors import ConfigurationError
from cortexia.models.adapters import open_sound_tagger
from cortexia.models.adapters.audioset import CLASSES
from cortexia.models.adapters.yamnet import PATCH, PATCH_HOP
from cortexia.models.base import ModelAccess
from cortexia.models.torch import SOUND_TAGGERS, open_audio_tagger

TASK = "sound events"
RATE = 16_000
TORCH_GRID = (RATE * 64 // 25, RATE * 32 // 25)
"""Samples that a model on torch hears at once (2.56 s), and from one time to the next. It was trained on ten seconds,
which would blur every end; and it is slow, so that windows of a second would take it several times as long."""


@dataclass(frozen=True)
class Sounds(StreamAnnotator):
    """A ``SoundEvent`` for each interval in which a label is heard; intervals of different labels may overlap.

    ``model``: id in the catalogue; ``offline``: laughter and applause only, by ``OfflineListener``; ``auto``: the best
    whose weights are here when the job is made, else ``offline``.
    ``labels``: what to listen for, comma-joined: groups of ``_sound_labels.GROUPS``, classes of AudioSet, or ``all``.
    ``threshold``: the score from which on a label is heard; ``None``: as suits each label and model. It goes on down to
    the share ``hysteresis`` of that. Gaps shorter than ``min_gap_s`` are bridged, and what is shorter than
    ``min_length_s`` is dropped.

    ``confidence``: the highest score within, as the model gives it. Scores of one label can be compared; across labels
    and models they cannot, and none is a probability. Attributes: ``model``, ``threshold``, and ``class``, the class
    that scored highest where it is not the label itself.
    """

    name: ClassVar[str] = "sounds"
    version: ClassVar[str] = "1"
    medium: ClassVar[Medium] = Medium.AUDIO
    provides: ClassVar[tuple[str, ...]] = ("sound_event",)
    cost: ClassVar[float] = 0.01

    model: str = AUTO
    labels: str | None = None
    threshold: float | None = None
    hysteresis: float = 0.5
    min_length_s: float = 0.3
    min_gap_s: float = 0.5

    def __post_init__(self) -> None:
        require_ranges(
            self,
            {
                "threshold": (0.01, 1.0),
                "hysteresis": (0.1, 1.0),
                "min_length_s": (0.0, 60.0),
                "min_gap_s": (0.0, 60.0),
            },
        )
        require_labels(self.name, self.labels)
        if self.model == OFFLINE:
            self._offline_labels()

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model in (AUTO, OFFLINE) else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        return self if self.model != AUTO else dataclasses.replace(self, model=best_model(TASK) or OFFLINE)

    def session(self, context: SessionContext) -> EventsSession:
        if self.model == OFFLINE:
            labels = self._offline_labels()
            least = OFFLINE_THRESHOLD if self.threshold is None else self.threshold
            return self._session(OfflineListener(labels), dict.fromkeys(labels, least))
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator 'sounds': nobody said which weights model {self.model!r} stands for")
        return self._tagging(context.models)

    def _tagging(self, models: ModelAccess) -> EventsSession:
        family = models.entry(self.model).adapter
        listener: Listener
        if family in SOUND_TAGGERS:
            tagger = open_audio_tagger(models, self.model)
            labels = wanted_labels(self.labels, tagger.classes)
            listener = TaggingListener(tagger.tag, tagger.classes, labels, TORCH_GRID)
        else:
            labels = wanted_labels(self.labels, CLASSES)
            runner = open_sound_tagger(models, self.model)
            listener = TaggingListener(
                lambda samples: runner.run([samples])[0], CLASSES, labels, (PATCH, PATCH_HOP), runner.close
            )
        return self._session(listener, thresholds_of(labels, family, self.threshold))

    def _session(self, listener: Listener, thresholds: dict[str, float]) -> EventsSession:
        limits = EventLimits(thresholds, self.hysteresis, round(self.min_length_s * RATE), round(self.min_gap_s * RATE))
        return EventsSession(listener, limits, self.model)

    def _offline_labels(self) -> tuple[str, ...]:
        """Raises ``ConfigurationError`` for labels that the offline listener does not know."""
        wanted = {label.lower() for label in labels_in(self.labels) or OFFLINE_LABELS}
        if unknown := sorted(wanted.difference(OFFLINE_LABELS, (ALL,))):
            raise ConfigurationError(
                f"annotator 'sounds': model 'offline' hears {' and '.join(OFFLINE_LABELS)}, not {', '.join(unknown)};"
                " pull a model that does: cortexia models pull yamnet"
            )
        return OFFLINE_LABELS if ALL in wanted else tuple(label for label in OFFLINE_LABELS if label in wanted)
