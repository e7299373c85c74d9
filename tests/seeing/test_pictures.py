"""People of real runs reach reports and exports: what is tested there by rows made by hand holds here by annotators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bright_clips import OPTIONS, app_for, walks, write_clip
from click.testing import CliRunner

from cortexia.app import App, Request
from cortexia.cli.main import cli
from cortexia.types import Query


@pytest.fixture
def app(tmp_path: Path):
    clip = write_clip(
        tmp_path / "clip.mp4", 6.0, (walks(0, 6, (20, 40), (300, 60)), walks(1, 5, (40, 150), (250, 150)))
    )
    with app_for(tmp_path / "here") as made:
        made.annotate([clip], Request(("people", "masks"), OPTIONS))
        yield made


def people_of(app: App) -> dict[str, str]:
    rows = (row.annotation for row in app.store().find(Query(types=("person",))))
    return {row.track_id: row.person_id for row in rows}


def test_a_person_of_the_report_is_no_track_of_nobody(app, tmp_path):
    people = people_of(app)
    assert len(people) == 2
    done = CliRunner().invoke(cli, ["report", "--store", app.settings.store, "-o", str(tmp_path / "pages")])
    assert done.exit_code == 0, done.output
    (page,) = (tmp_path / "pages/videos").glob("*.html")
    text = page.read_text()
    assert "person 001" in text
    assert "person 002" in text
    assert "person #t0001" not in text


def test_an_export_of_tracks_says_whose_they_are(app, tmp_path):
    target = tmp_path / "tracks.json"
    command = ["export", "--store", app.settings.store, "--format", "coco-tracks", "-o", str(target)]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    told = json.loads(target.read_text())
    assert set(people_of(app).values()) <= set(_texts(told["tracks"]))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
