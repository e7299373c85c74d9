"""What is done for want of memory: fewer at a time, others put away, then the CPU; and the results stay the same."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import folder_models
import numpy as np
import pytest
import structlog
import tiny_onnx

from cortexia.errors import CircuitBreakerOpenError, InferenceError, ModelError
from cortexia.models.base import TensorSpec
from cortexia.models.catalogue import Catalogue
from cortexia.models.ladder import Relief, Step, step_down
from cortexia.models.manager import Budget, ResourceManager

CATALOGUE = Catalogue(
    {
        **{name: tiny_onnx.entry_of(tiny_onnx.scaling(), name) for name in "ab"},
        **{name: folder_models.entry_of(id=name, repo=f"owner/{name}") for name in "xyz"},
    }
)


def out_of_memory() -> ModelError:
    return ModelError("no_memory", "none left")


class Relieved:
    """Grants each relief so many times, and remembers the steps."""

    def __init__(self, evictions: int = 0, moves: int = 0) -> None:
        self.evictions, self.moves = evictions, moves
        self.steps: list[tuple[str, int]] = []

    def relief(self) -> Relief:
        return Relief(self._evict, self._move, lambda step, size: self.steps.append((step.value, size)))

    def _evict(self) -> bool:
        self.evictions -= 1
        return self.evictions >= 0

    def _move(self) -> bool:
        self.moves -= 1
        return self.moves >= 0


def test_half_as_many_go_until_they_fit_and_nothing_is_done_twice():
    tried, relieved = [], Relieved()

    def run(start: int, stop: int) -> list[int]:
        tried.append((start, stop))
        if stop - start > 2:
            raise out_of_memory()
        return list(range(start, stop))

    assert step_down(run, 7, relieved.relief()) == [[0, 1], [2, 3], [4, 5], [6]]
    assert tried == [(0, 7), (0, 4), (0, 2), (2, 4), (4, 6), (6, 7)]
    assert relieved.steps == [("halved", 4), ("halved", 2)]


def test_the_steps_come_in_their_order():
    relieved, failures = Relieved(evictions=1, moves=1), iter([True] * 4)

    def run(start: int, stop: int) -> int:
        if next(failures, False):
            raise out_of_memory()
        return stop - start

    assert step_down(run, 4, relieved.relief()) == [1, 1, 1, 1]
    assert [step for step, _ in relieved.steps] == ["halved", "halved", "made_room", "moved_to_cpu"]


def test_where_nothing_helps_the_error_comes_out():
    relieved = Relieved()

    def run(start: int, stop: int) -> int:
        raise out_of_memory()

    with pytest.raises(ModelError, match="none left"):
        step_down(run, 2, relieved.relief())
    assert relieved.steps == [("halved", 1)]


def test_other_errors_are_no_want_of_memory():
    def run(start: int, stop: int) -> int:
        raise InferenceError("x", "broken")

    relieved = Relieved(evictions=1)
    with pytest.raises(InferenceError):
        step_down(run, 8, relieved.relief())
    assert relieved.steps == []


@dataclass
class Machine:
    """Memory in items: what a model on the GPU may take at once, less one for each other model that is loaded."""

    room: int = 100
    devices: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def load(self, entry, device: str = "cuda:0"):
        self.devices[entry.id] = device
        return Model(self, entry.id, device)

    def manager(self, **more) -> ResourceManager:
        def load_on_cpu(entry):
            return self.load(entry, "cpu")

        budget = Budget(free_bytes=lambda: None)
        return ResourceManager(lambda: CATALOGUE, self.load, load_on_cpu=load_on_cpu, budget=budget, **more)


@dataclass
class Model:
    machine: Machine
    name: str
    device: str

    def double(self, items):
        self.machine.calls.append((self.name, self.device, len(items)))
        others = len([name for name, where in self.machine.devices.items() if where != "cpu" and name != self.name])
        if self.device != "cpu" and len(items) + others > self.machine.room:
            raise out_of_memory()
        return [2 * item for item in items]

    def release(self) -> None:
        self.machine.released.append(self.device)
        if self.machine.devices[self.name] == self.device:
            del self.machine.devices[self.name]


def double(model: Model, items):
    return model.double(items)


def counts(models: ResourceManager, name: str) -> tuple[int, int, int]:
    stats = models.stats().models[name]
    return stats.halved, stats.made_room, stats.moved_to_cpu


@pytest.mark.parametrize(
    ("room", "others", "steps"),
    [
        (100, "", (0, 0, 0)),
        (8, "", (0, 0, 0)),
        (3, "", (2, 0, 0)),
        (1, "yz", (3, 1, 0)),
        (0, "", (3, 0, 1)),
        (0, "yz", (3, 1, 1)),
    ],
)
def test_results_are_the_same_on_every_step(room, others, steps):
    machine = Machine(room)
    models = machine.manager()
    for name in others:
        models.lend(name)
    assert models.lend("x").map(double, range(8)) == [2 * item for item in range(8)]
    assert counts(models, "x") == steps
    assert machine.devices["x"] == ("cpu" if steps[2] else "cuda:0")
    assert set(models.stats().resident) == ({"x"} if steps[1] else {"x", *others})


def test_what_fits_is_remembered():
    machine = Machine(room=3)
    lent = machine.manager().lend("x")
    lent.map(double, range(8))
    machine.calls.clear()
    lent.map(double, range(4))
    assert [size for _, _, size in machine.calls] == [2, 2]


def test_a_model_that_went_to_the_cpu_stays_there():
    machine = Machine(room=0)
    models = machine.manager()
    lent = models.lend("x")
    assert lent.use(lambda model: model.double([1])) == [2]
    models.close()
    assert lent.use(lambda model: model.double([1])) == [2]
    assert machine.devices == {"x": "cpu"}
    assert counts(models, "x") == (0, 0, 1)


def test_a_load_without_memory_puts_others_away_then_takes_the_cpu():
    machine = Machine()

    def load(entry, device="cuda:0"):
        if entry.id == "x" and device != "cpu":
            raise out_of_memory()
        return machine.load(entry, device)

    models = ResourceManager(lambda: CATALOGUE, load, load_on_cpu=lambda entry: load(entry, "cpu"))
    models.lend("y")
    assert models.lend("x").map(double, [1, 2]) == [2, 4]
    assert counts(models, "x") == (0, 1, 1)
    assert machine.calls == [("x", "cpu", 2)]


def test_without_a_gpu_a_load_without_memory_is_not_tried_again_on_the_cpu():
    loads = []

    def load(entry, device="cpu"):
        loads.append(device)
        raise out_of_memory()

    models = ResourceManager(lambda: CATALOGUE, load, load_on_cpu=load, budget=Budget(uses_gpu=lambda entry: False))
    with structlog.testing.capture_logs() as logs, pytest.raises(ModelError, match="none left"):
        models.lend("x")
    assert (len(loads), logs) == (1, [])


def test_a_model_that_went_to_the_cpu_gives_its_memory_back_with_its_last_user():
    machine = Machine(room=1)
    models = machine.manager()
    lent = models.lend("x")
    seen = []

    def hold(model):
        """Meanwhile another run of the same model sends it to the CPU."""
        machine.room = 0
        if not seen:
            seen.append(model)
            assert lent.use(lambda other: other.double([1])) == [2]
            assert machine.released == []
        return model.device

    assert lent.use(hold) == "cuda:0"
    assert machine.released == ["cuda:0"]
    assert machine.devices == {"x": "cpu"}


def test_a_model_in_use_is_not_put_away_for_another():
    machine = Machine(room=1)
    models = machine.manager()
    is_running, may_end = threading.Event(), threading.Event()

    def wait(model):
        is_running.set()
        assert may_end.wait(20)

    thread = threading.Thread(target=models.lend("y").use, args=(wait,))
    thread.start()
    assert is_running.wait(20)
    assert models.lend("x").map(double, [1]) == [2]
    assert counts(models, "x") == (0, 0, 1)
    assert machine.devices["y"] == "cuda:0"
    may_end.set()
    thread.join()


def test_every_step_is_told_in_the_log():
    with structlog.testing.capture_logs() as logs:
        Machine(room=0).manager().lend("x").map(double, [1, 2])
    told = [(line["event"], line["model"], line["step"], line["items"]) for line in logs]
    assert told == [
        ("model_short_of_memory", "x", Step.HALVED, 1),
        ("model_short_of_memory", "x", Step.MOVED_TO_CPU, 1),
    ]


def test_want_of_memory_that_nothing_mends_opens_the_breaker():
    def starve(model):
        raise out_of_memory()

    models = ResourceManager(lambda: CATALOGUE, Machine().load)
    lent = models.lend("x")
    for _ in range(3):
        with pytest.raises(ModelError):
            lent.use(starve)
    with pytest.raises(CircuitBreakerOpenError):
        lent.use(starve)


def test_want_of_memory_that_was_mended_is_no_failure():
    machine = Machine(room=1)
    lent = machine.manager().lend("x")
    for _ in range(5):
        machine.room = 1
        assert lent.map(double, range(8)) == [2 * item for item in range(8)]


class Session:
    """Adds one to rows, at most ``room`` at once; its batch is free unless said otherwise."""

    def __init__(self, room: int, batch: int | None = None, device: str = "cpu") -> None:
        self.inputs = (TensorSpec("x", (batch, 2)),)
        self.outputs = (TensorSpec("y", (batch, 2)), TensorSpec("sum", (batch,)))
        self.room, self.device, self.sizes = room, device, []

    def run(self, feeds):
        rows = feeds["x"]
        self.sizes.append(len(rows))
        if len(rows) > self.room:
            raise out_of_memory()
        return [rows + 1, rows.sum(axis=1)]


ROWS = np.arange(14, dtype=np.float32).reshape(7, 2)


def test_sessions_take_the_same_steps():
    session = Session(room=2)
    models = ResourceManager(lambda: CATALOGUE, lambda entry: session)
    whole, sums = models.open("a").run({"x": ROWS})
    assert np.array_equal(whole, ROWS + 1)
    assert np.array_equal(sums, ROWS.sum(axis=1))
    assert session.sizes == [7, 4, 2, 2, 2, 1]
    assert counts(models, "a") == (2, 0, 0)


def test_a_session_of_a_fixed_batch_has_no_parts_and_goes_to_the_cpu():
    models = ResourceManager(
        lambda: CATALOGUE,
        lambda entry: Session(room=0, batch=7, device="cuda:0"),
        load_on_cpu=lambda entry: Session(room=7, batch=7),
    )
    assert np.array_equal(models.open("a").run({"x": ROWS})[0], ROWS + 1)
    assert counts(models, "a") == (0, 0, 1)


def test_outputs_that_are_no_rows_are_not_put_together():
    class Counting(Session):
        def run(self, feeds):
            super().run(feeds)
            return [np.zeros((5, 2)), np.zeros(5)]

    models = ResourceManager(lambda: CATALOGUE, lambda entry: Counting(room=6))
    with pytest.raises(ModelError, match="no parts"):
        models.open("a").run({"x": ROWS})
