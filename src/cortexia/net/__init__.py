"""The one outgoing HTTP client. Where it may connect is decided here, for object storage too (S-01 to S-04)."""

from cortexia.net.fetch import Fetched, download, fetch
from cortexia.net.guard import (
    NetPolicy,
    Resolver,
    check_url,
    checked_addresses,
    refusal,
    shown_url,
    system_resolver,
)
from cortexia.net.transport import Deadline

__all__ = [
    "Deadline",
    "Fetched",
    "NetPolicy",
    "Resolver",
    "check_url",
    "checked_addresses",
    "download",
    "fetch",
    "refusal",
    "shown_url",
    "system_resolver",
]
