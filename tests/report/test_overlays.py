"""Masks, poses and faces are drawn where they are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from stocking import span, stored

from cortexia.app import Request
from cortexia.report.canvas import Bar, Canvas
from cortexia.report.gather import gather
from cortexia.report.held import HeldCaptions, HeldSightings
from cortexia.report.overlays import head_axes
from cortexia.report.shapes import make_shapes
from cortexia.report.style import Style
from cortexia.rle import encode
from cortexia.sightings import Sighting
from cortexia.testing import ShotSpec, VideoSpec
from cortexia.types import BBox, Caption, Detection, Face, Mask, Pose, Region, StoredRow

SIZE = (320, 180)
ORANGE = np.array([230, 159, 0])
SIDES = BBox(40, 40, 200, 160)
STYLE = Style({"cup": 0})


def sighting(region: Region) -> Sighting:
    made = Sighting(StoredRow("id", region, "v", "u", "run", "a", 0, 40_000, 0, 0), region)
    made.mask = region if isinstance(region, Mask) else None
    made.pose = region if isinstance(region, Pose) else None
    return made


def drawn(*regions: Region, caption: str | None = None, ground: int = 0) -> np.ndarray:
    canvas = Canvas(SIZE, STYLE, has_captions=caption is not None)
    canvas.begin(np.full((180, 320, 3), ground, np.uint8), SIZE)
    return canvas.drawn(list(map(sighting, regions)), Bar(caption=caption or "")).astype(int)


def mask(pixels: np.ndarray) -> Mask:
    return Mask(
        span=span(0, 40), label="cup", frame_index=0, bbox=SIDES, segmentation=encode(pixels), area=int(pixels.sum())
    )


def square(size: tuple[int, int] = SIZE) -> np.ndarray:
    pixels = np.zeros(size[::-1], bool)
    pixels[size[1] // 3 : size[1] * 2 // 3, size[0] // 4 : size[0] // 2] = True
    return pixels


def pose(scores: list[float] | None = None, skeleton: str = "coco-17") -> Pose:
    """Joints down a line; the ankles are below the picture."""
    scores = scores or [0.9] * 17
    points = [[60.0 + 8 * n, 50.0 + 8 * n, score] for n, score in enumerate(scores)]
    return Pose(span=span(0, 40), label="cup", frame_index=0, bbox=SIDES, keypoints=points, skeleton=skeleton)


# -- masks


@pytest.mark.parametrize("scale", [1, 3])
def test_a_mask_is_a_translucent_area_with_an_outline(scale):
    """Of a mask that is larger than the board the same area."""
    size = (SIZE[0] * scale, SIZE[1] * scale)
    canvas = Canvas(SIZE, STYLE)
    canvas.begin(np.full((180, 320, 3), 100, np.uint8), size)
    board = canvas.drawn([sighting(mask(square(size)))], Bar())
    inside = board[80:100, 100:140].reshape(-1, 3)
    assert np.abs(inside - (ORANGE * 0.38 + 100 * 0.62)).max() < 2
    assert (board[150:170, 220:300] == 100).all()
    assert np.abs(board[90, 80] - ORANGE).max() < 10


def test_a_mask_that_cannot_be_unpacked_is_left_out():
    broken = mask(square())
    object.__setattr__(broken, "segmentation", {"size": [180, 320], "counts": "zz"})
    assert np.abs(drawn(broken)[80:100, 100:140]).max() == 0
    assert make_shapes([sighting(broken)], SIZE, STYLE) == []


def test_a_mask_of_a_page_is_a_closed_path_around_it():
    (shape,) = make_shapes([sighting(mask(square()))], SIZE, STYLE)
    numbers = np.array([float(part) for part in re.findall(r"[\d.]+", shape.path)]).reshape(-1, 2)
    assert shape.path.endswith("z")
    assert (numbers.min(axis=0).tolist(), numbers.max(axis=0).tolist()) == ([80, 60], [159, 119])


# -- poses


def test_bones_are_drawn_between_sure_joints_and_never_beyond_the_picture():
    board = drawn(pose())
    assert board[60:62, 70:75].max() > 100
    assert board[180:, :].max() == 0, "the bar is clean"


def test_joints_that_are_not_sure_have_neither_dot_nor_bone():
    assert np.abs(drawn(pose([0.2] * 17)) - drawn(Detection(**_same()))).max() == 0
    assert np.abs(drawn(pose([0.4] * 17)) - drawn(Detection(**_same()))).max() > 100


def _same() -> dict:
    return {"span": span(0, 40), "label": "cup", "frame_index": 0, "bbox": SIDES}


def test_an_unknown_skeleton_has_joints_alone():
    looks = {shape.look: shape.path for shape in make_shapes([sighting(pose(skeleton="hand-21"))], SIZE, STYLE)}
    assert looks["bones"] == ""
    assert looks["joints"].count("h0") == 17


# -- faces


@pytest.mark.parametrize(
    ("angles", "left", "top", "nose"),
    [
        ((0, 0, 0), (1, 0), (0, -1), (0, 0)),
        # to the person's left is to the right of the picture
        ((30, 0, 0), (0.866, 0), (0, -1), (0.5, 0)),
        ((0, 30, 0), (1, 0), (0, -0.866), (0, -0.5)),
        # towards the right shoulder: the top goes to the left of the picture
        ((0, 0, 30), (0.866, -0.5), (-0.5, -0.866), (0, 0)),
    ],
)
def test_the_axes_of_a_head(angles, left, top, nose):
    for axis, wanted in zip(head_axes(*angles), (left, top, nose), strict=True):
        assert axis == pytest.approx(wanted, abs=1e-3)


def test_a_face_has_landmarks_and_axes_only_where_they_are_known():
    bare = Face(**{**_same(), "label": None})
    told = Face(
        **{**_same(), "label": None}, yaw=20.0, pitch=5.0, landmarks=[[60, 60], [80, 60], [70, 80], [62, 95], [78, 95]]
    )
    assert [shape.look for shape in make_shapes([sighting(told)], SIZE, STYLE)] == [
        "joints", "axis-left", "axis-top", "axis-nose",
    ]  # fmt: skip
    assert make_shapes([sighting(bare)], SIZE, STYLE) == []
    assert (drawn(told) != drawn(bare)).any()


def test_in_a_crowd_names_are_small():
    """Sixteen boxes have less under plates than fifteen have."""

    def covered(count: int) -> int:
        sides = [
            BBox(4 + 60 * (n % 5), 20 + 42 * (n // 5), 40 + 60 * (n % 5), 50 + 42 * (n // 5)) for n in range(count)
        ]
        board = drawn(*(Detection(**{**_same(), "bbox": one, "confidence": 0.5}) for one in sides))
        return int((np.abs(board - ORANGE).max(axis=2) < 60).sum())

    assert covered(15) > 1.3 * covered(16)


# -- captions


def test_a_caption_stands_below_the_picture_and_is_cut_where_it_is_long():
    without, one = drawn(), drawn(caption="a hall")
    assert one.shape[0] > without.shape[0]
    assert (one[:180] == 0).all()
    assert one[180:].max() > 200
    long = drawn(caption="word " * 200)
    assert long.shape == one.shape
    assert (drawn(caption="x" * 2000)[180:, -4:] == 0).all()


@pytest.fixture
def captioned(full):
    (record,) = full.store().videos()
    said = [
        Caption(span=span(400, 440), text="first", attributes={"composed": True}),
        Caption(span=span(1000, 1040), text="second"),
        Caption(span=span(4100, 4140), text="third"),
    ]
    stored(full.store(), record.identity, "captions", said)
    return HeldCaptions(gather(full.report_data(record.identity.video_id)))


def test_a_caption_holds_for_its_shot(captioned):
    times = (0, 500, 1500, 1999, 2500, 4000, 5900)
    assert [captioned.at(at * 1000) for at in times] == [
        "composed: first", "composed: first", "second", "second", "", "third", "third",
    ]  # fmt: skip


# -- what is held


def test_masks_that_come_seldom_do_not_take_the_boxes_away(full):
    (record,) = full.store().videos()
    data = full.report_data(record.identity.video_id)
    facts = gather(data)
    masks = [
        Mask(**{**_same(), "span": span(at, at + 40), "frame_index": at // 40}, segmentation=encode(square()), area=1)
        for at in (480, 1000)
    ]
    stored(full.store(), record.identity, "masks", masks)
    data = full.report_data(record.identity.video_id)
    held = HeldSightings(data, gather(data))
    assert facts.detection_step == 200_000
    kinds = [{made.region.type for made in held.at(index, index * 40_000)} for index in range(13)]
    assert kinds[11] == {"detection"}
    assert kinds[12] == {"detection", "mask"}


LEFT, RIGHT = BBox(10, 10, 60, 110), BBox(200, 10, 250, 110)


def boxed(at: int, sides: BBox, track_id: str | None, kind: type[Region] = Detection, **more) -> Region:
    made = {"span": span(at, at + 40), "frame_index": at // 40, "label": "mug", "bbox": sides, "track_id": track_id}
    return kind(**made, **more)


def worn_over_time(annotated, clips, tracks: tuple[str | None, ...], shift: int) -> dict[int, list[tuple[bool, ...]]]:
    """By time (ms) whether each box shown is the right one, has a mask, has a pose. Boxes come every 120 ms, each
    second time ``shift`` pixels away; a mask of the right one and a pose of the left one every 480 ms. At 720 ms the
    right one goes."""
    path = clips("held.mp4", VideoSpec(width=320, height=180, shots=(ShotSpec(2.0),), stamp=False))[0]
    app = annotated(path, request=Request(("shots",)))
    (record,) = app.store().videos()
    moved = [BBox(box.x1 + step, box.y1, box.x2 + step, box.y2) for step in (0, shift) for box in (LEFT, RIGHT)]
    boxes = [
        boxed(at, moved[2 * (at // 120 % 2) + place], tracks[place])
        for at in range(0, 1401, 120)
        for place in (0, 1)
        if place == 0 or at < 720
    ]
    masks = [boxed(at, RIGHT, tracks[1], Mask, segmentation=encode(square()), area=1) for at in (0, 480)]
    poses = [boxed(at, LEFT, tracks[0], Pose, keypoints=pose().keypoints) for at in (0, 480, 960)]
    for name, own in (("objects", boxes), ("masks", masks), ("keypoints", poses)):
        stored(app.store(), record.identity, name, own)
    data = app.report_data(record.identity.video_id)
    held = HeldSightings(data, gather(data))
    told = {}
    for index in range(40):
        found = held.at(index, index * 40_000)
        told[index * 40] = sorted((made.box.x1 > 100, made.mask is not None, made.pose is not None) for made in found)
    return told


TRACKED = pytest.mark.parametrize("tracks", [("1", "2"), (None, None)], ids=["tracked", "untracked"])


@TRACKED
def test_masks_and_poses_of_boxes_that_come_seldom_stay_with_their_boxes(annotated, clips, tracks):
    told = worn_over_time(annotated, clips, tracks, shift=4)
    both = [(False, False, True), (True, True, False)]
    assert [told[at] for at in range(0, 720, 40)] == [both] * 18
    assert [told[at] for at in range(720, 1401, 40)] == [[(False, False, True)]] * 18, "no mask without its box"


@TRACKED
def test_masks_and_poses_do_not_stay_where_their_things_were(annotated, clips, tracks):
    told = worn_over_time(annotated, clips, tracks, shift=20)
    assert told[0] == told[80] == told[240] == [(False, False, True), (True, True, False)]
    assert told[120] == told[200] == [(False, False, False), (True, False, False)], "moved by two fifths of its width"
