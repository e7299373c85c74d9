"""COCO object detection: images, the 80 categories with their official ids, and a box for each detection.

Format: https://cocodataset.org/#format-data. What COCO has no field for is added beside its own: programs that read
COCO leave unknown fields alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, ClassVar, Literal

from cortexia.errors import ConfigurationError, DataInconsistencyError, ValidationError
from cortexia.exporters.base import ExportSource, VideoFacts
from cortexia.exporters.coco_categories import UNLABELLED, category, category_ids
from cortexia.files import check_name
from cortexia.types import MICROSECONDS, BBox, StoredRow, VideoStream, canonical_json

SEQUENTIAL, STEM = "sequential", "stem"
_SPOOL_BYTES = 1 << 20
_STILL_SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)
_NUMBER = re.compile(r"[0-9]{1,18}")


def frame_file_name(frame_index: int, start_us: int) -> str:
    """``frame_000012_480.jpg``: index of the frame, and its time from the video's origin in whole milliseconds."""
    return f"frame_{frame_index:06d}_{start_us // 1000}.jpg"


@dataclass(frozen=True)
class CocoExporter:
    """One image for each frame that has a detection, in order of video and time; ``id`` counts from 1.

    ``image_ids``: ``sequential``, or ``stem`` to take the number that is the name of a still image (``000000252219``
    is 252219, as in COCO's own files), so that an export can be scored against ground truth of these very images. With
    ``stem`` every image must be a still with such a name, and no two may have the same.
    """

    name: ClassVar[str] = "coco"
    suffix: ClassVar[str] = ".json"
    media_type: ClassVar[str] = "application/json"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than detections",
        "frames in which nothing was detected",
        "attributes of detections",
        "ends of spans",
        "the pictures themselves",
    )

    image_ids: str = SEQUENTIAL

    def __post_init__(self) -> None:
        if self.image_ids not in (SEQUENTIAL, STEM):
            raise ConfigurationError(f"image_ids must be {SEQUENTIAL} or {STEM}, got {self.image_ids!r}")

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        """One pass over the rows: images go out as they come, annotations wait in a temporary file until every label
        is known."""
        labels = _Labels()
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            out.write(b'{"info":{"description":"cortexia"},"licenses":[],"images":[')
            _write_list(out, self._images(source, labels, spool))
            out.write(b'],"categories":[')
            _write_list(out, (_encode(category(name, number)) for name, number in labels.ids().items()))
            out.write(b'],"annotations":[')
            spool.seek(0)
            count = _write_list(out, _categorised(spool, labels.ids_by_place()))
            out.write(b"]}\n")
        return count

    def _images(self, source: ExportSource, labels: _Labels, spool: IO[bytes]) -> Iterator[bytes]:
        images = _Images(source, self.image_ids == STEM)
        for number, row in enumerate(source.rows("detection"), 1):
            image_id, image = images.of(row)
            if image is not None:
                yield _encode(image)
            spool.write(b"%d %s\n" % (labels.place(row), _encode(_annotation(row, number, image_id))))


def _encode(value: Any) -> bytes:
    return canonical_json(value).encode()


def _write_list(out: IO[bytes], items: Iterable[bytes]) -> int:
    """Elements of a JSON array, one a line; returns how many."""
    count = 0
    for count, item in enumerate(items, 1):
        out.write((b"\n" if count == 1 else b",\n") + item)
    if count:
        out.write(b"\n")
    return count


