"""Where a connection may go. The guard is on unless a setting opens it.

A name is resolved once, all of its addresses are checked, and the connection goes to one of those very addresses, so
that a second answer of the name server changes nothing.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from cortexia.config import Settings
from cortexia.errors import NetworkError, SourceRefusedError

if TYPE_CHECKING:
    import httpx

Resolver = Callable[[str, int], Sequence[str]]
"""``(host, port)`` to the texts of all its addresses. Raises ``OSError`` where there is none."""

Address = IPv4Address | IPv6Address

_METADATA = frozenset(
    map(
        ip_address,
        (
            *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"),
            *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
        ),
    )
)
"""Where clouds tell a machine its secrets: AWS, ECS, EKS, Alibaba, Oracle, Google."""

_NAT64 = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48")))  # RFC 6052, RFC 8215
_UNICAST = IPv6Network("2000::/3")  # IANA: the only global unicast there is
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, upper half of the interface identifier
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]")


def system_resolver(host: str, port: int) -> Sequence[str]:
    """All addresses that the system knows for ``host``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@dataclass(frozen=True)
class NetPolicy:
    """What may be contacted, and how much may come.

    ``hosts``: only these (``*.example.org`` for everything below it); empty: any public one. ``port``: only this
    one; ``None``: any. ``max_bytes`` and
    ``max_seconds`` bound one transfer, attempts and redirects included. ``allow_private`` opens private and loopback
    addresses; the addresses of cloud metadata, link-local and multicast stay closed. ``private_only`` closes public
    ones. ``tls``: for tests; otherwise the usual authorities.
    """

    allow_http: bool = False
    allow_private: bool = False
    private_only: bool = False
    hosts: tuple[str, ...] = ()
    port: int | None = None
    max_redirects: int = 3
    max_bytes: int = 50_000_000_000
    max_seconds: float = 3600.0
    attempts: int = 4
    backoff_s: float = 0.5
    resolver: Resolver = system_resolver
    tls: ssl.SSLContext | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            allow_http=settings.allow_http,
            allow_private=settings.allow_private_network,
            hosts=settings.allowed_hosts,
            max_bytes=settings.max_download_bytes,
            max_seconds=settings.download_timeout_s,
        )

    @classmethod
    def for_own_server(cls, url: str, allow_http: bool = False, **limits: Any) -> Self:
        """For a server that the operator named himself: that very host and port, private or not, and no other.

        Plain http goes to addresses that are not public, where ``url`` asks for it, and elsewhere where ``allow_http``
        permits it; a redirect from https to it is refused. ``limits``: other fields. Raises ``SourceRefusedError`` for
        an address that has no host.
        """
        is_plain = url.lower().startswith("http:")
        policy = cls(
            allow_http=is_plain or allow_http, allow_private=True, private_only=is_plain and not allow_http, **limits
        )
        checked = check_url(url, policy)
        host = checked.raw_host.decode("ascii").lower().removesuffix(".")
        return replace(policy, hosts=(host,), port=_port(checked))


