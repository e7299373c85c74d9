"""CVAT for video: well formed for any text, every box where it was, and nothing between that was not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from defusedxml import ElementTree
from filled import HOSTILE, UNICODE, bitmap, box, everything, face, fill, identity, mask, media, person, track_box

from cortexia.errors import ConfigurationError
from cortexia.exporters.base import ExportSource
from cortexia.exporters.cvat import CvatExporter
from cortexia.exporters.destination import write_export
from cortexia.outlines import bitmap_of
from cortexia.types import BBox, Query

SIDES = BBox(10.1, 20.2, 110.7, 97.9)


def export(store, tmp_path: Path, query: Query | None = None, **options):
    """The root element of the one file."""
    write_export(CvatExporter(**options), ExportSource(store, query or Query()), tmp_path / "out")
    (path,) = (tmp_path / "out").glob("*.xml")
    return ElementTree.parse(path).getroot()


def shapes(root) -> list[tuple[str, int, int]]:
    """(track, frame, outside) of every shape."""
    return [
        (track.get("id"), int(shape.get("frame")), int(shape.get("outside")))
        for track in root.iter("track")
        for shape in track
    ]


GOLDEN = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
<version>1.1</version>
<meta><task>
<id>1</id>
<name>a.mp4</name>
<size>100</size>
<mode>interpolation</mode>
<overlap>0</overlap>
<bugtracker></bugtracker>
<start_frame>0</start_frame>
<stop_frame>99</stop_frame>
<frame_filter></frame_filter>
<labels>
<label><name>cat</name>
"""


def test_golden(store, tmp_path):
    fill(store, identity(), "tracks", [track_box(3, "t", "cat", bbox=SIDES)])
    write_export(CvatExporter(), ExportSource(store), tmp_path / "out")
    text = (tmp_path / "out" / "a.xml").read_text()
    (row,) = store.find(Query())
    assert text.startswith(GOLDEN)
    assert text.endswith(f"""<original_size><width>640</width>
<height>360</height>
</original_size>
<source>a.mp4</source>
</task>
</meta>
<track id="0" label="cat" source="auto" group_id="1">
<box frame="3" outside="0" occluded="0" keyframe="1" xtl="10.1" ytl="20.2" xbr="110.7" ybr="97.9" z_order="0">\
<attribute name="confidence">0.5</attribute>
<attribute name="track">t</attribute>
<attribute name="annotation_id">{row.annotation_id}</attribute>
</box>
<box frame="4" outside="1" occluded="0" keyframe="1" xtl="10.1" ytl="20.2" xbr="110.7" ybr="97.9" z_order="0"></box>
</track>
</annotations>
""")


def test_a_track_that_is_lost_is_outside_until_it_is_found(store, tmp_path):
    fill(store, identity(), "tracks", [track_box(frame, "1") for frame in (0, 1, 2, 7, 8, 99)])
    assert shapes(export(store, tmp_path)) == [
        *(("0", frame, 0) for frame in (0, 1, 2)),
        ("0", 3, 1),
        *(("0", frame, 0) for frame in (7, 8)),
        ("0", 9, 1),
        ("0", 99, 0),
    ]


def test_between_frames_that_were_looked_at_boxes_are_interpolated(store, tmp_path):
    """Every fifth or sixth frame was looked at; the track is lost once, for two looks."""
    looked = (0, 5, 11, 16, 21, 27, 32)
    fill(store, identity(), "objects", [box(frame, "dog") for frame in looked])
    fill(store, identity(), "tracks", [track_box(frame, "1") for frame in (0, 5, 11, 27, 32)])
    own = [(frame, outside) for track, frame, outside in shapes(export(store, tmp_path, Query(labels=("person",))))]
    assert own == [(0, 0), (5, 0), (11, 0), (12, 1), (27, 0), (32, 0), (33, 1)]


