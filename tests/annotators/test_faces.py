"""Faces: found, filtered, measured; with networks where they are, by the cascade where they are not."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from driving import Drive
from footage import context, frames_of, place
from opened_models import OpenedModels
from tiny_networks import expression, face_vector

from cortexia.annotators._face_session import quality
from cortexia.annotators.faces import Faces
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.models.adapters import openers
from cortexia.types import BBox, Embedding, Face

BOUND = {"model": "yunet", "head_pose": "fsanet-1x1+fsanet-var", "expression": "none", "embedding": "none"}
BARE = {**BOUND, "head_pose": "none"}
ALL = {**BOUND, "expression": "expression-mobilefacenet", "embedding": "sface"}
GIVEN = {"sface": face_vector(), "expression-mobilefacenet": expression(as_shares=True)}


@cache
def picture_of(path: Path, number: int = 0) -> np.ndarray:
    """A frame of a clip or a picture, BGR."""
    with av.open(str(path)) as container:
        return next(
            frame.to_ndarray(format="bgr24") for index, frame in enumerate(container.decode(video=0)) if index == number
        )


def two_men(data_dir: Path) -> np.ndarray:
    return picture_of(data_dir / "images/obama/obama_and_biden.jpg")


def said(models: OpenedModels | None, *pictures: np.ndarray, batch: int = 1, **options: Any) -> list[Any]:
    session = dataclasses.replace(context(), models=models)
    return [made for _, made in Drive(Faces(**options), session, frames_of(pictures, 1)).run(batch)]


def faces(models: OpenedModels | None, *pictures: np.ndarray, **options: Any) -> list[Face]:
    return [made for made in said(models, *pictures, **options) if isinstance(made, Face)]


def overlap(one: BBox, other: list[float]) -> float:
    """Intersection over union with corners."""
    across = max(0.0, min(one.x2, other[2]) - max(one.x1, other[0]))
    down = max(0.0, min(one.y2, other[3]) - max(one.y1, other[1]))
    area = (other[2] - other[0]) * (other[3] - other[1])
    return across * down / (one.width * one.height + area - across * down)


@cache
def reviewed(data_dir: Path) -> list[dict[str, Any]]:
    return list(json.loads((data_dir / "gt/faces_reviewed.json").read_text())["items"])


def hits(data_dir: Path, models: OpenedModels | None, **options: Any) -> tuple[int, int, int]:
    """Faces of 30 pixels and more that were reviewed, how many of them are found, and finds that are none."""
    wanted = right = wrong = 0
    for item in reviewed(data_dir):
        picture = picture_of(data_dir / item["source"], item["frame"] or 0)
        boxes = [face.bbox for face in faces(models, picture, **options)]
        truth = [face["bbox_xyxy"] for face in item["faces"]]
        large = [box for box in truth if min(box[2] - box[0], box[3] - box[1]) >= 30]
        wanted += len(large)
        right += sum(any(overlap(found, box) >= 0.35 for found in boxes) for box in large)
        wrong += sum(not any(overlap(found, box) >= 0.35 for box in truth) for found in boxes)
    return wanted, right, wrong


# -- with networks


@pytest.mark.data
def test_a_face_has_landmarks_a_pose_and_a_quality(data_dir):
    found = faces(OpenedModels(data_dir), two_men(data_dir), **BOUND)
    assert len(found) >= 2
    for face in found:
        assert face.label == "face"
        assert len(face.landmarks) == 5
        assert all(face.bbox.x1 <= x <= face.bbox.x2 and face.bbox.y1 <= y <= face.bbox.y2 for x, y in face.landmarks)
        assert max(abs(face.yaw), abs(face.pitch), abs(face.roll)) < 90
        assert 0 < face.quality <= 1
        assert (face.expression, face.attributes) == (None, {"model": "yunet"})
    assert [face.confidence for face in found] == sorted((face.confidence for face in found), reverse=True)


@pytest.mark.data
def test_every_reviewed_face_is_found_and_little_else(data_dir):
    wanted, right, wrong = hits(data_dir, OpenedModels(data_dir), **BARE)
    assert right == wanted >= 15
    assert wrong <= 1


@pytest.mark.data
def test_a_vector_goes_with_each_face_and_has_its_box(data_dir):
    rows = said(OpenedModels(data_dir, GIVEN), two_men(data_dir), **ALL)
    found = [row for row in rows if isinstance(row, Face)]
    vectors = [row for row in rows if isinstance(row, Embedding)]
    assert [row.bbox for row in vectors] == [face.bbox for face in found]
    assert {(row.of, row.model, row.dimension) for row in vectors} == {("face", "sface", 128)}
    assert all(face.expression and 0 < face.expression_confidence <= 1 for face in found)
    assert not np.allclose(vectors[0].values(), vectors[1].values())


@pytest.mark.data
def test_threads_and_batches_change_nothing(data_dir):
    pictures = [picture_of(data_dir / item["source"], item["frame"] or 0) for item in reviewed(data_dir)[:5]]
    once = said(OpenedModels(data_dir, GIVEN), *pictures, **ALL)
    assert len(once) > 10
    for threads, batch in ((2, 1), (1, 8), (2, 3)):
        assert said(OpenedModels(data_dir, GIVEN, threads), *pictures, batch=batch, **ALL) == once


@pytest.mark.data
def test_small_faces_and_many_faces_are_left_out(data_dir):
    models, picture = OpenedModels(data_dir), two_men(data_dir)
    every = faces(models, picture, min_side=1, threshold=0.3, **BARE)
    sides = sorted(min(face.bbox.width, face.bbox.height) for face in every)
    assert len(sides) >= 3
    large = faces(models, picture, min_side=int(sides[1]) + 1, threshold=0.3, **BARE)
    assert len(large) == len(every) - 2
    assert faces(models, picture, max_per_frame=1, **BARE) == faces(models, picture, **BARE)[:1]
    surest = every[0].confidence
    assert faces(models, picture, threshold=min(0.99, surest), **BARE) == []


@pytest.mark.data
def test_a_face_at_the_border_is_cut_to_the_picture(data_dir):
    whole = picture_of(data_dir / "images/obama/obama.jpg")
    (face,) = faces(OpenedModels(data_dir), whole, **BARE)
    middle = int((face.bbox.x1 + face.bbox.x2) / 2) + 20
    (half,) = faces(OpenedModels(data_dir), np.ascontiguousarray(whole[:, :middle]), **BARE)
    assert half.bbox.x2 <= middle


# -- without


@pytest.mark.data
def test_the_cascade_finds_most_frontal_faces_and_invents_none(data_dir):
    wanted, right, wrong = hits(data_dir, None, **offline())
    assert wanted == 17
    assert right >= 12
    assert wrong <= 1


def offline(**more: Any) -> dict[str, Any]:
    return dataclasses.asdict(dataclasses.replace(Faces(**more).bound(lambda task: None)))


@pytest.mark.data
def test_the_cascade_says_what_it_does_not_know(data_dir):
    (face,) = faces(None, picture_of(data_dir / "images/obama/obama.jpg"), **offline())
    assert (face.landmarks, face.yaw, face.expression) == (None, None, None)
    assert face.attributes == {"model": "opencv-cascade"}
    assert 0.5 <= face.confidence < 1
    assert 0 < face.quality <= 1


@pytest.mark.data
@pytest.mark.parametrize("threads", [1, 4])
def test_threads_of_opencv_change_nothing(data_dir, threads):
    picture = two_men(data_dir)
    wanted = faces(None, picture, **offline())
    assert wanted
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(threads)
        assert all(faces(None, picture, **offline()) == wanted for _ in range(5))
    finally:
        cv2.setNumThreads(before)


@pytest.mark.data
def test_a_pose_needs_no_landmarks(data_dir):
    options = offline() | {"head_pose": "fsanet-1x1"}
    (face,) = faces(OpenedModels(data_dir), picture_of(data_dir / "images/obama/obama.jpg"), **options)
    assert abs(face.yaw) < 45


def test_nobody_is_an_answer():
    assert said(None, *[place(number) for number in range(4)], np.zeros((180, 320, 3), np.uint8), **offline()) == []
    assert said(None, np.zeros((8, 8, 3), np.uint8), **offline()) == []


# -- which models


def test_auto_takes_what_is_here():
    assert Faces().bound(lambda task: None) == Faces(
        model="offline", head_pose="none", expression="none", embedding="none"
    )
    here = {
        "face detection": "yunet",
        "head pose, plain scoring": "fsanet-1x1",
        "head pose, scoring by variance": "fsanet-var",
        "face embedding": "sface",
    }
    bound = Faces().bound(here.get)
    assert bound.model_ids == ("yunet", "sface", "fsanet-1x1", "fsanet-var")
    assert bound.expression == "none"
    assert Faces(model="offline").bound(here.get).model_ids == ("fsanet-1x1", "fsanet-var")
    assert Faces(embedding="none", head_pose="none").bound(here.get).model_ids == ("yunet",)


def test_a_session_needs_to_know_its_weights():
    for options in ({}, BARE):
        with pytest.raises(ConfigurationError, match="faces"):
            Faces(**options).session(context())


def test_what_needs_landmarks_is_refused_without():
    with pytest.raises(ConfigurationError, match=r"embedding.*needs landmarks"):
        Faces(model="offline", embedding="sface")


@pytest.mark.parametrize(
    "options", [{"threshold": 1.5}, {"min_side": 0}, {"max_per_frame": 0}, {"max_side": 8}, {"per_second": 0.0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Faces(**options)


# -- quality


def test_quality_falls_with_blur_with_size_and_with_the_turn():
    picture = place(4)
    box = BBox(100.0, 30.0, 212.0, 142.0)
    sharp = quality(picture, box, None)
    assert sharp > quality(cv2.GaussianBlur(picture, (0, 0), 3), box, None)
    assert sharp > quality(picture, BBox(100.0, 30.0, 130.0, 60.0), None)
    ahead, aside, behind = (np.array((yaw, 0.0, 0.0), np.float32) for yaw in (0.0, 60.0, 120.0))
    assert quality(picture, box, ahead) == sharp
    assert quality(picture, box, aside) == pytest.approx(sharp / 2, abs=1e-3)
    assert quality(picture, box, behind) == 0.0


# -- what was opened is given back


class Opened:
    """A runner that knows how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_network_that_cannot_be_opened_closes_those_that_were(monkeypatch):
    runners = [Opened(), Opened()]
    monkeypatch.setattr(openers, "open_face_detector", lambda *models, **options: runners[0])
    monkeypatch.setattr(openers, "open_head_pose", lambda *models: runners[1])
    with pytest.raises(UnknownNameError, match="nowhere"):
        said(OpenedModels(), np.zeros((64, 64, 3), np.uint8), **{**BOUND, "embedding": "nowhere"})
    assert [one.closed for one in runners] == [1, 1]


def test_a_model_without_models_is_refused_and_not_replaced():
    with pytest.raises(ConfigurationError, match="no models to take"):
        said(None, np.zeros((64, 64, 3), np.uint8), **BARE)
