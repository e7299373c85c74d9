"""Pictures of stored videos for exports: key pictures as they are kept, other frames decoded again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2

from cortexia.decoders.base import DamageFound, Decoder, DecodeRequest, ViewRequest
from cortexia.documents import VideoFacts
from cortexia.errors import DataInconsistencyError, ProcessingError
from cortexia.types import AudioBlock, Picture, Sampling, VerdictStatus, ViewSpec

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
        following = next(wanted, None)
        for threads in (self.threads if is_sound else 1, 1):
            try:
                with closing(self._frames(video, threads)) as frames:
                    for index, picture in frames:
                        while following is not None and following < index:
                            following = next(wanted, None)
                        if following is None:
                            return
                        if following == index:
                            yield index, _jpeg(picture)
                            following = next(wanted, None)
                return
            except DamageFound:
                continue

    def _frames(self, video: VideoFacts, threads: int) -> Generator[tuple[int, Picture]]:
        if video.media is None:
            raise DataInconsistencyError(f"video {video.identity.video_id} was not read yet; annotate it again")
        request = DecodeRequest(video=(ViewRequest(Sampling.every(), (_VIEW,)),), threads=threads)
        with self.decoder().open(self.open_video(video), video.media, request) as stream:
            for frame in stream:
                if not isinstance(frame, AudioBlock):
                    yield frame.index, frame.view(_VIEW)
                    self.on_frame(frame.time_s)


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
