"""Models in memory: loaded when first asked for, shared, counted, and put away when memory is short."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from cortexia.errors import ModelError
from cortexia.models.base import InferenceSession, ModelEntry, Tensor, TensorSpec
from cortexia.models.catalogue import Catalogue
from cortexia.models.memory import free_memory_bytes
from cortexia.resilience import Breakers

CAPACITY = 4
_MIB = 1024 * 1024
_TIGHT, _ROOM = 0.8, 1.2

Load = Callable[[ModelEntry], InferenceSession]


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What one model cost. ``load_s`` and ``inference_s`` are sums of wall seconds."""

    loads: int = 0
    hits: int = 0
    evictions: int = 0
    runs: int = 0
    load_s: float = 0.0
    inference_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ManagerStats:
    """Counts by model id. ``hit_rate``: how often a model that was opened was in memory; ``None`` before the first."""

    models: Mapping[str, ModelStats]
    resident: tuple[str, ...]

    @property
    def hit_rate(self) -> float | None:
        hits = sum(model.hits for model in self.models.values())
        asked = hits + sum(model.loads for model in self.models.values())
        return hits / asked if asked else None


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``capacity`` models stay in memory. ``free_bytes`` tells what the machine has left, ``None`` if nobody
    knows. Before a load that needs more than 0.8 of it, models go until 1.2 times the need is free."""

    capacity: int = CAPACITY
    free_bytes: Callable[[], int | None] = free_memory_bytes


@dataclass
class _Resident:
    session: InferenceSession
    users: int = 0


@dataclass
class _Shelf:
    """Residents, least recently used first, and the counts; guarded by ``lock``."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    residents: OrderedDict[str, _Resident] = field(default_factory=OrderedDict)
    stats: dict[str, ModelStats] = field(default_factory=dict)

    def count(self, model_id: str, **more: float) -> None:
        before = self.stats.get(model_id, ModelStats())
        self.stats[model_id] = replace(before, **{name: getattr(before, name) + n for name, n in more.items()})


def need_bytes(entry: ModelEntry) -> int:
    """Memory that loading and running takes, roughly: the file's bytes, the message read from them and the weights laid
    out anew, and 32 MiB for what flows between layers (YOLOX-nano, 3.5 MiB, was measured at 29 MiB in all)."""
    return 3 * entry.size_bytes + 32 * _MIB


class ResourceManager:
    """A ``ModelAccess``. Safe to share between threads; one load at a time, and runs go on meanwhile."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        load: Load,
        *,
        threads: int = 1,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = threads
        self._catalogue = catalogue
        self._load = load
        self._budget = budget or Budget()
        self._clock = clock
        self._shelf = _Shelf()
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
        self._breakers[model_id].refuse_if_open()
        with self._using(entry, is_opening=True) as session:
            return ManagedSession(self, entry, session.inputs, session.outputs)

    def run(self, entry: ModelEntry, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Outputs of the model for ``feeds``; loads it where it was put away."""
        with self._using(entry) as session, self._breakers[entry.id].attempt():
            began = self._clock()
            outputs = session.run(feeds)
            with self._shelf.lock:
                self._shelf.count(entry.id, runs=1, inference_s=self._clock() - began)
            return outputs

    def stats(self) -> ManagerStats:
        with self._shelf.lock:
            return ManagerStats(dict(self._shelf.stats), tuple(self._shelf.residents))

    def close(self) -> None:
        """Put every model away that nobody runs."""
        with self._shelf.lock:
            while self._evict_one():
                continue

    # -- residence

    @contextmanager
    def _using(self, entry: ModelEntry, is_opening: bool = False) -> Iterator[InferenceSession]:
        """The loaded model, which is not put away before the block ends."""
        resident = self._take(entry.id, is_opening) or self._bring(entry)
        try:
            yield resident.session
        finally:
            with self._shelf.lock:
                resident.users -= 1
                while len(self._shelf.residents) > self._budget.capacity and self._evict_one():
                    continue

    def _take(self, model_id: str, is_hit: bool) -> _Resident | None:
        with self._shelf.lock:
            resident = self._shelf.residents.get(model_id)
            if resident is None:
                return None
            self._shelf.residents.move_to_end(model_id)
            resident.users += 1
            if is_hit:
                self._shelf.count(model_id, hits=1)
            return resident

    def _bring(self, entry: ModelEntry) -> _Resident:
        with self._loading:
            # Another thread may have brought it while this one waited.
            resident = self._take(entry.id, is_hit=True)
            if resident is not None:
                return resident
            with self._breakers[entry.id].attempt(_is_failure):
                self._make_room(entry)
                began = self._clock()
                session = self._load(entry)
                took = self._clock() - began
            with self._shelf.lock:
                resident = self._shelf.residents[entry.id] = _Resident(session, users=1)
                self._shelf.count(entry.id, loads=1, load_s=took)
            return resident

    def _make_room(self, entry: ModelEntry) -> None:
        """Evict for the count, then for memory. Raises ``ModelError`` (``no_memory``) where it cannot be enough."""
        need = need_bytes(entry)
        with self._shelf.lock:
            while len(self._shelf.residents) >= self._budget.capacity and self._evict_one():
                continue
            free = self._budget.free_bytes()
            if free is None or need <= _TIGHT * free:
                return
            while need * _ROOM > free and self._evict_one():
                free = self._budget.free_bytes() or 0
        if need > free:
            raise ModelError(
                "no_memory",
                f"model {entry.id!r} needs about {need // _MIB} MiB, {free // _MIB} MiB are free; free some memory or"
                " choose a smaller model",
            )

    def _evict_one(self) -> bool:
        """Put the least recently used model away that nobody runs. The lock is held."""
        for model_id, resident in self._shelf.residents.items():
            if resident.users == 0:
                del self._shelf.residents[model_id]
                self._shelf.count(model_id, evictions=1)
                return True
        return False


def _is_failure(error: BaseException) -> bool:
    """A model that is not there says how to bring it, however often it is asked for."""
    return not (isinstance(error, ModelError) and error.reason in ("missing", "half_written"))


@dataclass(frozen=True)
class ManagedSession:
    """An ``InferenceSession`` that holds no weights of its own."""

    manager: ResourceManager = field(repr=False)
    entry: ModelEntry
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, feeds: Mapping[str, Tensor]) -> Sequence[Tensor]:
        return self.manager.run(self.entry, feeds)
