"""What of a folder or an archive is taken as input. A probe decides what a file is; here only the plain cases go.

Videos and sound are taken. Pictures are taken where there are no videos: beside videos they are posters and thumbnails.
Archives, text and other well-known formats are left out.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cortexia.archives import archive_format
from cortexia.decoders.formats import begins_like_picture, is_picture

SNIFF_BYTES = 512
_NOT_MEDIA = (
    b"SQLite format 3",
    b"%PDF",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BM",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file, and the name that it was found under."""

    name: str
    path: Path


def choose(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """What is taken and what is left out, each in the order it came in."""
    kinds = [(candidate, _kind(candidate)) for candidate in candidates]
    taken_kind = "media" if any(kind == "media" for _, kind in kinds) else "picture"
    taken = [candidate for candidate, kind in kinds if kind == taken_kind]
    return taken, [candidate for candidate, kind in kinds if kind != taken_kind]


def is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def is_plainly_no_media(name: str, head: bytes) -> bool:
    """Text or a well-known other format (by the first bytes), in a file that does not claim to be media by its name.

    A file named like a video is always handed on, so that a broken recording is reported and never passed over.
    """
    if _claims_media(name) or begins_like_picture(head):
        return False
    if head.startswith(_NOT_MEDIA) or not head:
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > SNIFF_BYTES - 4
    return b"\0" not in head


def _claims_media(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith(("video/", "audio/"))


def _kind(candidate: Candidate) -> str:
    if _claims_media(candidate.name):
        return "media"
    if is_picture(candidate.path):
        return "picture"
    try:
        with candidate.path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError:
        return "media"
    if is_plainly_no_media(candidate.name, head) or archive_format(candidate.path) is not None:
        return "neither"
    return "media"
