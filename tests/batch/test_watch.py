"""When a worker has to go."""

from __future__ import annotations

import os

from cortexia.batch.recorder import Flight
from cortexia.batch.watch import Limits, Watch, resident_bytes

ROOMY = Limits(10**15, 10.0)


def test_a_worker_that_moves_may_stay_for_ever():
    watch = Watch(ROOMY, None)
    assert all(watch.objection(Flight(moves), moves * 9.0) is None for moves in range(1, 1000))


def test_a_worker_that_stands_still_has_to_go():
    watch = Watch(ROOMY, None)
    assert watch.objection(Flight(5), 0.0) is None
    assert watch.objection(Flight(5), 10.0) is None
    assert watch.objection(Flight(5, session="shots"), 10.5) == "nothing moved for 10 s; shots was at work"
    assert "the decoder" in Watch(Limits(10**15, -1.0), None).objection(Flight(5, True, session="shots"), 0.0)


def test_a_worker_that_only_begins_has_a_minute():
    watch = Watch(ROOMY, None)
    assert watch.objection(Flight(), 0.0) is None
    assert watch.objection(Flight(), 59.0) is None
    assert watch.objection(Flight(), 61.0) is not None


def test_weights_come_on_top_of_the_limit():
    used = resident_bytes(os.getpid())
    assert used > 10_000_000
    tight = Limits(used // 2, 1e9)
    assert "GB of memory" in Watch(tight, os.getpid()).objection(Flight(1), 0.0)
    assert Watch(tight, os.getpid()).objection(Flight(1, weights_bytes=10**12), 0.0) is None


def test_a_process_that_is_gone_has_no_size():
    assert resident_bytes(2**30) is None
