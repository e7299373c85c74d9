"""Key pictures described from the command line: without a model, by an endpoint, and when that fails."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from chat_server import KEY, ChatServer, chatting, says

from cortexia.testing import SCENES, ShotSpec, VideoSpec

DESCRIBING = "captions,tags,regions,embeddings,shot_embeddings"


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    shots = tuple(ShotSpec(1.5, scene=name) for name in sorted(SCENES)[:3])
    return clips("describe.mp4", VideoSpec(shots=shots))[0]


@pytest.fixture
def cortexia(tmp_path: Path):
    """Runs the command in an empty folder, with a cache of its own."""

    def run(*arguments: object, **env: str) -> subprocess.CompletedProcess:
        kept = {name: value for name, value in os.environ.items() if name != "CORTEXIA_MODELS"}
        return subprocess.run(
            [sys.executable, "-m", "cortexia.cli.main", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            env={**kept, "XDG_CACHE_HOME": str(tmp_path / "cache"), **env},
        )

    return run


def rows(cortexia, kind: str) -> list[dict]:
    done = cortexia("export", "--type", kind)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def reach(server: ChatServer) -> dict[str, str]:
    return {"CORTEXIA_ENDPOINT_URL": server.url, "CORTEXIA_ENDPOINT_KEY": KEY}


def statuses(cortexia, **env: str) -> dict[str, tuple[str, str | None]]:
    told = json.loads(cortexia("status", "--json", **env).stdout)
    return {run["annotator"]: (run["status"], run["reason"]) for run in told[0]["runs"]}


def test_without_a_model_everything_is_composed_from_what_was_found(cortexia, clip):
    done = cortexia("annotate", clip, "--annotators", DESCRIBING, "--option", "objects.per_second=4")
    assert done.returncode == 0, done.stderr
    captions = [row for row in rows(cortexia, "caption") if "bbox" not in row or row["bbox"] is None]
    assert captions
    assert {row["data"]["model"] for row in captions} == {"composed"}
    vectors = rows(cortexia, "embedding")
    assert sorted(row["data"]["of"] for row in vectors) == ["picture"] * 3 + ["shot"] * 3
    for row in vectors:
        values = np.frombuffer(base64.b64decode(row["data"]["vector"]), "<f4")
        assert np.linalg.norm(values) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.data
def test_a_real_clip_is_told_by_what_a_small_network_sees(cortexia, data_dir):
    done = cortexia(
        *(
            "annotate",
            data_dir / "videos/intel/one-by-one-person-detection.mp4",
            "--annotators",
            "captions,tags,regions",
        ),
        *("--option", "objects.per_second=4", "--option", "frames.per_shot=3", "--end", 12),
        CORTEXIA_MODELS=str(data_dir / "models"),
    )
    assert done.returncode == 0, done.stderr
    told = rows(cortexia, "caption")
    people = [row for row in rows(cortexia, "classification") if row["label"] == "person"]
    assert len(people) == 3
    assert {row["data"]["count"] for row in people} == {1}
    assert sum(row["data"]["text"].startswith("A person") and row["label"] is None for row in told) == 3
    assert sum(row["label"] == "person" for row in told) == 3


@pytest.fixture(scope="module")
def pulled(tmp_path_factory) -> dict[str, str]:
    """Where a tiny model lies as a pull would leave it: its entry names a repository and no files."""
    root = tmp_path_factory.mktemp("models")
    own = tiny_models.make_catalogue(root, {"blip": "captions"})
    return {
        "CORTEXIA_MODELS": str(root),
        "CORTEXIA_MODEL_CATALOG": str(own),
        "CORTEXIA_DEVICE": "cpu",
    }


def test_auto_takes_a_model_that_was_pulled(cortexia, clip, pulled):
    asked = ("annotate", clip, "--annotators", "captions", "--option", "captions.max_tokens=6")
    done = cortexia(*asked, **pulled)
    assert done.returncode == 0, done.stderr
    assert statuses(cortexia, **pulled)["captions"] == ("completed", None)
    captions = rows(cortexia, "caption")
    assert captions
    assert {row["data"]["model"] for row in captions} == {"tiny-blip"}
    assert cortexia(*asked, **pulled).returncode == 0
    assert rows(cortexia, "caption") == captions


def test_an_endpoint_describes_and_its_key_is_nowhere(cortexia, clip, tmp_path):
    with chatting(says("A drawn place.", probabilities=(0.8,))) as server:
        done = cortexia(
            *("annotate", clip, "--annotators", "captions", "--option", "captions.model=endpoint:eye-1"),
            CORTEXIA_LOG_LEVEL="debug",
            CORTEXIA_ENDPOINT_PRICE_INPUT="1",
            CORTEXIA_ENDPOINT_PRICE_OUTPUT="10",
            **reach(server),
        )
    assert done.returncode == 0, done.stderr
    assert len(server.heard) == 3
    assert {heard.authorization for heard in server.heard} == {f"Bearer {KEY}"}
    captions = rows(cortexia, "caption")
    assert [row["data"]["text"] for row in captions] == ["A drawn place."] * 3
    assert [row["confidence"] for row in captions] == [pytest.approx(0.8)] * 3
    assert "describe.mp4: endpoint:eye-1 gave 3 answers for 360 + 21 tokens, cost 0.00057" in done.stderr
    assert KEY not in done.stdout + done.stderr
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_what_cannot_be_fails_alone_and_says_why(cortexia, clip):
    with chatting(says("A drawn pl", finish="length")) as server:
        done = cortexia(
            *("annotate", clip, "--annotators", "captions,text,tags,embeddings"),
            *("--option", "captions.model=endpoint:eye-1", "--option", "tags.model=siglip2-base-patch16-224"),
            **reach(server),
        )
    assert done.returncode == 3, done.stderr
    told = statuses(cortexia)
    assert told["captions"] == ("failed", "inference")
    assert told["text"] == told["tags"] == ("failed", "model_missing")
    assert told["shots"][0] == told["embeddings"][0] == "completed"
    assert "cut short" in done.stdout + done.stderr
    assert "cortexia models pull ppocr-text-detection" in done.stdout + done.stderr
    assert rows(cortexia, "caption") == []
