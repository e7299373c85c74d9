"""Quality gates: what an annotator made is looked at once, before it is counted, handed on or committed.

What the types refuse, and what has the wrong type altogether, is a fault of the program and fails the run. What is well
formed and cannot be true of this video is data: it is put aside with its reason, and the other rows go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cortexia.engine.bounds import Bounds
from cortexia.engine.content import INT64, Fault, describe, has_plain_types, require_types, text_fault, value_fault
from cortexia.engine.masks import Size, mask_fault
from cortexia.errors import AnnotatorError
from cortexia.plan import PlannedRun
from cortexia.types import (
    Annotation,
    AudioBlock,
    BBox,
    Frame,
    KeyPicture,
    Mask,
    MediaInfo,
    QuarantinedAnnotation,
    Timestamp,
)
from cortexia.types.annotation import own_fields

BOX_TOLERANCE_PX = 1.0
"""A box may reach out of the picture by so much: for rounding. Whoever makes boxes cuts them to the picture."""
KEPT_PER_RUN = 1000
"""So many quarantined annotations of a run are kept; the others are only counted (G15)."""
MASK = "segmentation"
"""The attribute that holds a mask."""


class Gate:
    """Of one run. Its answers follow from the video and from what was consumed until then, never from where batches and
    commits fall: so they are the same after any restart."""

    def __init__(self, run: PlannedRun, media: MediaInfo) -> None:
        record = run.record
        self.count = record.quarantined_count if record else 0
        self._first: str | None = None
        self._annotator = run.recipe.name
        self._bounds = Bounds(media, run.spec.time_range)
        self._sizes: list[Size] = [(media.video.width, media.video.height)] if media.video else []
        self._reach = (0.0, 0.0)
        self._promised: Timestamp | None = None
        self._put_aside: list[QuarantinedAnnotation] = []
        self._uncommitted = 0
        self._restore(((record.state if record else None) or {}).get("gate", {}))
        self._measure()

    # -- what is known of the video by now

    def consumed(self, item: Frame | AudioBlock) -> None:
        """The annotator was given ``item``; what it says from now on may reach to its end."""
        self._bounds.seen = item.end
        size = getattr(item, "size", None)
        if size is not None:
            self._has_size(size)

    def told(self, annotations: Iterable[Annotation]) -> None:
        """The annotator was handed these, which passed a gate: what it says may reach as far as they do."""
        for annotation in annotations:
            self._bounds.extend(annotation.span.end)
            if annotation.bbox is not None:
                width, height = self._reach
                self._reach = max(width, annotation.bbox.x2), max(height, annotation.bbox.y2)
            if isinstance(annotation, KeyPicture):
                self._has_size(annotation.display)

    def _has_size(self, size: Size) -> None:
        if size not in self._sizes:
            self._sizes.append(size)
            self._measure()

    def promise(self, final_until: Timestamp | None) -> None:
        """The annotator said that no later row starts before ``final_until``."""
        if final_until is not None and (self._promised is None or self._promised < final_until):
            self._promised = final_until

    def _measure(self) -> None:
        """The box that holds pictures of all sizes there were."""
        width, height = self._reach
        self._reach = (
            max([width, *(float(size[0]) for size in self._sizes)]),
            max([height, *(float(size[1]) for size in self._sizes)]),
        )

    def state(self) -> dict[str, Any]:
        """What ``consumed`` and ``promise`` taught it, as JSON values."""
        return {
            "seen": _to_json(self._bounds.seen),
            "promised": _to_json(self._promised),
            "sizes": [list(size) for size in self._sizes],
            "reach": list(self._reach),
            "first": self._first,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._bounds.seen = _from_json(state.get("seen"))
        self._promised = _from_json(state.get("promised"))
        self._sizes = [(width, height) for width, height in state.get("sizes", self._sizes)]
        width, height = state.get("reach", self._reach)
        self._reach = (width, height)
        self._first = state.get("first")

    # -- looking

    def passed(self, made: Sequence[Annotation], emitted_at: int) -> list[Annotation]:
        """Those of ``made`` that may be stored, in their order; the others are put aside. Raises ``AnnotatorError`` for
        values of a wrong type, and for rows that start where the annotator had said that all was final."""
        kept = []
        for annotation in made:
            fault = self._fault(annotation)
            if fault is None:
                kept.append(annotation)
            else:
                self._quarantine(annotation, fault, emitted_at)
        return kept

    def take(self) -> tuple[tuple[QuarantinedAnnotation, ...], int]:
        """What was put aside since the last call, as far as it is kept, and how many there were."""
        kept, count = tuple(self._put_aside), self._uncommitted
        self._put_aside, self._uncommitted = [], 0
        return kept, count

    def verdict(self, rows: int) -> str | None:
        """Why a run that is at its end, with so many rows, is of no use: all that it made was put aside."""
        if rows or not self.count:
            return None
        why = f": {self._first}" if self._first else ""
        return f"all {self.count} annotations failed the quality gates{why}"

    def _fault(self, annotation: Annotation) -> Fault | None:
        if not has_plain_types(annotation):
            require_types(annotation, self._annotator)
        why = self._bounds.fault(annotation.span)
        fault = ("time_outside", why) if why else None
        if fault is None and annotation.bbox is not None:
            fault = self._box_fault(annotation.bbox)
        if fault is None and annotation.frame_index is not None and annotation.frame_index >= INT64:
            fault = ("number_too_large", "the frame index is beyond 64 bits")
        fault = fault or self._content_fault(annotation)
        if fault is None:
            self._require_promise(annotation.span.start)
        return fault

    def _require_promise(self, start: Timestamp) -> None:
        if self._promised is not None and start < self._promised:
            raise AnnotatorError(
                self._annotator,
                f"a row starts at {start.seconds:.6f} s, after it had said that all before"
                f" {self._promised.seconds:.6f} s is final; its progress() has to hold final_until back",
            )

    def _box_fault(self, box: BBox) -> Fault | None:
        width, height = self._reach
        out = max(-box.x1, -box.y1, box.x2 - width, box.y2 - height)
        if self._sizes and out <= BOX_TOLERANCE_PX:
            return None
        shown = f"box {box.x1:.6g}, {box.y1:.6g}, {box.x2:.6g}, {box.y2:.6g}"
        if not self._sizes:
            return "box_outside_frame", f"{shown} in a video without pictures"
        return "box_outside_frame", f"{shown} reaches {out:.6g} px out of the picture of {width:.6g}x{height:.6g}"

    def _content_fault(self, annotation: Annotation) -> Fault | None:
        label, track_id = annotation.label, annotation.track_id
        fault = None if label is None else text_fault(label)
        if fault is None and track_id is not None:
            fault = text_fault(track_id)
        for name in own_fields(type(annotation)):
            fault = fault or value_fault(getattr(annotation, name))
        if annotation.attributes:
            fault = fault or value_fault(annotation.attributes)
        return fault or self._mask_fault(annotation)

    def _mask_fault(self, annotation: Annotation) -> Fault | None:
        mask = annotation.segmentation if isinstance(annotation, Mask) else annotation.attributes.get(MASK)
        why = mask_fault(mask, self._sizes) if isinstance(mask, Mapping) else None
        return None if why is None else ("mask", why)

    def _quarantine(self, annotation: Annotation, fault: Fault, emitted_at: int) -> None:
        reason, message = fault
        self._first = self._first or message
        if self.count < KEPT_PER_RUN:
            content = describe(annotation)
            self._put_aside.append(
                QuarantinedAnnotation(self.count, emitted_at, annotation.type, reason, message, content)
            )
        self.count += 1
        self._uncommitted += 1


def _to_json(moment: Timestamp | None) -> list[int] | None:
    return None if moment is None else [moment.pts, moment.time_base.numerator, moment.time_base.denominator]


def _from_json(values: Sequence[int] | None) -> Timestamp | None:
    return None if values is None else Timestamp(values[0], Fraction(values[1], values[2]))
