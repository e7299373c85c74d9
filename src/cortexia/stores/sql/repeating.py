"""Transactions that collide with others are taken back whole, and done again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from random import SystemRandom
from typing import ParamSpec, TypeVar

from cortexia.stores.lifecycle import Backoff, Growth
from cortexia.stores.sql.door import Collision, ConnectionLost

MOST_REPEATS = 5
_PAUSE = Backoff(Growth.EXPONENTIAL, 0.1, 2.0, jitter=True)
_random = SystemRandom()

P = ParamSpec("P")
T = TypeVar("T")


def repeated(method: Callable[P, T]) -> Callable[P, T]:
    """``method`` is one transaction and nothing else. It is repeated, at most 5 times, after a collision or a lost
    connection that left nothing behind; the last of these errors is the caller's."""

    @functools.wraps(method)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for repeat in range(1, MOST_REPEATS + 1):
            try:
                return method(*args, **kwargs)
            except (Collision, ConnectionLost):
                time.sleep(_PAUSE.delay_s(repeat, _random))
        return method(*args, **kwargs)

    return again
