"""MOTChallenge: what stands in the files, and what motmetrics reads from them."""

from __future__ import annotations

import configparser
import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import motmetrics
import numpy as np
import pandas
import pytest
from filled import box, everything, fill, identity, media, person, track, track_box

from cortexia.exporters.base import ExportSource
from cortexia.exporters.destination import write_export
from cortexia.exporters.mot import MotExporter
from cortexia.types import BBox, Query


def export(store, tmp_path: Path, query: Query | None = None) -> Path:
    write_export(MotExporter(), ExportSource(store, query or Query()), tmp_path / "out")
    return tmp_path / "out"


def crossing(store, letter: str = "a", frames: int = 20) -> int:
    """Two people and a car over ``frames`` frames, and a dog that is in no track; returns how many boxes."""
    boxes = []
    for frame in range(frames):
        for place, label in enumerate(("person", "person", "car", "dog")):
            x = 5.25 * frame if place == 0 else 200.125 - 3 * frame
            boxes.append(
                box(frame, label, 0.25 * (place + 1), bbox=BBox(x, 30.5 * place, x + 20.75, 30.5 * place + 40))
            )
    fill(store, identity(letter), "objects", boxes)
    names = {0: "seven", 1: "=3", 2: "car-1"}
    tracked = [
        track_box(made.frame, names[place % 4], made.label, confidence=made.confidence, bbox=made.bbox)
        for place, made in enumerate(boxes)
        if place % 4 in names
    ]
    spec = fill(store, identity(letter), "tracks", tracked)
    fill(store, identity(letter), "people", [person(0, 19, "seven", "person_a_001")], upstream=(spec.run_key,))
    return len(boxes)


def test_golden(store, tmp_path):
    fill(store, identity(), "objects", [box(3, "person", 0.5, bbox=BBox(0, 9.5, 4, 12)), box(4, "cat", None)])
    fill(store, identity(), "tracks", [track(3, 3, "t"), track_box(3, "t", bbox=BBox(0, 9.5, 4, 12))])
    out = export(store, tmp_path)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == [
        "a/det/det.txt",
        "a/gt/gt.txt",
        "a/gt/labels.txt",
        "a/seqinfo.ini",
        "a/tracks.json",
    ]
    assert (out / "a/gt/gt.txt").read_text() == "4,1,1,10.5,4,2.5,1,1,1\n"
    assert (out / "a/det/det.txt").read_text() == "4,-1,1,10.5,4,2.5,0.5,1,-1,-1\n5,-1,11.1,21.2,20.6,27.7,1,14,-1,-1\n"
    assert (out / "a/seqinfo.ini").read_text() == (
        "[Sequence]\nname=a\nimDir=img1\nframeRate=25\nseqLength=100\nimWidth=640\nimHeight=360\nimExt=.jpg\n\n"
    )
    assert (out / "a/gt/labels.txt").read_text().splitlines()[::13] == ["pedestrian", "cat"]


@pytest.mark.parametrize("form", ["mot15-2D", "mot16"])
def test_motmetrics_reads_every_box_where_it_is(store, tmp_path, form):
    count = crossing(store)
    out = export(store, tmp_path)
    truth = motmetrics.io.loadtxt(out / "a" / "gt" / "gt.txt", fmt=form)
    detected = motmetrics.io.loadtxt(out / "a" / "det" / "det.txt", fmt=form)
    assert (len(truth), len(detected)) == (60, count)
    assert sorted(truth.index.get_level_values("Id").unique()) == [1, 2, 3]
    fifth = truth.loc[5].sort_values("Y")
    assert fifth[["X", "Y", "Width", "Height"]].values.tolist() == [
        [21.0, 0.0, 20.75, 40.0],
        [188.125, 30.5, 20.75, 40.0],
        [188.125, 61.0, 20.75, 40.0],
    ]
    assert sorted(detected["Confidence"].tolist()) == [0.25] * 20 + [0.5] * 20 + [0.75] * 20 + [1.0] * 20


