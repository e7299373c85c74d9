"""Objects: what options let through, and the people who walk by one after the other."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from driving import Drive, annotations
from footage import context, frames_of, place, read_frames
from shared_models import Models

from cortexia.annotators.base import SessionContext
from cortexia.annotators.objects import Objects, ObjectsSession
from cortexia.annotators.shots import Shots
from cortexia.app import App, Request
from cortexia.config import load_settings
from cortexia.errors import ConfigurationError
from cortexia.models.adapters.coco import COCO_LABELS
from cortexia.models.base import DetectionBatch
from cortexia.models.shop import ModelShop
from cortexia.plan import make_specs, resolve
from cortexia.types import Detection, Query, SamplingKind

PEOPLE = "videos/intel/people-detection.preview.gif"
VISITS = "videos/intel/one-by-one-person-detection.mp4"


class Scripted:
    """A detector that always says the same: boxes with scores and labels, by falling score."""

    labels = COCO_LABELS

    def __init__(self, *said: tuple[list[float], float, str]) -> None:
        self._said = said

    def begin(self, pictures):
        boxes, scores, labels = zip(*self._said, strict=True)
        kinds = np.array([COCO_LABELS.index(label) for label in labels])
        found = DetectionBatch(np.array(boxes, np.float32), np.array(scores, np.float32), kinds, COCO_LABELS)
        return iter([found] * len(pictures))

    def close(self) -> None: ...


SAID = (
    ([-20.0, 10.0, 60.0, 500.0], 0.9, "person"),
    ([10.0, 20.0, 30.0, 40.0], 0.75, "dog"),
    ([400.0, 20.0, 430.0, 40.0], 0.625, "person"),
    ([5.0, 5.0, 50.0, 50.0], 0.5, "car"),
)


def seen(**options) -> list[Detection]:
    recipe = Objects(model="yolox-nano", **options)
    session = ObjectsSession(recipe, Scripted(*SAID))
    frames = frames_of([place(1)])
    frames[0].index = 7
    return session.process(frames, [[]])[0]


def test_a_detection_says_where_what_how_sure_and_by_what():
    first = seen()[0]
    assert (first.label, first.frame_index) == ("person", 7)
    assert first.confidence == pytest.approx(0.9)
    assert first.attributes == {"model": "yolox-nano"}
    assert first.span.end.seconds - first.span.start.seconds == pytest.approx(0.04)


def test_boxes_are_cut_to_the_picture_and_those_outside_are_gone():
    made = seen()
    assert (made[0].bbox.x1, made[0].bbox.y1, made[0].bbox.x2, made[0].bbox.y2) == (0.0, 10.0, 60.0, 180.0)
    assert [item.label for item in made] == ["person", "dog", "car"]


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"labels": "dog, car"}, ["dog", "car"]),
        ({"labels": "person"}, ["person"]),
        ({"max_per_frame": 2}, ["person", "dog"]),
        ({"threshold": 0.5}, ["person", "dog"]),
        ({"threshold": 0.8}, ["person"]),
        ({"labels": "car", "max_per_frame": 1}, ["car"]),
    ],
)
def test_options_let_through(options, labels):
    assert [item.label for item in seen(**options)] == labels


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"nms": -0.1}, "nms"),
        ({"max_per_frame": 0}, "max_per_frame"),
        ({"frame_interval": 0}, "frame_interval"),
        ({"per_second": 0.0}, "per_second"),
        ({"per_second": 2.0, "frame_interval": 2}, "exclude each other"),
        ({"labels": "persn"}, "labels.*did you mean 'person'"),
    ],
)
def test_options_out_of_range_are_refused(options, hint):
    with pytest.raises(ConfigurationError, match=hint):
        Objects(**options)


def test_sampling_follows_interval_or_rate():
    assert Objects().sampling.kind is SamplingKind.EVERY
    assert Objects(frame_interval=3).sampling.nth == 3
    assert Objects(per_second=2.5).sampling.per_second == 2.5


# -- which model


def test_auto_is_bound_to_the_best_model_here_or_to_none():
    assert Objects().bound({"object detection": "yolox-nano"}.get).model_ids == ("yolox-nano",)
    assert Objects().bound({}.get) == Objects(model="offline")
    assert Objects(model="nanodet-m").bound({"object detection": "yolox-nano"}.get).model == "nanodet-m"
    assert Objects().model_ids == Objects(model="offline").model_ids == ()


def test_a_session_needs_to_know_its_weights():
    for recipe in (Objects(), Objects(model="yolox-nano")):
        with pytest.raises(ConfigurationError, match="which weights"):
            recipe.session(context())


@pytest.mark.data
def test_a_filter_that_nothing_passes_is_refused(data_dir):
    with pytest.raises(ConfigurationError, match=r"finds none of 'car'.*knows person, moving"):
        Objects(model="offline", labels="car").session(context())
    with pytest.raises(ConfigurationError, match="finds none of 'moving'"):
        Objects(model="yolox-nano", labels="moving").session(with_models(data_dir))


def test_another_digest_makes_another_run_of_that_annotator_alone():
    recipes, needs = resolve([Objects(model="yolox-nano"), Shots()])
    before = make_specs("f" * 64, recipes, needs, weights_of=lambda model_id: "a" * 64)
    after = make_specs("f" * 64, recipes, needs, weights_of=lambda model_id: "b" * 64)
    assert before["objects"].weights_sha256 == "a" * 64
    assert {name for name in before if before[name].run_id != after[name].run_id} == {"objects"}


# -- through the whole house


def with_models(data_dir: Path, threads: int = 1) -> SessionContext:
    bare = context()
    return SessionContext(bare.media, bare.put_blob, Models(data_dir, threads))


def app_for(tmp_path: Path, models: Path | None, **settings) -> App:
    given = {"store": str(tmp_path / "cortexia.db"), "executor": "inline", "cache_dir": str(tmp_path), **settings}
    return App(load_settings({**given, "models": [str(models)] if models else []}, environ={}).settings)


def rows_of(app: App, video: Path, **options) -> list[Detection]:
    request = Request(("objects",), {"objects": options})
    return [row.annotation for row in app.stream(app.identify_one(video), request)]


@pytest.mark.data
def test_everybody_who_walks_by_is_seen_and_nobody_else(data_dir, tmp_path):
    truth = json.loads((data_dir / "gt/one_by_one_person_visits.json").read_text())
    with app_for(tmp_path, data_dir / "models") as app:
        rows = rows_of(app, data_dir / VISITS, labels="person")
    looked = {row.frame_index for row in rows}
    slack = truth["tolerance_frames"]
    visits = [range(visit["first"], visit["last"] + 1) for visit in truth["visits"]]
    shares = [sum(index in looked for index in visit) / len(visit) for visit in visits]
    print("seen:", [round(share, 3) for share in shares])  # noqa: T201 - the figures belong in the record of the run
    near = {index for visit in visits for index in range(visit.start - slack, visit.stop + slack)}
    assert min(shares) >= 0.95
    assert looked - near == set()


@pytest.mark.data
def test_batch_threads_and_windows_change_no_row(data_dir, tmp_path):
    exports = []
    for name, settings in {
        "plain": {"batch_size": 1, "threads": 1},
        "batches": {"batch_size": 7, "threads": 3},
        "short windows": {"batch_size": 4, "threads": 2, "window_s": 0.3},
    }.items():
        (tmp_path / name).mkdir()
        with app_for(tmp_path / name, data_dir / "models", **settings) as app:
            assert len(rows_of(app, data_dir / PEOPLE, threshold=0.05)) > 20
            out = io.BytesIO()
            app.export("jsonl", None, Query(), out)
        exports.append(out.getvalue())
    assert exports[1] == exports[0]
    assert exports[2] == exports[0]


@pytest.mark.data
def test_the_job_keeps_the_model_that_auto_stood_for(data_dir, tmp_path):
    with app_for(tmp_path, data_dir / "models") as app:
        identity = app.identify_one(data_dir / PEOPLE)
        app.submit(identity, Request(("objects",)))
        job = next(iter(app.store().jobs(identity.video_id)))
        run = app.store().job_runs(job.job_id)[0]
        digest = app.models.digest("yolox-nano")
    assert job.config["annotators"][0]["options"]["model"] == "yolox-nano"
    assert run.spec.weights_sha256 == digest


@pytest.mark.data
def test_without_weights_the_offline_choice_is_taken(data_dir, tmp_path):
    with app_for(tmp_path, None) as app:
        rows_of(app, data_dir / PEOPLE)
        status = app.video_status(app.identify_one(data_dir / PEOPLE).video_id)
    run = status.runs[0]
    assert (run.status, run.spec.options["model"], run.spec.weights_sha256) == ("completed", "offline", None)


def harmed(data_dir: Path, folder: Path, harm: str) -> Path:
    """A folder of models in which those of ``yolox-nano`` are as ``harm`` says."""
    folder.mkdir()
    for path in (data_dir / "models").rglob("*yolox_nano*.onnx"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= harm == "flipped"
        if harm != "missing":
            (folder / path.name).write_bytes(data[: len(data) // 2] if harm == "half" else data)
    return folder


@pytest.mark.data
@pytest.mark.parametrize(
    ("harm", "reason"),
    [("missing", "model_missing"), ("flipped", "model_digest_mismatch"), ("half", "model_half_written")],
)
def test_harmed_weights_fail_that_run_alone(data_dir, tmp_path, harm, reason):
    """R-32; unharmed ones are taken from the same place."""
    request = Request(("objects", "shots"), {"objects": {"model": "yolox-nano", "per_second": 1.0}})
    ends = {}
    for way in (harm, "none"):
        with app_for(tmp_path / way, harmed(data_dir, tmp_path / f"models-{way}", way)) as app:
            identity = app.identify_one(data_dir / PEOPLE)
            list(app.stream(identity, request))
            runs = app.store().runs(identity.video_id)
            ends[way] = {run.spec.annotator: (run.status.value, run.reason) for run in runs}
    assert ends[harm] == {"objects": ("failed", reason), "shots": ("completed", None)}
    assert ends["none"] == {"objects": ("completed", None), "shots": ("completed", None)}


@pytest.mark.data
def test_missing_weights_fail_that_run_alone(data_dir, tmp_path):
    with app_for(tmp_path, None) as app:
        request = Request(("objects", "loudness", "shots"), {"objects": {"model": "yolox-nano"}})
        identity = app.identify_one(data_dir / PEOPLE)
        list(app.stream(identity, request))
        runs = {run.spec.annotator: run for run in app.video_status(identity.video_id).runs}
    assert runs["objects"].status == "failed"
    assert "cortexia models pull yolox-nano" in runs["objects"].message
    assert runs["shots"].status == "completed"


@pytest.mark.data
def test_a_plan_says_what_new_weights_make_stale(data_dir, tmp_path, monkeypatch):
    request = Request(("objects", "shots"), {"objects": {"per_second": 2.0}})
    with app_for(tmp_path, data_dir / "models") as app:
        list(app.stream(app.identify_one(data_dir / PEOPLE), request))
        assert [run.action for run in next(app.plan([data_dir / PEOPLE], request)).plan.runs] == ["stored", "stored"]
        monkeypatch.setattr(ModelShop, "digest", lambda self, model_id: "e" * 64)
        again = {run.recipe.name: run.action for run in next(app.plan([data_dir / PEOPLE], request)).plan.runs}
    assert again == {"objects": "run", "shots": "stored"}


# -- golden


@pytest.mark.data
def test_golden(data_dir):
    recipe = Objects(model="yolox-nano", threshold=0.1, per_second=4.0)
    said = Drive(recipe, with_models(data_dir), read_frames(data_dir / PEOPLE, recipe)).run()
    rows = [[row.frame_index, row.label, row.confidence, *row.bbox.xywh] for row in annotations(said)]
    wanted = json.loads((Path(__file__).parents[1] / "golden/objects.json").read_text())
    assert [row[:2] for row in rows] == [row[:2] for row in wanted]
    for row, other in zip(rows, wanted, strict=True):
        assert row[2:] == pytest.approx(other[2:], abs=0.1)
