"""Object storage over a real server on loopback, and what it may not reach."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from serving import LOCAL, Listener, send, serving

from cortexia.buckets import ObjectAccess, ObjectAddress, ObjectStorage, publish
from cortexia.buckets.guarded import connector_args
from cortexia.config import Settings, google_credentials_file
from cortexia.errors import (
    DigestMismatchError,
    MissingDependencyError,
    NetworkError,
    RemoteAnswerError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.net import NetPolicy

BODY = bytes(range(256)) * 40_000
SHA = hashlib.sha256(BODY).hexdigest()


def storage(endpoint: str, policy: NetPolicy = LOCAL, **access: bool) -> ObjectStorage:
    return ObjectStorage("s3", ObjectAccess(policy, endpoint, **access))


def address(key: str, bucket: str = "clips") -> ObjectAddress:
    return ObjectAddress("s3", bucket, key)


def test_an_object_comes_whole_and_hashed(s3, tmp_path):
    s3.put("a/clip.mp4", BODY)
    got = storage(s3.url).download(address("a/clip.mp4"), tmp_path / "x", SHA)
    assert (got.path.read_bytes(), got.sha256, got.size_bytes) == (BODY, SHA, len(BODY))


def test_other_bytes_than_promised_leave_nothing(s3, tmp_path):
    s3.put("a/clip.mp4", BODY)
    with pytest.raises(DigestMismatchError, match=SHA):
        storage(s3.url).download(address("a/clip.mp4"), tmp_path / "x", "0" * 64)
    with pytest.raises(TransferLimitError, match="max_download_bytes"):
        storage(s3.url, replace(LOCAL, max_bytes=len(BODY) - 1)).download(address("a/clip.mp4"), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("key", "bucket"), [("missing.mp4", "clips"), ("x", "no-such-bucket"), ("a", "clips")])
def test_what_is_not_there_is_said(s3, tmp_path, key, bucket):
    s3.put("a/clip.mp4", b"x")
    with pytest.raises(RemoteAnswerError) as caught:
        storage(s3.url).download(address(key, bucket), tmp_path / "x")
    assert caught.value.reason == "not_found"


def test_a_prefix_lists_what_is_below_it_in_order(s3):
    keys = ["p/b.mp4", "p/a.mp4", "p/sub/c d.mp4", "p/\u00e9?#.mp4", "pq/other.mp4", "p.mp4"]
    for key in keys:
        s3.put(key, b"x")
    s3.put("p/", b"")
    found = [item.key for item in storage(s3.url).list(address("p/"))]
    assert found == sorted(keys[:4])
    assert "pq/other.mp4" in [item.key for item in storage(s3.url).list(address(""))]


@pytest.mark.parametrize("size", [10, 12 << 20])
def test_what_is_published_is_there_whole(s3, tmp_path, size):
    (tmp_path / "out.jsonl").write_bytes(b"r" * size)
    settings = Settings(s3_endpoint_url=s3.url, allow_http=True, allow_private_network=True)
    publish(tmp_path / "out.jsonl", "s3://clips/exports/", settings)
    assert len(s3.get("exports/out.jsonl")) == size


def test_a_folder_is_published_below_a_prefix(s3, tmp_path):
    (tmp_path / "set" / "inner").mkdir(parents=True)
    (tmp_path / "set" / "a.json").write_text("a")
    (tmp_path / "set" / "inner" / "b.json").write_text("b")
    settings = Settings(s3_endpoint_url=s3.url, allow_http=True, allow_private_network=True)
    publish(tmp_path / "set", "s3://clips/data", settings)
    assert (s3.get("data/a.json"), s3.get("data/inner/b.json")) == (b"a", b"b")


def test_a_bucket_that_is_not_there_takes_nothing(s3, tmp_path):
    (tmp_path / "out").write_text("x")
    settings = Settings(s3_endpoint_url=s3.url, allow_http=True, allow_private_network=True)
    with pytest.raises(RemoteAnswerError, match="no such"):
        publish(tmp_path / "out", "s3://no-such-bucket/out", settings)


@pytest.mark.parametrize(
    ("status", "error", "reason"), [(403, RemoteAnswerError, "forbidden"), (503, NetworkError, "unreachable")]
)
def test_denied_is_permanent_and_busy_is_not(credentials, tmp_path, status, error, reason):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        send(handler, b"", status)

    with serving(answer) as base, pytest.raises(error) as caught:
        storage(base, replace(LOCAL, attempts=2)).download(address("x"), tmp_path / "x")
    assert caught.value.retryable is (status == 503)
    assert caught.value.reason == reason
    assert len(asked) == 1 if status == 403 else 2 <= len(asked) <= 8


@pytest.mark.parametrize("sent", [b"", b"half"])
def test_an_object_that_ends_too_early_is_not_whole(credentials, tmp_path, sent, monkeypatch):
    """As when a gateway answers with less than was asked for, and says that this is all."""
    bodies = iter([sent])
    with serving(lambda handler: send(handler, next(bodies, b""), 206)) as base:
        files = storage(base, replace(LOCAL, attempts=1))
        monkeypatch.setattr(files._files, "info", lambda path, **_: {"size": 8, "type": "file", "name": path})
        with pytest.raises(NetworkError, match=f"with {len(sent)} of 8 bytes"):
            files.download(address("x"), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("busy", "arrives"), [(1, True), (1000, False)])
def test_publishing_is_tried_again(credentials, tmp_path, monkeypatch, busy, arrives):
    (tmp_path / "rows.jsonl").write_bytes(b"row")
    stored: list[bytes] = []
    asked: list[int] = []

    def answer(handler):
        if handler.command != "PUT":
            send(handler, b"row", ETag='"x"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")
            return
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        asked.append(len(body))
        if len(asked) <= busy:
            send(handler, b"", 503)
        else:
            stored.append(body)
            send(handler, b"", ETag='"x"')

    with serving(answer) as base:
        settings = Settings(s3_endpoint_url=base, allow_http=True, allow_private_network=True)
        with contextlib.nullcontext() if arrives else pytest.raises(NetworkError, match=r"clips/rows\.jsonl"):
            publish(tmp_path / "rows.jsonl", "S3://clips/rows.jsonl", settings)
    assert bool(stored) is arrives
    assert 2 <= len(asked) <= 20


# -- the guard


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "https://localhost:{port}", "https://2130706433:{port}"],
)
def test_an_endpoint_inside_the_house_is_refused(listener, credentials, tmp_path, endpoint):
    """S-03."""
    with pytest.raises(SourceRefusedError):
        storage(endpoint.format(port=listener.port), NetPolicy()).download(address("x"), tmp_path / "x")
    assert listener.connections == 0


def test_with_private_addresses_allowed_the_endpoint_is_reached(listener, credentials, tmp_path):
    """Negative control."""
    policy = replace(LOCAL, attempts=1)
    with pytest.raises(NetworkError):
        storage(f"http://127.0.0.1:{listener.port}", policy).download(address("x"), tmp_path / "x")
    assert listener.connections


def test_metadata_is_no_endpoint_even_then(credentials, tmp_path):
    with pytest.raises(SourceRefusedError, match="never contacted"):
        storage("http://169.254.169.254").download(address("x"), tmp_path / "x")


def test_a_name_server_that_changes_its_mind_is_refused_at_the_connection(listener, credentials, tmp_path):
    """Public when the endpoint is checked, loopback when the library connects."""
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    policy = NetPolicy(allow_http=True, resolver=rebinding, attempts=1)
    with pytest.raises(SourceRefusedError, match="not public"):
        storage(f"http://s3.rebinding.example:{listener.port}", policy).download(address("x"), tmp_path / "x")
    assert len(asked) >= 2
    assert listener.connections == 0


def test_endpoints_and_proxies_of_the_environment_are_not_used(s3, listener, tmp_path, monkeypatch):
    inner = f"http://127.0.0.1:{listener.port}"
    for name in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, inner)
    s3.put("k", b"x")
    storage(s3.url).download(address("k"), tmp_path / "x")
    with pytest.raises(NetworkError):  # AWS itself, for a name server that knows loopback only
        storage("", NetPolicy(resolver=lambda host, port: ["127.0.0.1"], attempts=1)).download(
            address("k"), tmp_path / "x"
        )
    assert listener.connections == 0


@pytest.mark.parametrize("instance_credentials", [False, True])
def test_the_metadata_service_is_asked_only_where_a_setting_says_so(
    listener, no_credentials, tmp_path, monkeypatch, instance_credentials
):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{listener.port}")
    monkeypatch.setenv("AWS_METADATA_SERVICE_TIMEOUT", "1")
    with serving(lambda handler: send(handler, b"")) as base, pytest.raises(RemoteAnswerError, match="credentials"):
        storage(base, instance_credentials=instance_credentials).download(address("x"), tmp_path / "x")
    assert bool(listener.connections) is instance_credentials


def test_sockets_for_addresses_written_as_such_are_checked():
    """aiohttp asks no resolver for those."""
    make = connector_args(NetPolicy())["socket_factory"]
    with pytest.raises(SourceRefusedError):
        make((2, 1, 6, "", ("127.0.0.1", 80)))
    make((2, 1, 6, "", ("93.184.216.34", 80))).close()


def test_google_storage_is_built_with_the_guard():
    pytest.importorskip("gcsfs")
    refusing = NetPolicy(resolver=lambda host, port: ["127.0.0.1"], attempts=1)
    with pytest.raises(SourceRefusedError, match="not public"):
        ObjectStorage("gs", ObjectAccess(refusing)).list(ObjectAddress("gs", "bucket", ""))


@pytest.mark.parametrize(("scheme", "package", "extra"), [("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs")])
def test_without_the_extra_the_line_that_installs_it_is_said(monkeypatch, scheme, package, extra):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'cortexia\[{extra}\]'"):
        ObjectStorage(scheme, ObjectAccess(LOCAL)).list(ObjectAddress(scheme, "bucket", ""))


def test_google_credentials_are_a_file_or_none(tmp_path):
    key = tmp_path / "key.json"
    key.write_text("{}")
    assert google_credentials_file({"GOOGLE_APPLICATION_CREDENTIALS": str(key)}) == key
    assert google_credentials_file({"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none")}) is None
    assert google_credentials_file({"CLOUDSDK_CONFIG": str(tmp_path)}) is None
    (tmp_path / "application_default_credentials.json").write_text("{}")
    assert google_credentials_file({"CLOUDSDK_CONFIG": str(tmp_path)}) is not None


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///key", "s3://a/key", "s3://user@host/key", "s3://x..y/k", "s3://bucket/a\nb", "http://x/y"]
)
def test_what_names_no_bucket_is_refused(text):
    with pytest.raises(SourceRefusedError):
        ObjectAddress.parse(text)


def test_keys_are_only_data():
    parsed = ObjectAddress.parse("s3://bucket/a/../../etc/pass?word#%2e")
    assert (parsed.bucket, parsed.key, parsed.name) == ("bucket", "a/../../etc/pass?word#%2e", "pass?word#%2e")
    assert str(parsed) == "s3://bucket/a/../../etc/pass?word#%2e"
    assert Path(parsed.name).name == parsed.name
