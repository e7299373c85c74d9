"""Text in key pictures, on small networks that take bright pixels for text and greys for characters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from footage import context, flat
from looking import Look, picture_of
from opened_models import OpenedModels
from tiny_networks import grey_of, text_map, text_reader

from cortexia.annotators.text import Text
from cortexia.config import Settings
from cortexia.errors import ConfigurationError, ModelError
from cortexia.models.access import open_models
from cortexia.models.adapters import PicturePart, open_text_reader
from cortexia.models.adapters.crnn import CHARACTERS
from cortexia.types import BBox

FOUND, READ = "ppocr-text-detection", "crnn-en-fp16"
GREY = grey_of(CHARACTERS.index("x") + 1)
"""Of a character, and bright enough for the finder."""


def board(*bars: tuple[int, int, int, int]) -> np.ndarray:
    bgr = flat(0, 320, 180)
    for x, y, width, height in bars:
        bgr[y : y + height, x : x + width] = GREY
    return bgr


def looking(pictures, threads=1, **options):
    models = OpenedModels(given={FOUND: text_map(None), READ: text_reader()}, threads=threads)
    return Look(Text(**options), dataclasses.replace(context(), models=models), pictures)


def test_a_text_has_its_place_in_the_display():
    bgr = board((100, 60, 120, 30))
    ((_, row),) = looking([picture_of(bgr, shrink=2)], min_confidence=0.0).run()
    reader = open_text_reader(OpenedModels(given={READ: text_reader()}), READ)
    (said,) = reader.run([PicturePart(bgr, np.array(row.corners) / 2)])
    assert (row.text, row.confidence) == (said.text, said.confidence)
    assert row.bbox.x1 < 200 < 440 < row.bbox.x2
    assert row.bbox.y1 < 120 < 180 < row.bbox.y2
    xs, ys = zip(*row.corners, strict=True)
    assert BBox(min(xs), min(ys), max(xs), max(ys)).xywh == pytest.approx(row.bbox.xywh)
    assert (row.attributes["model"], row.attributes["detector"]) == (READ, FOUND)
    assert 0.5 < row.attributes["score"] <= 1.0


def test_a_picture_without_text_has_no_rows():
    assert looking([picture_of(flat(0))]).run() == []


def test_what_cannot_be_read_is_left_out():
    pictures = [picture_of(board((100, 60, 120, 30)))]
    assert len(looking(pictures, min_confidence=0.2).run()) == 1
    assert looking(pictures, min_confidence=1.0).run() == []


def test_pictures_at_once_and_threads_change_nothing():
    pictures = [
        picture_of(board((20, 20, 90, 20), (150, 100, 100, 25))),
        picture_of(flat(0), 1),
        picture_of(board((60, 60, 60, 18)), 2),
    ]
    alone = looking(pictures, min_confidence=0.1).run(1)
    assert {number for number, _ in alone} == {0, 2}
    assert looking(pictures, threads=2, min_confidence=0.1).run(3) == alone


def test_without_the_models_it_says_what_brings_them(tmp_path):
    bare = dataclasses.replace(context(), models=open_models(Settings(cache_dir=str(tmp_path))))
    with pytest.raises(ModelError, match=f"cortexia models pull {FOUND}") as missing:
        Text().session(bare)
    assert missing.value.reason == "missing"
    with pytest.raises(ConfigurationError, match="access to models"):
        Text().session(context())


def test_options_are_checked():
    for options in ({"threshold": 1.1}, {"min_confidence": -0.1}, {"longest": 8}):
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            Text(**options)