class _Images:
    """Images as rows come to them: a new one for each (video, start, frame index)."""

    def __init__(self, source: ExportSource, by_stem: bool) -> None:
        self._source = source
        self._by_stem = by_stem
        self._video: VideoFacts | None = None
        self._moment: tuple[str, int] | None = None
        self._here: dict[int, int] = {}
        self._stems: dict[int, str] = {}
        self._names: dict[str, str] = {}
        self._count = 0

    def of(self, row: StoredRow) -> tuple[int, dict[str, Any] | None]:
        """The id of the image of ``row``, and the image itself where ``row`` is the first on it."""
        if (row.video_id, row.start_us) != self._moment:
            self._moment = (row.video_id, row.start_us)
            self._here = {}
        index = _detection(row)[0]
        if index in self._here:
            return self._here[index], None
        if self._video is None or self._video.identity.video_id != row.video_id:
            self._video = self._source.video(row.video_id)
        self._count += 1
        self._here[index] = self._stem_id(self._video) if self._by_stem else self._count
        name = _file_name(self._video, row)
        if "/" not in name and self._names.setdefault(name, row.video_id) != row.video_id:
            name = f"{row.video_id}/{name}"
        return self._here[index], _image(self._video, row, self._here[index], name)

    def _stem_id(self, video: VideoFacts) -> int:
        name, video_id = video.identity.filename, video.identity.video_id
        stem = name.rpartition(".")[0]
        if not (is_still(video) and _NUMBER.fullmatch(stem)):
            raise ConfigurationError(f"image_ids=stem needs stills whose names are numbers, but {name!r} is none")
        number = int(stem)
        if self._stems.setdefault(number, video_id) != video_id:
            raise ConfigurationError(f"image_ids=stem: two images have the number {number}, the second is {name!r}")
        return number


def is_still(video: VideoFacts) -> bool:
    """Whether a stored video is one picture in a file of a picture format."""
    suffix = PurePosixPath(video.identity.filename.lower()).suffix
    return suffix in _STILL_SUFFIXES and (video.verdict is None or video.verdict.frames_decoded <= 1)


def _image(video: VideoFacts, row: StoredRow, image_id: int, file_name: str) -> dict[str, Any]:
    stream = _picture_stream(video)
    return {
        "id": image_id,
        "file_name": file_name,
        "width": stream.width,
        "height": stream.height,
        "video_id": row.video_id,
        "uri": row.uri,
        "frame_index": _detection(row)[0],
        "time_s": row.start_us / MICROSECONDS,
    }


def _picture_stream(video: VideoFacts) -> VideoStream:
    if video.media is None or video.media.video is None:
        raise DataInconsistencyError(
            f"video {video.identity.video_id} has detections but no size of pictures; annotate it again"
        )
    return video.media.video


def _file_name(video: VideoFacts, row: StoredRow) -> str:
    """Below a folder for each video; a still keeps its own name, without a folder, where that is safe as a path."""
    name = video.identity.filename
    if is_still(video) and "/" not in name:
        try:
            check_name(name)
        except ValidationError:
            pass
        else:
            return name
    return f"{row.video_id}/{frame_file_name(_detection(row)[0], row.start_us)}"


def _detection(row: StoredRow) -> tuple[int, BBox]:
    """Frame index and box, which every detection has."""
    index, box = row.annotation.frame_index, row.annotation.bbox
    if index is None or box is None:
        raise DataInconsistencyError(f"detection {row.annotation_id} has no box or no frame index")
    return index, box


class _Labels:
    """Labels in the order in which they were met; their ids can be told only when all of them are known."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, row: StoredRow) -> int:
        label = UNLABELLED if row.annotation.label is None else row.annotation.label
        return self._places.setdefault(label, len(self._places))

    def ids(self) -> dict[str, int]:
        return category_ids(self._places)

    def ids_by_place(self) -> list[int]:
        ids = self.ids()
        return [ids[label] for label in self._places]


def _annotation(row: StoredRow, number: int, image_id: int) -> dict[str, Any]:
    """An annotation without its category. ``score`` and ``track_id`` only where there are any."""
    index, box = _detection(row)
    annotation = row.annotation
    made: dict[str, Any] = {
        "id": number,
        "image_id": image_id,
        "bbox": list(box.xywh),
        "area": box.width * box.height,
        "iscrowd": 0,
        "frame_index": index,
        "time_s": row.start_us / MICROSECONDS,
        "annotation_id": row.annotation_id,
        "annotator": row.annotator,
    }
    if annotation.confidence is not None:
        made["score"] = annotation.confidence
    if annotation.track_id is not None:
        made["track_id"] = annotation.track_id
    return made


def _categorised(spool: Iterable[bytes], ids: list[int]) -> Iterator[bytes]:
    """Annotations of the spool, whose lines are the place of their label and an object, with their category."""
    for line in spool:
        place, _, text = line.rstrip(b"\n").partition(b" ")
        yield b'{"category_id":%d,' % ids[int(place)] + text.removeprefix(b"{")
