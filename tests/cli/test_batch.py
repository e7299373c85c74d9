"""``cortexia batch`` as users type it: run, interrupted, cancelled from another process, reported."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.cli.typing_commands import Typist, wait_for

from cortexia.app import App, Request
from cortexia.batch.batch_file import read_batch_file
from cortexia.config import Settings
from cortexia.testing import SCENES, ShotSpec, VideoSpec

NAMES = sorted(SCENES)


@pytest.fixture
def cortexia(tmp_path) -> Typist:
    return Typist(tmp_path)


@pytest.fixture
def videos(clips, tmp_path) -> Path:
    """Three short videos in a folder."""
    clip = clips("batch-short.mp4", VideoSpec(width=160, height=90, shots=(ShotSpec(1.0, scene=NAMES[0]),)))[0]
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mp4").write_bytes(clip.read_bytes() + name.encode())
    return folder


@pytest.fixture
def slowly(cortexia, videos) -> Typist:
    """As ``cortexia``, with an annotator that needs 5 s for each of the videos."""
    cortexia.install_slow()
    return cortexia


def batch_file(folder: Path, text: str = "", pipelines: str = "scene", also: str = "") -> Path:
    path = folder / "batch.yaml"
    path.write_text(f"videos: [videos/{also}]\npipelines: [{pipelines}]\nstore: s.db\n{text}")
    return path


def test_a_batch_file_is_run_told_of_and_reported(cortexia, videos, tmp_path):
    (videos / "broken.mp4").write_bytes(b"\0" * 5000)
    done = cortexia("batch", "run", batch_file(tmp_path, "output: rows\nworkers: 2"), "--report", "r", "--json")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert sorted(video["status"] for video in told["videos"]) == ["completed"] * 3 + ["failed"]
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"job_submitted", "job_started", "job_finished"} <= {event["event"] for event in events}
    assert len(list((tmp_path / "rows").glob("*.scene.jsonl"))) == 3
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["batch.html", "batch.json", "batch.md"]
    status = json.loads(cortexia.ask("batch", "status", "--store", "s.db", "--json").stdout)
    assert (status["batch_id"], status["state"]) == (told["batch_id"], "completed with failures")
    assert status["counts"] == {"completed": 3, "failed": 1}


def test_a_finished_batch_run_again_does_nothing_again(cortexia, videos, tmp_path):
    assert cortexia.ask("batch", "run", batch_file(tmp_path)).exit_code == 0
    again = cortexia.ask("batch", "run", batch_file(tmp_path), "--json")
    assert again.exit_code == 0
    kinds = {json.loads(line)["event"] for line in again.stderr.splitlines()}
    assert kinds == {"job_submitted", "job_settled"}
    assert len(json.loads(cortexia.ask("batch", "list", "--store", "s.db", "--json").stdout)) == 2


def interrupted(slowly, tmp_path, number: signal.Signals) -> dict:
    """What a batch said that got a signal while it was at its first video."""
    process = slowly.start("batch", "run", batch_file(tmp_path, pipelines="slow"), "--json")
    wait_for(tmp_path / "s.db", "status = 'running'")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    told = json.loads(out)
    assert told["interrupted"]
    return told


def test_ctrl_c_and_the_same_command_go_on_with_the_same_batch(slowly, tmp_path):
    first = interrupted(slowly, tmp_path, signal.SIGINT)
    again = slowly("batch", "run", batch_file(tmp_path, "workers: 3", "slow"), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["batch_id"] == first["batch_id"]
    (batch,) = json.loads(slowly.ask("batch", "list", "--store", "s.db", "--json").stdout)
    assert (batch["counts"], batch["state"]) == ({"completed": 3}, "completed")


def test_a_file_that_asks_for_something_else_is_another_batch(slowly, tmp_path):
    """The negative control of the last one, and SIGTERM beside Ctrl-C."""
    first = interrupted(slowly, tmp_path, signal.SIGTERM)
    again = json.loads(slowly("batch", "run", batch_file(tmp_path, pipelines="audio"), "--json").stdout)
    assert again["batch_id"] != first["batch_id"]
    done = slowly("annotate", "--resume", "batch.checkpoint.json", "--json")
    assert json.loads(done.stdout)["batch_id"] == again["batch_id"], "its checkpoint is that of the later one"


def test_a_second_ctrl_c_ends_at_once(slowly, tmp_path):
    process = slowly.start("batch", "run", batch_file(tmp_path, pipelines="slow"))
    wait_for(tmp_path / "s.db", "status = 'running'")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_a_batch_that_another_process_cancels_ends_as_cancelled(slowly, tmp_path):
    """The cancel reaches the decode loop of a worker, and the batch is no success."""
    file = batch_file(tmp_path, "options: {slow: {seconds: 2.0}}", "slow")
    runner = slowly.start("batch", "run", file, "--json")
    wait_for(tmp_path / "s.db", "status = 'running'")
    batch_id = json.loads(slowly.ask("batch", "list", "--store", "s.db", "--json").stdout)[0]["batch_id"]
    done = slowly.ask("batch", "cancel", batch_id[:6], "--store", "s.db")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "2 jobs cancelled"), done.stderr
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 1, err
    assert {video["status"] for video in json.loads(out)["videos"]} == {"cancelled"}
    finished = [json.loads(line) for line in err.splitlines() if "job_finished" in line]
    assert [event["wall_s"] < 45 for event in finished] == [True], "it did not go on to its end, at 50 s"
    shown = slowly.ask("batch", "status", "--store", "s.db").stdout
    assert f"batch {batch_id}: cancelled" in shown
    assert slowly.ask("jobs", "list", "--store", "s.db", "--status", "completed").stdout == ""


@pytest.fixture
def app(tmp_path):
    settings = Settings(store=str(tmp_path / "s.db"), cache_dir=str(tmp_path / "cache"), executor="inline")
    with App(settings) as opened:
        yield opened


def annotated(app: App, videos: Path, tmp_path: Path, way: str, meddle=lambda jobs: None, *also: str) -> list[str]:
    """States of the videos of a batch; ``meddle`` is called with the ids of its jobs after each that is added."""
    jobs: list[str] = []

    def on_event(event) -> None:
        if event["event"] == "job_submitted":
            jobs.append(event["job_id"])
            meddle(jobs)

    file = batch_file(tmp_path, also="".join(f", '{source}'" for source in also))
    if way == "annotate":
        return [video.status for video in app.annotate([str(videos), *also], Request(("shots",)), on_event).videos]
    return [video.status for video in app.run_batch(read_batch_file(file), on_event).videos]


@pytest.mark.parametrize("way", ["annotate", "run"])
def test_inputs_that_could_not_be_had_are_in_the_report(app, videos, tmp_path, way):
    states = annotated(app, videos, tmp_path, way, lambda jobs: None, "https://127.0.0.1/gone.mp4")
    assert sorted(states) == ["completed"] * 3 + ["rejected"]
    (refused,) = app.report_of_batch(None).refused
    assert refused.reason == "address_refused"
    assert "127.0.0.1" in refused.message


@pytest.mark.parametrize("way", ["annotate", "run"])
def test_a_batch_is_cancelled_while_videos_are_added(app, videos, tmp_path, way):
    def cancel(jobs: list[str]) -> None:
        if len(jobs) == 2:
            app.cancel_batch(app.job(jobs[0]).job.batch_id)

    (videos / "d.mp4").write_bytes((videos / "a.mp4").read_bytes() + b"d")
    assert annotated(app, videos, tmp_path, way, cancel) == ["cancelled"] * 3, "the fourth was not added"


@pytest.mark.parametrize("way", ["annotate", "run"])
def test_a_job_that_is_cancelled_alone_does_not_end_the_batch(app, videos, tmp_path, way):
    def cancel(jobs: list[str]) -> None:
        if len(jobs) == 3:
            app.cancel_job(jobs[0])

    states = annotated(app, videos, tmp_path, way, cancel)
    assert sorted(states) == ["cancelled", "completed", "completed"]


def test_a_watcher_sees_the_batch_to_its_end(slowly, tmp_path):
    runner = slowly.start("batch", "run", batch_file(tmp_path, pipelines="slow"), "--workers", "3")
    wait_for(tmp_path / "s.db", "status = 'running'")
    watched = slowly.ask("batch", "status", "--watch", "--store", "s.db")
    assert watched.exit_code == 0
    assert runner.wait(60) == 0
    assert "3 completed" in watched.stdout
    assert "c.mp4: completed" in watched.stderr


def test_a_report_is_made_from_the_store_alone(cortexia, videos, tmp_path):
    cortexia.ask("batch", "run", batch_file(tmp_path), "--report", "first.json")
    for path in (*videos.iterdir(), tmp_path / "batch.yaml", tmp_path / "batch.checkpoint.json"):
        path.unlink()
    done = cortexia.ask("batch", "report", "--store", "s.db", "--output", "again.json")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "first.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "none.yaml"], "there is no batch file"),
        (["status", "--store", "nowhere.db"], "there is no store"),
        (["cancel"], "Missing argument"),
        (["cancel", "abcd"], "there is no batch 'abcd'"),
        (["report", "--output", "x.pdf"], "ends in .json, .md, .html"),
        (["status", "zz"], "there is no batch 'zz'"),
    ],
)
def test_usage_errors_say_what_to_do(cortexia, videos, tmp_path, arguments, hint):
    with App(Settings(store=str(tmp_path / "cortexia.db"), executor="inline", cache_dir=str(tmp_path))) as app:
        app.annotate([videos / "a.mp4"], Request(("shots",)))
    done = cortexia.ask("batch", *arguments)
    assert hint in done.output + str(done.exception)
    assert done.exit_code != 0
