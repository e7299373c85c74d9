"""Key pictures: for each shot the picture that stands for it best, as files beside the store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from cortexia.annotators._candidates import Candidate, PictureFiles, Reservoir, choose
from cortexia.annotators._options import require_ranges
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.types import Annotation, AudioBlock, Frame, KeyPicture, Progress, Sampling, Shot, ViewSpec


@dataclass(frozen=True)
class Frames(StreamAnnotator):
    """Keeps ``per_shot`` pictures of every shot as JPEG, each with a thumbnail whose longer side is 320 pixels.

    Candidates are the pictures on screen at multiples of ``1 / per_second`` s: four a second see every shot of 0.25 s
    and more; a shot that no multiple falls into has no picture. ``max_side``: the longer side of the full picture
    shrinks to at most this (pixels). ``jpeg_quality``: 1 .. 100.

    Quality, in [0, 1]: ``s / (s + 200)`` for the variance ``s`` of the Laplacian of the thumbnail's luma (focus
    measure of Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000), times the share of
    its pixels that are neither nearly black (below 16) nor nearly white (above 239). Those with the best quality are
    kept; within half a second of the shot's borders (a quarter of a shorter shot) it counts down to a half.
    """

    name: ClassVar[str] = "frames"
    version: ClassVar[str] = "2"
    requires: ClassVar[tuple[str, ...]] = ("shots",)
    provides: ClassVar[tuple[str, ...]] = ("key_picture",)
    cost: ClassVar[float] = 0.001

    per_shot: int = 1
    per_second: float = 4.0
    max_side: int = 1920
    jpeg_quality: int = 90

    def __post_init__(self) -> None:
        ranges = {"per_shot": (1, 8), "per_second": (0.1, 30), "max_side": (64, 8192), "jpeg_quality": (1, 100)}
        require_ranges(self, ranges)

    @property
    def sampling(self) -> Sampling:
        return Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (ViewSpec(bound=self.max_side, pixel_format="bgr", resample="area"),)

    def session(self, context: SessionContext) -> FramesSession:
        return FramesSession(self, context)


class FramesSession(StreamSession):
    """Collects candidates until the shot that they belong to is known.

    The latest pictures are held in memory, because their shot is told late and may be a short one; older ones of a
    shot that goes on are thinned and written as they come. State: what was written. The pictures in memory come back
    through ``replay``.
    """

    def __init__(self, recipe: Frames, context: SessionContext) -> None:
        self._recipe = recipe
        self._origin = context.media.origin
        self._view = recipe.views[0]
        self._files = PictureFiles(context.put_blob, recipe.jpeg_quality)
        self._reservoir = Reservoir(self._files, max(1, round(recipe.per_second)))

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        made: list[list[Annotation]] = []
        for frame, said in zip(cast(Sequence[Frame], inputs), upstream, strict=True):
            made.append(self._close_shots(said))
            self._reservoir.add(self._candidate(frame))
        return made

    def _candidate(self, frame: Frame) -> Candidate:
        since_origin = frame.timestamp.fraction - self._origin
        return self._files.candidate(frame, self._view, math.ceil(since_origin * self._recipe.sampling.per_second))

    def _close_shots(self, upstream: Sequence[Annotation]) -> list[Annotation]:
        return [made for shot in upstream if isinstance(shot, Shot) for made in self._close(shot)]

    def _close(self, shot: Shot) -> list[Annotation]:
        chosen = choose(self._reservoir.take(shot.last_frame), shot, self._recipe.per_shot)
        return [_key_picture(self._files.write(candidate)) for candidate in chosen]

    def finish(self, upstream: Sequence[Annotation]) -> Sequence[Annotation]:
        return self._close_shots(upstream)

    def state(self) -> Mapping[str, Any]:
        return self._reservoir.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self._reservoir.restore(state)

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for frame in cast(Sequence[Frame], inputs):
            self._reservoir.hold(self._candidate(frame))

    def progress(self) -> Progress:
        return self._reservoir.progress()


def _key_picture(candidate: Candidate) -> Annotation:
    shrunk = candidate.display != (candidate.width, candidate.height)
    return KeyPicture(
        span=candidate.span,
        frame_index=candidate.index,
        picture=candidate.files[0],
        thumbnail=candidate.files[1],
        width=candidate.width,
        height=candidate.height,
        quality=candidate.quality,
        is_representative=True,
        display_width=candidate.display[0] if shrunk else None,
        display_height=candidate.display[1] if shrunk else None,
    )
