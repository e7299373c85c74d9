"""The zoo's expressions on small networks of their shapes: what goes in, and what is made of scores or shares."""

from __future__ import annotations

import numpy as np
import pytest
from opened_models import OpenedModels
from tiny_networks import expression, face_vector

from cortexia.errors import ConfigurationError
from cortexia.models.adapters import PicturePart, open_expression
from cortexia.models.adapters.expression import LABELS
from cortexia.models.adapters.face_alignment import TEMPLATE
from cortexia.models.adapters.shares import shares

ID = "expression-mobilefacenet"


def grey(level: float) -> PicturePart:
    """A face of one grey, -1..1."""
    return PicturePart(np.full((200, 200, 3), round((level + 1) * 127.5), np.uint8), TEMPLATE + 30.0)


@pytest.mark.parametrize("as_shares", [False, True], ids=["scores", "shares"])
def test_each_class_is_found_by_its_label(as_shares):
    runner = open_expression(OpenedModels(given={ID: expression(as_shares)}), ID)
    found = runner.run([grey(level) for level in np.linspace(-0.9, 0.9, 7)])
    assert tuple(item.label for item in found) == LABELS
    for item in found:
        assert item.confidence > 0.9
        assert item.shares.sum() == pytest.approx(1.0, abs=1e-5)
        assert item.shares.max() == pytest.approx(item.confidence)


def test_the_network_receives_rgb_from_minus_one_to_one():
    models = OpenedModels(given={ID: expression(False)})
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[..., 0] = 255
    open_expression(models, ID).run([PicturePart(picture, TEMPLATE + 30.0)])
    (feed,) = models.made[ID].feeds
    assert feed.shape == (1, 3, 112, 112)
    assert feed[0, :, 56, 56].tolist() == [-1.0, -1.0, 1.0]


def test_scores_become_shares_and_shares_stay():
    scores = np.array([[1.0, 2.0, 3.0], [0.2, 0.3, 0.5], [0.2, 0.3, 0.9], [-0.5, 0.5, 1.0]], np.float32)
    found = shares(scores)
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert found[1] == pytest.approx(scores[1])
    assert found[0] == pytest.approx(np.exp(scores[0]) / np.exp(scores[0]).sum())
    assert (abs(found[2:] - scores[2:]).max(axis=1) > 0.1).all()


def test_the_output_of_another_network_is_refused():
    with pytest.raises(ConfigurationError, match="no network for 7 expressions"):
        open_expression(OpenedModels(given={ID: face_vector()}), ID).run([grey(0.0)])
