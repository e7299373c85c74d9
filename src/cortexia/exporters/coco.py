"""COCO object detection: images, the 80 categories with their official ids, and what stands in each image.

Format: https://cocodataset.org/#format-data. What COCO has no field for is added beside its own: programs that read
COCO leave unknown fields alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, ClassVar, Literal

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.coco_images import Images
from cortexia.exporters.coco_parts import HEAD, POLYGONS, RLE, Annotations, encode, write_list, write_tail
from cortexia.sightings import REGIONS, moments

SEQUENTIAL, STEM = "sequential", "stem"
SPOOL_BYTES = 1 << 20


@dataclass(frozen=True)
class CocoExporter:
    """One image for each frame in which something was found, in order of video and time; ``id`` counts from 1.

    An annotation is a thing: its box, and where a mask, a pose or a track belongs to it, these too. ``image_ids``:
    ``sequential``, or ``stem`` to take the number that is the name of a still image (``000000252219`` is 252219, as in
    COCO's own files), so that an export can be scored against ground truth of these very images. With ``stem`` every
    image must be a still with such a name, and no two may have the same. ``segmentation``: masks as ``rle``, exactly,
    or as ``polygons``, which have no holes.
    """

    name: ClassVar[str] = "coco"
    suffix: ClassVar[str] = ".json"
    media_type: ClassVar[str] = "application/json"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "annotations other than detections, boxes of tracks, masks, poses and faces",
        "frames in which nothing was found",
        "attributes, landmarks and directions of faces, skeletons other than COCO's",
        "ends of spans",
        "the pictures themselves",
    )

    image_ids: str = SEQUENTIAL
    segmentation: str = RLE

    def __post_init__(self) -> None:
        if self.image_ids not in (SEQUENTIAL, STEM):
            raise ConfigurationError(f"image_ids must be {SEQUENTIAL} or {STEM}, got {self.image_ids!r}")
        check_segmentation(self.segmentation)

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        """One pass over the rows: images go out as they come, annotations wait in a temporary file until every label
        is known."""
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            annotations = Annotations(spool, self.segmentation)
            out.write(HEAD)
            write_list(out, self._images(source, annotations))
            return write_tail(out, annotations)

    def _images(self, source: ExportSource, annotations: Annotations) -> Iterator[bytes]:
        images = Images(source, self.image_ids == STEM)
        for moment in moments(source.rows_of_things(*REGIONS)):
            image = images.of(moment)
            yield encode(image)
            for sighting in moment.sightings:
                track = {} if sighting.track_id is None else {"track_id": sighting.track_id}
                annotations.add(sighting, moment, {"image_id": image["id"], **track}, sighting.label)


def check_segmentation(form: str) -> None:
    """Raise ``ConfigurationError`` for a form of masks that does not exist."""
    if form not in (RLE, POLYGONS):
        raise ConfigurationError(f"segmentation must be {RLE} or {POLYGONS}, got {form!r}")
