"""The camera of generated clips goes where its pose says."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from cortexia.testing import Camera, Mover, ShotSpec, VideoSpec, make_video, render
from cortexia.testing.footage import ShotView, place_shots

ROLLING = Camera(roll=0.25)


def spec_of(camera: Camera, **more: object) -> VideoSpec:
    return VideoSpec(shots=(ShotSpec(frames=26, scene="city", camera=camera, **more),), stamp=False)


def view_of(spec: VideoSpec) -> ShotView:
    return ShotView(spec, place_shots(spec)[0])


def test_pose_of_a_camera_that_does_everything():
    pose = view_of(spec_of(Camera(pan_x=0.2, pan_y=-0.1, zoom_to=2.0, roll=0.1))).pose(25)
    assert dataclasses.astuple(pose) == pytest.approx((0.7, 0.4, 2.0, 0.1))


def test_a_camera_that_rolls_clockwise_turns_the_picture_anticlockwise():
    pictures = list(render(spec_of(ROLLING)))
    first, last = (picture[10:170, 80:240] for picture in (pictures[0], pictures[25]))
    turned = cv2.rotate(np.ascontiguousarray(first), cv2.ROTATE_90_COUNTERCLOCKWISE)
    wrong = cv2.rotate(np.ascontiguousarray(first), cv2.ROTATE_90_CLOCKWISE)
    # one pixel to and fro: the centre of the turn lies between pixels
    closeness = cv2.matchTemplate(last, turned[2:-2, 2:-2], cv2.TM_CCOEFF_NORMED).max()
    assert closeness > 0.9 > 0.5 > cv2.matchTemplate(last, wrong[2:-2, 2:-2], cv2.TM_CCOEFF_NORMED).max()


def test_things_keep_their_place_in_the_scene_while_the_camera_rolls():
    mover = Mover("ball", (0.75, 0.5), (0.75, 0.5), 0.2, (20, 40, 250))
    spec = spec_of(ROLLING, movers=(mover,))
    left, top, right, bottom = view_of(spec).corners(mover, 25)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((160, 90 - 80), abs=0.1)
    bare, full = list(render(spec_of(ROLLING)))[25], list(render(spec))[25]
    rows, columns = np.nonzero(cv2.absdiff(bare, full).max(axis=2) > 25)
    assert (columns.min(), columns.max() + 1) == pytest.approx((left, right), abs=2)
    assert rows.max() + 1 == pytest.approx(bottom, abs=2)


def test_the_corners_of_a_camera_that_rolls_show_the_scene_and_no_mirror_of_it():
    plain = view_of(spec_of(Camera(roll=0.125)))
    across, down = plain.pose(25).reach(320 / 180)
    # half the diagonal's shadow on both axes, in pixels
    assert (across * 320, down * 180) == pytest.approx(((320 + 180) / 2 / 2**0.5,) * 2)


def test_roll_is_told_in_the_truth(tmp_path):
    truth = make_video(tmp_path / "roll.mp4", spec_of(ROLLING))
    (move,) = truth.camera_moves
    assert (move.kind, move.amount, move.last_frame) == ("roll", (0.25,), 25)
