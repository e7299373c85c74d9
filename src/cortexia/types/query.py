"""What is asked of a store, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A filter over current annotations; empty fields do not filter. ``types`` are short type names."""

    types: tuple[str, ...] = ()
    video_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    min_confidence: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    limit: int | None = None
