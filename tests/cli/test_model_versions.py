"""``--model-version`` and ``--prompt``, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from offered_models import CLIP, Mlflow, detector, write
from serving import serving

from cortexia.cli.main import main
from cortexia.testing import SCENES, ShotSpec, VideoSpec

DARK, LIGHT = (VideoSpec(shots=(ShotSpec(0.6, scene=name),)) for name in sorted(SCENES)[:2])


@pytest.fixture(scope="module")
def videos(clips, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    for name, spec in (("dark.mp4", DARK), ("light.mp4", LIGHT)):
        shutil.copy(clips(f"versions-{name}", spec)[0], folder / name)
    return folder


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cortexia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command in an empty folder, with a cache of its own, in this process unless workers are asked for."""
    for name in [key for key in os.environ if key.startswith("CORTEXIA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, **env: str) -> Done:
        monkeypatch.setenv("CORTEXIA_EXECUTOR", "processes" if "--workers" in arguments else "inline")
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Done(ended.value.code, *capsys.readouterr())

    return run


def annotated(done: Done) -> tuple[dict, list[dict]]:
    """The report, and what was told meanwhile."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), [json.loads(line) for line in done.stderr.splitlines()]


def options_of(cortexia, *arguments: object) -> dict[str, dict]:
    """By annotator, what a plan would run for the first video, with a word for what happens to it."""
    done = cortexia("plan", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return {run["annotator"]: {**run["options"], "action": run["action"]} for run in json.loads(done.stdout)[0]["runs"]}


def test_workers_run_a_model_from_a_folder_and_again_nothing_is_decoded(cortexia, videos, tmp_path):
    mine = write(tmp_path / "mine", detector(label=2))
    asked = ("annotate", videos, "--annotators", "tracks", "--workers", "2", "--json", "--model-version", mine)
    report, told = annotated(cortexia(*asked))
    chosen = next(event for event in told if event["event"] == "model_chosen")
    assert (chosen["annotator"], chosen["source"]) == ("objects", str(mine))
    assert [video["status"] for video in report["videos"]] == ["completed"] * 2
    rows = [json.loads(line) for line in cortexia("export", "--type", "detection").stdout.splitlines()]
    assert {row["label"] for row in rows} == {"car"}
    again, told = annotated(cortexia(*asked))
    assert [event["event"] for event in told if event["event"] != "model_chosen"] == ["video_settled"] * 2
    assert again["batch_id"] is None
    listed = {row["id"]: row for row in json.loads(cortexia("models", "list", "--json").stdout)}
    assert listed[chosen["model"]]["source"] == str(mine)


def test_another_version_makes_stale_what_used_the_model_and_no_more(cortexia, videos, tmp_path):
    one, other = write(tmp_path / "one", detector()), write(tmp_path / "other", detector(label=2))
    asked = ("--annotators", "tracks,shots", "--model-version")
    annotated(cortexia("annotate", videos, *asked, f"objects={one}", "--json"))
    for version, freshness in ((one, "current"), (other, "stale")):
        told = json.loads(cortexia("status", "--json", *asked, version).stdout)
        found = {item["annotator"]: item["freshness"] for item in told[0]["standings"]}
        assert found == {"objects": freshness, "tracks": freshness, "shots": "current"}
    plan = options_of(cortexia, videos, *asked, other)
    assert {name: run["action"] for name, run in plan.items()} == {"objects": "run", "tracks": "run", "shots": "stored"}


def test_mlflow_and_a_folder_with_the_same_content_are_the_same_run(cortexia, videos, tmp_path):
    mine = write(tmp_path / "mine", detector())
    with serving(Mlflow({("light", "3"): detector()})) as address:
        asked = ("annotate", videos, "--annotators", "objects", "--json", "--model-version", "objects=mlflow:light/3")
        annotated(cortexia(*asked, MLFLOW_TRACKING_URI=address))
    assert (
        options_of(cortexia, videos, "--annotators", "objects", "--model-version", mine)["objects"]["action"]
        == "stored"
    )


def test_a_batch_file_takes_a_version_for_all_its_videos(cortexia, videos, tmp_path):
    mine = write(tmp_path / "mine", detector())
    (tmp_path / "batch.yaml").write_text(
        f"videos: [{videos}]\nannotators: objects\noptions: {{objects: {{per_second: 4}}}}\n"
    )
    _, told = annotated(cortexia("batch", "run", "batch.yaml", "--json", "--model-version", mine))
    chosen = [event["model"] for event in told if event["event"] == "model_chosen"]
    assert len(chosen) == 1
    plan = options_of(cortexia, videos, "--annotators", "objects", "--option", "objects.per_second=4",
                      "--model-version", chosen[0])  # fmt: skip
    assert (plan["objects"]["model"], plan["objects"]["action"]) == (chosen[0], "stored")


def test_options_of_the_settings_stay_beside_the_version_of_a_batch(cortexia, videos, tmp_path):
    mine = write(tmp_path / "mine", detector())
    (tmp_path / "cortexia.toml").write_text("[options.objects]\nper_second = 4.0\n")
    (tmp_path / "batch.yaml").write_text(f"videos: [{videos}]\nannotators: objects\n")
    annotated(cortexia("batch", "run", "batch.yaml", "--json", "--model-version", mine))
    plan = options_of(cortexia, videos, "--annotators", "objects", "--model-version", mine)
    assert (plan["objects"]["per_second"], plan["objects"]["action"]) == (4.0, "stored")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--annotators", "shots"], "none of shots takes a model"),
        (["--annotators", "tags,captions"], "several take a model (captions, tags)"),
        (["--annotators", "objects", "--model-version", "objects=yolox-s"], "two models are named for 'objects'"),
    ],
)
def test_who_is_meant_must_be_clear(cortexia, videos, arguments, hint):
    done = cortexia("annotate", videos, "--model-version", "yolox-nano", *arguments)
    assert done.returncode == 2
    assert hint in done.stderr


def test_an_annotator_without_models_is_refused(cortexia, videos):
    done = cortexia("plan", videos, "--model-version", "shots=yolox-nano")
    assert done.returncode == 2
    assert "annotator with an option 'model'" in done.stderr


@pytest.mark.parametrize(
    ("asked", "receiver"),
    [("captions", "captions"), ("tracks", "objects"), ("captions,objects", "objects"), ("masks", "masks")],
)
def test_those_asked_for_go_before_those_they_need(cortexia, videos, asked, receiver):
    done = cortexia("plan", videos, "--annotators", asked, "--model-version", "yolox-nano", "--json")
    assert json.loads(done.stderr.splitlines()[0])["annotator"] == receiver


def test_a_version_needs_a_video(cortexia):
    done = cortexia("annotate", "--resume", "--model-version", "yolox-nano")
    assert done.returncode == 2
    assert "go with a PATH" in done.stderr


def test_a_source_that_may_not_be_opened_ends_the_command(cortexia, videos, tmp_path):
    write(tmp_path / "mine", {**CLIP, "config.json": b'{"model_type": "llama"}'})
    done = cortexia("annotate", videos, "--annotators", "objects", "--model-version", "./mine")
    assert done.returncode == 1
    assert "llama" in done.stderr
    assert not (tmp_path / "cortexia.db").exists()


def test_a_prompt_sets_a_closed_set_aside_and_keeps_the_preset(cortexia, videos):
    plan = options_of(cortexia, videos, "--preset", "fast", "--prompt", "123")
    assert plan["objects"]["prompt"] == "123"
    assert plan["objects"]["model"] == "grounding-dino-tiny"
    assert "shots" in plan
    without = options_of(cortexia, videos, "--preset", "fast")
    assert (without["objects"]["prompt"], without["objects"]["model"]) == (None, "yolox-nano")


def test_a_prompt_leaves_the_model_that_was_asked_for(cortexia, videos, tmp_path):
    asked = (videos, "--annotators", "objects", "--prompt", "forklift, hard hat")
    plan = options_of(cortexia, *asked, "--option", "objects.model=grounding-dino-tiny")
    assert plan["objects"]["model"] == "grounding-dino-tiny"
    mine = {**CLIP, "config.json": b'{"model_type": "grounding-dino"}'}
    plan = options_of(cortexia, *asked, "--model-version", write(tmp_path / "mine", mine))
    assert plan["objects"]["model"].startswith("grounding-dino-")
    assert plan["objects"]["prompt"] == "forklift, hard hat"
