"""Pictures in the forms that annotators declared: oriented, scaled and converted once for everyone.

Colours. swscale converts with the matrix and range that the frame is tagged with; an untagged frame counts as BT.601
in limited range, which is what FFmpeg and OpenCV take it for. The fast way to full-size BGR (OpenCV's I420 conversion,
which knows BT.601 limited range only) is used for exactly those frames. ``gray`` is luma stretched to 0..255. An alpha
channel is dropped, not blended. High dynamic range is not tone-mapped: the code values are scaled to 8 bits.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from cortexia.types import Picture, ViewSpec

_FAST_RATIO = 4
_SWS_FORMATS = {"gray": "gray", "bgr": "bgr24", "rgb": "rgb24", "i420": "yuv420p"}
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_BT601 = frozenset({2, 5, 6})  # AVCOL_SPC_UNSPECIFIED, BT470BG, SMPTE170M
_LIMITED = frozenset({0, 1})  # AVCOL_RANGE_UNSPECIFIED, AVCOL_RANGE_MPEG
_I420_TO = {"bgr": cv2.COLOR_YUV2BGR_I420, "rgb": cv2.COLOR_YUV2RGB_I420}


def display_size(width: int, height: int, sample_aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Display width and height of ``width`` x ``height`` stored pixels; the height is kept, never below 1."""
    shown = (max(1, round(width * sample_aspect)), height)
    return shown[::-1] if rotation in (90, 270) else shown


class ViewMaker:
    """Makes views of the frames of one stream. ``rotation``: clockwise degrees that bring a stored picture upright."""

    def __init__(self, rotation: int, sample_aspect: Fraction) -> None:
        self._rotation = rotation
        self._sample_aspect = sample_aspect
        # A scaler for each (format, size, view): swscale sets up anew whenever one of them changes.
        self._scalers: dict[tuple[str, int, int, ViewSpec], VideoReformatter] = {}
        self._scratch: NDArray[np.uint8] | None = None

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        return display_size(frame.width, frame.height, self._sample_aspect, self._rotation)

    def make(self, frame: VideoFrame, spec: ViewSpec) -> Picture:
        """A read-only array as ``spec`` says."""
        width, height = spec.fit(*self.size(frame))
        if self._rotation in (90, 270):
            width, height = height, width
        if spec.pixel_format == "i420":
            view = self._i420(frame, spec, width + width % 2, height + height % 2)
        else:
            view = self._turned(self._packed(frame, spec, width, height))
        view.flags.writeable = False
        return cast(Picture, view)

    def _packed(self, frame: VideoFrame, spec: ViewSpec, width: int, height: int) -> Any:
        if spec.pixel_format in _I420_TO and (width, height) == (frame.width, frame.height) and _is_plain_i420(frame):
            size = frame.width * frame.height * 3 // 2
            if self._scratch is None or self._scratch.size != size:
                self._scratch = np.empty(size, np.uint8)
            return cv2.cvtColor(_planes(frame, self._scratch), _I420_TO[spec.pixel_format])
        return self._scaled(frame, spec, width, height).to_ndarray()

    def _i420(self, frame: VideoFrame, spec: ViewSpec, width: int, height: int) -> Any:
        planes = _planes(self._scaled(frame, spec, width, height), np.empty(width * height * 3 // 2, np.uint8))
        if not self._rotation:
            return planes
        luma = self._turned(planes[:height])
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        parts = [luma, self._turned(chroma[0]), self._turned(chroma[1])]
        return np.concatenate([part.reshape(-1) for part in parts]).reshape(-1, luma.shape[1])

    def _turned(self, picture: Any) -> Any:
        return cv2.rotate(picture, _ROTATIONS[self._rotation]) if self._rotation else picture

    def _scaled(self, frame: VideoFrame, spec: ViewSpec, width: int, height: int) -> VideoFrame:
        key = (frame.format.name, frame.width, frame.height, spec)
        scaler = self._scalers.get(key)
        if scaler is None:
            if len(self._scalers) > 64:  # a stream that changes its size again and again
                self._scalers.clear()
            scaler = self._scalers[key] = VideoReformatter()
        wanted = _SWS_FORMATS[spec.pixel_format]
        full = ColorRange.JPEG if spec.pixel_format == "gray" else None
        source = ColorRange.JPEG if frame.format.name.startswith("gray") and not frame.color_range else None
        return scaler.reformat(
            frame,
            width=width,
            height=height,
            format=wanted,
            interpolation=_interpolation(frame, spec, width, height),
            src_color_range=source,
            dst_color_range=full,
            threads=1,
        )


def _planes(frame: VideoFrame, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Planes of a yuv420p frame of even size one after the other in ``out``, as an array (h * 3 // 2, w)."""
    at = 0
    for plane in frame.planes:
        rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, -1)[:, : plane.width]
        out[at : at + rows.size].reshape(rows.shape)[:] = rows
        at += rows.size
    return out.reshape(-1, frame.width)


def _is_plain_i420(frame: VideoFrame) -> bool:
    """Whether OpenCV's I420 conversion gives this frame's colours: 8-bit 4:2:0, BT.601, limited range, even size."""
    return (
        frame.format.name == "yuv420p"
        and not (frame.width | frame.height) & 1
        and frame.colorspace in _BT601
        and frame.color_range in _LIMITED
        and all(plane.line_size > 0 for plane in frame.planes)
    )


def _interpolation(frame: VideoFrame, spec: ViewSpec, width: int, height: int) -> Interpolation:
    if spec.resample == "area":
        return Interpolation.AREA
    if frame.width >= _FAST_RATIO * width and frame.height >= _FAST_RATIO * height:
        return Interpolation.FAST_BILINEAR
    return Interpolation.BILINEAR
