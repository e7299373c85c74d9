"""What is heard is the same for any window, any stop and after any death.

Another annotator of sound is a line in ``HEARD``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from footage import context
from harness import Lab
from killing import killed_and_gone_on

from cortexia import registry
from cortexia.decoders.pyav import PyAVDecoder
from cortexia.testing import click, laughter, noise, speech, tone
from cortexia.types import VideoIdentity
from sounds import annotate, encode, exported, samples_of


@dataclass(frozen=True)
class Case:
    """``seconds``: of the clip, at least 30: the costlier, the shorter. ``least``: rows that it says at least, by type;
    else nothing would be proved. ``wanted``: with whom it runs, if not alone."""

    seconds: int
    least: Mapping[str, int]
    wanted: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


HEARD = {
    "loudness": Case(180, {"measure": 180, "sound_event": 60}),
    "speech": Case(180, {"speech": 30}),
    "voices": Case(60, {"embedding": 40}),
    "sounds": Case(60, {"sound_event": 1}, options={"sounds": {"model": "offline"}}),
    "words, turns and events": Case(
        30,
        {"utterance": 2, "word": 3, "speaker_turn": 3, "spoken_word": 3, "sound_event": 1},
        ("speech", "transcription", "voices", "speakers", "speaker_words", "sounds"),
        {"transcription": {"model": "pocketsphinx"}, "sounds": {"model": "offline"}},
    ),
}


def events(seconds: int) -> list[Any]:
    """Two voices that take turns, one that goes on for long, knocks, noises and tones."""
    made: list[Any] = [speech(1.0, 0.3 * seconds, 120.0, 0.3)]
    at = 1.0 + 0.3 * seconds + 1.0
    turn = 0
    while at < seconds - 4:
        made += [speech(at, 1.7, (110.0, 200.0)[turn % 2]), click(at + 1.9), noise(at + 2.3, 0.3 + 0.1 * (turn % 3))]
        made += [tone(at + 3.0, 0.4, 440.0 + 30 * turn)] * (turn % 2)
        at, turn = at + 3.1 + 0.37 * (turn % 4), turn + 1
    return [*made, laughter(seconds - 3.0, 2.5)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A clip of so many seconds, whose sound starts late; made once."""
    made: dict[int, Path] = {}

    def clip(seconds: int) -> Path:
        if seconds not in made:
            path = tmp_path_factory.mktemp("alike") / "clip.mka"
            samples = samples_of(16_000, seconds, events(seconds), floor=0.002)
            made[seconds] = encode(path, samples, 16_000, "flac", start_s=0.75)
        return made[seconds]

    return clip


@pytest.fixture(scope="module", params=HEARD)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def clip(name, clips) -> Path:
    return clips(HEARD[name].seconds)


def wanted(name: str) -> tuple[str, ...]:
    return HEARD[name].wanted or (name,)


def heard(folder: Path, name: str, clip: Path, **settings: Any) -> bytes:
    """The store's rows after one command."""
    report = annotate(folder, clip, wanted=wanted(name), options=HEARD[name].options, **settings)
    assert [(video.status, video.message) for video in report.videos] == [("completed", None)]
    return exported(folder, clip)


@pytest.fixture(scope="module")
def undisturbed(name, clip, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    export = heard(tmp_path_factory.mktemp("undisturbed"), name, clip)
    kinds = [json.loads(line)["type"] for line in export.splitlines()]
    for kind, least in HEARD[name].least.items():
        assert kinds.count(kind) >= least
    return export


@pytest.mark.parametrize("window_s", [1.0, 10.0, 60.0])
def test_windows_change_nothing(tmp_path, name, clip, undisturbed, window_s):
    assert heard(tmp_path, name, clip, window_s=window_s) == undisturbed


def test_blocks_at_once_and_threads_change_nothing(tmp_path, name, clip, undisturbed):
    assert heard(tmp_path, name, clip, batch_size=1, threads=1) == undisturbed
    assert heard(tmp_path / "many", name, clip, batch_size=64, executor="processes") == undisturbed


# -- the engine, dropped after any window


def lab_of(folder: Path, name: str, clip: Path) -> Lab:
    names = wanted(name)
    recipes = [registry.load("annotators", one)(**HEARD[name].options.get(one, {})) for one in names]
    lab = Lab(folder, PyAVDecoder(), [recipe.bound(lambda task: None) for recipe in recipes])
    data = clip.read_bytes()
    lab.video.write_bytes(data)
    lab.identity = VideoIdentity(hashlib.sha256(data).hexdigest(), str(lab.video), lab.video.name, len(data))
    return lab


def test_a_stop_after_any_window_changes_nothing(tmp_path, name, clip):
    whole = lab_of(tmp_path / "whole", name, clip)
    whole.run()
    expected = whole.export()
    assert expected
    for die_after in (1, 9, 23):
        stopped = lab_of(tmp_path / f"stopped-{die_after}", name, clip)
        runs = 0
        while stopped.run(window_s=1.0, die_after=die_after if runs < 3 else None) != "completed":
            runs += 1
            assert runs < 9, stopped.statuses()
        assert runs >= 1
        assert stopped.export() == expected, f"dropped after {die_after} windows, {runs} times"


@pytest.mark.parametrize("name", ["loudness", "speech"], scope="module")
def test_a_session_that_forgets_would_be_noticed(tmp_path, name, clip, monkeypatch):
    """Negative control."""
    whole = lab_of(tmp_path / "whole", name, clip)
    whole.run()
    kind = type(registry.load("annotators", name)().session(context()))
    monkeypatch.setattr(kind, "restore", lambda self, state: None)
    stopped = lab_of(tmp_path / "stopped", name, clip)
    stopped.run(window_s=1.0, die_after=23)
    stopped.run()
    assert stopped.export() != whole.export()


# -- a process that is killed


def test_killed_and_gone_on_with_it_is_the_same(tmp_path, name, clip, undisturbed):
    command = [sys.executable, "-m", "cortexia.cli.main", "annotate", str(clip), "--annotators", ",".join(wanted(name))]
    command += ["--store", str(tmp_path / "store.db")]
    for one, options in HEARD[name].options.items():
        command += [f"--option={one}.{key}={json.dumps(value)}" for key, value in options.items()]
    given = {"CACHE_DIR": str(tmp_path / "cache"), "EXECUTOR": "inline", "WINDOW_S": "1", "LEASE_S": "1"}
    seconds = HEARD[name].seconds
    killed_and_gone_on(command, tmp_path / "store.db", (2, seconds // 4, seconds // 2), given)
    assert exported(tmp_path, clip) == undisturbed
