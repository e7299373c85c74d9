"""Objects: boxes with a label in every picture looked at, by a network or, without weights, by OpenCV alone."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from cortexia.annotators._by_model import AUTO, FULL, OFFLINE
from cortexia.annotators._offline_objects import LABELS as OFFLINE_LABELS
from cortexia.annotators._offline_objects import PERSON, Found, OfflineFinder, next_look_at_people
from cortexia.annotators._offline_objects import VIEWS as OFFLINE_VIEWS
from cortexia.annotators._options import labels_in, require_labels, require_ranges
from cortexia.annotators._prompted import open_prompted, prompts_of
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters import Detector, open_detector
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.base import DetectionBatch, ModelAccess
from cortexia.models.torch import GroundingLimits
from cortexia.types import Annotation, AudioBlock, BBox, Detection, Frame, Progress, Sampling, ViewSpec, frame_span

TASK = "object detection"
OPEN_TASK = "open-vocabulary detection"
USUAL_OPEN = "grounding-dino-tiny"
"""Named where no model for prompts is here, so that the error says what to pull."""
THRESHOLD, OPEN_THRESHOLD, OPEN_NMS = 0.25, 0.3, 0.7


@dataclass(frozen=True)
class Objects(StreamAnnotator):
    """A ``Detection`` for each object: label, confidence, box cut to the picture, ``model`` in the attributes.

    ``prompt``: what to look for in words, comma-joined, such as ``forklift, hard hat``: labels are then those words,
    and the model is one for open vocabulary. Without, labels are COCO's.
    ``model``: id of a detector in the catalogue; ``auto`` takes the best whose weights are here when the job is
    made, else ``offline``. That finds people upright (``person``) twice a second, and whatever moves before a camera at
    rest (``moving``), by OpenCV; see ``OfflineFinder``.
    ``threshold``: the confidence exceeds it (``None``: 0.25, and 0.3 with prompts). ``nms``: intersection over union of
    two detections of a class, with prompts of any two, at most (``None``: as the network's authors chose, with prompts
    0.7). ``labels``: only these, comma-joined. ``max_per_frame``: those with the
    highest confidence. ``frame_interval``: every how many frames; or ``per_second`` frames.
    In each picture by falling confidence.
    """

    name: ClassVar[str] = "objects"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("detection",)
    cost: ClassVar[float] = 0.015
    batch_size: ClassVar[int] = 8
    ahead: ClassVar[int] = 8

    model: str = AUTO
    prompt: str | None = None
    threshold: float | None = None
    nms: float | None = None
    labels: str | None = None
    max_per_frame: int = 100
    frame_interval: int = 1
    per_second: float | None = None

    def __post_init__(self) -> None:
        ranges = {
            "threshold": (0.0, 1.0),
            "nms": (0.0, 1.0),
            "max_per_frame": (1, 10_000),
            "frame_interval": (1, 1_000_000),
            "per_second": (0.001, 1000.0),
        }
        require_ranges(self, ranges)
        require_labels(self.name, self.labels)
        if self.per_second is not None and self.frame_interval != 1:
            raise ConfigurationError(
                "options 'frame_interval' and 'per_second' of annotator 'objects' exclude each other"
            )
        if self.prompts and self.model == OFFLINE:
            raise ConfigurationError("option 'prompt' of annotator 'objects' needs a model; 'offline' knows no words")
        known = self.prompts or (*COCO_LABELS, *OFFLINE_LABELS)
        for label in self.wanted or ():
            if label not in known:
                raise UnknownNameError("label in option 'labels' of annotator 'objects':", label, known)

    @property
    def wanted(self) -> frozenset[str] | None:
        """The labels asked for; ``None`` for all."""
        return labels_in(self.labels)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What to look for in words; empty for a closed set. Raises ``ConfigurationError``."""
        return () if self.prompt is None else prompts_of(self.prompt)

    @property
    def least(self) -> float:
        """The threshold in force."""
        if self.threshold is not None:
            return self.threshold
        return OPEN_THRESHOLD if self.prompts else THRESHOLD

    @property
    def model_ids(self) -> tuple[str, ...]:
        return () if self.model in (AUTO, OFFLINE) else (self.model,)

    def bound(self, best_model: Callable[[str], str | None]) -> Self:
        if self.model != AUTO:
            return self
        model = (best_model(OPEN_TASK) or USUAL_OPEN) if self.prompts else (best_model(TASK) or OFFLINE)
        return dataclasses.replace(self, model=model)

    @property
    def sampling(self) -> Sampling:
        return Sampling.at_rate(self.per_second) if self.per_second else Sampling.each_nth(self.frame_interval)

    def next_look(self, label: str | None, start_us: int, end_us: int) -> int | None:
        if self.model == OFFLINE and label == PERSON:
            return next_look_at_people(self.sampling, start_us, end_us)
        return self.sampling.next_look(start_us, end_us)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return OFFLINE_VIEWS if self.model == OFFLINE else (FULL,)

    def session(self, context: SessionContext) -> StreamSession:
        if self.model == OFFLINE:
            self._refuse_idle(OFFLINE_LABELS)
            return OfflineSession(self, OfflineFinder(context.media.origin, self.wanted or OFFLINE_LABELS))
        if self.model == AUTO or context.models is None:
            raise ConfigurationError(f"annotator 'objects': nobody said which weights model {self.model!r} stands for")
        detector = self._opened(context.models)
        try:
            self._refuse_idle(detector.labels)
        except ConfigurationError:
            detector.close()
            raise
        return ObjectsSession(self, detector)

    def _opened(self, models: ModelAccess) -> Detector:
        if self.prompts:
            overlap = OPEN_NMS if self.nms is None else self.nms
            return open_prompted(models, self.model, self.prompts, GroundingLimits(self.least, self.least, overlap))
        return open_detector(models, self.model, self.least, self.nms)

    def _refuse_idle(self, known: Sequence[str]) -> None:
        """A filter that nothing can pass is a mistake, and not a video without objects."""
        if self.wanted is not None and not self.wanted.intersection(known):
            raise ConfigurationError(
                f"annotator 'objects': model {self.model!r} finds none of {self.labels!r} (it knows {', '.join(known)})"
            )


