"""``--enroll``: voices with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cortexia.app import App, Request


def with_enrolled(app: App, request: Request, given: Mapping[str, Any]) -> Request:
    """The request with the voices that were named, if any."""
    return app.with_voices(request, given["enrolments"]) if given["enrolments"] else request
