"""Odd and hostile inputs: each ends as its manifest says, none crashes, hangs or opens a connection."""

from __future__ import annotations

import csv
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KINDS = ("video", "audio", "image", "playlist/ssrf")
EXPECTED = {
    "DECODE": {"ok"},
    "DECODE-PARTIAL": {"partial", "ok"},
    "DECODE-PILLOW": {"ok"},
    "AUDIO-ONLY": {"audio_only", "rejected"},  # rejected: codecs that this FFmpeg cannot decode, AC-4 for one
    "REJECT": {"rejected"},
}
BY_CONTENT = {"selfmade/media/png_named.mp4"}
"""A picture, whatever it is named: the manifest's note leaves that open."""
CHILD = """
import json, sys
from cortexia.testing.conformance import decode_for_conformance
for line in sys.stdin:
    path = json.loads(line)
    print(json.dumps([path, decode_for_conformance(path)]), flush=True)
"""


def rows_of(data_dir: Path) -> list[dict[str, str]]:
    with (data_dir / "badmedia" / "manifest.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in KINDS]


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))


@pytest.fixture(scope="module")
def results(data_dir: Path) -> dict[str, dict]:
    """All files in one limited child; a file that kills it or makes it hang is the one without an answer."""
    paths = [str(data_dir / "badmedia" / row["path"]) for row in rows_of(data_dir)]
    found: dict[str, dict] = {}
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input="".join(json.dumps(path) + "\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=240,
        preexec_fn=limit,
    )
    for line in done.stdout.splitlines():
        path, result = json.loads(line)
        found[path] = result
    missing = [path for path in paths if path not in found]
    assert not missing, f"the child ended with {done.returncode} at {missing[0]}: {done.stderr[-500:]}"
    return found


def test_every_file_ends_as_expected(data_dir, results):
    wrong = []
    for row in rows_of(data_dir):
        result = results[str(data_dir / "badmedia" / row["path"])]
        is_right = result["status"] in EXPECTED["DECODE" if row["path"] in BY_CONTENT else row["expected"]]
        if row["expected"] == "DECODE" and row["expected_frames"]:
            is_right = is_right and result["frames"] == int(row["expected_frames"])
        if not is_right:
            wrong.append((row["path"], row["expected"], row["expected_frames"], result))
    assert wrong == []


def test_what_is_rejected_says_why_in_one_line(data_dir, results):
    rejected = [result for result in results.values() if result["status"] == "rejected"]
    assert len(rejected) > 40
    for result in rejected:
        assert result["reason"]
        assert result["error"]
        assert "\n" not in result["error"]
        assert len(result["error"]) < 500


def test_zero_frames_are_never_a_success(results):
    assert [path for path, r in results.items() if r["status"] in ("ok", "partial") and r["frames"] == 0] == []


def test_playlists_and_session_descriptions_open_no_socket(data_dir):
    """Seen from outside: not one network call while they are offered to the decoder."""
    calls = network_calls(data_dir, CHILD)
    assert calls == []


def test_the_check_sees_a_decoder_without_whitelists(data_dir):
    """Negative control: FFmpeg left alone follows them."""
    naive = """
import contextlib, json, sys, av
for line in sys.stdin:
    path = json.loads(line)
    with contextlib.suppress(Exception):
        av.open(open(path, "rb"), format="hls" if path.endswith("m3u8") else None, timeout=3).close()
    print(json.dumps([path, {}]), flush=True)
"""
    assert network_calls(data_dir, naive) != []


def network_calls(data_dir: Path, child: str) -> list[str]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    paths = [str(data_dir / "badmedia" / row["path"]) for row in rows_of(data_dir) if row["kind"] == "playlist/ssrf"]
    assert len(paths) >= 5
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=socket,connect,bind,sendto", sys.executable, "-c", child],
        input="".join(json.dumps(path) + "\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert len(done.stdout.splitlines()) == len(paths)
    return [line for line in done.stderr.splitlines() if "AF_INET" in line]


def test_the_shipped_conformance_run_agrees(data_dir):
    folder = data_dir / "badmedia"
    command = [sys.executable, str(folder / "conformance.py"), "cortexia.testing.conformance:decode_for_conformance"]
    done = subprocess.run(
        [*command, "--base", str(folder), "--kinds", "playlist/ssrf"], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "new\nline.mp4",
        "tab\there.mp4",
        "quo'te\".mp4",
        "star*.mp4",
        "%03d.mp4",
        "-dash.mp4",
        "\u202egpj.mp4",
        "\U0001f3ac.mp4",
        "con.mp4",
        "$(touch x).mp4",
        "<b>bold<b>.mp4",
        "http:x.mp4",
        "a" * 251 + ".mp4",
        "bytes-\udcff.mp4",
    ],
)
def test_names_are_only_names(tmp_path, clips, name):
    from cortexia.testing import ShotSpec, VideoSpec
    from cortexia.testing.conformance import decode_for_conformance

    clip, _ = clips("tiny.mp4", VideoSpec(width=64, height=36, shots=(ShotSpec(0.4),)))
    path = tmp_path / name
    shutil.copy(clip, path)
    assert decode_for_conformance(path)["status"] == "ok"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_text_given_as_video_is_rejected(data_dir, tmp_path):
    """By its own name, by that of a video, and as what a list names: no crash, nothing read or written elsewhere."""
    from cortexia.app import App, Request
    from cortexia.config import Settings

    texts = sorted((data_dir / "badmedia" / "selfmade" / "text").iterdir())
    assert len(texts) >= 15
    (tmp_path / "in").mkdir()
    for path in texts:
        for suffix in (".mp4", ".csv", ".jsonl"):
            shutil.copy(path, tmp_path / "in" / (path.name + suffix))
    sources = [*map(str, texts), *(str(path) for path in (tmp_path / "in").iterdir())]
    settings = Settings(store=str(tmp_path / "s.db"), cache_dir=str(tmp_path / "cache"), executor="inline")
    with App(settings) as app:
        videos = app.annotate(sources, Request(("shots",))).videos
    assert {(video.status, bool(video.reason)) for video in videos} == {("failed", True), ("rejected", True)}
    assert len(videos) >= len(texts) * 3
