"""Datumaro reads what we write: every box, where it is, with its label."""

from __future__ import annotations

from pathlib import Path

import pytest
from filled import box, fill, identity, mask, track_box
from peers import needs_datumaro, read_by_datumaro

from cortexia.exporters import make_exporter
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export
from cortexia.types import BBox

FRAMES = 12

pytestmark = needs_datumaro


def sides(frame: int) -> BBox:
    return BBox(10.5 + frame, 20.25, 110.5 + frame, 150.75)


@pytest.fixture
def filled(store):
    """A person in a track with a mask in every frame, and a dog in none."""
    dog = BBox(400, 100, 500, 200)
    boxes = [box(frame, "person", bbox=sides(frame)) for frame in range(FRAMES)]
    fill(
        store, identity("a", "talk.mp4"), "objects", [*boxes, *(box(frame, "dog", bbox=dog) for frame in range(FRAMES))]
    )
    fill(
        store,
        identity("a", "talk.mp4"),
        "tracks",
        [track_box(frame, "7", bbox=sides(frame)) for frame in range(FRAMES)],
    )
    fill(store, identity("a", "talk.mp4"), "masks", [mask(frame, bbox=sides(frame)) for frame in range(FRAMES)])
    return store


def exported(store, name: str, tmp_path: Path, **options) -> Path:
    exporter = make_exporter(name, options)
    write_export(exporter, ExportSource(store), tmp_path / f"out{exporter.suffix}")
    return tmp_path / f"out{exporter.suffix}"


def visible(told: dict, kind: str, label: str) -> list[list[float]]:
    """Boxes of what is not outside, in order of the frames."""
    return [
        made["bbox"]
        for item in told["items"]
        for made in item["annotations"]
        if made["type"] == kind and told["labels"][made["label"]] == label and not made["attributes"].get("outside")
    ]


def test_cvat(filled, tmp_path):
    told = read_by_datumaro("cvat", exported(filled, "cvat", tmp_path))
    assert sorted(told["labels"]) == ["dog", "person"]
    assert visible(told, "bbox", "person") == [list(sides(frame).xywh) for frame in range(FRAMES)]
    assert len(visible(told, "bbox", "dog")) == len(visible(told, "polygon", "person")) == FRAMES


def test_cvat_of_videos_with_other_labels_one_by_one(filled, tmp_path):
    fill(filled, identity("b", "zoo.mp4"), "objects", [box(3, "zebra")])
    folder = exported(filled, "cvat", tmp_path)
    counts = {path.stem: len(read_by_datumaro("cvat", path)["labels"]) for path in folder.glob("*.xml")}
    assert counts == {"talk": 2, "zoo": 1}


def test_mot(filled, tmp_path):
    told = read_by_datumaro("mot_seq", exported(filled, "mot", tmp_path))
    assert visible(told, "bbox", "pedestrian") == [[11.5 + n, 21.25, 100.0, 130.5] for n in range(FRAMES)]


@pytest.mark.parametrize("name", ["coco", "coco-tracks"])
def test_coco(filled, tmp_path, name):
    path = exported(filled, name, tmp_path)
    # what Datumaro takes for COCO
    for folder in ("annotations", "images"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    path.rename(tmp_path / "set" / "annotations" / "instances_all.json")
    told = read_by_datumaro("coco_instances", tmp_path / "set")
    assert len(visible(told, "mask", "person")) == FRAMES
    assert len(visible(told, "bbox", "dog")) == (FRAMES if name == "coco" else 0)
