"""``--model-version``: the models that it names, and what is told on stderr while they come."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cortexia.app import App, Request

Event = Mapping[str, Any]
_FIRST_AFTER_S, _THEN_EACH_S = 1.0, 5.0


def with_versions(app: App, request: Request, given: Mapping[str, Any]) -> Request:
    """The request with the models that were named, if any."""
    if not given["model_versions"]:
        return request
    return app.versioned(request, given["model_versions"], telling(given["as_json"]))


def telling(as_json: bool) -> Callable[[Event], None]:
    """Lines on stderr, or JSON, about models as they come. Of bytes only where that takes over a second."""
    due: float | None = None

    def tell(event: Event) -> None:
        nonlocal due
        if event["event"] == "model_bytes":
            if due is None:
                due = time.monotonic() + _FIRST_AFTER_S
            if time.monotonic() < due:
                return
            due = time.monotonic() + _THEN_EACH_S
        else:
            due = None
        click.echo(json.dumps(event) if as_json else _line(event), err=True)

    return tell


def _line(event: Event) -> str:
    match event["event"]:
        case "commit_resolved":
            return f"{event['source']} is commit {event['revision']}; name it to stay with it"
        case "model_bytes":
            return f"bringing {event['source']}: {event['done'] / 1e6:.1f} MB"
        case _:
            return f"model of {event['annotator']}: {event['model']} ({event['source']})"
