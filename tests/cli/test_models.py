"""``cortexia models`` and presets, as a user types them."""

from __future__ import annotations

import hashlib
import json
import os
import sys

import pytest
from model_server import serving

from cortexia.cli.main import main
from cortexia.cli.preset_line import preset_to_line
from cortexia.models.catalogue import load_catalogue
from cortexia.models.presets import PresetChoice, find_preset
from cortexia.testing import ShotSpec, VideoSpec

DATA = b"\x1c\0\0\0TFL3" + b"\0" * 40


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of models, a catalogue with one of one's own, and a cache that is empty."""
    for name in [key for key in os.environ if key.startswith("CORTEXIA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    digest = hashlib.sha256(DATA).hexdigest()
    (tmp_path / "own.toml").write_text(
        f'[[model]]\nid = "mine"\ntask = "a task"\nfile = "mine.tflite"\nsize_bytes = {len(DATA)}\n'
        f'sha256 = "{digest}"\nlicence = "MIT"\nurl = "https://example.org/x"\nadapter = "none"\n'
    )
    monkeypatch.setenv("CORTEXIA_MODELS", str(models))
    monkeypatch.setenv("CORTEXIA_MODEL_CATALOG", "own.toml")
    monkeypatch.setenv("CORTEXIA_CACHE_DIR", str(tmp_path / "cache"))
    return models


@pytest.fixture
def cortexia(folder, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


def test_list_shows_what_is_here(cortexia, folder):
    (folder / "w").write_bytes(DATA)
    code, out, _ = cortexia("models", "list")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert code == 0
    assert lines["mine"].split()[-3:] == ["MIT", "-", "yes"]
    assert lines["yolox-nano"].split()[-5:] == ["3.7", "MB", "Apache-2.0", "fast", "no"]
    assert "[balanced]" in lines["yolox-s"]


def test_list_as_json(cortexia, folder):
    (folder / "w").write_bytes(DATA)
    listed = {row["id"]: row for row in json.loads(cortexia("models", "list", "--json")[1])}
    assert listed["mine"]["path"] == str(folder / "w")
    assert (listed["yolox-nano"]["path"], listed["yolox-nano"]["used_by"]) == (None, ["fast"])


def test_path_prints_it_or_the_command_that_mends(cortexia, folder):
    code, out, err = cortexia("models", "path", "mine")
    assert (code, out) == (1, "")
    assert "cortexia models pull mine" in err
    (folder / "w").write_bytes(DATA)
    assert cortexia("models", "path", "mine")[:2] == (0, f"{folder / 'w'}\n")
    assert json.loads(cortexia("models", "path", "mine", "--json")[1]) == {"id": "mine", "path": str(folder / "w")}
    assert cortexia("models", "path", "main")[0] == 2


def test_verify_ends_with_1_on_a_mismatch(cortexia, folder):
    assert cortexia("models", "verify")[:2] == (0, "no models are here\n")
    (folder / "mine.tflite").write_bytes(DATA)
    assert cortexia("models", "verify")[:2] == (0, f"mine: ok: {folder / 'mine.tflite'}\n")
    (folder / "mine.tflite").write_bytes(DATA[:-1] + b"!")
    code, out, _ = cortexia("models", "verify")
    assert (code, out.split(":")[1]) == (1, " digest_mismatch")
    code, out, _ = cortexia("models", "verify", "mine", "--json")
    assert (code, json.loads(out)[0]["reason"]) == (1, "digest_mismatch")
    assert cortexia("models", "verify", "fast")[0] == 1, "a model that was named must be here"


def test_pull_leaves_what_is_here(cortexia, folder):
    (folder / "w").write_bytes(DATA)
    code, out, err = cortexia("models", "pull", "mine")
    assert (code, out, err) == (0, f"mine: is here already: {folder / 'w'}\n", "")
    assert json.loads(cortexia("models", "pull", "mine", "--json")[1])[0]["was_here"] is True
    assert cortexia("models", "pull", "offline")[1] == "nothing to bring: no model is opened\n"
    assert cortexia("models", "pull", "nonsense")[0] == 2


@pytest.fixture
def site(folder, tmp_path, monkeypatch):
    """The model on a server of this machine, which the network guard is told to let pass."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "x").write_bytes(DATA)
    with serving(tmp_path / "site") as address:
        own = tmp_path / "own.toml"
        own.write_text(own.read_text().replace("https://example.org", address))
        monkeypatch.setenv("CORTEXIA_ALLOW_HTTP", "true")
        monkeypatch.setenv("CORTEXIA_ALLOW_PRIVATE_NETWORK", "true")
        yield tmp_path / "site"


def test_pull_brings_what_is_not_here(cortexia, site, tmp_path):
    code, out, err = cortexia("models", "pull", "mine")
    path = tmp_path / "cache" / "models" / "mine" / "mine.tflite"
    assert (code, out) == (0, f"mine: is here now: {path}\n")
    assert err.startswith("bringing mine (0.0 MB) from http://127.0.0.1")
    assert path.read_bytes() == DATA


def test_pull_shows_a_bar_on_a_terminal(cortexia, site, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, _, err = cortexia("models", "pull", "mine")
    assert code == 0
    assert "mine" in err
    assert "bringing" not in err


def test_pull_of_other_bytes_ends_with_1(cortexia, site):
    (site / "x").write_bytes(DATA[:-1] + b"!")
    code, out, err = cortexia("models", "pull", "mine")
    assert (code, out) == (1, "")
    assert "was promised" in err


@pytest.fixture
def clip(clips):
    return clips("models-cli.mp4", VideoSpec(shots=(ShotSpec(0.4),)))[0]


def test_annotate_tells_its_preset_and_what_a_better_one_takes(cortexia, clip):
    code, out, err = cortexia("annotate", clip, "--executor", "inline")
    assert code == 0
    assert err.splitlines()[0] == (
        "preset offline (nothing to download); 'cortexia models pull fast' adds"
        " yolox-nano, yunet, fsanet-1x1, fsanet-var, yamnet (10.5 MB)"
    )
    assert "shot_summary 1" in out


def test_annotators_that_are_named_go_before_any_preset(cortexia, clip, folder):
    code, out, err = cortexia("annotate", clip, "--executor", "inline", "--annotators", "shots", "--preset", "fast")
    assert code == 0
    assert "preset" not in err
    assert "loudness" not in out
    (folder.parent / "cortexia.toml").write_text('annotators = ["shots"]\n')
    assert "preset" not in cortexia("annotate", clip, "--executor", "inline")[2]
    assert "preset fast" in cortexia("annotate", clip, "--executor", "inline", "--preset", "fast")[2]


def test_annotators_that_are_named_have_the_options_of_the_preset_that_is_named(cortexia, clip):
    def objects(*more: str) -> dict:
        _, out, _ = cortexia("plan", clip, "--json", "--annotators", "tracks", *more)
        return next(run["options"] for run in json.loads(out)[0]["runs"] if run["annotator"] == "objects")

    fast = objects("--preset", "fast")
    assert (fast["model"], fast["per_second"]) == ("yolox-nano", 4.0)
    assert objects("--preset", "fast", "--option", "objects.per_second=2")["per_second"] == 2
    assert (objects()["model"], objects()["per_second"]) == ("offline", None), "nobody named one"


def test_a_preset_that_is_none_is_refused(cortexia, clip):
    code, _, err = cortexia("annotate", clip, "--preset", "fastt")
    assert code == 2
    assert "did you mean 'fast'" in err


def test_with_json_the_preset_is_an_event(cortexia, clip):
    for arguments in (("plan", clip), ("annotate", clip, "--dry-run")):
        code, out, err = cortexia(*arguments, "--json")
        assert (code, json.loads(out)[0]["runs"][0]["annotator"]) == (0, "shots")
        assert json.loads(err)["lacking"] == ["yolox-nano", "yunet", "fsanet-1x1", "fsanet-var", "yamnet"]


def test_options_go_before_those_of_a_preset(cortexia, clip):
    _, out, _ = cortexia("plan", clip, "--json", "--option", "shots.min_shot_s=0.5")
    runs = {run["annotator"]: run["options"] for run in json.loads(out)[0]["runs"]}
    assert runs["shots"]["min_shot_s"] == 0.5
    assert runs["frames"]["per_shot"] == 1


def test_the_line_tells_what_is_lacking():
    lacking = (load_catalogue()["yolox-s"],)
    best = find_preset("high-quality")
    assert preset_to_line(PresetChoice(best)).endswith("for a GPU, or patience)")
    assert preset_to_line(PresetChoice(find_preset("balanced"), best, lacking)).endswith(
        "'cortexia models pull high-quality' adds yolox-s (35.9 MB)"
    )
    assert preset_to_line(PresetChoice(best, None, lacking)).endswith(
        "it needs yolox-s (35.9 MB), which 'cortexia models pull high-quality' brings"
    )