def test_a_tracker_that_is_its_own_truth_scores_one_and_one_that_mixes_ids_does_not(store, tmp_path):
    crossing(store)
    truth = motmetrics.io.loadtxt(export(store, tmp_path) / "a" / "gt" / "gt.txt", fmt="mot16").sort_index()
    swapped = truth.rename(index={1: 2, 2: 1}, level="Id").sort_index()
    mixed = pandas.concat([truth[truth.index.get_level_values(0) <= 10], swapped.loc[11:]])
    assert scored(truth, truth) == (1.0, 1.0, 0)
    _, idf1, switches = scored(truth, mixed)
    assert idf1 < 1.0
    assert switches == 2


def scored(truth: pandas.DataFrame, found: pandas.DataFrame) -> tuple[float, float, int]:
    """MOTA, IDF1 and switches of boxes that lie exactly on the truth."""
    events = motmetrics.MOTAccumulator(auto_id=True)
    for frame in truth.index.get_level_values("FrameId").unique():
        ours, theirs = truth.loc[frame], found.loc[frame]
        corners = [side[["X", "Y"]].to_numpy() for side in (ours, theirs)]
        is_same = (corners[0][:, None] == corners[1][None]).all(axis=2)
        events.update(list(ours.index), list(theirs.index), np.where(is_same, 0.0, np.nan))
    measured = motmetrics.metrics.create().compute(events, metrics=["mota", "idf1", "num_switches"])
    return tuple(measured.iloc[0])


def test_the_sidecar_tells_which_track_is_which(store, tmp_path):
    crossing(store)
    told = json.loads((export(store, tmp_path) / "a" / "tracks.json").read_bytes())
    assert sorted(told["tracks"]) == ["1", "2", "3"]
    assert {made["track_id"]: made["person_id"] for made in told["tracks"].values()} == {
        "seven": "person_a_001",
        "=3": None,
        "car-1": None,
    }
    assert (told["classes"]["pedestrian"], told["classes"]["car"], told["classes"]["dog"]) == (1, 3, 14)


def test_every_video_is_a_sequence_whose_ids_begin_at_one(store, tmp_path):
    for letter in "ab":
        crossing(store, letter)
    out = export(store, tmp_path)
    for name in "ab":
        truth = motmetrics.io.loadtxt(out / name / "gt" / "gt.txt", fmt="mot16")
        assert sorted(truth.index.get_level_values("Id").unique()) == [1, 2, 3]


def test_without_tracks_there_are_detections_alone(store, tmp_path):
    fill(store, identity(), "objects", [box(0), box(1)])
    out = export(store, tmp_path)
    assert not (out / "a" / "gt").exists()
    assert len(motmetrics.io.loadtxt(out / "a" / "det" / "det.txt")) == 2


def test_truth_of_an_earlier_export_does_not_stay(store, tmp_path):
    fill(store, identity(), "objects", [box(0)])
    fill(store, identity(), "tracks", [track_box(0)])
    out = export(store, tmp_path)
    (out / "b" / "gt").mkdir(parents=True)
    assert (out / "a" / "gt" / "gt.txt").exists()
    (out / "a" / "img1").mkdir()
    export(store, tmp_path, Query(annotators=("objects",)))
    assert sorted(path.name for path in (out / "a").iterdir()) == ["det", "img1", "seqinfo.ini", "tracks.json"]
    assert (out / "b" / "gt").exists(), "another video's"


def test_rates_that_are_no_whole_number_and_frames_beyond_those_decoded(store, tmp_path):
    info = media(frames=3)
    stream = dataclasses.replace(info.video, average_rate=Fraction(30000, 1001))
    fill(store, identity(), "objects", [box(41)], dataclasses.replace(info, video=stream))
    told = configparser.ConfigParser()
    told.read(export(store, tmp_path) / "a" / "seqinfo.ini")
    assert (told["Sequence"]["frameRate"], told["Sequence"]["seqLength"]) == ("29.97", "42")


def test_names_of_classes_stay_on_their_lines(tmp_path):
    store = everything(tmp_path)
    out = export(store, tmp_path)
    store.close()
    told = json.loads((out / "=a" / "tracks.json").read_bytes())
    lines = (out / "=a" / "gt" / "labels.txt").read_text().splitlines()
    assert len(lines) == len(told["classes"])
    assert lines[told["classes"]["cat"] - 1] == "cat"
