"""Videos on other machines: fetched once, verified, kept while they are needed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from archiving import zip_of
from serving import LOCAL, Listener, Ranged, send, serving

from cortexia.app import App, Request
from cortexia.buckets import ObjectAccess
from cortexia.config import ProcessingConfig, Settings
from cortexia.errors import ConfigurationError, RejectedInput
from cortexia.processor import VideoProcessor
from cortexia.resilience import Breakers
from cortexia.sources import InputAdapter, MediaCache, RemoteAccess, SourceVideo, StreamInputStream, identify
from cortexia.testing import SCENES, ShotSpec, VideoSpec
from cortexia.types import Query

BODY = b"\0video" * 1000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def access(tmp_path: Path) -> RemoteAccess:
    return RemoteAccess(MediaCache(tmp_path / "media"), LOCAL, ObjectAccess(LOCAL))


@pytest.fixture
def open_settings(tmp_path: Path) -> Settings:
    """Settings that let a test reach its own servers."""
    return Settings(
        store=str(tmp_path / "s.db"),
        cache_dir=str(tmp_path / "cache"),
        executor="inline",
        allow_http=True,
        allow_private_network=True,
    )


@pytest.fixture(scope="module")
def clip(clips) -> bytes:
    names = sorted(SCENES)
    shots = tuple(ShotSpec(0.8, scene=name) for name in names[:2])
    return clips("remote.mp4", VideoSpec(width=96, height=54, shots=shots))[0].read_bytes()


def videos(source: str, access: RemoteAccess) -> list[SourceVideo | RejectedInput]:
    return list(InputAdapter.adapt(source, access=access))


def test_a_url_becomes_a_video_with_its_digest(access):
    with serving(Ranged(BODY)) as base:
        (one,) = videos(f"{base}/some%20clip.mp4?token=secret", access)
    assert (one.video_id, one.filename) == (SHA, "some clip.mp4")
    assert one.path == access.cache.path(SHA)
    assert one.path.read_bytes() == BODY
    assert identify(one).size_bytes == len(BODY)
    assert one.uri == f"{base}/some%20clip.mp4"
    assert [path.name for path in access.cache.folder.iterdir()] == [SHA], "nothing else is left"


class Moody:
    """A server that is down until it is not."""

    def __init__(self) -> None:
        self.status, self.asked = 503, 0

    def __call__(self, handler) -> None:
        self.asked += 1
        send(handler, BODY if self.status == 200 else b"", self.status)


def outcome(url: str, access: RemoteAccess) -> str:
    try:
        (one,) = videos(url, access)
    except RejectedInput as error:
        return "left alone" if "next try is let through" in str(error) else error.reason
    return one.filename


def test_a_server_that_is_down_is_left_alone_for_a_minute(access):
    now = [0.0]
    access = replace(access, endpoints=Breakers("endpoint", clock=lambda: now[0]))
    server = Moody()
    with serving(server) as base, serving(Ranged(BODY)) as other:
        for number in range(5):
            assert outcome(f"{base}/{number}.mp4", access) == "unreachable"
        asked = server.asked
        assert outcome(f"{base}/5.mp4", access) == "left alone"
        assert outcome(f"{other}/5.mp4", access) == "5.mp4", "another server has a breaker of its own"
        assert server.asked == asked
        now[0] = 59.9
        assert outcome(f"{base}/5.mp4", access) == "left alone"
        now[0], server.status = 60.0, 200
        for number in range(5, 8):
            assert outcome(f"{base}/{number}.mp4", access) == f"{number}.mp4"


def test_a_server_that_says_no_is_there(access):
    server = Moody()
    server.status = 404
    with serving(server) as base:
        for number in range(7):
            assert outcome(f"{base}/{number}.mp4", access) == "not_found"
    assert server.asked == 7


def test_an_archive_at_an_address_is_opened(access, tmp_path):
    data = zip_of(tmp_path / "a.zip", {"day/a.mp4": BODY, "notes.txt": b"text"}).read_bytes()
    with serving(Ranged(data)) as base:
        stream = InputAdapter.adapt(f"{base}/clips.zip#sha256={hashlib.sha256(data).hexdigest()}", access=access)
        (one,) = list(stream)
    assert (one.video_id, one.uri, one.filename) == (SHA, f"{base}/clips.zip!/day/a.mp4", "a.mp4")
    assert stream.left_out == (f"{base}/clips.zip!/notes.txt",)
    assert [path.name for path in access.cache.folder.iterdir()] == [SHA], "the archive does not stay"


def test_with_a_stated_digest_nothing_is_fetched_twice(access):
    server = Ranged(BODY)
    with serving(server) as base:
        for _ in range(2):
            assert videos(f"{base}/x.mp4#sha256={SHA.upper()}", access)[0].video_id == SHA
    assert len(server.ranges) == 1


@pytest.mark.parametrize(
    ("path", "reason"), [("/gone", "not_found"), ("/closed", "forbidden"), (f"/x#sha256={'0' * 64}", "digest_mismatch")]
)
def test_what_cannot_be_had_is_rejected_with_a_reason(access, path, reason):
    def answer(handler):
        send(handler, BODY, {"/gone": 404, "/closed": 403}.get(handler.path, 200))

    with serving(answer) as base, pytest.raises(RejectedInput) as caught:
        videos(base + path, access)
    assert caught.value.reason == reason
    assert list(access.cache.folder.iterdir()) == []


@pytest.mark.parametrize("source", ["http://127.0.0.1:{port}/x", "https://localhost:{port}/x", "s3://b@d/k", "gs:///"])
def test_the_guard_stands_before_every_address(access, source):
    listener = Listener()
    closed = replace(access, policy=replace(LOCAL, allow_http=False, allow_private=False))
    with pytest.raises(RejectedInput) as caught:
        videos(source.format(port=listener.port), closed)
    assert caught.value.reason == "address_refused"
    assert listener.connections == 0
    listener.close()


def test_addresses_are_stream_inputs():
    for source in ("https://h.example/x", "s3://bucket/x", "gs://bucket/x", "S3://bucket/x"):
        assert isinstance(InputAdapter.adapt(source), StreamInputStream)


def test_a_prefix_leaves_out_what_is_no_video_and_goes_on_after_a_failure(s3, access):
    for key in ("in/b.mp4", "in/a.mkv", "in/notes.txt", "in/pic.png", "in/unknown.xyz"):
        s3.put(key, key.encode())
    s3.put("in/0-large.mp4", b"x" * 5000)
    small = replace(LOCAL, max_bytes=4000)
    stream = StreamInputStream("s3://clips/in/", replace(access, objects=ObjectAccess(small, s3.url)))
    found = list(stream)
    assert [item.filename if isinstance(item, SourceVideo) else item.reason for item in found] == [
        "too_large",
        "a.mkv",
        "b.mp4",
        "unknown.xyz",
    ]
    assert found[1].uri == "s3://clips/in/a.mkv"
    assert stream.left_out == ("s3://clips/in/notes.txt", "s3://clips/in/pic.png")
    with pytest.raises(RejectedInput, match="no object below"):
        list(StreamInputStream("s3://clips/nothing/", replace(access, objects=ObjectAccess(LOCAL, s3.url))))


# -- end to end


def test_a_bucket_is_annotated_and_the_others_go_on(s3, open_settings, clip):
    s3.put("e2e/clip.mp4", clip)
    sha = hashlib.sha256(clip).hexdigest()
    settings = replace(open_settings, s3_endpoint_url=s3.url)
    sources = ["s3://clips/e2e/missing.mp4", f"s3://clips/e2e/clip.mp4#sha256={'0' * 64}", "s3://clips/e2e/"]
    with App(settings) as app:
        report = app.annotate(sources, Request(("shots",)))
        rows = list(app.rows(Query(types=("shot",))))
    assert [(video.status, video.reason) for video in report.videos] == [
        ("rejected", "not_found"),
        ("rejected", "digest_mismatch"),
        ("completed", None),
    ]
    assert (report.videos[2].video_id, report.videos[2].uri) == (sha, "s3://clips/e2e/clip.mp4")
    assert [(row.start_us, row.uri) for row in rows] == [
        (0, "s3://clips/e2e/clip.mp4"),
        (800_000, "s3://clips/e2e/clip.mp4"),
    ]
    assert list(settings.media_cache.iterdir()) == []


def test_media_can_be_kept(open_settings, clip):
    server = Ranged(clip)
    with serving(server) as base, App(replace(open_settings, keep_media=True)) as app:
        source = f"{base}/clip.mp4#sha256={hashlib.sha256(clip).hexdigest()}"
        for _ in range(2):
            assert app.annotate([source], Request(("shots",))).videos[0].is_well
    assert len(server.ranges) == 1
    assert len(list(open_settings.media_cache.iterdir())) == 1


def test_what_is_unfinished_is_kept_and_not_fetched_again(open_settings, clip):
    server = Ranged(clip)
    with serving(server) as base, App(open_settings) as app:
        source = f"{base}/clip.mp4#sha256={hashlib.sha256(clip).hexdigest()}"
        report = app.annotate([source], Request(("shots",)), stopped=lambda: True)
        assert report.interrupted
        assert len(list(open_settings.media_cache.iterdir())) == 1
        assert app.annotate([source], Request(("shots",))).videos[0].is_well
    assert len(server.ranges) == 1
    assert list(open_settings.media_cache.iterdir()) == []


def test_fetched_media_is_worked_off_before_more_is_fetched(open_settings, clip, clips):
    """With room for one, the cache never holds two."""
    other = clips("other.mp4", VideoSpec(width=96, height=54, shots=(ShotSpec(0.4),)))[0].read_bytes()
    held: list[int] = []

    def watch(event) -> None:
        if event["event"] == "job_submitted":
            held.append(len(list(open_settings.media_cache.iterdir())))

    settings = replace(open_settings, media_cache_bytes=1)
    with serving(Ranged(clip)) as one, serving(Ranged(other)) as two, App(settings) as app:
        report = app.annotate([f"{one}/a.mp4", f"{two}/b.mp4"], Request(("shots",)), watch)
    assert [video.status for video in report.videos] == ["completed", "completed"]
    assert held == [1, 1]


def test_a_plan_leaves_nothing(open_settings, clip):
    with serving(Ranged(clip)) as base, App(open_settings) as app:
        (plan,) = app.plan([f"{base}/clip.mp4"], Request(("shots",)))
    assert plan.media.video is not None
    assert list(open_settings.media_cache.iterdir()) == []


def archive_of_two(clip: bytes, folder: Path) -> str:
    return str(zip_of(folder / "two.zip", {"a.mp4": clip, "b.mp4": clip + b"b"}))


def test_members_that_were_not_reached_do_not_stay(open_settings, clip, tmp_path):
    source = archive_of_two(clip, tmp_path)
    with App(open_settings) as app:
        assert len(app.annotate([source], Request(("shots",)), limit=1).videos) == 1
    with App(open_settings) as app:
        next(app.plan([source], Request(("shots",))))
        assert list(open_settings.media_cache.iterdir()), "the other one is unpacked, and goes at the end"
    with App(open_settings) as app, pytest.raises(ConfigurationError, match="holds 2"):
        app.identify_one(source)
    assert list(open_settings.media_cache.iterdir()) == []


@pytest.mark.parametrize("keeps_store", [True, False])
def test_a_stream_that_is_left_keeps_media_only_for_a_store_that_stays(
    open_settings, clip, tmp_path, monkeypatch, keeps_store
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = zip_of(tmp_path / "one.zip", {"a.mp4": clip})
    with VideoProcessor(ProcessingConfig(), open_settings.store if keeps_store else None) as processor:
        next(processor.stream(source))
    cache = tmp_path / "cache" / "cortexia" / "media"
    assert len(list(cache.iterdir())) == int(keeps_store)
    with VideoProcessor(ProcessingConfig(), open_settings.store) as processor:
        processor.process(source)
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_was_fetching_is_removed_and_what_a_living_one_is_stays(tmp_path):
    cache = MediaCache(tmp_path)
    program = (
        "import os, sys; from pathlib import Path; from cortexia.sources import MediaCache\n"
        "with MediaCache(Path(sys.argv[1])).scratch() as folder:\n"
        "    (folder / 'media').write_bytes(b'half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    with cache.scratch() as living, cache.scratch() as second:
        assert not left.exists()
        assert sorted(tmp_path.iterdir()) == sorted([living, second])
    assert list(tmp_path.iterdir()) == []


def test_what_comes_over_the_network_is_still_judged(open_settings):
    """A page that is no video ends as any other broken file does."""
    with serving(Ranged(b"<html>not found</html>")) as base, App(open_settings) as app:
        (video,) = app.annotate([f"{base}/clip.mp4"], Request(("shots",))).videos
    assert (video.status, video.reason) == ("failed", "rejected")


def test_rows_are_published(s3, open_settings, clip):
    settings = replace(open_settings, s3_endpoint_url=s3.url)
    with serving(Ranged(clip)) as base, App(settings) as app:
        app.annotate([f"{base}/clip.mp4"], Request(("shots",)))
        assert app.export("jsonl", "s3://clips/out/rows.jsonl", Query()) == 2
        app.export("jsonl", settings.store + ".jsonl", Query())
    assert s3.get("out/rows.jsonl") == Path(settings.store + ".jsonl").read_bytes()
