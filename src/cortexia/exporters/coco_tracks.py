"""COCO with videos and tracks, in the form of TAO: sections ``videos``, ``images``, ``tracks`` and ``annotations``.

Format: https://github.com/TAO-Dataset/tao/blob/master/docs/annotations.md (Dave et al., "TAO: A Large-Scale Benchmark
for Tracking Any Object", 2020). TAO's own tools and TrackEval read it, and so does whatever reads COCO.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Literal

from cortexia.exporters.base import ExportSource
from cortexia.exporters.coco import SPOOL_BYTES, check_segmentation
from cortexia.exporters.coco_categories import UNLABELLED
from cortexia.exporters.coco_images import Images
from cortexia.exporters.coco_parts import HEAD, RLE, Annotations, encode, write_list, write_tail
from cortexia.exporters.sequences import SequenceNames, picture_stream
from cortexia.exporters.tracks import Tracks
from cortexia.sightings import APPEARANCES, REGIONS, moments


@dataclass(frozen=True)
class CocoTracksExporter:
    """What belongs to a track: all ids are whole numbers from 1. The category of an annotation is that of its track.

    Our own ids stand beside: of a video in its ``metadata``, of a track in ``source_track_id``, ``run_id`` and
    ``person_id``. ``segmentation`` as of ``coco``.
    """

    name: ClassVar[str] = "coco-tracks"
    suffix: ClassVar[str] = ".json"
    media_type: ClassVar[str] = "application/json"
    target: ClassVar[Literal["file"]] = "file"
    cannot_carry: ClassVar[tuple[str, ...]] = (
        "what is in no track",
        "which categories were looked for in vain, and which were not looked for in full",
        "labels of boxes that differ from their track's",
        "attributes, landmarks and directions of faces, skeletons other than COCO's",
        "ends of spans",
        "the pictures themselves",
    )

    segmentation: str = RLE

    def __post_init__(self) -> None:
        check_segmentation(self.segmentation)

    def write(self, source: ExportSource, out: IO[bytes]) -> int:
        """One pass over the rows, as of ``coco``."""
        tracks, videos = Tracks(source), _Videos()
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            annotations = Annotations(spool, self.segmentation)
            out.write(HEAD)
            write_list(out, _images(source, annotations, tracks, videos))
            out.write(b'],"videos":[')
            write_list(out, map(encode, videos.all()))
            out.write(b'],"tracks":[')
            write_list(out, _tracks(tracks, videos, annotations.ids()))
            return write_tail(out, annotations)


class _Videos:
    """Videos as they are met, with ids from 1."""

    def __init__(self) -> None:
        self._made: dict[str, dict[str, Any]] = {}
        self._names = SequenceNames()

    def of(self, images: Images, video_id: str) -> dict[str, Any]:
        if video_id not in self._made:
            video = images.video(video_id)
            stream = picture_stream(video)
            self._made[video_id] = {
                "id": len(self._made) + 1,
                "name": self._names.of(video),
                "width": stream.width,
                "height": stream.height,
                "neg_category_ids": [],
                "not_exhaustive_category_ids": [],
                "metadata": {"dataset": "cortexia", "video_id": video_id, "uri": video.identity.uri},
            }
        return self._made[video_id]

    def number(self, video_id: str) -> int:
        number: int = self._made[video_id]["id"]
        return number

    def all(self) -> Iterator[dict[str, Any]]:
        return iter(self._made.values())


def _images(source: ExportSource, annotations: Annotations, tracks: Tracks, videos: _Videos) -> Iterator[bytes]:
    images = Images(source)
    for moment in moments(source.rows_of_things(*APPEARANCES, *REGIONS), tracks.meet):
        moment.sightings = [sighting for sighting in moment.sightings if sighting.tracked is not None]
        if not moment.sightings:
            continue
        video, image = videos.of(images, moment.video_id), images.of(moment)
        del image["uri"]
        yield encode({**image, "video_id": video["id"], "video": video["name"]})
        for sighting in moment.sightings:
            track = tracks.of(sighting)
            if track is not None:
                ids = {"image_id": image["id"], "video_id": video["id"], "track_id": track.number}
                annotations.add(sighting, moment, ids, track.label)


def _tracks(tracks: Tracks, videos: _Videos, categories: dict[str, int]) -> Iterator[bytes]:
    for track in tracks.all():
        made = {
            "id": track.number,
            "category_id": categories[UNLABELLED if track.label is None else track.label],
            "video_id": videos.number(track.video_id),
            "source_track_id": track.track_id,
            "run_id": track.run_id,
        }
        who = {"person_id": track.person_id, "face_id": track.face_id}
        yield encode(made | {name: value for name, value in who.items() if value is not None})
