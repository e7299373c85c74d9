"""Exports that are pictures: of one video, drawn and not listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from cortexia.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from cortexia.app import App

FORMATS = {
    "video": "an MP4 of one video with boxes, shot number and time drawn in; option max_side (pixels, 1280)",
    "contact-sheet": "a JPEG with the picture of each shot of one video",
}
_OPTIONS: Mapping[str, tuple[str, ...]] = {"video": ("max_side",), "contact-sheet": ()}
_LEAST_SIDE = 64


def export_picture(
    app: App, name: str, video_ids: tuple[str, ...], output: str | None, options: Mapping[str, Any]
) -> str:
    """Write the picture format ``name`` of the one video named (or the only one stored); one line on what was written.

    Raises ``ConfigurationError`` for several videos, ``UnknownNameError`` for an option that the format has not.
    """
    for option in options:
        if option not in _OPTIONS[name]:
            raise UnknownNameError(f"option of the format {name!r}:", option, _OPTIONS[name])
    video_id = _one_video(app, name, video_ids)
    if name == "contact-sheet":
        target = output or "contact-sheet.jpg"
        return f"wrote {app.contact_sheet(video_id, target)} shots to {target}"
    target = output or "annotated.mp4"
    return f"wrote {_annotated(app, video_id, target, options.get('max_side', 1280))} frames to {target}"


def _one_video(app: App, name: str, video_ids: tuple[str, ...]) -> str:
    found = video_ids or tuple(stored.record.identity.video_id for stored in app.videos())
    if len(found) != 1:
        raise ConfigurationError(f"{name} is made of one video, and {len(found)} are meant: name one with --video")
    return found[0]


def _annotated(app: App, video_id: str, target: str, max_side: Any) -> int:
    from cortexia.cli.progress import seconds_display

    if not isinstance(max_side, int) or max_side < _LEAST_SIDE:
        raise ConfigurationError(f"option max_side must be a whole number of at least {_LEAST_SIDE}, got {max_side!r}")
    with seconds_display(click.format_filename(target)) as on_frame:
        return app.annotated_video(video_id, target, max_side, on_frame)
