"""The one outgoing HTTP client. Where it may connect is decided here, for object storage too (S-01 to S-04).

The client itself is imported when it is first asked for: most runs need no network.
"""

import importlib
from typing import TYPE_CHECKING, Any

from cortexia.net.base import Deadline, Fetched
from cortexia.net.guard import (
    NetPolicy,
    Resolver,
    check_url,
    checked_addresses,
    refusal,
    shown_url,
    system_resolver,
)

if TYPE_CHECKING:
    from cortexia.net.messages import Answer, exchange
    from cortexia.net.transfer import download, fetch

__all__ = [
    "Answer",
    "Deadline",
    "Fetched",
    "NetPolicy",
    "Resolver",
    "check_url",
    "checked_addresses",
    "download",
    "exchange",
    "fetch",
    "refusal",
    "shown_url",
    "system_resolver",
]


_LAZY = {"download": "transfer", "fetch": "transfer", "exchange": "messages", "Answer": "messages"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"cortexia.net.{_LAZY[name]}"), name)
