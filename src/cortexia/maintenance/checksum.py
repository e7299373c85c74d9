"""A checksum over all that a store holds of a video: equal on every store that holds the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cortexia.exporters.jsonl import row_to_dict
from cortexia.stores.base import RunRecord, StorageBackend
from cortexia.types import canonical_json


@dataclass(frozen=True, slots=True)
class VideoChecksum:
    """``rows``: annotations of all runs, also of those that are not current. ``sha256``: in hex."""

    video_id: str
    runs: int
    rows: int
    sha256: str


def video_checksum(store: StorageBackend, video_id: str) -> VideoChecksum:
    """Runs in the order of their ids, each with its rows in the order in which they were made.

    Rows are streamed: memory does not grow with their number. Clocks and the place where the video lies are left out;
    status, position and state of each run are in, so that equal checksums also mean that work goes on alike.
    """
    digest = hashlib.sha256()
    run_count = row_count = 0
    for run in sorted(store.runs(video_id, current_only=False), key=lambda run: run.run_id):
        digest.update(_line(_run_to_json(run)))
        run_count += 1
        for row in store.emitted(run.run_id, 0, None):
            said = {**row_to_dict(row), "uri": None, "ordinal": row.ordinal, "emitted_at": row.emitted_at}
            digest.update(_line({**said, "start_us": row.start_us, "end_us": row.end_us}))
            row_count += 1
    return VideoChecksum(video_id, run_count, row_count, digest.hexdigest())


def _run_to_json(run: RunRecord) -> dict[str, object]:
    return {
        "run_key": run.spec.run_key,
        "status": run.status.value,
        "reason": run.reason,
        "annotation_count": run.annotation_count,
        "windows": run.windows,
        "position": run.position,
        "final_until_us": run.final_until_us,
        "replay_from": run.replay_from,
        "state": None if run.state is None else dict(run.state),
    }


def _line(value: object) -> bytes:
    return canonical_json(value).encode() + b"\n"
