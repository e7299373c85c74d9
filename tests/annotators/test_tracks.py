"""Tracks: rows in, rows out, and the people who walk by one after the other."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from footage import context

from cortexia.annotators.base import StoredAnnotations
from cortexia.annotators.objects import Objects
from cortexia.annotators.tracks import Tracks
from cortexia.app import App, Request
from cortexia.config import load_settings
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.types import Annotation, BBox, Detection, Embedding, Shot, TimeSpan, Timestamp, Track, TrackBox
from cortexia.types.embedding import packed

VISITS = "videos/intel/one-by-one-person-detection.mp4"
BASE = Fraction(1, 1000)


def seen(
    frame: int, x: float, label: str | None = "person", confidence: float | None = 0.75, fps: int = 10
) -> Detection:
    start, end = (Timestamp(at * 1000 // fps, BASE) for at in (frame, frame + 1))
    box = BBox(x, 100.0, x + 40.0, 180.0)
    return Detection(span=TimeSpan(start, end), label=label, confidence=confidence, frame_index=frame, bbox=box)


def stored(rows: Iterable[Annotation], objects: Objects = Objects()) -> StoredAnnotations:  # noqa: B008 - frozen
    ordered = sorted(rows, key=lambda row: row.span.start)
    return StoredAnnotations(lambda types: [row for row in ordered if row.type in types], {"objects": objects})


def solved(rows: Iterable[Annotation], **options: object) -> list[Annotation]:
    return list(Tracks.from_options(options).solve(stored(rows), context()))


def boxes_of(made: Iterable[Annotation]) -> list[TrackBox]:
    return [row for row in made if isinstance(row, TrackBox)]


def tracks_of(made: Iterable[Annotation]) -> list[Track]:
    return [row for row in made if isinstance(row, Track)]


def test_a_track_box_says_of_its_detection_whose_it_is():
    rows = [seen(frame, 100 + frame) for frame in range(5)]
    made = boxes_of(solved(rows))
    assert [(made.span, made.label, made.confidence, made.bbox, made.frame_index) for made in made] == [
        (row.span, row.label, row.confidence, row.bbox, row.frame_index) for row in rows
    ]
    assert {box.track_id for box in made} == {"t0001"}


def test_a_track_says_from_when_to_when_and_how_sure():
    rows = [
        seen(frame, 100, confidence=sure) for frame, sure in zip(range(3, 8), (0.5, 0.75, 1.0, 0.75, 0.5), strict=True)
    ]
    (track,) = tracks_of(solved(rows))
    assert (track.first_frame, track.last_frame, track.frame_index, track.boxes) == (3, 7, 3, 5)
    assert (track.span.start.seconds, track.span.end.seconds) == (0.3, 0.8)
    assert (track.label, track.confidence, track.track_id) == ("person", 0.7, "t0001")
    assert (track.gaps, track.gap_s) == (0, 0.0)


def test_what_belongs_to_no_track_leaves_no_row():
    rows = [seen(frame, 100) for frame in range(5)] + [seen(2, 600), seen(3, 900)]
    assert len(boxes_of(solved(rows))) == 5
    assert solved([seen(2, 600), seen(3, 900)]) == []
    assert solved([]) == []


def test_a_gap_is_where_it_was_looked_for_in_vain():
    away = (6, 7, 8, 14)
    (track,) = tracks_of(solved(seen(frame, 100) for frame in range(20) if frame not in away))
    assert (track.gaps, track.gap_s, track.boxes) == (2, pytest.approx(0.4), 16)


def looked_at(recipe: Objects, fps: int) -> list[int]:
    """Frames of four seconds that the recipe looks at."""
    return [
        frame
        for frame in range(4 * fps)
        if recipe.sampling.wants(frame, Fraction(frame, fps), Fraction(frame + 1, fps), False)
    ]


def followed(recipe: Objects, fps: int, frames: Iterable[int]) -> Track:
    (track,) = tracks_of(Tracks().solve(stored([seen(frame, 100, fps=fps) for frame in frames], recipe), context()))
    return track


@pytest.mark.parametrize("fps", [3, 5, 6, 7, 10, 24, 25, 30])
@pytest.mark.parametrize("recipe", [Objects(per_second=4.0), Objects(frame_interval=3), Objects()], ids=repr)
def test_sparse_sampling_is_no_gap_and_a_look_in_vain_is_one(fps, recipe):
    """However unevenly the frames lie that are looked at: of 7 frames a second four, say."""
    frames = looked_at(recipe, fps)
    track = followed(recipe, fps, frames)
    assert (track.boxes, track.gaps, track.gap_s) == (len(frames), 0, 0.0)
    missed = followed(recipe, fps, [frame for frame in frames if frame != frames[2]])
    assert missed.gaps == 1
    step_s = (frames[3] - frames[2]) / fps
    assert missed.gap_s == pytest.approx(step_s, abs=1 / fps)


@pytest.mark.parametrize("fps", [5, 7, 10, 25, 30])
def test_the_offline_detector_looks_for_people_twice_a_second(fps):
    recipe = Objects(model="offline", per_second=4.0)
    slots: dict[int, int] = {}
    for frame in looked_at(recipe, fps):
        slots.setdefault(2 * frame // fps, frame)
    track = followed(recipe, fps, slots.values())
    assert (track.boxes, track.gaps) == (len(slots), 0)
    assert followed(recipe, fps, [frame for slot, frame in slots.items() if slot not in (2, 3)]).gaps == 1


def test_labels_are_tracked_apart():
    rows = [seen(frame, 100, label) for frame in range(5) for label in ("person", "dog", None)]
    assert {(track.track_id, track.label) for track in tracks_of(solved(rows))} == {
        ("t0001", None),
        ("t0002", "dog"),
        ("t0003", "person"),
    }


def test_only_the_labels_asked_for_are_tracked():
    rows = [seen(frame, 100, label) for frame in range(5) for label in ("person", "dog", "cat")]
    assert {track.label for track in tracks_of(solved(rows, labels="cat, dog"))} == {"cat", "dog"}


def test_tracks_are_numbered_by_first_frame_then_label_then_place():
    rows = [seen(frame, x, label) for frame in range(2, 8) for x, label in ((500, "a"), (100, "b"), (300, "b"))]
    rows += [seen(frame, 800, "a") for frame in range(8)]
    made = tracks_of(solved(rows))
    firsts = {box.track_id: (box.frame_index, box.label, box.bbox.x1) for box in reversed(boxes_of(solved(rows)))}
    assert [(track.track_id, *firsts[track.track_id]) for track in made] == [
        ("t0001", 0, "a", 800),
        ("t0002", 2, "a", 500),
        ("t0003", 2, "b", 100),
        ("t0004", 2, "b", 300),
    ]


def test_the_order_of_rows_within_a_frame_changes_nothing():
    rows = [seen(frame, x + 3 * frame, label) for frame in range(8) for x, label in ((500, "a"), (540, "a"), (90, "b"))]
    mixed = sorted(rows, key=lambda row: (row.frame, -row.box.x1))
    assert mixed != rows
    assert solved(mixed) == solved(rows)


def test_a_detection_without_confidence_counts_as_certain():
    (track,) = tracks_of(solved(seen(frame, 100, confidence=None) for frame in range(5)))
    assert track.confidence is None


def test_unsure_boxes_of_offline_detectors_are_not_doubted():
    """Their confidences are no probabilities."""
    unsure = [seen(frame, 100, confidence=0.3) for frame in range(5)]
    offline = [dataclasses.replace(row, attributes={"model": "opencv-hog"}) for row in unsure]
    assert tracks_of(solved(unsure)) == []
    assert len(tracks_of(solved(offline))) == 1
    assert tracks_of(solved(offline, birth=0.5)) == []


def look(row: Detection, angle: float) -> Embedding:
    """A vector for a detection: two that differ by 90 degrees have nothing in common."""
    vector = np.array((np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    common = {"span": row.span, "frame_index": row.frame_index, "bbox": row.bbox, "label": row.label}
    return Embedding(**common, model="m", of="crop", **packed(vector))


def met_and_turned_back() -> tuple[list[Detection], list[Embedding]]:
    """Two people walk towards each other, are out of sight together, and come out the way they came."""
    rows, looks = [], []
    for frame in [*range(10), *range(16, 26)]:
        away = abs(frame - 12.5) * 12
        for x, angle in ((400 - away, 0.0), (400 + away, 90.0)):
            rows.append(seen(frame, x))
            looks.append(look(rows[-1], angle))
    return rows, looks


def sides(made: Iterable[Annotation]) -> dict[str, set[bool]]:
    """By track, on which sides of the middle it was."""
    found: dict[str, set[bool]] = defaultdict(set)
    for box in boxes_of(made):
        found[box.track_id].add(box.bbox.x1 > 400)
    return found


def test_looks_tell_apart_who_met_out_of_sight():
    rows, looks = met_and_turned_back()
    assert set(map(frozenset, sides(solved([*rows, *looks], appearance=True)).values())) == {
        frozenset({False}),
        frozenset({True}),
    }


def test_without_looks_they_are_taken_for_each_other():
    """Negative control: they seem to walk on."""
    rows, looks = met_and_turned_back()
    assert {True, False} in sides(solved([*rows, *looks])).values()
    assert solved([*rows, *looks]) == solved(rows)


def test_looks_count_for_labels_that_have_them():
    rows, _ = met_and_turned_back()
    assert solved(rows, appearance=True) == solved(rows)


def test_looks_that_some_lack_are_a_mistake_that_is_told():
    rows, looks = met_and_turned_back()
    with pytest.raises(ConfigurationError, match="only some detections of 'person' have a vector"):
        solved([*rows, *looks[1:]], appearance=True)


def test_looks_have_to_be_asked_for():
    assert Tracks().needs == ("objects", "shots")
    assert Tracks(appearance=True, across_cuts=True).needs == ("objects", "appearance")


def shot(first: int, last: int, fps: int = 10) -> Shot:
    start, end = (Timestamp(at * 1000 // fps, BASE) for at in (first, last + 1))
    return Shot(span=TimeSpan(start, end), first_frame=first, last_frame=last)


def test_a_track_ends_with_its_shot():
    """Whoever stands there in the next picture is somebody else."""
    rows = [seen(frame, 100, label) for frame in range(20) for label in ("person", "dog")]
    shots = [shot(0, 6), shot(7, 11), shot(12, 19)]
    made = tracks_of(solved([*rows, *shots]))
    assert [(track.label, track.first_frame, track.last_frame) for track in made] == [
        (label, first, last) for first, last in ((0, 6), (7, 11), (12, 19)) for label in ("dog", "person")
    ]
    assert [track.track_id for track in made] == [f"t{number:04d}" for number in range(1, 7)]
    assert len(boxes_of(solved([*rows, *shots]))) == len(rows)


def test_it_goes_on_where_one_says_so_and_where_there_is_no_cut():
    """Negative control of the test above."""
    rows = [seen(frame, 100) for frame in range(20)]
    assert len(tracks_of(solved([*rows, shot(0, 9), shot(10, 19)], across_cuts=True))) == 1
    assert len(tracks_of(solved([*rows, shot(0, 19)]))) == 1
    assert len(tracks_of(solved(rows))) == 1


def test_shots_without_anything_in_them_do_no_harm():
    rows = [seen(frame, 100) for frame in range(30, 40)]
    assert len(tracks_of(solved([*rows, shot(0, 9), shot(10, 19), shot(20, 49), shot(50, 60)]))) == 1


def test_options_reach_the_tracker():
    rows = [seen(frame, 100) for frame in (0, 1, 2, 33, 34, 35)]
    assert len(tracks_of(solved(rows))) == 2
    assert len(tracks_of(solved(rows, buffer_s=4.0))) == 1
    assert len(tracks_of(solved(rows, min_hits=4))) == 0
    assert len(tracks_of(solved(rows, birth=0.9))) == 0
    assert len(tracks_of(solved([seen(frame, 100, confidence=0.35) for frame in range(9)], birth=0.3))) == 1
    moving = [seen(frame, 100 + 3 * frame**2) for frame in range(12)]
    assert len(boxes_of(solved(moving))) == 12
    assert len(boxes_of(solved(moving, tracker="iou"))) < 12


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        ({"tracker": "bytetrck"}, UnknownNameError, "did you mean 'bytetrack'"),
        ({"buffer_s": -1.0}, ConfigurationError, "buffer_s"),
        ({"low": 1.5}, ConfigurationError, "low"),
        ({"low": 0.5, "high": 0.3}, ConfigurationError, "high"),
        ({"min_hits": 0}, ConfigurationError, "min_hits"),
        ({"labels": " , "}, ConfigurationError, "labels"),
    ],
)
def test_options_out_of_range_are_refused(options, error, hint):
    with pytest.raises(error, match=hint):
        Tracks(**options)


def test_a_tracker_that_forgets_now_and_then_finds_other_tracks():
    """Negative control: nothing here may depend on where a window ends, and it would show."""
    rows = [seen(frame, 100 + 3 * frame) for frame in range(30)]
    parts = [tracks_of(solved(row for row in rows if row.frame // 10 == part)) for part in range(3)]
    assert (len(tracks_of(solved(rows))), [len(part) for part in parts]) == (1, [1, 1, 1])


def test_memory_does_not_hold_the_detections():
    """A hundred bytes a detection at most, where one as an object takes several times that."""

    def rows(count: int) -> Iterator[Detection]:
        return (seen(frame, 100 + (place * 90)) for frame in range(count // 10) for place in range(10))

    def peak(count: int) -> int:
        reading = StoredAnnotations(lambda types: rows(count) if "detection" in types else (), {"objects": Objects()})
        tracemalloc.start()
        found = sum(1 for _ in Tracks().solve(reading, context()))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == count + 10
        return used

    assert peak(12_000) - peak(2_000) < 100 * 10_000


# -- through the whole house


def app_for(tmp_path: Path, models: Path, **settings: object) -> App:
    given = {"store": str(tmp_path / "cortexia.db"), "executor": "inline", "cache_dir": str(tmp_path), **settings}
    return App(load_settings({**given, "models": [str(models)]}, environ={}).settings)


def covered(visit: dict[str, int], frames: Iterable[int], looked_at: Callable[[int], bool], slack: int = 0) -> float:
    """Which part of the frames of a visit that were looked at has a box."""
    wanted = {frame for frame in range(visit["first"] + slack, visit["last"] + 1 - slack) if looked_at(frame)}
    return len(wanted & set(frames)) / len(wanted)


@pytest.mark.data
@pytest.mark.parametrize(("preset", "slack"), [("auto", 0), ("fast", 6)], ids=["every frame", "preset fast"])
def test_everybody_who_walks_by_is_one_track(data_dir, tmp_path, preset, slack):
    """``fast`` looks 4 times a second: the first and last frames of a visit, known to ``slack`` frames only, are
    left out."""
    truth = json.loads((data_dir / "gt/one_by_one_person_visits.json").read_text())
    assert slack in (0, truth["tolerance_frames"])
    with app_for(tmp_path, data_dir / "models", preset=preset) as app:
        request = Request(("tracks",), {"objects": {"labels": "person"}})
        (planned,) = app.plan([data_dir / VISITS], request)
        rows = [row.annotation for row in app.stream(app.identify_one(data_dir / VISITS), request)]
    recipe = next(run.recipe for run in planned.plan.runs if run.recipe.name == "objects")
    assert isinstance(recipe, Objects)
    assert (recipe.model, recipe.per_second) == ("yolox-nano", 4.0 if preset == "fast" else None)
    sampling = recipe.sampling
    frames: dict[str, list[int]] = defaultdict(list)
    for box in boxes_of(rows):
        frames[box.track_id].append(box.frame)
    assert sorted(frames) == [track.track_id for track in tracks_of(rows)] == [f"t000{n}" for n in range(1, 7)]

    def looked_at(frame: int) -> bool:
        return sampling.wants(frame, Fraction(frame, 10), Fraction(frame + 1, 10), False)

    shares = [
        covered(visit, frames[track], looked_at, slack)
        for visit, track in zip(truth["visits"], sorted(frames), strict=True)
    ]
    print("covered:", [round(share, 3) for share in shares])  # noqa: T201 - the figures belong in the record of the run
    assert min(shares) >= 0.95


@pytest.mark.data
def test_tracking_again_decodes_nothing(data_dir, tmp_path):
    objects = {"labels": "person", "per_second": 4.0}
    with app_for(tmp_path, data_dir / "models") as app:
        first = Request(("tracks",), {"objects": objects})
        again = Request(("tracks",), {"objects": objects, "tracks": {"buffer_s": 5.0}})
        video = data_dir / "videos/intel/people-detection.preview.gif"
        list(app.stream(app.identify_one(video), first))
        actions = {run.recipe.name: run.action for run in next(app.plan([video], again)).plan.runs}
    assert actions == {"objects": "stored", "shots": "stored", "tracks": "run"}


@pytest.mark.data
def test_batch_threads_and_windows_change_no_row(data_dir, tmp_path):
    made = []
    for name, settings in {
        "plain": {"batch_size": 1, "threads": 1},
        "batches": {"batch_size": 8, "threads": 2, "window_s": 0.4},
    }.items():
        with app_for(tmp_path / name, data_dir / "models", **settings) as app:
            video = app.identify_one(data_dir / "videos/intel/people-detection.preview.gif")
            rows = sorted(app.stream(video, Request(("tracks",))), key=lambda row: row.annotation_id)
            made.append([row.annotation for row in rows])
    assert made[0] == made[1]
    assert tracks_of(made[0])