def test_each_kind_of_rows_has_its_own_rate(store, tmp_path):
    """Things every sixth frame, people every twelfth, masks of the people every twenty-fourth."""
    fill(store, identity(), "objects", [box(frame, "dog") for frame in range(0, 97, 6)])
    fill(store, identity(), "tracks", [track_box(frame, "c", "cat") for frame in range(0, 97, 6)])
    fill(store, identity(), "others", [track_box(frame, "p") for frame in range(0, 97, 12)])
    fill(store, identity(), "masks", [mask(frame, track_id="p") for frame in range(0, 97, 24)])
    told = {}
    for made in export(store, tmp_path).iter("track"):
        told.setdefault(
            (made.get("label"), made[0].tag), [shape.get("frame") for shape in made if shape.get("outside") == "1"]
        )
    last = {(label, tag): frames for (label, tag), frames in told.items() if label != "dog"}
    assert last == {("cat", "box"): ["97"], ("person", "box"): ["97"], ("person", "polygon"): ["97"]}


def test_tracks_are_together_and_what_is_in_none_is_a_track_of_one_box(store, tmp_path):
    fill(store, identity(), "objects", [box(0, "dog", bbox=SIDES), box(1, "dog", bbox=SIDES)])
    fill(store, identity(), "tracks", [track_box(frame, name) for frame in (0, 1) for name in "xy"])
    found: dict[str, list[int]] = {}
    for track, frame, outside in shapes(export(store, tmp_path)):
        if not outside:
            found.setdefault(track, []).append(frame)
    assert sorted(found.values()) == [[0], [0, 1], [0, 1], [1]]


def test_who_a_track_is_comes_along(store, tmp_path):
    spec = fill(store, identity(), "tracks", [track_box(0, "7")])
    fill(store, identity(), "people", [person(0, 0, "7", "person_a_001")], upstream=(spec.run_key,))
    root = export(store, tmp_path)
    told = {made.get("name"): made.text for made in root.find("track/box").iter("attribute")}
    assert (told["track"], told["person_id"], told["confidence"]) == ("7", "person_a_001", "0.5")
    declared = {made.findtext("name") for made in root.find("meta").iter("attribute")}
    assert set(told) <= declared


def test_a_mask_is_a_polygon_in_the_group_of_its_box(store, tmp_path):
    fill(store, identity(), "objects", [box(0, bbox=SIDES)])
    fill(store, identity(), "masks", [mask(0, bbox=SIDES)])
    root = export(store, tmp_path)
    boxed, outlined = root.findall("track")
    assert boxed.get("group_id") == outlined.get("group_id") == "1"
    points = outlined.find("polygon").get("points").replace(";", ",").split(",")
    assert np.array_equal(bitmap_of([list(map(float, points))], (360, 640)), bitmap(SIDES))


def test_run_lengths_are_exact(store, tmp_path):
    fill(store, identity(), "masks", [mask(0, bbox=SIDES)])
    shape = export(store, tmp_path, masks="mask").find("track/mask")
    left, top, width, height = (int(shape.get(name)) for name in ("left", "top", "width", "height"))
    runs = list(map(int, shape.get("rle").split(",")))
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    whole = np.zeros((360, 640), bool)
    whole[top : top + height, left : left + width] = inside
    assert np.array_equal(whole, bitmap(SIDES))


def test_masks_can_be_left_out(store, tmp_path):
    fill(store, identity(), "masks", [mask(0, bbox=SIDES)])
    assert [shape.tag for shape in export(store, tmp_path, masks="none").find("track")] == ["box", "box"]
    with pytest.raises(ConfigurationError, match="polygon, mask or none"):
        CvatExporter(masks="outline")


def test_faces_have_a_label(store, tmp_path):
    fill(store, identity(), "faces", [face(0)])
    assert export(store, tmp_path).find("track").get("label") == "face"


def test_any_text_is_well_formed_and_comes_back(tmp_path):
    store = everything(tmp_path)
    write_export(CvatExporter(), ExportSource(store), tmp_path / "out")
    store.close()
    root = ElementTree.parse(tmp_path / "out" / "=a.xml").getroot()
    labels = {made.findtext("name") for made in root.find("meta").iter("label")}
    for text in (*HOSTILE, *UNICODE):
        assert text.replace("\x1b", "\\u001b") in labels
    assert labels == {track.get("label") for track in root.iter("track")} >= {"unlabelled"}


def test_the_last_frame_has_nothing_after_it(store, tmp_path):
    fill(store, identity(), "tracks", [track_box(frame, "1") for frame in (8, 9)], media(frames=10))
    root = export(store, tmp_path)
    assert shapes(root) == [("0", 8, 0), ("0", 9, 0)]
    assert root.findtext("meta/task/size") == "10"
