"""How bytes come over the network, as those who pull models see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cortexia.config import Settings

if TYPE_CHECKING:
    from cortexia.net import NetPolicy

OnBytes = Callable[[int], None]


class Fetch(Protocol):
    """Brings what lies at ``url`` to the file ``target``, whole or not at all, and no more than ``max_bytes``."""

    def __call__(
        self,
        url: str,
        target: Path,
        *,
        sha256: str | None = None,
        size_bytes: int | None = None,
        max_bytes: int | None = None,
        on_progress: Callable[..., None] | None = None,
    ) -> Path: ...


def own_server_fetch(settings: Settings, url: str) -> Fetch:
    """As ``network_fetch``, from the server at ``url`` that the settings name, private or not, and from no other.

    Raises ``SourceRefusedError`` for an address that has no host.
    """
    from cortexia.net import NetPolicy

    limits = {"max_bytes": settings.max_download_bytes, "max_seconds": settings.download_timeout_s}
    policy = NetPolicy.for_own_server(url, settings.allow_http, **limits)
    return _fetch_by(lambda: policy)


def network_fetch(settings: Settings) -> Fetch:
    """The one client of the house, with what ``settings`` let it do. It is loaded when something is fetched."""
    from cortexia.net import NetPolicy

    return _fetch_by(lambda: NetPolicy.from_settings(settings))


def _fetch_by(policy: Callable[[], NetPolicy]) -> Fetch:
    def bring(url: str, target: Path, *, max_bytes: int | None = None, **options: Any) -> Path:
        from cortexia.net import fetch

        allowed = policy()
        limit = allowed.max_bytes if max_bytes is None else min(max_bytes, allowed.max_bytes)
        return fetch(url, target, policy=replace(allowed, max_bytes=limit), **options)

    return bring
