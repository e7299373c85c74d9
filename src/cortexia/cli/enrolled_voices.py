"""``--enroll``: voices with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cortexia.app import App, Request


def with_enrolled(app: App, request: Request, given: Mapping[str, Any]) -> Request:
    """The request with the voices that were named, if any. What takes long is told on stderr, but for ``--json``."""
    if not given["enrolments"]:
        return request
    if given["as_json"]:
        return app.with_voices(request, given["enrolments"])
    from cortexia.cli.progress import seconds_display

    with seconds_display("voices heard", first_after_s=1.0) as on_seconds:
        return app.with_voices(request, given["enrolments"], on_seconds)
