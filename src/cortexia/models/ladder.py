"""What is done where memory does not suffice, step by step, for whatever runs a model.

Half as many items at a time, down to one; then every other model that nobody runs is put away; then the model goes to
the CPU. Results are those of the full batch: a session of ONNX Runtime is exact for any batch, and models on torch take
one item a call, wherever they run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from cortexia.errors import ModelError

R = TypeVar("R")


class Step(StrEnum):
    """What was done; also the names of the counts in ``ModelStats``."""

    HALVED = "halved"
    MADE_ROOM = "made_room"
    MOVED_TO_CPU = "moved_to_cpu"


@dataclass(frozen=True, slots=True)
class Relief:
    """How memory is made. ``evict_others`` and ``move_to_cpu`` say whether anything changed; ``tell`` hears of a step
    and of how many items are tried next."""

    evict_others: Callable[[], bool]
    move_to_cpu: Callable[[], bool]
    tell: Callable[[Step, int], None]


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, ModelError) and error.reason == "no_memory"


def step_down(run: Callable[[int, int], R], count: int, relief: Relief, at_most: int | None = None) -> list[R]:
    """Results of ``run(start, stop)`` over all of ``count`` items, in order, ``at_most`` so many at a time.

    ``run`` raises ``ModelError`` (``no_memory``) where it has too little; what it has done before stays done. Raises
    the last of these errors when every step was tried, and what else ``run`` raises.
    """
    results: list[R] = []
    at, size = 0, max(1, min(count, at_most or count))
    while at < count:
        stop = min(count, at + size)
        try:
            results.append(run(at, stop))
        except ModelError as error:
            if not is_out_of_memory(error):
                raise
            step = _next_step(stop - at, relief)
            if step is None:
                raise
            size = (stop - at + 1) // 2 if step is Step.HALVED else size
            relief.tell(step, min(size, count - at))
        else:
            at = stop
    return results


def _next_step(size: int, relief: Relief) -> Step | None:
    if size > 1:
        return Step.HALVED
    if relief.evict_others():
        return Step.MADE_ROOM
    return Step.MOVED_TO_CPU if relief.move_to_cpu() else None
