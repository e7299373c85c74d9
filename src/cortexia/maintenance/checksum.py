"""A checksum over all that a store holds of a video: equal on every store that holds the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from cortexia.stores.base import StorageBackend
from cortexia.stores.sql.digest import rows_digest
from cortexia.stores.sql.rows import CONTENT
from cortexia.stores.transfer import Values, transfer_of
from cortexia.types import canonical_json

_OF_RUN = ("run_key", "status", "reason", "annotation_count", "windows", "position", "final_until_us", "replay_from")
_OF_WINDOW = ("ordinal", "position", "final_until_us", "row_count", "rows_sha256")


@dataclass(frozen=True, slots=True)
class VideoChecksum:
    """``rows``: annotations of all runs, also of those that are not current. ``sha256``: in hex."""

    video_id: str
    runs: int
    rows: int
    sha256: str


def video_checksum(store: StorageBackend, video_id: str) -> VideoChecksum:
    """Runs in the order of their ids, each with its windows and the digests of their rows, for which every row is read.

    Rows are streamed: memory does not grow with their number. Clocks and the place where the video lies are left out;
    status, position and state of each run are in, so that equal checksums also mean that work goes on alike. Damaged
    rows give another checksum.
    """
    row_count = 0
    with transfer_of(store).reading(video_id, as_it_is=True) as (head, windows):
        runs = {run["run_id"]: hashlib.sha256(_line(run, _OF_RUN, state=run["state"])) for run in head.tables["runs"]}
        for window in windows:
            aside = [[item["ordinal"], item["reason"]] for item in window.quarantined]
            found = {"row_count": len(window.rows), "rows_sha256": rows_digest(window.rows, CONTENT)}
            runs[window.window["run_id"]].update(_line({**window.window, **found}, _OF_WINDOW, quarantined=aside))
            row_count += len(window.rows)
    whole = hashlib.sha256("".join(runs[run_id].hexdigest() for run_id in sorted(runs)).encode())
    return VideoChecksum(video_id, len(runs), row_count, whole.hexdigest())


def _line(values: Values, names: tuple[str, ...], **more: Any) -> bytes:
    return canonical_json({**{name: values[name] for name in names}, **more}).encode() + b"\n"
