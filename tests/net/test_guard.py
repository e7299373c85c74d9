"""Where a connection may go (S-01, S-02): hostile addresses reach nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from serving import LOCAL, Listener, send, serving

from cortexia.config import Settings
from cortexia.errors import NetworkError, SourceRefusedError
from cortexia.net import NetPolicy, check_url, checked_addresses, fetch, refusal, shown_url

HOSTILE = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://LOCALHOST:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "https://[::127.0.0.1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]:{port}/",
    "https://[2001:4860::5efe:7f00:1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[fc00::1]:{port}/",
    "https://2130706433:{port}/",
    "https://017700000001:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0x7f.0x0.0x0.0x1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://127.0.0.2:{port}/",
    "https://10.0.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1:{port}/",
    "https://user@127.0.0.1:{port}/",
    "https://user:secret@example.org:{port}/",
    "https://example.org@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@example.org/",
    "https://example.org\t@127.0.0.1:{port}/",
    "https://127.0.0.1\t:{port}/",
    "https://127.0.0.1\n:{port}/",
    " https://127.0.0.1:{port}/",
    "https://127%2e0.0.1:{port}/",
    "https://127\u30020\u30020\u30021:{port}/",
    "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "https://\u2460\u2461\u2466.0.0.1:{port}/",
    "https://inner.example:{port}/",
    "https:///etc/passwd",
    "https://:{port}/",
    "https://example.org:99999/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "data:video/mp4;base64,AAAA",
    "concat:https://127.0.0.1:{port}/a|https://127.0.0.1:{port}/b",
    "subfile,,start,0,end,9,,:https://127.0.0.1:{port}/",
    "rtsp://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "",
]


def resolve_inner(host: str, port: int) -> list[str]:
    """A name server that knows loopback only."""
    return ["127.0.0.1"]


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("allow_http", [False, True])
def test_hostile_addresses_are_refused_without_a_connection(pattern, allow_http, listener, tmp_path):
    policy = NetPolicy(allow_http=allow_http, resolver=resolve_inner, attempts=1)
    with pytest.raises(SourceRefusedError, match="refused"):
        fetch(pattern.format(port=listener.port), tmp_path / "x", policy=policy)
    assert listener.connections == 0
    assert list(tmp_path.iterdir()) == []


def test_with_the_guard_open_the_listener_is_reached(listener, tmp_path):
    """Negative control: the listener counts, and the settings are what keeps connections away."""
    policy = replace(LOCAL, attempts=1)
    with pytest.raises(NetworkError):
        fetch(f"http://127.0.0.1:{listener.port}/", tmp_path / "x", policy=policy)
    assert listener.connections == 1


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "fe80::1", "0.0.0.0", "224.0.0.1", "nonsense"]
)
def test_metadata_stays_closed_where_private_addresses_are_open(address):
    assert refusal(address, NetPolicy(allow_private=True))
    assert refusal("10.0.0.1", NetPolicy(allow_private=True)) is None


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_pass(address):
    assert refusal(address, NetPolicy()) is None


@pytest.mark.parametrize("address", ["fec0::1", "::ffff:0:127.0.0.1", "4000::1", "100:0:0:1::1", "5f00::1"])
def test_what_is_deprecated_or_not_assigned_is_not_public(address):
    assert "not public" in str(refusal(address, NetPolicy()))
    assert refusal(address, NetPolicy(allow_private=True)) is None


def test_one_private_address_among_public_ones_refuses_the_name():
    policy = NetPolicy(resolver=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(SourceRefusedError, match=r"10\.0\.0\.1"):
        checked_addresses("mixed.example", 443, policy)


def test_a_name_server_that_changes_its_mind_changes_nothing(listener, tmp_path):
    """Rebinding: public when it is asked first, loopback afterwards. No look-up goes unchecked."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    policy = NetPolicy(allow_http=True, resolver=rebinding, backoff_s=0, max_seconds=2)
    with pytest.raises(NetworkError):
        fetch(f"http://rebinding.example:{listener.port}/", tmp_path / "x", policy=policy)
    assert asked
    assert listener.connections == 0


def test_the_connection_goes_to_the_checked_address_and_keeps_the_name(tmp_path):
    """Negative control of pinning: the name exists nowhere, yet the server behind the checked address sees it."""
    hosts: list[str | None] = []

    def answer(handler):
        hosts.append(handler.headers["Host"])
        send(handler, b"body")

    with serving(answer) as base:
        port = int(base.rpartition(":")[2])
        policy = replace(LOCAL, resolver=lambda host, port: ["127.0.0.1"])
        fetch(f"http://pinned.invalid:{port}/", tmp_path / "x", policy=policy)
    assert hosts == [f"pinned.invalid:{port}"]


def test_an_address_that_does_not_answer_is_not_the_last_one(tmp_path):
    with serving(lambda handler: send(handler, b"body")) as base:
        port = int(base.rpartition(":")[2])
        policy = replace(LOCAL, resolver=lambda host, port: ["127.0.0.9", "127.0.0.1"])
        assert fetch(f"http://two.invalid:{port}/", tmp_path / "x", policy=policy).read_bytes() == b"body"


