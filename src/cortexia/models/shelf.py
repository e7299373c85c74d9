"""The models in memory, least recently used first, and what each of them cost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from cortexia.models.base import ModelEntry
from cortexia.models.memory import free_memory_bytes

CAPACITY = 4
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What one model cost. ``load_s`` and ``inference_s`` are sums of wall seconds. ``halved``, ``made_room`` and
    ``moved_to_cpu`` count what was done for want of memory (see ``ladder``)."""

    loads: int = 0
    hits: int = 0
    evictions: int = 0
    runs: int = 0
    load_s: float = 0.0
    inference_s: float = 0.0
    halved: int = 0
    made_room: int = 0
    moved_to_cpu: int = 0


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


def need_bytes(entry: ModelEntry) -> int:
    """Memory that loading and running takes, roughly: the file's bytes, the message read from them and the weights laid
    out anew, and 32 MiB for what flows between layers (YOLOX-nano, 3.5 MiB, was measured at 29 MiB in all)."""
    return 3 * entry.size_bytes + 32 * MIB


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``capacity`` models stay in memory. ``free_bytes`` tells what the machine has left, ``None`` if nobody
    knows. Before a load whose ``need`` (bytes) is more than 0.8 of it, models go until 1.2 times the need is free.
    ``uses_gpu``: whether a model takes memory of a GPU unless it is sent to the CPU."""

    capacity: int = CAPACITY
    free_bytes: Callable[[], int | None] = free_memory_bytes
    need: Callable[[ModelEntry], int] = need_bytes
    uses_gpu: Callable[[ModelEntry], bool] = lambda entry: True


@runtime_checkable
class Releasable(Protocol):
    """A loaded model that holds more than memory of this process."""

    def release(self) -> None: ...


@dataclass
class Resident:
    loaded: object
    users: int = 0

    @property
    def is_on_gpu(self) -> bool:
        return str(getattr(self.loaded, "device", "cpu")).startswith("cuda")

    def release(self) -> None:
        if isinstance(self.loaded, Releasable):
            self.loaded.release()


@dataclass
class Shelf:
    """Residents, least recently used first, and the counts; guarded by ``lock``.

    ``on_cpu``: ids of models that went to the CPU for want of memory, and stay there. ``batch_limits``: how many items
    a model that was short of memory takes at once.
    """

    lock: threading.RLock = field(default_factory=threading.RLock)
    residents: OrderedDict[str, Resident] = field(default_factory=OrderedDict)
    stats: dict[str, ModelStats] = field(default_factory=dict)
    on_cpu: set[str] = field(default_factory=set)
    batch_limits: dict[str, int] = field(default_factory=dict)

    def count(self, model_id: str, **more: float) -> None:
        before = self.stats.get(model_id, ModelStats())
        self.stats[model_id] = replace(before, **{name: getattr(before, name) + n for name, n in more.items()})

    def take(self, model_id: str, is_hit: bool) -> Resident | None:
        """The resident, with one more user; ``None`` where it is not here."""
        with self.lock:
            resident = self.residents.get(model_id)
            if resident is None:
                return None
            self.residents.move_to_end(model_id)
            resident.users += 1
            if is_hit:
                self.count(model_id, hits=1)
            return resident

    def leave(self, model_id: str, resident: Resident) -> None:
        """One user less. Who was let go of meanwhile gives its memory back with the last of them."""
        with self.lock:
            resident.users -= 1
            if not resident.users and self.residents.get(model_id) is not resident:
                resident.release()

    def evict_one(self, but: str | None = None) -> bool:
        """Put the least recently used model away that nobody runs, and that is not ``but``. The lock is held."""
        for model_id, resident in self.residents.items():
            if resident.users == 0 and model_id != but:
                del self.residents[model_id]
                self.count(model_id, evictions=1)
                resident.release()
                return True
        return False

    def evict_others(self, model_id: str) -> bool:
        """Put every model away that nobody runs, but this one; whether there was any."""
        with self.lock:
            is_changed = False
            while self.evict_one(but=model_id):
                is_changed = True
            return is_changed

    def move_to_cpu(self, model_id: str) -> bool:
        """Note that the model belongs on the CPU, and let go of it where it was; ``False`` where it is there already.
        Whoever runs it now keeps it to the end."""
        with self.lock:
            resident = self.residents.get(model_id)
            if model_id in self.on_cpu or (resident is not None and not resident.is_on_gpu):
                return False
            self.on_cpu.add(model_id)
            self.batch_limits.pop(model_id, None)
            if resident is not None:
                del self.residents[model_id]
                if resident.users == 0:
                    resident.release()
            return True
