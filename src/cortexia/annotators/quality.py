"""Picture quality: how sharp, bright, noisy and changed each sampled frame is, and hashes to know it again by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from cortexia.annotators import _measures as measures
from cortexia.annotators._hashes import average_hash, difference_hash, grid_hash, perceptual_hash
from cortexia.annotators.base import Emissions, SessionContext, StreamAnnotator, StreamSession
from cortexia.errors import ConfigurationError
from cortexia.types import (
    Annotation,
    AudioBlock,
    Frame,
    Measure,
    Picture,
    Progress,
    Sampling,
    ViewSpec,
    frame_span,
)

LABEL = "quality"


@dataclass(frozen=True)
class Quality(StreamAnnotator):
    """A ``Measure`` labelled ``quality`` per sampled frame, from luma whose longer side is at most 480 pixels.

    Sampled are the pictures on screen at multiples of ``1 / per_second`` s, or, if ``frame_interval`` is given, every
    so many frames instead.

    Values: ``sharpness`` (variance of the Laplacian, squared levels), ``exposure`` (mean luma, 0 .. 1),
    ``underexposed`` and ``overexposed`` (shares of pixels below 16 and above 239), ``contrast`` (RMS, 0 .. 0.5),
    ``noise_sigma`` (levels of 255, of what is left at this resolution), ``entropy`` (bits, 0 .. 8) and ``difference``
    (mean absolute change of luma since the frame sampled before, 0 .. 1; left out of the first one, and where the
    size of the picture has changed). Attributes: ``ahash``, ``phash``, ``dhash`` (64 bits) and ``grid_hash``
    (256 bits) in hexadecimal. The methods and their sources are told in ``_measures`` and ``_hashes``.
    """

    name: ClassVar[str] = "quality"
    version: ClassVar[str] = "1"
    provides: ClassVar[tuple[str, ...]] = ("measure",)
    cost: ClassVar[float] = 0.004

    per_second: float = 2.0
    frame_interval: int | None = None

    def __post_init__(self) -> None:
        if not 0.1 <= self.per_second <= 240:
            raise _out_of_range("per_second", "lie in 0.1 .. 240", self.per_second)
        if self.frame_interval is not None and self.frame_interval < 1:
            raise _out_of_range("frame_interval", "be at least 1", self.frame_interval)

    @property
    def sampling(self) -> Sampling:
        if self.frame_interval is not None:
            return Sampling.each_nth(self.frame_interval)
        return Sampling.at_rate(self.per_second)

    @property
    def views(self) -> tuple[ViewSpec, ...]:
        return (measures.WORKING_VIEW,)

    def session(self, context: SessionContext) -> QualitySession:
        return QualitySession()


def _out_of_range(option: str, wanted: str, got: float) -> ConfigurationError:
    return ConfigurationError(f"option {option!r} of annotator 'quality' must {wanted}, got {got}")


class QualitySession(StreamSession):
    """Measures picture by picture. The one before, for the difference, comes back through ``replay``."""

    def __init__(self) -> None:
        self._before: Picture | None = None
        self._index: int | None = None

    def process(self, inputs: Sequence[Frame] | Sequence[AudioBlock], upstream: Emissions) -> Emissions:
        return [[self._take(frame)] for frame in cast(Sequence[Frame], inputs)]

    def _take(self, frame: Frame) -> Annotation:
        luma = frame.view(measures.WORKING_VIEW)
        before = self._before
        self._remember(frame)
        return Measure(
            span=frame_span(frame),
            label=LABEL,
            frame_index=frame.index,
            values=_values(luma, before),
            attributes=_hashes(luma),
        )

    def _remember(self, frame: Frame) -> None:
        self._before, self._index = frame.view(measures.WORKING_VIEW), frame.index

    def replay(self, inputs: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for frame in cast(Sequence[Frame], inputs):
            self._remember(frame)

    def progress(self) -> Progress:
        return Progress(final_until=None, replay_from=self._index)


def _values(luma: Picture, before: Picture | None) -> dict[str, float]:
    """Rounded to what they can tell, which also hides the order in which a processor adds up."""
    histogram = measures.luma_histogram(luma)
    values = {
        "sharpness": round(measures.sharpness(luma), 2),
        "exposure": round(measures.exposure(histogram), 6),
        "underexposed": round(measures.underexposed(histogram), 6),
        "overexposed": round(measures.overexposed(histogram), 6),
        "contrast": round(measures.contrast(histogram), 6),
        "noise_sigma": round(measures.noise_sigma(luma), 3),
        "entropy": round(measures.entropy(histogram), 4),
    }
    if before is not None and before.shape == luma.shape:
        values["difference"] = round(measures.difference(luma, before), 6)
    return values


def _hashes(luma: Picture) -> Mapping[str, str]:
    return {
        "ahash": average_hash(luma),
        "phash": perceptual_hash(luma),
        "dhash": difference_hash(luma),
        "grid_hash": grid_hash(luma),
    }
