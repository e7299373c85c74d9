"""COCO: sound for its readers, the official ids, and back again."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path

import pytest
from filled import Endless, box, everything, fill, identity, media
from hypothesis import given, settings
from hypothesis import strategies as st

from cortexia.errors import ConfigurationError, DataInconsistencyError, ValidationError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.coco import CocoExporter
from cortexia.exporters.coco_categories import OFFICIAL_IDS
from cortexia.exporters.coco_images import frame_file_name
from cortexia.exporters.coco_reader import read_coco
from cortexia.exporters.destination import write_export
from cortexia.types import BBox, Query


def export(store, tmp_path: Path, query: Query | None = None, **options) -> tuple[Path, dict]:
    path = tmp_path / "out.json"
    write_export(CocoExporter(**options), ExportSource(store, query or Query()), path)
    return path, json.loads(path.read_bytes())


GOLDEN = """{"info":{"description":"cortexia"},"licenses":[],"images":[
{"file_name":"%(a)s/frame_000003_120.jpg","frame_index":3,"height":360,"id":1,"time_s":0.12,\
"uri":"/videos/a.mp4","video_id":"%(a)s","width":640},
{"file_name":"000000252219.jpg","frame_index":0,"height":428,"id":2,"time_s":0.0,\
"uri":"/videos/000000252219.jpg","video_id":"%(c)s","width":640}
],"categories":[
%(categories)s
],"annotations":[
{"category_id":17,"annotation_id":"%(first)s","annotator":"objects","area":12.0,"bbox":[1.0,2.0,3.0,4.0],\
"frame_index":3,"id":1,"image_id":1,"iscrowd":0,"score":0.5,"time_s":0.12,"track_id":"7"},
{"category_id":91,"annotation_id":"%(second)s","annotator":"objects","area":12.0,"bbox":[1.0,2.0,3.0,4.0],\
"frame_index":0,"id":2,"image_id":2,"iscrowd":0,"time_s":0.0}
]}
"""


def test_golden(store, tmp_path):
    sides = BBox(1.0, 2.0, 4.0, 6.0)
    fill(store, identity(), "objects", [box(3, "cat", track_id="7", bbox=sides)])
    fill(store, identity("c", "000000252219.jpg"), "objects", [box(0, "moving", None, bbox=sides)], media(640, 428, 1))
    path, data = export(store, tmp_path)
    categories = ",\n".join(json.dumps(made, sort_keys=True, separators=(",", ":")) for made in data["categories"])
    first, second = (row.annotation_id for row in store.find(Query()))
    assert path.read_text() == GOLDEN % {
        "a": "a" * 64,
        "c": "c" * 64,
        "categories": categories,
        "first": first,
        "second": second,
    }


def test_categories_are_the_official_ones_and_then_the_others_sorted(store, tmp_path, data_dir):
    fill(store, identity(), "objects", [box(0, label) for label in ("zoo", "person", None, "aardvark", "moving")])
    _, data = export(store, tmp_path)
    truth = json.loads((data_dir / "gt" / "coco_ccby_instances.json").read_bytes())
    official = sorted(truth["categories"], key=lambda made: made["id"])
    assert data["categories"][:80] == official
    assert [(made["name"], made["id"]) for made in data["categories"][80:]] == [
        ("aardvark", 91),
        ("moving", 92),
        ("unlabelled", 93),
        ("zoo", 94),
    ]


def test_two_boxes_of_a_frame_are_on_one_image(store, tmp_path):
    fill(store, identity(), "objects", [box(0), box(0), box(1), box(4)])
    fill(store, identity(), "faces", [box(1)])
    _, data = export(store, tmp_path)
    assert [image["frame_index"] for image in data["images"]] == [0, 1, 4]
    assert [made["image_id"] for made in data["annotations"]] == [1, 1, 2, 2, 3]
    assert [made["id"] for made in data["annotations"]] == [1, 2, 3, 4, 5]


def test_pycocotools_opens_it(tmp_path):
    from pycocotools.coco import COCO

    store = everything(tmp_path)
    path, data = export(store, tmp_path)
    store.close()
    with contextlib.redirect_stdout(io.StringIO()):
        opened = COCO(str(path))
        scored = [made for made in data["annotations"] if "score" in made]
        results = opened.loadRes(scored)
    assert len(opened.getImgIds()) == len(data["images"])
    assert len(opened.getAnnIds()) == len(data["annotations"])
    assert opened.loadCats(opened.getCatIds(catNms=["zebra"]))[0]["id"] == OFFICIAL_IDS["zebra"] == 24
    assert len(results.getAnnIds()) == len(scored)


def test_filters_that_leave_no_detections_leave_an_empty_file(store, tmp_path):
    fill(store, identity(), "objects", [box(0)])
    _, data = export(store, tmp_path, Query(types=("shot",)))
    assert (data["images"], data["annotations"], len(data["categories"])) == ([], [], 80)


def test_names_of_frames():
    assert frame_file_name(12, 480_999) == "frame_000012_480.jpg"
    assert frame_file_name(1_234_567, 3_600_000_000) == "frame_1234567_3600000.jpg"


def test_a_video_without_a_size_is_an_error(tmp_path):
    class Sizeless(Endless):
        def video(self, video_id):
            return None

    with pytest.raises(DataInconsistencyError, match="not in the store"):
        CocoExporter().write(ExportSource(Sizeless(1)), io.BytesIO())


# -- still images as in COCO's own files


def still(store, name: str, letter: str = "a", frames: int = 1) -> None:
    fill(store, identity(letter, name), "objects", [box(0, "zebra")], media(640, 428, frames))


def test_numbers_in_the_names_of_stills_become_ids(store, tmp_path):
    still(store, "000000252219.jpg")
    still(store, "000000006818.jpg", "b")
    assert [image["id"] for image in export(store, tmp_path)[1]["images"]] == [1, 2]
    _, data = export(store, tmp_path, image_ids="stem")
    assert [image["id"] for image in data["images"]] == [252219, 6818]
    assert [made["image_id"] for made in data["annotations"]] == [252219, 6818]


@pytest.mark.parametrize(
    ("names", "frames", "hint"),
    [
        (["holiday.jpg"], 1, "'holiday.jpg' is none"),
        (["12.mp4"], 1, "'12.mp4' is none"),
        (["12.gif"], 30, "'12.gif' is none"),
        (["12.jpg", "0012.png"], 1, "two images have the number 12"),
    ],
)
def test_other_names_are_refused_for_ids(store, tmp_path, names, frames, hint):
    for letter, name in zip("ab", names, strict=False):
        still(store, name, letter, frames)
    with pytest.raises(ConfigurationError, match=hint):
        export(store, tmp_path, image_ids="stem")


def test_two_stills_of_one_name_are_two_files(store, tmp_path):
    still(store, "zebra.webp")
    still(store, "zebra.webp", "b")
    names = [image["file_name"] for image in export(store, tmp_path)[1]["images"]]
    assert names == ["zebra.webp", "b" * 64 + "/zebra.webp"]


def test_fields_of_others_with_our_names_are_left_alone(tmp_path):
    image = {"id": 1, "width": 9, "height": 9, "file_name": "a.jpg", "video_id": 7, "frame_index": "x", "time_s": "now"}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "track_id": 12, "annotation_id": 3}
    data = {"images": [image], "categories": [{"id": 1, "name": "cat"}], "annotations": [box]}
    (tmp_path / "others.json").write_text(json.dumps(data))
    (made,) = read_coco(tmp_path / "others.json")
    assert (made.video_id, made.frame_index, made.time_s, made.track_id, made.annotation_id) == (None,) * 5


def test_an_unknown_choice_of_ids_is_refused():
    with pytest.raises(ConfigurationError, match="sequential or stem"):
        CocoExporter(image_ids="random")


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/x.jpg", "a\\b.jpg", "con.jpg", "x\n.jpg", ".jpg/..jpg"])
def test_a_hostile_name_of_a_still_is_not_a_path(store, tmp_path, name):
    still(store, name)
    _, data = export(store, tmp_path)
    assert data["images"][0]["file_name"] == "a" * 64 + "/frame_000000_0.jpg"


def truth_boxes(truth: dict) -> dict[str, list[dict]]:
    names = {made["id"]: made["name"] for made in truth["categories"]}
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    found: dict[str, list[dict]] = {name: [] for name in files.values()}
    for made in truth["annotations"]:
        if not made["iscrowd"]:
            found[files[made["image_id"]]].append({"label": names[made["category_id"]], "bbox": made["bbox"]})
    return found


@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 0.999, 1.0), (1000.0, -1.0, 0.0)])
def test_average_precision_against_the_images_own_truth(store, tmp_path, data_dir, shift, least, most):
    """Boxes that are the truth score 1, boxes beside it score 0: ids, categories and boxes mean what COCO means."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    path = data_dir / "gt" / "coco_ccby_instances.json"
    truth = json.loads(path.read_bytes())
    sizes = {image["file_name"]: (image["width"], image["height"]) for image in truth["images"]}
    for letter, (name, found) in zip("abcdef", truth_boxes(truth).items(), strict=True):
        sides = [(made["label"], BBox.from_xywh(made["bbox"][0] + shift, *made["bbox"][1:])) for made in found]
        boxes = [box(0, label, 0.9, bbox=bbox) for label, bbox in sides]
        fill(store, identity(letter, name), "objects", boxes, media(*sizes[name], 1))
    _, data = export(store, tmp_path, image_ids="stem")
    with contextlib.redirect_stdout(io.StringIO()):
        against = COCO(str(path))
        scored = COCOeval(against, against.loadRes(data["annotations"]), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    assert least <= scored.stats[0] <= most


# -- and back


def test_reading_gives_the_same_boxes(tmp_path):
    store = everything(tmp_path)
    query = Query(types=("detection",))
    path, _ = export(store, tmp_path, query)
    rows = list(store.find(query))
    store.close()
    for read, row in zip(read_coco(path), rows, strict=True):
        said = row.annotation
        assert (read.label, read.confidence, read.track_id) == (said.label, said.confidence, said.track_id)
        assert (read.video_id, read.frame_index, read.time_s) == (row.video_id, said.frame_index, row.start_us / 1e6)
        assert read.annotation_id == row.annotation_id
        assert read.bbox.xywh == said.bbox.xywh


EDGES = st.floats(-1e4, 1e4, allow_nan=False)


@settings(max_examples=60)
@given(EDGES, EDGES, EDGES, EDGES)
def test_corners_come_back_to_the_last_bits(x1, y1, x2, y2):
    first = BBox(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    second = BBox.from_xywh(*json.loads(json.dumps(first.xywh)))
    assert (first.x1, first.y1) == (second.x1, second.y1)
    tolerance = 4 * math.ulp(max(map(abs, (x1, x2, y1, y2))))
    assert abs(first.x2 - second.x2) <= tolerance
    assert abs(first.y2 - second.y2) <= tolerance


def test_a_bad_file_is_refused_with_every_fault(data_dir):
    with pytest.raises(ValidationError) as caught:
        read_coco(data_dir / "badmedia" / "selfmade" / "text" / "coco_bad_ids.json")
    for fault in ("width -5", "height 0", "'..'", "image 99", "category 7", "four numbers"):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    "name", ["json_nan", "json_deep_100k", "json_dup_keys", "json_bigint", "json_nul", "json_lone_surrogate"]
)
def test_hostile_json_is_refused(data_dir, name):
    with pytest.raises(ValidationError):
        read_coco(data_dir / "badmedia" / "selfmade" / "text" / f"{name}.json")


SOUND = {
    "images": [{"id": 1, "file_name": "a/b.jpg", "width": 10, "height": 10}],
    "categories": [{"id": 1, "name": "person"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
}


@pytest.mark.parametrize(
    ("section", "change", "fault"),
    [
        ("annotations", {"bbox": [1, 2, -3, 4]}, "negative"),
        ("annotations", {"bbox": [1, 2, 3]}, "four numbers"),
        ("annotations", {"bbox": [1, 2, "3", True]}, "four numbers"),
        ("annotations", {"score": 1.5}, "score 1.5"),
        ("annotations", {"id": "one"}, "no whole number"),
        ("images", {"file_name": "../x.jpg"}, "'..'"),
        ("images", {"file_name": None}, "empty"),
        ("categories", {"name": 7}, "no name"),
        ("categories", {"id": True}, "no whole number"),
    ],
)
def test_faults_are_named(tmp_path, section, change, fault):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(SOUND))
    assert [made.label for made in read_coco(path)] == ["person"]
    broken = {**SOUND, section: [SOUND[section][0] | change]}
    path.write_text(json.dumps(broken))
    with pytest.raises(ValidationError, match=fault):
        read_coco(path)
    path.write_text(json.dumps({**SOUND, "annotations": SOUND["annotations"] * 2}))
    with pytest.raises(ValidationError, match="there twice"):
        read_coco(path)