class ObjectsSession(StreamSession):
    """Several pictures at a time through one network, and the next ones begun already. Keeps nothing between pictures
    that could change a result."""

    def __init__(self, recipe: Objects, detector: Detector) -> None:
        self._recipe = recipe
        self._detector = detector
        self._begun: deque[Iterator[DetectionBatch]] = deque()
        """For each picture begun and not processed yet, in order, where its detections come from."""

    def begin(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        new = cast(Sequence[Frame], inputs)[len(self._begun) :]
        if new:
            self._begun += [self._detector.begin([frame.view(FULL) for frame in new])] * len(new)

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        self.begin(inputs)
        return [
            detections(self._recipe, frame, _found(next(self._begun.popleft()), self._recipe.model))
            for frame in cast(Sequence[Frame], inputs)
        ]

    def close(self) -> None:
        self._detector.close()


class OfflineSession(StreamSession):
    """``OfflineFinder`` picture by picture. State: which pictures it holds; they come back through ``replay``."""

    def __init__(self, recipe: Objects, finder: OfflineFinder) -> None:
        self._recipe = recipe
        self._finder = finder

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [detections(self._recipe, frame, self._finder.find(frame)) for frame in cast(Sequence[Frame], inputs)]

    def state(self) -> Mapping[str, Any]:
        return self._finder.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self._finder.restore(state)

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for frame in cast(Sequence[Frame], inputs):
            self._finder.replay(frame)

    def progress(self) -> Progress:
        return Progress(final_until=None, replay_from=self._finder.replay_from)


def _found(batch: DetectionBatch, model: str) -> Iterator[Found]:
    rows = zip(batch.boxes.tolist(), batch.scores.tolist(), batch.classes.tolist(), strict=True)
    for box, score, kind in rows:
        yield Found(batch.labels[kind], score, box, model)


def detections(recipe: Objects, frame: Frame, found: Iterable[Found]) -> list[Annotation]:
    """What the options let through of ``found``, which comes by falling confidence, in pixels of the display."""
    width, height = frame.size
    wanted = recipe.wanted
    made: list[Annotation] = []
    for item in found:
        x1, x2 = (min(max(x, 0.0), float(width)) for x in item.box[::2])
        y1, y2 = (min(max(y, 0.0), float(height)) for y in item.box[1::2])
        is_outside = x1 >= x2 or y1 >= y2
        if is_outside or item.confidence <= recipe.least or (wanted is not None and item.label not in wanted):
            continue
        if len(made) == recipe.max_per_frame:
            break
        made.append(
            Detection(
                span=frame_span(frame),
                label=item.label,
                confidence=item.confidence,
                frame_index=frame.index,
                bbox=BBox(x1, y1, x2, y2),
                attributes={"model": item.model},
            )
        )
    return made
