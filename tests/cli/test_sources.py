"""Lists and addresses on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Listener, Ranged, serving

from cortexia.testing import ShotSpec, VideoSpec

OPEN = {"CORTEXIA_ALLOW_HTTP": "true", "CORTEXIA_ALLOW_PRIVATE_NETWORK": "1"}


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips("tiny-cli.mp4", VideoSpec(width=96, height=54, shots=(ShotSpec(0.4),)))[0]


@pytest.fixture
def annotate(tmp_path: Path):
    """Runs ``cortexia annotate`` with annotator ``shots`` in an empty folder."""

    def run(*arguments: object, stdin: bytes = b"", **env: str) -> tuple[int, list[dict], str]:
        command = [sys.executable, "-m", "cortexia.cli.main", "annotate"]
        flags = ["--annotators", "shots", "--executor", "inline", "--json"]
        done = subprocess.run(
            [*command, *flags, *map(str, arguments)],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            timeout=120,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **env},
        )
        return done.returncode, json.loads(done.stdout)["videos"], done.stderr.decode()

    return run


def test_a_list_comes_on_stdin(annotate, clip):
    lines = f"# a list\n\n{clip}\r\nmissing.mp4\nhttps://127.0.0.1:1/x.mp4\n".encode()
    code, videos, _ = annotate("-", stdin=lines)
    assert code == 3
    assert sorted((video["status"], video["reason"]) for video in videos) == [
        ("completed", None),
        ("rejected", "address_refused"),
        ("rejected", "not_found"),
    ]


def test_a_manifest_is_annotated(annotate, clip, tmp_path):
    (tmp_path / "list.csv").write_text(f"path,sha256\n{clip},\n{clip},{'0' * 64}\n,\nx\n")
    code, videos, _ = annotate("list.csv")
    assert code == 3
    assert sorted(str(video["reason"]) for video in videos) == ["None", "digest_mismatch", "not_found"]


def test_an_opened_guard_is_said_and_a_closed_one_is_not(annotate, clip):
    with serving(Ranged(clip.read_bytes())) as base:
        code, videos, err = annotate(f"{base}/x.mp4", **OPEN)
        assert code == 0, err
        assert json.loads(err.splitlines()[0]) == {
            "event": "guard_opened",
            "settings": ["allow_http", "allow_private_network"],
        }
        code, videos, err = annotate(f"{base}/x.mp4")
    assert (code, videos[0]["reason"]) == (1, "address_refused")
    assert "guard_opened" not in err


HOSTILE = ["%03d.mp4", "*.m3u8", "frame*.png", "concat:a.mp4|b.mp4", "file:x.mp4", "subfile,,start,0,end,9,,:x.mp4"]


def test_names_that_ffmpeg_understands_reach_nobody(annotate, tmp_path, data_dir):
    """S-05: by name, by URL and by what playlists and session descriptions point at."""
    listener = Listener()
    inner = f"127.0.0.1:{listener.port}"
    folder = tmp_path / "in"
    folder.mkdir()
    for path in sorted((data_dir / "badmedia" / "selfmade" / "ssrf").iterdir()):
        (folder / path.name).write_bytes(path.read_bytes().replace(b"127.0.0.1:18999", inner.encode()))
    assert sum(inner.encode() in path.read_bytes() for path in folder.iterdir()) == 3
    (folder / "mine.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\nhttp://{inner}/a.ts\n#EXT-X-ENDLIST\n")
    (folder / "mine.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\nhttp://{inner}/a.ts\n#EXT-X-ENDLIST\n")
    urls = [f"http://{inner}/x.mp4", f"rtsp://{inner}/x", f"concat:http://{inner}/a|http://{inner}/b", f"tcp://{inner}"]
    files = [str(path) for path in sorted(folder.iterdir())]
    _, videos, _ = annotate("--", *files, *HOSTILE, *urls)
    read = [Path(video["uri"]).name for video in videos if video["status"] not in ("rejected", "failed")]
    assert read == ["dref_url_external.mov"], "it holds its pictures itself"
    contents = {Path(path).read_bytes() for path in files}
    assert len(videos) == len(contents) + len(HOSTILE) + len(urls)
    assert listener.connections == 0
    listener.close()


def test_the_listener_of_that_test_sees_ffmpeg():
    """Negative control: FFmpeg left alone goes where such a name points."""
    listener = Listener()
    program = (
        "import av, contextlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    with contextlib.suppress(Exception): av.open(name, timeout=3)"
    )
    inner = f"http://127.0.0.1:{listener.port}"
    subprocess.run([sys.executable, "-c", program, f"{inner}/x.mp4", f"concat:{inner}/a|{inner}/b"], check=True)
    assert listener.connections
    listener.close()
