"""A contact sheet has a cell for each shot, with the shot's own picture in it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cortexia.app import Request
from cortexia.errors import ConfigurationError, ValidationError
from cortexia.report.pictures import evenly, opened
from cortexia.types import Query


def video_id(app) -> str:
    return next(iter(app.store().videos())).identity.video_id


def test_each_shot_has_a_cell_with_its_picture(full, tmp_path):
    assert full.contact_sheet(video_id(full), tmp_path / "sheet.jpg") == 3
    sheet = np.asarray(Image.open(tmp_path / "sheet.jpg"), np.float32)
    pictures = [row.annotation for row in full.rows(Query(types=("key_picture",)))]
    for place, picture in enumerate(pictures):
        own = Image.open(io.BytesIO(full.store().blobs.get(picture.picture))).resize((320, 180))
        cell = sheet[78 : 78 + 180, 10 + place * 330 : 330 + place * 330]
        middle = np.abs(cell - np.asarray(own, np.float32))[40:130]
        assert middle.mean() < 6


def test_it_is_the_same_again(full, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        full.contact_sheet(video_id(full), tmp_path / name)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_without_key_pictures_it_says_what_to_run(annotated, clip, tmp_path):
    app = annotated(clip, request=Request(("shots",)))
    with pytest.raises(ConfigurationError, match="annotate --annotators frames"):
        app.contact_sheet(video_id(app), tmp_path / "sheet.jpg")
    assert not (tmp_path / "sheet.jpg").exists()


def test_what_is_no_jpeg_is_not_opened():
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    for data in (out.getvalue(), b"", b"<svg onload=alert(1)>"):
        with pytest.raises(ValidationError):
            opened(data)


def test_a_choice_is_spread_over_all():
    assert evenly(range(5), 10) == [0, 1, 2, 3, 4]
    chosen = evenly(range(1000), 10)
    assert (len(chosen), chosen[0], chosen[-1]) == (10, 0, 900)
