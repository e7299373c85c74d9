"""How bytes come over the network, as those who pull models see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cortexia.config import Settings

OnBytes = Callable[[int], None]


class Fetch(Protocol):
    """Brings what lies at ``url`` to the file ``target``, whole or not at all."""

    def __call__(
        self,
        url: str,
        target: Path,
        *,
        sha256: str | None = None,
        size_bytes: int | None = None,
        on_progress: Callable[..., None] | None = None,
    ) -> Path: ...


def own_server_fetch(settings: Settings, url: str) -> Fetch:
    """As ``network_fetch``, from the server at ``url`` that the settings name, private or not, and from no other.

    Raises ``SourceRefusedError`` for an address that has no host.
    """
    from cortexia.net import NetPolicy, fetch

    limits = {"max_bytes": settings.max_download_bytes, "max_seconds": settings.download_timeout_s}
    policy = NetPolicy.for_own_server(url, settings.allow_http, **limits)

    def bring(url: str, target: Path, **options: Any) -> Path:
        return fetch(url, target, policy=policy, **options)

    return bring


def network_fetch(settings: Settings) -> Fetch:
    """The one client of the house, with what ``settings`` let it do. It is loaded when something is fetched."""

    def bring(url: str, target: Path, **options: Any) -> Path:
        from cortexia.net import NetPolicy, fetch

        return fetch(url, target, policy=NetPolicy.from_settings(settings), **options)

    return bring
