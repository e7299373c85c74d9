"""Formats of ``export`` that are drawn, each of one video: what ``exporters`` are for rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.types import Query

VIDEO, CONTACT_SHEET = "video", "contact-sheet"
MAX_SIDE = 1280
_LEAST_SIDE = 64


@dataclass(frozen=True, slots=True)
class DrawnFormat:
    """``options``: their defaults by name. ``unit``: what is counted. The others as of an exporter."""

    name: str
    suffix: str
    media_type: str
    unit: str
    options: Mapping[str, int]
    cannot_carry: tuple[str, ...]


DRAWN: Mapping[str, DrawnFormat] = {
    drawn.name: drawn
    for drawn in (
        DrawnFormat(
            VIDEO,
            ".mp4",
            "video/mp4",
            "frame",
            {"max_side": MAX_SIDE},
            (
                "annotations other than detections, tracks, masks, poses, faces, captions, shots, camera classes, "
                "speech, speakers and sounds",
                "letters that are not Latin, Greek or Cyrillic",
            ),
        ),
        DrawnFormat(
            CONTACT_SHEET,
            ".jpg",
            "image/jpeg",
            "shot",
            {},
            ("shots without a key picture", "more than sixty shots", "letters that are not Latin, Greek or Cyrillic"),
        ),
    )
}
"""Every drawn format by its name."""


def drawn_options(drawn: DrawnFormat, options: Mapping[str, Any]) -> dict[str, int]:
    """The options with their defaults: ``max_side`` in pixels, at least 64.

    Raises ``UnknownNameError`` for one that does not exist, ``ConfigurationError`` for a value that cannot be.
    """
    for name, value in options.items():
        if name not in drawn.options:
            raise UnknownNameError(f"option of the format {drawn.name!r}:", name, drawn.options)
        if not isinstance(value, int) or isinstance(value, bool) or value < _LEAST_SIDE:
            raise ConfigurationError(f"{name} must be a whole number of at least {_LEAST_SIDE} pixels, got {value!r}")
    return {**drawn.options, **options}


def the_video(drawn: DrawnFormat, query: Query) -> str:
    """The id of the one video that ``query`` names. Raises ``ConfigurationError`` for none, for several, and for
    filters of rows, which a drawing does not have."""
    if query != Query(video_ids=query.video_ids):
        raise ConfigurationError(f"{drawn.name} shows a whole video: leave out every filter but --video")
    if len(query.video_ids) != 1:
        named = f"{len(query.video_ids)} were named" if query.video_ids else "none was named"
        raise ConfigurationError(
            f"{drawn.name} is made of one video, {named}; name it with --video (see cortexia videos)"
        )
    return query.video_ids[0]
