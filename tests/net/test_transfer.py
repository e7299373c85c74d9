"""Downloads: whole or not at all, resumed, verified, bounded."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
import time
from dataclasses import replace

import pytest
from serving import LOCAL, Ranged, send, serving

from cortexia.errors import (
    DigestMismatchError,
    NetworkError,
    ReadOnlyError,
    RemoteAnswerError,
    ResourceError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.net import NetPolicy, download, fetch

BODY = bytes(range(256)) * 4096
SHA = hashlib.sha256(BODY).hexdigest()


def test_what_comes_is_whole_hashed_and_told(tmp_path):
    told: list[tuple[int, int | None]] = []
    with serving(Ranged(BODY)) as base:
        got = download(base, tmp_path / "x", policy=LOCAL, sha256=SHA, on_progress=lambda *step: told.append(step))
    assert (got.path.read_bytes(), got.sha256, got.size_bytes) == (BODY, SHA, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(("etag", "sha"), [('"one"', None), ("", SHA), ('"one"', SHA)])
def test_a_cut_connection_is_gone_on_with_by_range(tmp_path, etag, sha):
    server = Ranged(BODY, cut=300_000, cuts=2, etag=etag)
    with serving(server) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL, sha256=sha).read_bytes() == BODY
    assert server.ranges == [None, "bytes=300000-", "bytes=600000-"]


@pytest.mark.parametrize("server", [Ranged(BODY, 300_000, 1, knows_range=False), Ranged(BODY, 300_000, 1, etag="")])
def test_without_range_or_validator_it_starts_anew(tmp_path, server):
    with serving(server) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL).read_bytes() == BODY
    assert len(server.ranges) == 2


def test_what_changed_between_attempts_is_not_mixed(tmp_path):
    """The ETag differs after the cut: If-Range makes the server send all of the new content."""
    server = Ranged(BODY, cut=300_000, cuts=1)

    def answer(handler):
        server(handler)
        server.body, server.etag = b"new" * 200_000, '"two"'

    with serving(answer) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL).read_bytes() == b"new" * 200_000


def test_what_an_earlier_process_left_is_gone_on_with(tmp_path):
    (tmp_path / "x.part").write_bytes(BODY[:500_000])
    server = Ranged(BODY)
    with serving(server) as base:
        fetch(base, tmp_path / "x", policy=LOCAL, sha256=SHA)
        (tmp_path / "x.part").write_bytes(BODY)
        fetch(base, tmp_path / "x", policy=LOCAL, sha256=SHA)
    assert server.ranges == ["bytes=500000-"], "and what was there whole was not asked for at all"


def test_a_damaged_rest_is_replaced(tmp_path):
    (tmp_path / "x.part").write_bytes(b"damaged" * 1000)
    server = Ranged(BODY)
    with serving(server) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL, sha256=SHA).read_bytes() == BODY
    assert server.ranges == ["bytes=7000-", None]


def test_other_bytes_than_promised_are_thrown_away(tmp_path):
    (tmp_path / "x").write_bytes(b"before")
    with serving(Ranged(BODY)) as base:
        with pytest.raises(DigestMismatchError, match=SHA):
            fetch(base, tmp_path / "x", policy=LOCAL, sha256="0" * 64)
        with pytest.raises(DigestMismatchError, match="7 were promised"):
            fetch(base, tmp_path / "x", policy=LOCAL, size_bytes=7)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"before")]


@pytest.mark.parametrize("told", [True, False])
def test_an_endless_body_ends_at_the_size_cap(tmp_path, told):
    sent = 0

    def answer(handler):
        nonlocal sent
        handler.send_response(200)
        if told:
            handler.send_header("Content-Length", "10")
        else:
            handler.send_header("Connection", "close")
        handler.end_headers()
        while sent < 50_000_000:
            sent += handler.wfile.write(b"x" * 65536)

    policy = replace(LOCAL, max_bytes=1_000_000, attempts=1)
    with serving(answer) as base:
        if told:  # a length that is a lie cuts the body there: what is beyond it is not read
            assert fetch(base, tmp_path / "x", policy=policy).stat().st_size == 10
            return
        with pytest.raises(TransferLimitError, match="max_download_bytes") as caught:
            fetch(base, tmp_path / "x", policy=policy)
    assert caught.value.reason == "too_large"
    assert sent < 20_000_000
    assert list(tmp_path.iterdir()) == []


def test_the_size_cap_lets_pass_what_fits(tmp_path):
    """At the limit and one above it."""
    with serving(Ranged(BODY)) as base:
        fetch(base, tmp_path / "x", policy=replace(LOCAL, max_bytes=len(BODY)))
        with pytest.raises(TransferLimitError):
            fetch(base, tmp_path / "x", policy=replace(LOCAL, max_bytes=len(BODY) - 1))


@pytest.mark.parametrize("where", ["body", "headers", "nothing"])
def test_a_trickle_ends_at_the_time_cap(tmp_path, where):
    def answer(handler):
        if where == "body":
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
        elif where == "headers":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(40 if where != "nothing" else 0):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
        time.sleep(1.5 if where == "nothing" else 0)

    began = time.monotonic()
    with serving(answer) as base, pytest.raises(TransferLimitError, match="download_timeout_s") as caught:
        fetch(base, tmp_path / "x", policy=replace(LOCAL, max_seconds=0.4))
    assert caught.value.reason == "too_slow"
    assert time.monotonic() - began < 1.4


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "not_found"), (410, "not_found"), (403, "forbidden"), (418, None)]
)
def test_what_the_server_denies_is_asked_once(tmp_path, status, reason):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        send(handler, b"", status)

    with serving(answer) as base, pytest.raises(RemoteAnswerError, match=str(status)) as caught:
        fetch(f"{base}/x?signature=secret", tmp_path / "x", policy=LOCAL)
    assert caught.value.reason == (reason or "remote_error")
    assert len(asked) == 1
    assert "secret" not in str(caught.value)


def test_a_busy_server_is_asked_again(tmp_path):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        send(handler, b"body" if len(asked) == 3 else b"", 200 if len(asked) == 3 else 503, Retry_After="0")

    with serving(answer) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL).read_bytes() == b"body"
    assert len(asked) == 3


def test_a_server_that_stays_busy_is_given_up(tmp_path):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        send(handler, b"", 503)

    with serving(answer) as base, pytest.raises(NetworkError, match="4 attempts") as caught:
        fetch(base, tmp_path / "x", policy=LOCAL)
    assert len(asked) == 4
    assert caught.value.retryable


def test_a_folder_that_cannot_be_written_is_not_the_network(tmp_path):
    with serving(Ranged(BODY)) as base, pytest.raises((ReadOnlyError, ResourceError)):
        fetch(base, tmp_path / "missing" / "x", policy=LOCAL)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for ``pinned.invalid``, and who trusts it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-days", "2", "-subj", "/CN=pinned.invalid", "-addext", "subjectAltName=DNS:pinned.invalid"]
        + ["-keyout", str(folder / "key"), "-out", str(folder / "cert")],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.parametrize(("name", "trusts"), [("pinned.invalid", True), ("other.invalid", False)])
def test_tls_checks_the_name_and_not_the_address(certificate, tmp_path, name, trusts):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    with serving(Ranged(BODY), tls=context) as base:
        port = base.rpartition(":")[2]
        policy = replace(
            LOCAL,
            attempts=1,
            resolver=lambda host, port: ["127.0.0.1"],
            tls=ssl.create_default_context(cafile=str(certificate / "cert")),
        )
        if trusts:
            assert fetch(f"https://{name}:{port}/", tmp_path / "x", policy=policy).read_bytes() == BODY
        else:
            with pytest.raises(NetworkError, match=r"(?i)certificate"):
                fetch(f"https://{name}:{port}/", tmp_path / "x", policy=policy)


def test_a_server_that_the_operator_named_by_https_does_not_lead_to_plain_http(certificate, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    places: list[str] = []
    with serving(lambda handler: send(handler, b"", 302, Location=places[0]), tls=context) as base:
        port = base.rpartition(":")[2]
        url = f"https://pinned.invalid:{port}/"
        trusted = ssl.create_default_context(cafile=str(certificate / "cert"))
        policy = NetPolicy.for_own_server(url, resolver=lambda host, port: ["127.0.0.1"], tls=trusted)
        for place, why in (
            (f"http://pinned.invalid:{port}/", "not https"),
            ("https://pinned.invalid/", "another port"),
        ):
            places[:] = [place]
            with pytest.raises(SourceRefusedError, match=why):
                fetch(url, tmp_path / "x", policy=policy)
