"""The one piece that brings items to networks: as many in a call as it takes, in order, by several threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from opened_models import Recorded
from tiny_networks import Graph, floats

from cortexia.models.adapters.running import MAX_BATCH, SessionRunner
from cortexia.models.onnx import OnnxSession


def doubling(batch: int | str, length: int | str = 2, batch_axis: int = 0) -> Recorded:
    """(batch, length) numbers, doubled."""
    graph = Graph()
    doubled = graph.add("Mul", graph.input("x", (batch, length)), floats(2.0))
    shape = (batch, length)
    if batch_axis:
        doubled, shape = graph.add("Transpose", doubled, perm=[1, 0]), (length, batch)
    graph.output(doubled, "y", shape)
    return Recorded(OnnxSession("doubling", graph.bytes(), "cpu"))


def runner_of(session: Recorded, threads: int = 1, batch_axis: int = 0) -> SessionRunner[list[float], list[float]]:
    return SessionRunner(
        session, lambda item: floats(*item), lambda outputs, item: outputs[0].tolist(), threads, batch_axis
    )


ITEMS = [[float(number), number + 0.5] for number in range(11)]
WANTED = [[2 * a, 2 * b] for a, b in ITEMS]


@pytest.mark.parametrize(
    ("batch", "threads", "calls"),
    [
        ("n", 1, [8, 3]),
        ("n", 2, [6, 5]),
        ("n", 4, [3, 3, 3, 2]),
        (1, 1, [1] * 11),
        (1, 3, [1] * 11),
        (4, 2, [4, 4, 4]),
    ],
)
def test_calls_are_as_large_as_the_network_takes(batch, threads, calls):
    session = doubling(batch)
    runner = runner_of(session, threads)
    assert runner.run(ITEMS) == WANTED
    assert sorted((len(feed) for feed in session.feeds), reverse=True) == calls
    assert MAX_BATCH == 8
    runner.close()


def test_inputs_of_other_shapes_go_alone():
    session = doubling("n", "m")
    items = [[1.0], [2.0], [3.0, 4.0], [5.0]]
    assert runner_of(session).run(items) == [[2.0], [4.0], [6.0, 8.0], [10.0]]
    assert [feed.shape for feed in session.feeds] == [(2, 1), (1, 2), (1, 1)]


def test_the_batch_may_lie_along_another_axis_of_the_output():
    assert runner_of(doubling("n", batch_axis=1), batch_axis=1).run(ITEMS) == WANTED
    assert runner_of(doubling("n", batch_axis=1), batch_axis=0).run(ITEMS[:2]) != WANTED[:2], "it matters"


def test_results_come_while_later_items_wait():
    session = doubling(1)
    began = runner_of(session).begin(ITEMS)
    assert next(began) == WANTED[0]
    assert len(session.feeds) == 1
    assert list(began) == WANTED[1:]


def test_nothing_gives_nothing():
    session = doubling("n")
    assert runner_of(session).run([]) == []
    assert session.feeds == []


def test_an_error_of_an_item_comes_out_and_the_next_items_go_on():
    def prepare(item: int) -> np.ndarray:
        if item == 3:
            raise ValueError("three")
        return floats(item, item)

    runner = SessionRunner(doubling(1), prepare, lambda outputs, item: outputs[0].tolist(), threads=2)
    with pytest.raises(ValueError, match="three"):
        runner.run([1, 2, 3, 4])
    assert runner.run([5]) == [[10.0, 10.0]]
    runner.close()


def test_closing_gives_threads_back():
    before = threading.active_count()
    runner = runner_of(doubling(1), threads=3)
    runner.run(ITEMS)
    assert threading.active_count() > before
    runner.close()
    assert threading.active_count() == before
