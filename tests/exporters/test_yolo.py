"""YOLO: a picture for each label file, the very frame, and numbers that readers put where the boxes were."""

from __future__ import annotations

import contextlib
import re
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from filled import bitmap, box, everything, face, fill, identity, mask
from peers import needs_datumaro, read_by_datumaro

from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, DataInconsistencyError, ProcessingError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export
from cortexia.exporters.yolo import YoloExporter
from cortexia.footage import Footage
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import BBox, Detection, Query, TimeSpan, Timestamp

SIZE = (320, 180)
SIDES = BBox(32.0, 18.0, 96.0, 90.0)


def export(store, folder: Path, query: Query | None = None, **options) -> Path:
    write_export(YoloExporter(**{"images": "none", **options}), ExportSource(store, query or Query()), folder)
    return folder


def names(folder: Path, kind: str = "labels") -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in (folder / kind).rglob("*.*"))


def one_text(folder: Path) -> str:
    (path,) = (folder / "labels").rglob("*.txt")
    return path.read_text()


def test_golden(store, tmp_path):
    fill(store, identity(), "objects", [box(12, "cat", bbox=BBox(64, 36, 192, 180)), box(13, "dog")])
    out = export(store, tmp_path / "out", val=0)
    assert names(out) == ["labels/train/a_frame_000012_480.txt", "labels/train/a_frame_000013_520.txt"]
    assert (out / "labels/train/a_frame_000012_480.txt").read_text() == "0 0.200000 0.300000 0.200000 0.400000\n"
    assert (out / "data.yaml").read_text() == "train: images/train\nnc: 2\nnames:\n- cat\n- dog\n"


def test_boxes_are_cut_to_the_picture_and_those_beside_it_left_out(store, tmp_path):
    boxes = [box(0, bbox=BBox(-10, -10, 320, 180)), box(0, bbox=BBox(640, 0, 650, 10))]
    fill(store, identity(), "objects", boxes)
    assert one_text(export(store, tmp_path / "out")) == "0 0.250000 0.250000 0.500000 0.500000\n"


def test_segments_outline_masks_and_boxes(store, tmp_path):
    fill(store, identity(), "masks", [mask(0, bbox=BBox(64, 36, 192, 180))])
    fill(store, identity(), "faces", [face(0, bbox=BBox(320, 180, 640, 360))])
    lines = one_text(export(store, tmp_path / "out", segments=True)).splitlines()
    told = {len(line.split()): line for line in lines}
    assert told.pop(9).split()[1:] == [
        "0.500000",
        "0.500000",
        "1.000000",
        "0.500000",
        "1.000000",
        "1.000000",
        "0.500000",
        "1.000000",
    ]
    ((count, line),) = told.items()
    points = np.array(line.split()[1:], float).reshape(-1, 2) * (640, 360)
    drawn = cv2.fillPoly(np.zeros((360, 640), np.uint8), [points.round().astype(np.int32)], 1).astype(bool)
    assert count > 9
    assert np.array_equal(drawn, bitmap(BBox(64, 36, 192, 180)))


def test_a_video_is_in_one_split_whatever_else_is_exported(store, tmp_path):
    letters = "0123456789abcdef"
    for letter in letters:
        fill(store, identity(letter), "objects", [box(0), box(1)])
    out = export(store, tmp_path / "all", val=0.3, test=0.2)
    found = {path.name[0]: path.parent.name for path in (out / "labels").rglob("*.txt")}
    assert set(found.values()) == {"train", "val", "test"}
    assert list(yaml.safe_load((out / "data.yaml").read_text()))[:3] == ["train", "val", "test"]
    alone = export(store, tmp_path / "one", Query(video_ids=("7" * 64,)), val=0.3, test=0.2)
    assert {path.parent.name for path in (alone / "labels").rglob("*.txt")} == {found["7"]}
    assert len({path.parent for path in (out / "labels").rglob("7_*")}) == 1


