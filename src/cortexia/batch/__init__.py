"""Many videos: jobs with leases, workers that pull them, a supervisor that watches.

``BatchOrchestrator`` is the face for programs; the command line has its own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cortexia.batch.orchestrator import BatchOrchestrator as BatchOrchestrator
    from cortexia.batch.outcome import BatchJob as BatchJob
    from cortexia.batch.outcome import BatchReport as BatchReport
    from cortexia.batch.outcome import BatchStatus as BatchStatus
    from cortexia.batch.outcome import JobStatus as JobStatus
    from cortexia.batch.outcome import PipelineResult as PipelineResult

__all__ = ["BatchJob", "BatchOrchestrator", "BatchReport", "BatchStatus", "JobStatus", "PipelineResult"]


def __getattr__(name: str) -> Any:
    """Loaded on use: a worker needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "orchestrator" if name == "BatchOrchestrator" else "outcome"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
