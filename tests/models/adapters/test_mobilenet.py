"""Vectors of pictures beside the reference decoding: pictures of one shot are alike, and across a cut they are not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from opened_models import OpenedModels, frames_of, noise
from shared_models import load_reference

from cortexia.models.adapters import open_picture_embedding

pytestmark = pytest.mark.data

ID = "mobilenet-v1-embedding"


def test_vectors_are_those_of_the_reference(data_dir):
    reference = load_reference(data_dir)
    interpreter = reference.tfl(f"embed/{OpenedModels().entry(ID).file}", 1)
    pictures = [frames_of(data_dir / f"images/faces/{name}")[0] for name in ("squat.bmp", "coral_face.jpg")]
    for picture, found in zip(pictures, open_picture_embedding(OpenedModels(data_dir), ID).run(pictures), strict=True):
        assert (found.shape, found.dtype) == ((1024,), np.float32)
        assert np.allclose(found, reference.embed(interpreter, picture), atol=1e-6)
        assert np.linalg.norm(found.astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


def test_neighbours_differ_most_at_the_cuts(data_dir):
    truth = json.loads((data_dir / "gt/montage_cuts_speech.json").read_text())
    (fade,) = [change["start"] for change in truth["gradual"] if change["type"] == "fade_out_to_black"]
    frames = frames_of(data_dir / "videos/composed/montage_cuts_speech.mp4")[:fade]
    vectors = np.array(open_picture_embedding(OpenedModels(data_dir), ID).run(frames))
    likeness = (vectors[1:] * vectors[:-1]).sum(axis=1)
    lowest = np.argsort(likeness)[: len(truth["hard_cuts"])] + 1
    assert sorted(lowest.tolist()) == truth["hard_cuts"]


def test_threads_change_no_bit(data_dir):
    pictures = [noise(40, 60, seed) for seed in range(4)]
    alone = [vector.tobytes() for vector in open_picture_embedding(OpenedModels(data_dir), ID).run(pictures)]
    runner = open_picture_embedding(OpenedModels(data_dir, threads=2), ID)
    assert [vector.tobytes() for vector in runner.run(pictures)] == alone
    assert len(set(alone)) == 4
    runner.close()
