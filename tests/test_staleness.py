"""A change of version, option or weights makes those runs stale and the runs that require them, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.staleness import Freshness, standings
from cortexia.stores.base import RunRecord
from cortexia.testing import ShotSpec, VideoSpec, make_video
from cortexia.types import RunSpec, RunStatus

VIDEO = "a" * 64
SHOTS = RunSpec(VIDEO, "shots", "1", {"sensitivity": 1.0})
OBJECTS = RunSpec(VIDEO, "objects", "1", {"threshold": 0.25}, weights_sha256="0" * 64)
FRAMES = RunSpec(VIDEO, "frames", "1", {}, upstream=(SHOTS.run_key,))
STORED = tuple(RunRecord(spec, spec.run_id, RunStatus.COMPLETED) for spec in (SHOTS, OBJECTS, FRAMES))


def told(*wanted: RunSpec) -> dict[str, tuple[str, tuple[str, ...]]]:
    made = standings({spec.annotator: spec for spec in wanted}, STORED)
    return {item.annotator: (item.freshness.value, item.reasons) for item in made}


def after(shots: RunSpec) -> RunSpec:
    return replace(FRAMES, upstream=(shots.run_key,))


def test_what_is_stored_is_current():
    assert set(told(SHOTS, OBJECTS, FRAMES).values()) == {("current", ())}


@pytest.mark.parametrize(
    ("shots", "why"),
    [
        (replace(SHOTS, version="2"), "version 1, now 2"),
        (replace(SHOTS, options={"sensitivity": 0.5}), "sensitivity 1.0, now 0.5"),
        (replace(SHOTS, options={**SHOTS.options, "new": None}), "new unknown, now null"),
    ],
)
def test_a_change_reaches_those_who_require_it(shots, why):
    assert told(shots, OBJECTS, after(shots)) == {
        "shots": ("stale", (why,)),
        "objects": ("current", ()),
        "frames": ("stale", ("requires shots, not current",)),
    }


def test_other_weights_are_told_by_their_digests():
    other = replace(OBJECTS, weights_sha256="1" * 64)
    assert told(SHOTS, other, FRAMES)["objects"] == ("stale", ("weights 000000000000, now 111111111111",))


def test_nobody_looked_yet_is_not_stale():
    assert told(replace(SHOTS, annotator="faces"))["faces"] == ("missing", ())


def test_another_part_of_the_video_was_not_looked_at():
    from cortexia.types import TimeRange

    assert told(replace(SHOTS, time_range=TimeRange(1.0, 2.0)))["shots"][0] == Freshness.MISSING


# -- with a store


@pytest.fixture
def app(tmp_path):
    make_video(tmp_path / "a.mp4", VideoSpec(shots=(ShotSpec(1.0), ShotSpec(1.0, scene="city"))))
    with App(Settings(store=str(tmp_path / "s.db"), executor="inline")) as opened:
        yield opened


def outdated(app: App, request: Request) -> dict[str, str]:
    (status,) = app.standings(request)
    return {item.annotator: item.freshness.value for item in status.standings if item.freshness != Freshness.CURRENT}


def test_only_what_is_stale_is_done_again(app, tmp_path):
    names = ("shots", "frames", "loudness", "shot_summary")
    first, second = Request(names), Request(names, {"frames": {"per_shot": 2}})
    app.annotate([tmp_path / "a.mp4"], first)
    assert outdated(app, first) == {}
    assert outdated(app, second) == {"frames": "stale", "shot_summary": "stale"}
    before = {run.spec.annotator: run.run_id for run in app.store().runs()}
    app.annotate([tmp_path / "a.mp4"], second)
    now = {run.spec.annotator: run.run_id for run in app.store().runs()}
    assert {name for name in names if now[name] != before[name]} == {"frames", "shot_summary"}
    assert outdated(app, second) == {}


def test_an_annotator_of_another_version_is_stale(app, tmp_path, monkeypatch):
    from cortexia.annotators.shots import Shots

    app.annotate([tmp_path / "a.mp4"], Request(("shots", "loudness")))
    monkeypatch.setattr(Shots, "version", "99")
    assert outdated(app, Request(("shots", "loudness"))) == {"shots": "stale"}
    assert outdated(app, Request(("loudness",))) == {"shots": "stale"}, "also where only others are asked for"


def test_options_of_earlier_are_kept_where_an_annotator_is_not_named(app, tmp_path):
    app.annotate([tmp_path / "a.mp4"], Request(("frames",), {"frames": {"per_shot": 2}}))
    assert outdated(app, Request(("loudness",))) == {"loudness": "missing"}
