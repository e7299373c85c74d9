"""Where videos come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cortexia.errors import RejectedInput


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """A video that may be opened: ``path`` is absolute, ``uri`` is what people recognise.

    ``video_id``: where the source knows it already; always so for an image sequence, whose ``path`` is a folder.
    ``sha256``: stated by whoever named the video, and checked when it is identified.
    """

    path: Path
    uri: str
    filename: str
    video_id: str | None = None
    sha256: str | None = None


class InputStream(Protocol):
    """Videos from one source, in a stable order. Temporary files live until ``close``.

    A ``RejectedInput`` among them stands for one that cannot be had; the others follow. One that is raised ends them.
    """

    def __iter__(self) -> Iterator[SourceVideo | RejectedInput]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def close(self) -> None: ...

    @property
    def left_out(self) -> tuple[Path | str, ...]:
        """Files of a folder, or objects, that are plainly no video (known after iterating)."""
