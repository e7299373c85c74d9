"""A message to a server and its answer: bounded in time and size, and never led elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore
import httpx

from cortexia.errors import (
    ConfigurationError,
    NetworkError,
    RemoteAnswerError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.net.base import Deadline
from cortexia.net.guard import NetPolicy, check_url, shown_url
from cortexia.net.transport import BROKEN_CONNECTION, GuardedTransport

_HEADERS = {"Accept-Encoding": "identity", "Content-Type": "application/json", "User-Agent": "cortexia"}
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever its ``status`` is. ``retry_after_s``: how long it asked to be left alone."""

    status: int
    body: bytes
    retry_after_s: float = 0.0


def exchange(
    url: str, body: bytes, *, policy: NetPolicy, setting: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer to one POST of the JSON text ``body``. ``headers`` may carry secrets: they go to ``url`` and nowhere
    else, and no message names them. ``setting``: the one that ``policy.max_seconds`` comes from.

    Raises ``SourceRefusedError`` for an address that the guard refuses, and for any redirect; ``TransferLimitError``
    for an answer of more than ``policy.max_bytes``; ``RemoteAnswerError`` for one that comes compressed, unasked;
    ``ConfigurationError`` for a header that cannot be sent; ``NetworkError`` (may succeed later) where nothing came in
    time or the connection broke.
    """
    target = check_url(url, policy)
    deadline = Deadline(policy.max_seconds, setting)
    client = httpx.Client(
        transport=GuardedTransport(policy, deadline),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(policy.max_seconds),
        headers=_HEADERS,
    )
    try:
        with client, client.stream("POST", target, content=body, headers=dict(headers or {})) as response:
            return _received(response, url, policy)
    except httpcore.LocalProtocolError:
        # its text quotes the header, which may be a secret
        raise ConfigurationError(f"{shown_url(url)}: the request has a header that cannot be sent") from None
    except BROKEN_CONNECTION as error:
        raise NetworkError(f"{shown_url(url)}: {type(error).__name__}: {error}".rstrip(": ")) from error
    except TransferLimitError as error:
        if error.reason != "too_slow":
            raise
        raise NetworkError(f"{shown_url(url)}: {error}") from error


def _received(response: httpx.Response, url: str, policy: NetPolicy) -> Answer:
    if response.is_redirect or response.has_redirect_location:
        raise SourceRefusedError(f"refused: {shown_url(url)} redirects elsewhere; name the address that it leads to")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise RemoteAnswerError("remote_error", f"{shown_url(url)} answers compressed, unasked")
    received = bytearray()
    for chunk in response.iter_raw():
        received += chunk
        if len(received) > policy.max_bytes:
            raise TransferLimitError("too_large", f"{shown_url(url)} answers more than {policy.max_bytes} bytes")
    wait = response.headers.get("Retry-After", "")
    return Answer(response.status_code, bytes(received), float(wait) if _SECONDS.fullmatch(wait) else 0.0)
