"""Reading on a small network that takes greys for characters: what goes in, and what is made of its steps."""

from __future__ import annotations

import numpy as np
import pytest
from opened_models import OpenedModels
from tiny_networks import grey_of, text_reader

from cortexia.errors import ConfigurationError
from cortexia.models.adapters import PicturePart, open_text_reader
from cortexia.models.adapters.crnn import CHARACTERS, Crnn, ReadText, decoded

ID = "crnn-en-fp16"


def line(classes: list[int]) -> np.ndarray:
    """A text of 100 x 32 pixels: one grey for each step of the network."""
    columns = np.repeat([grey_of(number) for number in classes], 4)[2:-2]
    return np.tile(columns.astype(np.uint8)[None, :, None], (32, 1, 3))


def written(text: str) -> list[int]:
    """26 classes: each character twice, and then nothing."""
    steps = [number for character in text for number in (CHARACTERS.index(character) + 1,) * 2 + (0,)]
    return steps + [0] * (26 - len(steps))


WHOLE = np.array(((0.0, 0.0), (99.0, 0.0), (99.0, 31.0), (0.0, 31.0)))


def read(*parts: PicturePart, threads: int = 1) -> list[ReadText]:
    runner = open_text_reader(OpenedModels(given={ID: text_reader()}, threads=threads), ID)
    try:
        return runner.run(parts)
    finally:
        runner.close()


@pytest.mark.parametrize("text", ["exit42", "aabb", "0", "zz9", ""])
def test_a_text_is_read(text):
    (found,) = read(PicturePart(line(written(text)), WHOLE))
    assert found.text == text
    assert found.confidence > 0.8 if text else found.confidence == 0.0


def test_a_text_is_read_from_its_first_corner_on():
    """The text stands on its side in the picture; its top left corner is at the bottom left."""
    picture = np.rot90(line(written("stop"))).copy()
    corners = np.array(((0.0, 99.0), (0.0, 0.0), (31.0, 0.0), (31.0, 99.0)))
    assert read(PicturePart(picture, corners))[0].text == "stop"
    assert read(PicturePart(picture, np.roll(corners, 2, axis=0)))[0].text == "pots"


def test_a_text_in_a_corner_of_the_picture_is_straightened():
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[200:264, 150:350] = np.repeat(np.repeat(line(written("go")), 2, axis=0), 2, axis=1)
    corners = np.array(((150.0, 200.0), (349.0, 200.0), (349.0, 263.0), (150.0, 263.0)))
    assert read(PicturePart(picture, corners))[0].text == "go"


def test_the_network_receives_grey_from_minus_one_to_one():
    models = OpenedModels(given={ID: text_reader()})
    picture = np.zeros((32, 100, 3), np.uint8)
    picture[..., 2] = 255
    open_text_reader(models, ID).run([PicturePart(picture, WHOLE)])
    (feed,) = models.made[ID].feeds
    assert (feed.shape, feed.dtype) == ((1, 1, 32, 100), np.float32)
    assert feed[0, 0, 9, 50] == pytest.approx(0.299 * 2 - 1, abs=0.01), "red counts for so much of grey"


def test_steps_become_characters_and_the_mean_of_their_highest_shares():
    def step(number: int, share: float) -> np.ndarray:
        row = np.full(37, (1 - share) / 36)
        row[number] = share
        return row

    a, b = CHARACTERS.index("a") + 1, CHARACTERS.index("b") + 1
    steps = [step(a, 0.6), step(a, 0.8), step(0, 0.9), step(a, 0.5), step(b, 0.4), step(0, 1.0)]
    assert decoded(np.array(steps)) == ReadText("aab", pytest.approx((0.8 + 0.5 + 0.4) / 3))
    assert decoded(np.array([step(0, 0.9)] * 3)) == ReadText("", 0.0)


def test_threads_change_nothing():
    parts = [PicturePart(line(written(text)), WHOLE) for text in ("one", "two", "three", "four")]
    assert read(*parts, threads=3) == read(*parts)
    assert [found.text for found in read(*parts)] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("shape", [(26, 95), (37,), (1, 26, 37)])
def test_the_output_of_another_network_is_refused(shape):
    with pytest.raises(ConfigurationError, match="no reader of 36 characters"):
        Crnn((100, 32)).read([np.zeros(shape, np.float32)], PicturePart(line([0] * 26), WHOLE))


def test_the_network_gets_numbers_of_its_type():
    assert Crnn((100, 32), "float16").prepare(PicturePart(line([0] * 26), WHOLE)).dtype == np.float16