def shown_url(url: str) -> str:
    """``url`` without user, password, query and fragment: what may be stored, logged and shown."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:500]
    except ValueError:
        return "an address that cannot be read"


def check_url(url: str, policy: NetPolicy) -> httpx.URL:
    """``url`` where it may be asked for by its looks; its addresses are checked when they are known.

    Raises ``SourceRefusedError`` for other schemes than https (http where allowed), a user name, spaces, control
    characters and backslashes, numbers that resolvers take for addresses, addresses that are not public, and hosts
    that are not on the list.
    """
    import httpx

    if _FORBIDDEN.search(url):
        raise SourceRefusedError(f"refused: {shown_url(url)!r} holds a space, control character or backslash")
    try:
        parsed = httpx.URL(url)
        host, port = parsed.raw_host.decode("ascii").lower(), parsed.port
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise SourceRefusedError(f"refused: {shown_url(url)!r} is no address ({error})") from error
    _check_scheme(parsed, policy, url)
    if parsed.userinfo:
        raise SourceRefusedError(f"refused: {shown_url(url)} names a user; give credentials by other means")
    if not host or port == 0:
        raise SourceRefusedError(f"refused: {shown_url(url)!r} names no host or port")
    _check_host(host, policy, url)
    if policy.port not in (None, _port(parsed)):
        raise SourceRefusedError(f"refused: {shown_url(url)} has another port than {policy.port}")
    return parsed


def _port(parsed: httpx.URL) -> int:
    return parsed.port or (443 if parsed.scheme == "https" else 80)


def _check_scheme(parsed: httpx.URL, policy: NetPolicy, url: str) -> None:
    if parsed.scheme == "https" or (parsed.scheme == "http" and policy.allow_http):
        return
    hint = "; setting allow_http permits it" if parsed.scheme == "http" else ""
    raise SourceRefusedError(f"refused: {shown_url(url)!r} is not https{hint}")


def _check_host(host: str, policy: NetPolicy, url: str) -> None:
    address = _as_address(host)
    if address is None:
        labels = host.removesuffix(".").split(".")
        if not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
            raise SourceRefusedError(f"refused: the host of {shown_url(url)!r} is no name and no plain address")
    elif why := refusal(host, policy):
        raise SourceRefusedError(f"refused: {shown_url(url)}: {why}")
    _check_listed(host, policy)


def _check_listed(host: str, policy: NetPolicy) -> None:
    name = host.lower().removesuffix(".")
    if policy.hosts and not any(_matches(name, pattern.lower()) for pattern in policy.hosts):
        raise SourceRefusedError(f"refused: {host} is not among allowed_hosts ({', '.join(policy.hosts)})")


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _as_address(text: str) -> Address | None:
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def checked_addresses(host: str, port: int, policy: NetPolicy) -> tuple[str, ...]:
    """All addresses of ``host``, resolved once. Raises ``SourceRefusedError`` if one of them must not be contacted,
    ``NetworkError`` where there is none."""
    _check_listed(host, policy)
    if _as_address(host) is not None:
        found: Sequence[str] = [host.strip("[]")]
    else:
        try:
            found = policy.resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise NetworkError(f"{host} is not known to the name server ({error})") from error
    for address in found:
        if why := refusal(address, policy):
            raise SourceRefusedError(f"refused: {host} leads to {why}")
    if not found:
        raise NetworkError(f"{host} has no address")
    return tuple(found)


def refusal(text: str, policy: NetPolicy) -> str | None:
    """Why a connection to the address ``text`` is refused, in words; ``None`` where it may go."""
    address = _as_address(text)
    if address is None:
        return f"{text!r}, which is no address"
    for part in (address, *_embedded(address)):
        if part in _METADATA or part.is_link_local or part.is_multicast or part.is_unspecified:
            return f"{text}, which is never contacted (metadata, link-local, multicast or unspecified)"
        if not policy.allow_private and not _is_public(part):
            return f"{text}, which is not public; setting allow_private_network permits it"
        if policy.private_only and _is_public(part):
            return f"{text}, which is public, in the clear; use https, or permit it by the setting allow_http"
    return None


def _is_public(address: Address) -> bool:
    """Stricter than ``is_global``, which takes what is deprecated (site-local) or not assigned for public."""
    if isinstance(address, IPv4Address):
        return address.is_global
    if address.sixtofour is not None:
        return False  # RFC 7526 gave it up; which Pythons call it global depends on their patch level
    return address.is_global and (address in _UNICAST or address in _NAT64[0])


def _embedded(address: Address) -> Iterator[Address]:
    """IPv4 addresses that an IPv6 address stands for on some network."""
    if isinstance(address, IPv4Address):
        return
    if getattr(address, "scope_id", None):
        yield IPv6Address("fe80::1")  # a zone makes sense for link-local addresses only
    value = int(address)
    low = IPv4Address(value & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _NAT64) or (value >> 32) & 0xFFFFFFFF in _ISATAP:
        yield low
    if address in _COMPATIBLE and value > 1:
        yield low
