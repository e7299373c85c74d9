"""Values about what is seen: regions, identities, vectors; their invariants, and their way through JSON."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest

from cortexia.errors import ValidationError
from cortexia.types import (
    Annotation,
    BBox,
    Classification,
    Embedding,
    Face,
    FaceTrack,
    Mask,
    Person,
    Pose,
    ScreenText,
    TimeSpan,
    Timestamp,
    Track,
    TrackBox,
    annotation_from_fields,
)
from cortexia.types.embedding import packed

SPAN = TimeSpan(Timestamp(0, Fraction(1, 25)), Timestamp(5, Fraction(1, 25)))
BOX = BBox(1.0, 2.0, 30.0, 40.0)
PLACE = {"span": SPAN, "bbox": BOX, "frame_index": 3}
SEEN = {"span": SPAN, "first_frame": 0, "last_frame": 4, "boxes": 5}
POINTS = [[1.0, 2.0]] * 5
RLE = {"size": [40, 30], "counts": "PP"}

WELL: list[Annotation] = [
    TrackBox(**PLACE, track_id="t1", label="car", confidence=0.5),
    Pose(**PLACE, keypoints=[[1.0, 2.0, 0.5]] * 17),
    Face(**PLACE, landmarks=POINTS, yaw=1.0, pitch=-2.0, roll=3.0, expression="happy", expression_confidence=0.4),
    Face(**PLACE),
    Mask(**PLACE, segmentation=RLE, area=7, polygons=[[0.0, 0.0, 1.0, 0.0, 1.0, 1.0]]),
    ScreenText(**PLACE, text="EXIT", corners=[[0.0, 0.0], [9.0, 0.0], [9.0, 3.0], [0.0, 3.0]]),
    Track(**SEEN, track_id="t1", gaps=1, gap_s=0.2, confidence=0.5),
    Person(**SEEN, track_id="t1", person_id="person_0123456789ab_001"),
    FaceTrack(**SEEN, track_id="f1", face_id="face_0123456789ab_001"),
    Classification(span=SPAN, label="kitchen", confidence=0.5),
    Embedding(span=SPAN, model="m", of="picture", **packed(np.arange(1, 9, dtype=np.float32))),
]


@pytest.mark.parametrize("value", WELL, ids=lambda value: value.type)
def test_it_comes_back_from_json_as_it_was(value):
    common = {name: getattr(value, name) for name in ("span", "label", "confidence", "frame_index", "track_id", "bbox")}
    stored = json.loads(json.dumps(value.data(), allow_nan=False))
    assert annotation_from_fields(value.type, stored, **common) == value


@pytest.mark.parametrize("kind", [TrackBox, Pose, Face, Mask, ScreenText])
@pytest.mark.parametrize("lacking", ["bbox", "frame_index"])
def test_a_region_needs_a_box_and_a_frame(kind, lacking):
    whole = next(value for value in WELL if type(value) is kind)
    fields = {item.name: getattr(whole, item.name) for item in dataclasses.fields(whole)}
    assert kind(**fields) == whole
    with pytest.raises(ValidationError, match="needs a box and a frame index"):
        kind(**{**fields, lacking: None})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrackBox(**PLACE), "needs a track id"),
        (lambda: Pose(**PLACE, keypoints=[[1.0, 2.0]]), "x, y and a score"),
        (lambda: Pose(**PLACE, keypoints=[]), "x, y and a score"),
        (lambda: Face(**PLACE, landmarks=POINTS[:4]), "five points"),
        (lambda: Mask(**PLACE, segmentation=RLE, area=0), "empty mask"),
        (lambda: Track(**SEEN), "needs a track id"),
        (lambda: Track(**{**SEEN, "last_frame": -1}, track_id="t"), "no range"),
        (lambda: Track(**{**SEEN, "boxes": 0}, track_id="t"), "cannot be"),
        (lambda: Track(**SEEN, track_id="t", gap_s=-1.0), "cannot be"),
        (lambda: Classification(span=SPAN), "needs a label"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValidationError, match=message):
        make()


# -- vectors


def test_a_vector_is_brought_to_length_one_and_comes_back_exactly():
    values = np.random.default_rng(1).normal(size=128).astype(np.float32)
    made = Embedding(span=SPAN, model="m", of="crop", **packed(values))
    wanted = values.astype(np.float64) / np.linalg.norm(values.astype(np.float64))
    assert made.dimension == 128
    assert np.array_equal(made.values(), wanted.astype(np.float32))


@pytest.mark.parametrize("values", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], []])
def test_a_vector_without_direction_is_refused(values):
    with pytest.raises(ValidationError, match="direction"):
        packed(np.array(values, np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimension": 7}, "where the dimension is 7"),
        ({"vector": "not base64!"}, "embedding"),
        ({"vector": "AAAA"}, "embedding"),
        ({"vector": "", "dimension": 0}, "where the dimension is 0"),
        ({"vector": "AACAPwAAgD8=", "dimension": 2}, "length 1"),
        ({"of": "smell"}, "one of picture"),
    ],
)
def test_a_damaged_vector_is_refused(change, message):
    fields = {"model": "m", "of": "picture", **packed(np.arange(1, 9, dtype=np.float32))}
    with pytest.raises(ValidationError, match=message):
        Embedding(span=SPAN, **{**fields, **change})
