"""YOLO: pictures, a label file for each, and ``data.yaml``, in the layout of Ultralytics.

Format: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal

import yaml

from cortexia.errors import ConfigurationError, DataInconsistencyError
from cortexia.exporters.base import ExportFolder, ExportSource, Pictures, VideoFacts
from cortexia.exporters.coco_images import frame_file_name
from cortexia.exporters.sequences import SequenceNames, picture_stream
from cortexia.exporters.yolo_labels import Labels
from cortexia.sightings import BOXES, Moment, moments
from cortexia.types import KeyPicture, Query

ALL, KEY, NONE = "all", "key", "none"
_TRAIN, _VAL, _TEST = "train", "val", "test"


@dataclass(frozen=True)
class YoloExporter:
    """``images/SPLIT/NAME_frame_000012_480.jpg`` (index of the frame, whole milliseconds) with its labels in
    ``labels/SPLIT/``, for each frame in which something was found.

    ``images``: ``all`` decodes those frames again, ``key`` takes the stored key pictures and leaves out other frames,
    ``none`` writes labels alone. A video belongs to one split as a whole, by a digest of its content: ``val`` and
    ``test`` are the shares of videos in these splits, so that a folder of few videos may have none there.
    ``segments``: outlines in place of boxes; what has no mask is outlined by its box. Classes are numbered from 0 as
    they are met, so that a folder takes one export alone: one that holds a dataset is refused.
    """

    name: ClassVar[str] = "yolo"
    suffix: ClassVar[str] = ""
    media_type: ClassVar[str] = "text/plain"
    target: ClassVar[Literal["folder"]] = "folder"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than detections, boxes of tracks, masks and faces",
        "confidences, tracks and attributes",
        "frames in which nothing was found",
        "masks without segments=true; holes and smaller parts of masks",
        "what lies outside of the picture, and less than a millionth of its size",
        "times other than whole milliseconds in names",
    )

    images: str = ALL
    segments: bool = False
    val: float = 0.2
    test: float = 0.0

    def __post_init__(self) -> None:
        if self.images not in (ALL, KEY, NONE):
            raise ConfigurationError(f"images must be {ALL}, {KEY} or {NONE}, got {self.images!r}")
        if not isinstance(self.segments, bool):
            raise ConfigurationError(f"segments must be true or false, got {self.segments!r}")
        if not (_is_share(self.val) and _is_share(self.test) and self.val + self.test <= 1):
            raise ConfigurationError(f"val and test must be shares of the videos, got {self.val!r} and {self.test!r}")

    def write(self, source: ExportSource, out: ExportFolder) -> int:
        """``data.yaml`` comes last: where it is, the export is complete. Raises ``ConfigurationError`` where ``out``
        holds a dataset, or part of one."""
        _refuse_a_second(out)
        count, names, labels, splits = 0, SequenceNames(), Labels(self.segments), set()
        found = moments(source.rows_of_things(*BOXES, "mask", "face"))
        for video_id, own in groupby(found, key=lambda moment: moment.video_id):
            video = source.video(video_id)
            split, stream = self.split_of(video_id), picture_stream(video)
            for moment, picture in self._pictured(source, video, own):
                splits.add(split)
                name = f"{names.of(video)}_{frame_file_name(moment.frame_index, moment.start_us).removesuffix('.jpg')}"
                lines = labels.lines(moment.sightings, (stream.width, stream.height))
                _put(out, f"labels/{split}/{name}.txt", "".join(lines).encode())
                if picture is not None:
                    _put(out, f"images/{split}/{name}.jpg", picture)
                count += len(lines)
        with out.file("data.yaml") as file:
            file.write(_configuration(splits, labels.names()))
        return count

    def split_of(self, video_id: str) -> str:
        """The same for a video in every export, whatever else is exported."""
        place = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8], "big") / 2**64
        if place < self.val:
            return _VAL
        return _TEST if place < self.val + self.test else _TRAIN

    def _pictured(
        self, source: ExportSource, video: VideoFacts, own: Iterable[Moment]
    ) -> Iterator[tuple[Moment, bytes | None]]:
        """Moments with their pictures (JPEG), as far as these are wanted."""
        if self.images == NONE:
            yield from ((moment, None) for moment in own)
            return
        if source.pictures is None:
            raise ConfigurationError(f"images={self.images} needs the videos or their pictures; images={NONE} does not")
        if self.images == ALL:
            yield from _decoded(source.pictures, video, own)
            return
        stored = _key_pictures(source, video)
        for moment in own:
            if moment.frame_index in stored:
                yield moment, source.pictures.stored(stored[moment.frame_index])


def _refuse_a_second(out: ExportFolder) -> None:
    """Old labels would be read with the new numbers of classes, and videos be in two splits."""
    held = [name for name in ("data.yaml", "labels", "images") if out.holds(name)]
    if held:
        raise ConfigurationError(
            f"the folder holds a dataset already ({', '.join(held)}): what two exports wrote does not fit together;"
            " name a new folder, or remove the old one"
        )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _decoded(pictures: Pictures, video: VideoFacts, own: Iterable[Moment]) -> Iterator[tuple[Moment, bytes]]:
    """In step with the decoder, which runs once over the video."""
    waiting: deque[Moment] = deque()

    def indexes() -> Iterator[int]:
        for moment in own:
            waiting.append(moment)
            yield moment.frame_index

    for index, picture in pictures.decoded(video, indexes()):
        moment = waiting.popleft()
        if moment.frame_index != index:
            raise _lost(video, moment)
        yield moment, picture
    if waiting:
        raise _lost(video, waiting[0])


def _lost(video: VideoFacts, moment: Moment) -> DataInconsistencyError:
    return DataInconsistencyError(
        f"frame {moment.frame_index} of {video.identity.uri} has boxes and does not come out of the video;"
        f" annotate it again, or export with images={NONE}"
    )


def _key_pictures(source: ExportSource, video: VideoFacts) -> dict[int, str]:
    """Digests of a video's key pictures by their frames."""
    query = Query(types=("key_picture",), video_ids=(video.identity.video_id,))
    return {
        row.annotation.frame_index: row.annotation.picture
        for row in source.store.find(query)
        if isinstance(row.annotation, KeyPicture) and row.annotation.frame_index is not None
    }


def _put(out: ExportFolder, name: str, content: bytes) -> None:
    # one of very many: what is written to the disk together with data.yaml is enough
    with out.file(name, durable=False) as file:
        file.write(content)


def _configuration(splits: set[str], names: list[str]) -> bytes:
    told = {split: f"images/{split}" for split in (_TRAIN, _VAL, _TEST) if split in splits}
    whole = {**told, "nc": len(names), "names": names}
    text: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1 << 20)
    return text.encode()