def test_names_of_classes_come_back_from_yaml(tmp_path):
    store = everything(tmp_path)
    out = export(store, tmp_path / "out")
    labels = {row.annotation.label for row in store.find(Query(types=("detection",)))}
    store.close()
    assert set(yaml.safe_load((out / "data.yaml").read_bytes())["names"]) == {made or "unlabelled" for made in labels}


@pytest.mark.parametrize("kept", ["data.yaml", "labels", "images"])
def test_a_folder_with_a_dataset_is_refused(store, tmp_path, kept):
    """The classes of the second export would be numbered anew: its 0 is the dog."""
    fill(store, identity("a"), "objects", [box(0, "cat")])
    fill(store, identity("b"), "objects", [box(0, "dog")])
    out = export(store, tmp_path / "out", Query(video_ids=("a" * 64,)))
    (out / "images").mkdir()
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    with pytest.raises(ConfigurationError, match=r"holds a dataset already.*name a new folder"):
        export(store, out, Query(video_ids=("b" * 64,)))
    assert {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()} == before
    for name in {"data.yaml", "labels", "images"} - {kept}:
        (out / name).rename(tmp_path / name)
    with pytest.raises(ConfigurationError, match=re.escape(f"({kept})")):
        export(store, out, Query(video_ids=("b" * 64,)))


def test_a_folder_with_other_things_is_not(store, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    fill(store, identity(), "objects", [box(0, "cat")])
    assert names(export(store, tmp_path / "out"))


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"images": "some"}, "all, key or none"),
        ({"segments": "yes"}, "true or false"),
        ({"val": 0.8, "test": 0.3}, "shares"),
        ({"val": -0.1}, "shares"),
        ({"test": "half"}, "shares"),
    ],
)
def test_options_that_cannot_be_are_refused(options, hint):
    with pytest.raises(ConfigurationError, match=hint):
        YoloExporter(**options)


def test_pictures_are_asked_for_where_there_are_none(store, tmp_path):
    fill(store, identity(), "objects", [box(0)])
    with pytest.raises(ConfigurationError, match="images=none does not"):
        export(store, tmp_path / "out", images="all")


# -- with a video


def found(frame: int, label: str, sides: BBox) -> Detection:
    start = Timestamp(frame, Fraction(1, 25))
    span = TimeSpan(start, Timestamp(frame + 1, Fraction(1, 25)))
    return Detection(span=span, label=label, confidence=0.5, frame_index=frame, bbox=sides)


@pytest.fixture
def app(clips, tmp_path):
    """A clip of two shots with key pictures; boxes on frames 0, 5, 10 ... 45."""
    spec = VideoSpec(width=SIZE[0], height=SIZE[1], shots=(ShotSpec(1.0), ShotSpec(1.0, scene="sea")))
    path = clips("yolo.mp4", spec)[0]
    with App(Settings(store=str(tmp_path / "y.db"), executor="inline", threads=1)) as opened:
        opened.annotate([path], Request(("shots", "frames")))
        (record,) = opened.store().videos()
        boxes = [found(frame, "cup" if frame % 2 else "car", SIDES) for frame in range(0, 50, 5)]
        fill(opened.store(), record.identity, "objects", boxes, record.media)
        yield opened


