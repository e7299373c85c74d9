"""Every error that cortexia raises, as one tree.

::

    CortexiaError
    ├── ConfigurationError          a setting, option or name that cannot be used      (usage, never retried)
    │   ├── NoStoreError            nothing was stored yet where the settings say
    │   └── UnknownNameError        a name no choice answers to; lists the known ones
    ├── ProcessingError             a video, or an annotator on it, did not succeed
    │   ├── RejectedInput           the input is no usable video; carries a reason code (permanent)
    │   ├── AnnotatorError          foreign code in an annotator failed                (permanent)
    │   ├── InferenceError          a loaded model failed on what it was given         (permanent)
    │   ├── PlanError               the annotators asked for cannot be put in order
    │   └── JobCancelled            somebody asked to stop
    ├── ResourceError               the machine lacks something
    │   ├── DiskFullError           no space left where we write                       (retryable)
    │   ├── ReadOnlyError           the output cannot be written
    │   ├── MissingDependencyError  an optional package is not installed
    │   └── ModelError              weights are missing or may not be opened; carries a reason code
    ├── StoreError                  the annotation database could not do it
    │   ├── StoreBusyError          another process holds the lock                     (retryable)
    │   │   └── StoreUnreachableError  the database does not answer                    (retryable)
    │   ├── FenceLostError          this worker's claim was taken over
    │   ├── SchemaError             the database is of another revision
    │   └── DataInconsistencyError  what was read back is not what was written
    ├── NetworkError                something did not come or go over the network      (retryable)
    │   ├── SourceRefusedError      an address that the guard does not let through     (permanent)
    │   ├── RemoteAnswerError       the server said no: not found, forbidden ...       (permanent)
    │   ├── TransferLimitError      larger or slower than the settings allow           (permanent)
    │   └── DigestMismatchError     other bytes came than were promised                (permanent)
    ├── ValidationError             a value breaks an invariant of the vocabulary
    └── CircuitBreakerOpenError     too many failures in a row; try again later        (retryable)

A class knows its ``code`` (stable, for machines), whether the same call may succeed later (``retryable``) and the
HTTP status a server answers with. Third-party errors are translated once, at the door of their library.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class CortexiaError(Exception):
    """Root of the tree. ``str(error)`` is one line that says what happened, to what, and what to do."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __str__(self) -> str:
        """A name in the message whose bytes are no UTF-8 is written out: messages go to databases and into JSON."""
        return super().__str__().encode("utf-8", "backslashreplace").decode("utf-8")


class ConfigurationError(CortexiaError):
    code = "configuration"
    http_status = 422


class NoStoreError(ConfigurationError):
    code = "no_store"
    http_status = 404


class UnknownNameError(ConfigurationError):
    """A name that no choice answers to. The message lists the known names and the nearest one."""

    code = "unknown_name"

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what = what
        self.name = name
        self.known = tuple(sorted(known))
        nearest = difflib.get_close_matches(name, self.known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        super().__init__(f"unknown {what} {name!r}{hint} (known: {', '.join(self.known) or 'none'})")


class ProcessingError(CortexiaError):
    code = "processing"


class RejectedInput(ProcessingError):
    """The input holds nothing that can be annotated. ``reason`` is a code such as ``no_frames`` or ``not_media``."""

    code = "rejected"
    http_status = 422

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class AnnotatorError(ProcessingError):
    """Foreign code in an annotator failed. Permanent: the same frames would fail again."""

    code = "annotator"

    def __init__(self, annotator: str, message: str) -> None:
        self.annotator = annotator
        super().__init__(f"annotator {annotator!r}: {message}")


class InferenceError(ProcessingError):
    """A loaded model failed on what it was given. Permanent: the same input would fail again."""

    code = "inference"

    def __init__(self, model_id: str, message: str) -> None:
        self.model_id = model_id
        super().__init__(f"model {model_id!r}: {message}")


class PlanError(ProcessingError):
    code = "plan"
    http_status = 422


class JobCancelled(ProcessingError):
    code = "cancelled"
    http_status = 409


class ResourceError(CortexiaError):
    code = "resource"
    http_status = 507


class DiskFullError(ResourceError):
    code = "disk_full"
    retryable = True


class ReadOnlyError(ResourceError):
    code = "read_only"


class MissingDependencyError(ResourceError):
    """An optional package is absent. The message holds the exact line that installs it."""

    code = "missing_dependency"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'cortexia[{extra}]'")


class ModelError(ResourceError):
    """Weights that are missing, or that may not be opened. Nothing of them was interpreted.

    ``reason``: ``missing``, ``half_written``, ``digest_mismatch``, ``pickle``, ``code`` (settings that name
    code to load), ``external_data``, ``too_large``, ``malformed`` (named like a model, and no well-formed one),
    ``unsupported`` (a format or runtime that is not known here), ``signature``, ``no_memory``.
    """

    code = "model"

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class StoreError(CortexiaError):
    code = "store"


class StoreBusyError(StoreError):
    code = "store_busy"
    retryable = True
    http_status = 503


class StoreUnreachableError(StoreBusyError):
    """The database does not answer, or the connection broke. Who waits for a busy store waits for this one too."""

    code = "store_unreachable"


class FenceLostError(StoreError):
    """Another worker holds the job now. What this worker was about to write has been rolled back."""

    code = "fence_lost"
    http_status = 409


class SchemaError(StoreError):
    code = "schema"


class DataInconsistencyError(StoreError):
    code = "data_inconsistency"


class NetworkError(CortexiaError):
    """Something did not come or go over the network. ``reason`` is the code that an input is rejected with."""

    code = "network"
    retryable = True
    http_status = 502
    reason = "unreachable"


class SourceRefusedError(NetworkError):
    """An address that the guard does not let through (S-01, S-02). Nothing was sent there."""

    code = "address_refused"
    retryable = False
    http_status = 422
    reason = "address_refused"


class RemoteAnswerError(NetworkError):
    """The server said no, and would again. ``reason``: ``not_found``, ``forbidden`` or ``remote_error``."""

    code = "remote_answer"
    retryable = False

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class TransferLimitError(NetworkError):
    """Larger than ``max_download_bytes``, or slower than ``download_timeout_s``."""

    code = "transfer_limit"
    retryable = False
    http_status = 413
    reason = "too_large"

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class DigestMismatchError(NetworkError):
    """Other bytes came than were promised. They were thrown away."""

    code = "digest_mismatch"
    retryable = False
    http_status = 422
    reason = "digest_mismatch"


class ValidationError(CortexiaError):
    code = "validation"
    http_status = 422


class CircuitBreakerOpenError(CortexiaError):
    code = "circuit_open"
    retryable = True
    http_status = 503
