"""COCO with tracks: every id leads somewhere, and readers of COCO open it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from filled import bitmap, box, fill, identity, mask, person, track, track_box

from cortexia.exporters.base import ExportSource
from cortexia.exporters.coco_tracks import CocoTracksExporter
from cortexia.exporters.destination import write_export
from cortexia.types import BBox, Query

SIDES = BBox(10.0, 20.0, 110.0, 140.0)


def export(store, tmp_path: Path, query: Query | None = None, **options) -> tuple[Path, dict]:
    path = tmp_path / "out.json"
    write_export(CocoTracksExporter(**options), ExportSource(store, query or Query()), path)
    return path, json.loads(path.read_bytes())


@pytest.fixture
def two(store):
    """Two videos with the same track ids; a box without a track; a person; a mask."""
    for letter in "ab":
        boxes = [box(frame, bbox=SIDES) for frame in range(3)]
        fill(store, identity(letter), "objects", [*boxes, box(7, "dog")])
        rows = [
            track(0, 2, "1", "truck"),
            *(track_box(frame, "1", bbox=SIDES) for frame in range(3)),
            track_box(1, "2"),
        ]
        spec = fill(store, identity(letter), "tracks", rows)
        fill(store, identity(letter), "people", [person(1, 1, "2", f"person_{letter}_001")], upstream=(spec.run_key,))
        fill(store, identity(letter), "masks", [mask(2, label=None, bbox=SIDES)])
    return store


def test_every_id_leads_somewhere(two, tmp_path):
    _, data = export(two, tmp_path)
    ids = {name: [made["id"] for made in data[name]] for name in ("videos", "images", "tracks", "categories")}
    assert ids["videos"] == [1, 2]
    assert ids["tracks"] == [1, 2, 3, 4]
    assert len(data["images"]) == 6
    tracks = {made["id"]: made for made in data["tracks"]}
    images = {made["id"]: made for made in data["images"]}
    assert len(data["annotations"]) == 8
    for made in data["annotations"]:
        track = tracks[made["track_id"]]
        assert made["video_id"] == track["video_id"] == images[made["image_id"]]["video_id"]
        assert made["category_id"] == track["category_id"] in ids["categories"]
    for image in data["images"]:
        assert image["video"] == data["videos"][image["video_id"] - 1]["name"]


def test_a_track_tells_its_label_and_who_it_is(two, tmp_path):
    _, data = export(two, tmp_path)
    names = {made["id"]: made["name"] for made in data["categories"]}
    told = [(made["source_track_id"], names[made["category_id"]], made.get("person_id")) for made in data["tracks"]]
    assert sorted(told[:2]) == [("1", "truck", None), ("2", "person", "person_a_001")]
    assert data["videos"][1]["metadata"]["video_id"] == "b" * 64


def test_what_is_in_no_track_is_left_out(two, tmp_path):
    _, data = export(two, tmp_path)
    assert {image["frame_index"] for image in data["images"]} == {0, 1, 2}
    _, data = export(two, tmp_path, Query(types=("detection",)))
    assert (data["images"], data["videos"], data["tracks"], data["annotations"]) == ([], [], [], [])


def test_pycocotools_opens_it_with_masks(two, tmp_path):
    from pycocotools.coco import COCO

    path, data = export(two, tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        opened = COCO(str(path))
    assert len(opened.getAnnIds()) == 8
    masked = [made for made in data["annotations"] if "segmentation" in made]
    assert [opened.annToMask(made).sum() for made in masked] == [bitmap(SIDES).sum()] * 2