def frames(path: Path) -> list[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def test_pictures_are_the_frames_that_have_boxes(app, clips, tmp_path):
    assert app.export("yolo", tmp_path / "out", Query()) == 10
    pictures = names(tmp_path / "out", "images")
    assert [Path(name).stem for name in pictures] == [Path(name).stem for name in names(tmp_path / "out")]
    assert [int(Path(name).stem.split("_")[2]) for name in pictures] == list(range(0, 50, 5))
    decoded = frames(clips("yolo.mp4", None)[0])
    for name in pictures:
        read = cv2.imread(str(tmp_path / "out" / name)).astype(int)
        distances = [np.abs(read - frame).mean() for frame in decoded]
        assert int(np.argmin(distances)) == int(Path(name).stem.split("_")[2])


def test_pictures_are_the_same_bytes_for_any_number_of_threads(app, tmp_path):
    app.export("yolo", tmp_path / "one", Query())
    app.settings = Settings(store=app.settings.store, threads=4)
    app.export("yolo", tmp_path / "four", Query())
    for name in names(tmp_path / "one", "images"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "four" / name).read_bytes()


def test_key_pictures_are_those_of_the_store(app, tmp_path):
    kept = {row.annotation.frame_index: row.annotation.picture for row in app.rows(Query(types=("key_picture",)))}
    wanted = sorted(set(kept) & set(range(0, 50, 5)))
    (record,) = app.videos()
    # wherever the key pictures are, one of them has a box
    missing = [found(index, "cup", SIDES) for index in kept if index not in wanted]
    fill(app.store(), record.record.identity, "more", missing, record.record.media)
    assert app.export("yolo", tmp_path / "out", Query(), options={"images": "key"}) == len(kept)
    pictures = names(tmp_path / "out", "images")
    assert [int(Path(name).stem.split("_")[2]) for name in pictures] == sorted(kept)
    first = (tmp_path / "out" / pictures[0]).read_bytes()
    assert first == app.store().blobs.get(kept[min(kept)])


def test_a_frame_that_does_not_come_out_is_an_error(app, tmp_path):
    (record,) = app.store().videos()
    fill(app.store(), record.identity, "more", [found(60, "cup", SIDES)], record.media)
    with pytest.raises(DataInconsistencyError, match="frame 60 of"):
        app.export("yolo", tmp_path / "out", Query())
    assert not (tmp_path / "out" / "data.yaml").exists()


def test_a_picture_that_jpeg_has_no_room_for_is_an_error(app):
    """65,535 pixels are the most that JPEG can count."""
    footage = Footage(lambda: Wide(), lambda video: Path(video.identity.uri), lambda digest: b"")
    (record,) = app.store().videos()
    with pytest.raises(ProcessingError, match="70000 x 1 pixels cannot be written as JPEG"):
        list(footage.decoded(record, iter([0])))


class Wide:
    """A decoder, its stream and its one frame."""

    index, time_s = 0, 0.0

    def open(self, *wanted):
        return contextlib.nullcontext([self])

    def view(self, spec):
        return np.zeros((1, 70_000, 3), np.uint8)


@pytest.mark.parametrize("images", ["all", "none"])
def test_how_far_decoding_is_gets_told_where_there_is_any(app, tmp_path, images):
    told: list[float] = []
    app.export("yolo", tmp_path / "out", Query(), options={"images": images}, on_frame=told.append)
    assert bool(told) is (images == "all")


@pytest.mark.parametrize("segments", [False, True])
def test_supervision_opens_it(app, tmp_path, segments):
    import supervision

    app.export("yolo", tmp_path / "out", Query(), options={"segments": segments, "val": 0})
    opened = supervision.DetectionDataset.from_yolo(
        str(tmp_path / "out" / "images" / "train"),
        str(tmp_path / "out" / "labels" / "train"),
        str(tmp_path / "out" / "data.yaml"),
    )
    assert opened.classes == ["car", "cup"]
    assert len(opened) == 10
    for _, _, boxes in opened:
        assert boxes.xyxy.tolist() == [pytest.approx([SIDES.x1, SIDES.y1, SIDES.x2, SIDES.y2], abs=1.01)]


@needs_datumaro
def test_datumaro_opens_it(app, tmp_path):
    app.export("yolo", tmp_path / "out", Query())
    told = read_by_datumaro("yolo", tmp_path / "out")
    boxes = [made["bbox"] for item in told["items"] for made in item["annotations"]]
    assert sorted(told["labels"]) == ["car", "cup"]
    assert boxes == [pytest.approx(list(SIDES.xywh), abs=0.01)] * 10
