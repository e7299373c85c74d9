"""What runtimes raise, said alike whichever it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cortexia.errors import CortexiaError, ModelError

_NO_MEMORY = (
    *("out of memory", "can't allocate memory", "not enough memory"),  # torch, CUDA
    *("failed to allocate memory", "bad_alloc", "bad allocation"),  # ONNX Runtime
)
_WIDTH = 500


def first_line(error: BaseException) -> str:
    """Of the message; the name of the class where there is none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_WIDTH]


def is_no_memory(error: BaseException) -> bool:
    """Whether a runtime had too little memory. Most say so in words alone."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY)


def no_memory(model_id: str) -> ModelError:
    """What the ladder recognises."""
    return ModelError("no_memory", f"model {model_id!r}: no memory to run it; free some, or choose a smaller model")


def not_loaded(model_id: str, error: BaseException) -> ModelError:
    """What the failure of a runtime to load a model amounts to: ``no_memory`` or ``malformed``."""
    if is_no_memory(error):
        return no_memory(model_id)
    return ModelError("malformed", f"model {model_id!r} cannot be loaded: {first_line(error)}")


@contextlib.contextmanager
def opening(model_id: str) -> Iterator[None]:
    """The door for what a library raises while a model is made of its files."""
    try:
        yield
    except CortexiaError:
        raise
    # tokenizers raises plain exceptions, and validators of settings anything: there is no base to catch
    except Exception as error:
        raise not_loaded(model_id, error) from error
