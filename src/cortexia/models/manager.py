"""Models in memory: loaded when first asked for, shared, counted, and put away when memory is short."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from cortexia.errors import ConfigurationError, ModelError
from cortexia.models.base import InferenceSession, ModelEntry
from cortexia.models.catalogue import Catalogue
from cortexia.models.handles import LentModel, ManagedSession
from cortexia.models.ladder import Relief, Step, is_out_of_memory, step_down
from cortexia.models.shelf import MIB, Budget, ManagerStats, Resident, Shelf, need_bytes
from cortexia.resilience import Breakers
from cortexia.telemetry.logs import get_logger

__all__ = ["Budget", "ManagerStats", "ResourceManager", "need_bytes"]

_TIGHT, _ROOM = 0.8, 1.2

R = TypeVar("R")
Load = Callable[[ModelEntry], object]
"""Makes a session of a model of one file, and the family's object of one of several."""

_log = get_logger("models")


class ResourceManager:
    """A ``ModelAccess``. Safe to share between threads; one load at a time, and runs go on meanwhile.

    ``load_on_cpu``: as ``load``, and wherever that would go, on the CPU: the last step where a GPU's memory does not
    suffice. ``None`` where everything is there anyway.
    """

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        load: Load,
        *,
        load_on_cpu: Load | None = None,
        threads: int = 1,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = threads
        self._catalogue = catalogue
        self._load = load
        self._load_on_cpu = load_on_cpu
        self._budget = budget or Budget()
        self._clock = clock
        self._shelf = Shelf()
        self._loading = threading.Lock()
        self._breakers = Breakers("model", clock)

    @property
    def threads(self) -> int:
        return self._threads

    def entry(self, model_id: str) -> ModelEntry:
        return self._catalogue()[model_id]

    def open(self, model_id: str) -> InferenceSession:
        """A handle that stays good when the model is put away: the next ``run`` brings it back."""
        entry = self.entry(model_id)
        if entry.is_folder:
            raise ConfigurationError(f"model {model_id!r} has several files and the adapter {entry.adapter!r}: lend it")
        self._breakers[model_id].refuse_if_open()
        with self._using(entry, is_opening=True) as loaded:
            session = cast(InferenceSession, loaded)
            return ManagedSession(self, entry, session.inputs, session.outputs)

    def lend(self, model_id: str) -> LentModel:
        """A handle on a model of several files, as ``open`` gives one on a session."""
        entry = self.entry(model_id)
        if not entry.is_folder:
            raise ConfigurationError(f"model {model_id!r} is one file with the adapter {entry.adapter!r}: open it")
        self._breakers[model_id].refuse_if_open()
        with self._using(entry, is_opening=True):
            return LentModel(self, entry)

    def run(self, entry: ModelEntry, function: Callable[[Any, int, int], R], count: int = 1) -> list[R]:
        """Results of ``function(loaded, start, stop)`` over ``count`` items: one, unless memory is short. The model is
        loaded where it was put away."""
        with self._using(entry):
            pass  # a load that lacks memory is no reason to halve the batch
        limit = self._shelf.batch_limits.get(entry.id)
        try:
            return step_down(partial(self._attempt, entry, function), count, self._relief(entry), limit)
        except ModelError as error:
            if not is_out_of_memory(error):
                raise
            with self._breakers[entry.id].attempt():
                raise

    def stats(self) -> ManagerStats:
        with self._shelf.lock:
            return ManagerStats(dict(self._shelf.stats), tuple(self._shelf.residents))

    def close(self) -> None:
        """Put every model away that nobody runs."""
        with self._shelf.lock:
            while self._shelf.evict_one():
                continue

    # -- runs

    def _attempt(self, entry: ModelEntry, function: Callable[[Any, int, int], R], start: int, stop: int) -> R:
        with self._using(entry) as loaded, self._breakers[entry.id].attempt(lambda error: not is_out_of_memory(error)):
            began = self._clock()
            result = function(loaded, start, stop)
            with self._shelf.lock:
                self._shelf.count(entry.id, runs=1, inference_s=self._clock() - began)
            return result

    def _relief(self, entry: ModelEntry) -> Relief:
        return Relief(
            evict_others=partial(self._shelf.evict_others, entry.id),
            move_to_cpu=partial(self._move_to_cpu, entry),
            tell=partial(self._tell, entry),
        )

    def _move_to_cpu(self, entry: ModelEntry) -> bool:
        return self._load_on_cpu is not None and self._budget.uses_gpu(entry) and self._shelf.move_to_cpu(entry.id)

    def _tell(self, entry: ModelEntry, step: Step, size: int) -> None:
        _log.warning("model_short_of_memory", model=entry.id, step=step.value, items=size)
        with self._shelf.lock:
            self._shelf.count(entry.id, **{step.value: 1})
            if step is Step.HALVED:
                self._shelf.batch_limits[entry.id] = size

    # -- residence

    @contextmanager
    def _using(self, entry: ModelEntry, is_opening: bool = False) -> Iterator[object]:
        """The loaded model, which is not put away before the block ends."""
        resident = self._shelf.take(entry.id, is_opening) or self._bring(entry)
        try:
            yield resident.loaded
        finally:
            with self._shelf.lock:
                self._shelf.leave(entry.id, resident)
                while len(self._shelf.residents) > self._budget.capacity and self._shelf.evict_one():
                    continue

    def _bring(self, entry: ModelEntry) -> Resident:
        with self._loading:
            # Another thread may have brought it while this one waited.
            resident = self._shelf.take(entry.id, is_hit=True)
            if resident is not None:
                return resident
            with self._breakers[entry.id].attempt(_is_failure):
                self._make_room(entry)
                began = self._clock()
                (loaded,) = step_down(lambda *_: self._load_where_it_belongs(entry), 1, self._relief(entry))
                took = self._clock() - began
            with self._shelf.lock:
                resident = self._shelf.residents[entry.id] = Resident(loaded, users=1)
                self._shelf.count(entry.id, loads=1, load_s=took)
            return resident

    def _load_where_it_belongs(self, entry: ModelEntry) -> object:
        if self._load_on_cpu is not None and entry.id in self._shelf.on_cpu:
            return self._load_on_cpu(entry)
        return self._load(entry)

    def _make_room(self, entry: ModelEntry) -> None:
        """Evict for the count, then for memory. Raises ``ModelError`` (``no_memory``) where it cannot be enough."""
        need = self._budget.need(entry)
        with self._shelf.lock:
            while len(self._shelf.residents) >= self._budget.capacity and self._shelf.evict_one():
                continue
            free = self._budget.free_bytes()
            if free is None or need <= _TIGHT * free:
                return
            while need * _ROOM > free and self._shelf.evict_one():
                free = self._budget.free_bytes() or 0
        if need > free:
            raise ModelError(
                "no_memory",
                f"model {entry.id!r} needs about {need // MIB} MiB, {free // MIB} MiB are free; free some memory or"
                " choose a smaller model",
            )


def _is_failure(error: BaseException) -> bool:
    """A model that is not there says how to bring it, however often it is asked for."""
    return not (isinstance(error, ModelError) and error.reason in ("missing", "half_written"))
