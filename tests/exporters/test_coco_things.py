"""COCO with masks, poses, tracks and faces: one annotation for each thing."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from filled import bitmap, box, face, fill, identity, mask, pose, track_box

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.coco import CocoExporter
from cortexia.exporters.destination import write_export
from cortexia.types import BBox, Query


def export(store, tmp_path: Path, query: Query | None = None, **options) -> tuple[Path, dict]:
    path = tmp_path / "out.json"
    write_export(CocoExporter(**options), ExportSource(store, query or Query()), path)
    return path, json.loads(path.read_bytes())


SIDES = BBox(10.0, 20.0, 110.0, 140.0)


def opened(path: Path):
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def seen(store) -> None:
    """A person with a track, a mask and a pose, another person without, and a dog."""
    boxes = [box(0, bbox=SIDES), box(0, bbox=BBox(300, 20, 360, 140)), box(0, "dog", bbox=BBox(400, 200, 480, 260))]
    fill(store, identity(), "objects", boxes)
    fill(store, identity(), "tracks", [track_box(0, "t", bbox=SIDES)])
    fill(store, identity(), "masks", [mask(0, bbox=SIDES)])
    scores = (0.9, 0.3, 0.29, 0.0, *(0.5,) * 13)
    fill(store, identity(), "keypoints", [pose(0, scores, bbox=SIDES)])


def the_person(data: dict) -> dict:
    (made,) = (made for made in data["annotations"] if made["bbox"] == list(SIDES.xywh))
    return made


def test_one_thing_is_one_annotation_with_all_that_is_known(store, tmp_path):
    seen(store)
    path, data = export(store, tmp_path)
    made = the_person(data)
    assert len(data["annotations"]) == 3
    assert made["track_id"] == "t"
    assert made["area"] == int(bitmap(SIDES).sum()) != 100 * 120
    with_masks = opened(path)
    assert np.array_equal(with_masks.annToMask(with_masks.anns[made["id"]]).astype(bool), bitmap(SIDES))
    assert [len(item.get("segmentation", ())) for item in data["annotations"]].count(0) == 2


def test_masks_as_polygons(store, tmp_path):
    seen(store)
    path, data = export(store, tmp_path, segmentation="polygons")
    made = the_person(data)
    drawn = opened(path).annToMask(made).astype(bool)
    assert isinstance(made["segmentation"][0], list)
    assert (drawn & bitmap(SIDES)).sum() / (drawn | bitmap(SIDES)).sum() > 0.95
    with pytest.raises(ConfigurationError, match="rle or polygons"):
        CocoExporter(segmentation="bitmaps")


def test_keypoints_have_a_place_and_a_flag(store, tmp_path):
    seen(store)
    _, data = export(store, tmp_path)
    made = the_person(data)
    flags = made["keypoints"][2::3]
    assert flags[:5] == [2, 2, 1, 0, 2]
    assert made["keypoints"][9:12] == [0, 0, 0]
    assert made["keypoints"][:2] == [10.0, 20.0]
    assert made["num_keypoints"] == 16
    assert len(made["keypoints"]) == 51


def test_the_category_of_poses_tells_joints_and_bones(store, tmp_path):
    seen(store)
    _, data = export(store, tmp_path)
    by_name = {made["name"]: made for made in data["categories"]}
    assert by_name["person"]["keypoints"][:3] == ["nose", "left_eye", "right_eye"]
    assert by_name["person"]["skeleton"][0] == [16, 14]
    assert len(by_name["person"]["skeleton"]) == 19
    assert "keypoints" not in by_name["dog"]


def score(path: Path, kind: str) -> float:
    """Average precision of what is in a file against itself, people alone."""
    from pycocotools.cocoeval import COCOeval

    truth = opened(path)
    wanted = "keypoints" if kind == "keypoints" else "segmentation"
    # results that have a box are taken for boxes
    found = [
        {name: value for name, value in made.items() if name != "bbox"}
        for made in truth.dataset["annotations"]
        if wanted in made and made.get("num_keypoints") != 0
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(found), kind)
        evaluation.params.catIds = [1]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


def test_pycocotools_scores_poses_and_masks(store, tmp_path):
    """Things without a pose say so: else the evaluation would stop at them."""
    seen(store)
    assert score(export(store, tmp_path)[0], "keypoints") == pytest.approx(1.0)
    assert score(export(store, tmp_path, Query(annotators=("masks",)))[0], "segm") == pytest.approx(1.0)


def test_a_pose_alone_is_a_person_and_a_face_alone_a_face(store, tmp_path):
    fill(store, identity(), "keypoints", [pose(0, label=None, bbox=SIDES)])
    fill(store, identity(), "faces", [face(0, bbox=SIDES)])
    _, data = export(store, tmp_path)
    names = {made["id"]: made["name"] for made in data["categories"]}
    assert sorted(names[made["category_id"]] for made in data["annotations"]) == ["face", "person"]
