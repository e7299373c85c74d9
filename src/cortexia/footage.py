"""Pictures of stored videos for exports: key pictures as they are kept, other frames decoded again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2

from cortexia.decoders.base import DamageFound, Decoder, DecodeRequest, ViewRequest
from cortexia.documents import VideoFacts
from cortexia.errors import DataInconsistencyError, ProcessingError
from cortexia.types import AudioBlock, Frame, Picture, Sampling, VerdictStatus, ViewSpec

QUALITY = 95
"""Of JPEG pictures, out of 100."""
_VIEW = ViewSpec()


@dataclass(frozen=True)
class Footage:
    """``decoder``: made when a frame is first wanted. ``open_video``: where a video can be opened (raises
    ``RejectedInput``). ``blob``: bytes behind a digest. ``on_frame`` is told how far decoding is (seconds)."""

    decoder: Callable[[], Decoder]
    open_video: Callable[[VideoFacts], Path]
    blob: Callable[[str], bytes]
    threads: int = 0
    on_frame: Callable[[float], None] = lambda time_s: None

    def stored(self, digest: str) -> bytes:
        """The JPEG file of a key picture. Raises ``DataInconsistencyError`` where it is gone."""
        return self.blob(digest)

    def decoded(self, video: VideoFacts, wanted: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """Frames of the size as shown, as JPEG; those that do not come out are passed over.

        A video in which damage is known, or shows up, is decoded with one thread: then the pictures are always the
        same ones.
        """
        is_sound = video.verdict is not None and video.verdict.status is VerdictStatus.OK
        indexes = _Wanted(wanted)
        try:
            yield from self._pictures(video, indexes, self.threads if is_sound else 1)
        except DamageFound:
            yield from self._pictures(video, indexes, 1)

    def _pictures(self, video: VideoFacts, wanted: _Wanted, threads: int) -> Generator[tuple[int, bytes]]:
        """Those that were not given out yet."""
        with closing(self._frames(video, wanted, threads)) as frames:
            for frame in frames:
                if wanted.take(frame.index):
                    yield frame.index, _jpeg(frame.view(_VIEW))
                if wanted.is_over:
                    return

    def _frames(self, video: VideoFacts, wanted: _Wanted, threads: int) -> Generator[Frame]:
        """Every frame, with pixels only where they are wanted."""
        if video.media is None:
            raise DataInconsistencyError(f"video {video.identity.video_id} was not read yet; annotate it again")
        asked = (ViewRequest(Sampling.every()), ViewRequest(_Chosen(is_wanted=wanted.has), (_VIEW,)))
        request = DecodeRequest(video=asked, threads=threads)
        with self.decoder().open(self.open_video(video), video.media, request) as stream:
            for frame in stream:
                if not isinstance(frame, AudioBlock):
                    yield frame
                    self.on_frame(frame.time_s)


class _Wanted:
    """Rising indexes, read as far as somebody asked: the decoder is ahead of those who take pictures."""

    def __init__(self, indexes: Iterator[int]) -> None:
        self._indexes = indexes
        self._read: deque[int] = deque()

    def has(self, index: int) -> bool:
        """Whether ``index`` is wanted; asked in rising order, over what was not taken yet."""
        is_more = True
        while is_more and (not self._read or self._read[-1] < index):
            is_more = self._read_one()
        return index in self._read

    def take(self, index: int) -> bool:
        """Whether ``index`` is wanted; it is not from then on, and neither are those before it."""
        is_wanted = self.has(index)
        while self._read and self._read[0] <= index:
            self._read.popleft()
        return is_wanted

    @property
    def is_over(self) -> bool:
        """Whether all were taken."""
        return not self._read and not self._read_one()

    def _read_one(self) -> bool:
        """Whether there was one more."""
        found = next(self._indexes, None)
        if found is not None:
            self._read.append(found)
        return found is not None


@dataclass(frozen=True)
class _Chosen(Sampling):
    """Frames by index."""

    is_wanted: Callable[[int], bool] = lambda index: False

    def wants(self, index: int, start: Fraction, end: Fraction, is_keyframe: bool) -> bool:
        return self.is_wanted(index)


def _jpeg(picture: Picture) -> bytes:
    """``picture``: (h, w, 3) BGR uint8. Raises ``ProcessingError`` for one that JPEG has no room for."""
    try:
        is_made, made = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    except cv2.error:
        is_made = False
    if not is_made:
        height, width = picture.shape[:2]
        raise ProcessingError(
            f"a frame of {width} x {height} pixels cannot be written as JPEG; export without pictures (images=none)"
        )
    return made.tobytes()