def redirecting(location: str):
    return lambda handler: send(handler, b"", 302, Location=location)


def names(table: dict[str, str]):
    return lambda host, port: [table[host]]


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/", "http://inner.example:{port}/", "//[::1]:{port}/", "file:///etc/passwd", "http://0/"],
)
def test_a_redirect_into_the_house_is_refused(location, listener, tmp_path):
    """The outer server is reached by an allowed name; where it points is checked like a first address."""
    with serving(redirecting(location.format(port=listener.port))) as base:
        port = int(base.rpartition(":")[2])
        policy = replace(
            LOCAL,
            hosts=("outer.example",),
            resolver=names({"outer.example": "127.0.0.1", "inner.example": "127.0.0.1"}),
        )
        with pytest.raises(SourceRefusedError):
            fetch(f"http://outer.example:{port}/", tmp_path / "x", policy=policy)
    assert listener.connections == 0


def test_a_redirect_to_cloud_metadata_is_refused(tmp_path):
    metadata = "http://169.254.169.254/latest/meta-data/"
    with serving(redirecting(metadata)) as base, pytest.raises(SourceRefusedError, match="never contacted"):
        fetch(base, tmp_path / "x", policy=LOCAL)


def test_a_redirect_to_an_allowed_place_is_followed(tmp_path):
    """Negative control."""
    with serving(lambda handler: send(handler, b"there")) as goal, serving(redirecting(f"{goal}/x")) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL).read_bytes() == b"there"


def test_redirects_come_to_an_end(tmp_path):
    with serving(redirecting("/again")) as base, pytest.raises(SourceRefusedError, match="more than 3 times"):
        fetch(base, tmp_path / "x", policy=LOCAL)


def test_proxies_of_the_environment_are_not_asked(listener, tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    with serving(lambda handler: send(handler, b"direct")) as base:
        assert fetch(base, tmp_path / "x", policy=LOCAL).read_bytes() == b"direct"
    assert listener.connections == 0


@pytest.mark.parametrize(
    ("host", "passes"),
    [("a.example", True), ("A.EXAMPLE", True), ("b.example", False), ("x.c.example", True), ("c.example", False)],
)
def test_a_list_of_hosts_leaves_no_other(host, passes):
    policy = NetPolicy(hosts=("a.example", "*.c.example"))
    if passes:
        check_url(f"https://{host}/", policy)
    else:
        with pytest.raises(SourceRefusedError, match="allowed_hosts"):
            check_url(f"https://{host}/", policy)


def test_the_guard_is_on_by_default():
    policy = NetPolicy.from_settings(Settings())
    assert not policy.allow_http
    assert not policy.allow_private
    assert Settings().opened_guards == ()
    assert Settings(allow_private_network=True).opened_guards == ("allow_private_network",)


def test_secrets_are_not_shown():
    shown = shown_url("https://user:word@host.example/clip.mp4?X-Amz-Signature=abc#sha256=1")
    assert shown == "https://host.example/clip.mp4"
    assert Path(shown).name == "clip.mp4"


# -- a server that the operator named


def own(url, addresses=("10.0.0.5",), **options):
    return NetPolicy.for_own_server(url, resolver=lambda host, port: addresses, **options)


def test_an_own_server_may_be_private_and_is_the_only_one():
    policy = own("https://Models.Example:8443/v1")
    assert checked_addresses("models.example", 8443, policy) == ("10.0.0.5",)
    with pytest.raises(SourceRefusedError, match="not among allowed_hosts"):
        checked_addresses("other.example", 8443, policy)
    with pytest.raises(SourceRefusedError, match="not among allowed_hosts"):
        check_url("https://127.0.0.1/", policy)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://models.example/v1", "not https"),
        ("http://models.example:443/v1", "not https"),
        ("https://models.example:8443/v1", "another port than 443"),
    ],
)
def test_an_own_server_of_https_leads_neither_to_plain_http_nor_to_another_port(url, why):
    policy = own("https://models.example/v1", ["93.184.216.34"])
    with pytest.raises(SourceRefusedError, match=why):
        check_url(url, policy)
    assert check_url("https://models.example:443/v2", policy)


def test_plain_http_to_an_own_server_of_https_takes_the_setting():
    """Negative control of the test above."""
    assert check_url("http://models.example:443/v1", own("https://models.example/v1", allow_http=True))


def test_an_own_server_is_no_way_to_cloud_metadata():
    with pytest.raises(SourceRefusedError, match="never contacted"):
        checked_addresses("models.example", 443, own("https://models.example/v1", ["169.254.169.254"]))


def test_plain_http_goes_to_an_own_server_only_where_it_is_not_public():
    plain = "http://models.example/v1"
    assert checked_addresses("models.example", 80, own(plain))
    with pytest.raises(SourceRefusedError, match="in the clear"):
        checked_addresses("models.example", 80, own(plain, ["10.0.0.5", "93.184.216.34"]))
    assert checked_addresses("models.example", 80, own(plain, ["93.184.216.34"], allow_http=True))
    assert checked_addresses("models.example", 443, own("https://models.example/v1", ["93.184.216.34"]))
