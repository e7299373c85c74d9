"""Models in memory: shared, counted, put away by use and by need, and left alone when they keep failing."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny_onnx import entry_of, scaling

from cortexia.errors import CircuitBreakerOpenError, InferenceError, ModelError, UnknownNameError
from cortexia.models.catalogue import Catalogue
from cortexia.models.manager import Budget, ResourceManager, need_bytes
from cortexia.models.onnx import OnnxSession

MIB = 1024 * 1024
DATA = {name: scaling(factor) for factor, name in enumerate("abcdef", 1)}
CATALOGUE = Catalogue({name: entry_of(data, name) for name, data in DATA.items()})
FEEDS = {"x": np.ones(4, np.float32)}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def load(entry):
    return OnnxSession(entry.id, DATA[entry.id], "cpu")


def manager(loader=load, free=lambda: None, catalogue=CATALOGUE, **options) -> ResourceManager:
    return ResourceManager(lambda: catalogue, loader, budget=Budget(free_bytes=free), **options)


def resident(models: ResourceManager) -> str:
    return "".join(models.stats().resident)


def test_a_model_is_loaded_once_and_counted():
    models = manager(threads=3)
    session = models.open("b")
    assert models.open("b").run(FEEDS)[0].tolist() == session.run(FEEDS)[0].tolist() == [2.0] * 4
    counted = models.stats()
    assert (counted.models["b"].loads, counted.models["b"].hits, counted.models["b"].runs) == (1, 1, 2)
    assert counted.hit_rate == 0.5
    assert counted.models["b"].load_s > 0
    assert counted.models["b"].inference_s > 0
    assert session.inputs[0].shape == (4,)
    assert models.threads == 3


def test_nothing_asked_for_has_no_hit_rate():
    assert manager().stats().hit_rate is None


def test_an_unknown_model_is_named():
    with pytest.raises(UnknownNameError, match="unknown model 'g'"):
        manager().open("g")


def test_the_least_recently_used_of_four_goes():
    models = manager()
    for name in "abcd":
        models.open(name)
    models.open("a")
    models.open("e")
    assert resident(models) == "cdae"
    assert models.stats().models["b"].evictions == 1


def test_a_handle_outlives_its_weights():
    models = manager()
    session = models.open("a")
    models.close()
    assert resident(models) == ""
    assert session.run(FEEDS)[0].tolist() == [1.0] * 4
    assert models.stats().models["a"].loads == 2


NEED = need_bytes(CATALOGUE["d"])
ENOUGH = math.ceil(NEED * 1.2)


@pytest.mark.parametrize(
    ("free_at_first", "frees_each", "left"),
    [
        (math.ceil(NEED / 0.8), 0, "abcd"),  # the need is 0.8 of what is free: nobody goes
        (ENOUGH, 0, "abcd"),  # it is more, and 1.2 times the need is free: nobody need go
        (ENOUGH - 1, 1, "bcd"),  # one byte too few: one goes, then it is enough
        (ENOUGH - 2, 1, "cd"),  # two bytes too few: two go
        (NEED, 0, "d"),  # all go, and the need still fits
    ],
)
def test_models_go_until_there_is_room(free_at_first, frees_each, left):
    def free() -> int | None:
        models_here = models.stats()
        gone = sum(model.evictions for model in models_here.models.values())
        return free_at_first + gone * frees_each if len(models_here.models) == 3 else None

    models = manager(free=free)
    for name in "abcd":
        models.open(name)
    assert resident(models) == left


def test_a_model_that_cannot_fit_is_refused():
    models = manager(free=lambda: NEED - 1)
    with pytest.raises(ModelError, match="choose a smaller model") as raised:
        models.open("d")
    assert raised.value.reason == "no_memory"


class Waiting:
    """A session whose run lasts until it is told to end."""

    inputs = outputs = ()

    def __init__(self) -> None:
        self.is_running, self.may_end = threading.Event(), threading.Event()

    def run(self, feeds):
        self.is_running.set()
        assert self.may_end.wait(20)
        return [np.zeros(1)]


def test_a_model_in_use_is_not_put_away():
    waiting = Waiting()
    models = manager(lambda entry: waiting if entry.id == "a" else load(entry), free=lambda: NEED)
    session = models.open("a")
    thread = threading.Thread(target=session.run, args=({},))
    thread.start()
    assert waiting.is_running.wait(20)
    for name in "bcdef":
        models.open(name)
    assert resident(models) == "af", "the others went for want of memory"
    models.close()
    assert resident(models) == "a"
    waiting.may_end.set()
    thread.join()
    models.open("b")
    assert resident(models) == "b"


def test_more_models_in_use_than_places_are_put_away_afterwards():
    waiting = {name: Waiting() for name in "abcdef"}
    models = manager(lambda entry: waiting[entry.id])
    threads = []
    for name in waiting:
        threads.append(threading.Thread(target=models.open(name).run, args=({},)))
        threads[-1].start()
        assert waiting[name].is_running.wait(20)
    assert len(resident(models)) == 6
    for name, thread in zip(waiting, threads, strict=True):
        waiting[name].may_end.set()
        thread.join()
    assert len(resident(models)) == 4


def test_threads_that_ask_at_once_share_one_load():
    models = manager()
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda _: models.open("c").run(FEEDS)[0].tobytes(), range(40)))
    assert len(set(outputs)) == 1
    assert models.stats().models["c"].loads == 1
    assert models.stats().models["c"].hits == 39


def broken(entry):
    return OnnxSession(entry.id, b"no model", "cpu")


def test_a_model_that_does_not_load_is_left_alone_for_a_minute():
    clock = Clock()
    models = manager(broken, clock=clock)
    for _ in range(3):
        with pytest.raises(ModelError):
            models.open("a")
    with pytest.raises(CircuitBreakerOpenError, match="model 'a' failed 3 times"):
        models.open("a")
    with pytest.raises(ModelError):
        models.open("b")
    clock.now = 60.0
    with pytest.raises(ModelError):
        models.open("a")


def test_runs_that_fail_count_too():
    models = manager()
    session = models.open("a")
    for _ in range(3):
        with pytest.raises(InferenceError):
            session.run({})
    with pytest.raises(CircuitBreakerOpenError):
        session.run(FEEDS)
    with pytest.raises(CircuitBreakerOpenError):
        models.open("a")


def test_a_missing_model_says_so_however_often():
    def missing(entry):
        raise ModelError("missing", "run: cortexia models pull a")

    models = manager(missing)
    for _ in range(5):
        with pytest.raises(ModelError, match="models pull a"):
            models.open("a")
