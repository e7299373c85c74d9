"""Drives the fork server, with strace attached to the committing thread of each child."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

SERVER = Path(__file__).with_name("server.py")
CALLS = (
    "write,pwrite64,writev,pwritev,fsync,fdatasync,sync_file_range,ftruncate,rename,renameat,renameat2,unlink,unlinkat"
)


MARK = "/cortexia-first-window"


@dataclass
class Sweeper:
    """One fork server with a folder to work in. ``pristine``: a store that was created, and never used."""

    folder: Path
    clip: Path
    cache: Path
    server: subprocess.Popen = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Children are killed by the hundred: measuring their coverage would only slow them down.
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        self.server = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def ask(self, **command: object) -> dict:
        self.server.stdin.write(json.dumps(command) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())

    def place(self, pristine: Path) -> Path:
        """A fresh copy of the store, in a folder of its own."""
        self.number += 1
        home = self.folder / f"{self.number}"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(pristine, home)
        return next(home / name for name in ("sweep.db", "sweep") if (home / name).exists())

    def annotate(self, store: Path, strace: list[str] | None = None, **more: object) -> int:
        """Exit code of an ``annotate`` in a child, traced by ``strace`` where given. A child that ends well leaves the
        digest of the canonical export."""
        common = {"store": str(store), "clip": str(self.clip), "cache": str(self.cache)}
        pid = self.ask(op="annotate", **common, **more)["pid"]
        tracer = attach(pid, strace) if strace else None
        code = self.ask(op="go", pid=pid)["code"]
        if tracer is not None:
            tracer.wait()
            tracer.stderr.close()
        return code

    def digest(self, store: Path) -> str:
        """What the last child that ended well left."""
        return store.with_suffix(".sha256").read_text()

    def resumed(self, store: Path) -> str:
        """Run again what was killed, to the end."""
        store.with_suffix(".sha256").unlink(missing_ok=True)
        assert self.annotate(store) == 0
        return self.digest(store)


def attach(pid: int, options: list[str]) -> subprocess.Popen:
    """strace on one thread. Returns once it is attached."""
    tracer = subprocess.Popen(["strace", "-p", str(pid), *options], stderr=subprocess.PIPE, text=True)
    for line in tracer.stderr:
        if "attached" in line:
            return tracer
    raise RuntimeError("strace could not attach")


@dataclass(frozen=True)
class Point:
    """The ``nth`` call of one kind: strace counts each kind apart."""

    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth}"


def kill_at(point: Point) -> list[str]:
    return _inject(point, "signal=SIGKILL")


def fail_at(point: Point, error: str, for_ever: bool = False) -> list[str]:
    """``for_ever``: every such call from there on fails."""
    return _inject(point, f"error={error}", "+" if for_ever else "")


def _inject(point: Point, what: str, more: str = "") -> list[str]:
    when = f"inject={point.call}:{what}:when={point.nth}{more}"
    return ["-o", "/dev/null", "-e", f"trace={point.call}", "-e", when]


_RENAME = r'^rename(?:at2?)?\((?:AT_FDCWD[^,]*, )?"([^"]+)"'


@dataclass(frozen=True)
class Trace:
    """The write and sync calls of an undisturbed run. ``first``: number of the first one of the first window."""

    lines: tuple[str, ...]
    first: int

    @property
    def count(self) -> int:
        return len(self.lines)

    def points(self, most: int) -> list[Point]:
        """All calls from the first window on, or ``most`` of them: one of each kind, each at another depth, and others
        evenly."""
        seen: dict[str, int] = {}
        points = []
        for line in self.lines:
            call = line.partition("(")[0]
            seen[call] = seen.get(call, 0) + 1
            points.append(Point(call, seen[call]))
        points = points[self.first - 1 :]
        if len(points) <= most:
            return points
        kinds = sorted({point.call for point in points})
        each = [[point for point in points if point.call == kind] for kind in kinds]
        chosen = {alike[at * (len(alike) - 1) // max(1, len(kinds) - 1)] for at, alike in enumerate(each)}
        rest = [point for point in points if point not in chosen]
        more = max(0, most - len(chosen))
        chosen |= {rest[at * (len(rest) - 1) // max(1, more - 1)] for at in range(more)}
        return [point for point in points if point in chosen]


def read_trace(path: Path, mark: str) -> Trace:
    lines = path.read_text().splitlines()
    calls: list[str] = []
    first = 0
    for line in lines:
        if mark in line:
            first = first or len(calls) + 1
        elif re.match(r"^[a-z0-9_]+\(", line) and not line.startswith("listxattr"):
            calls.append(line)
    assert first, "the first window was not found in the trace"
    return Trace(tuple(calls), first)


def unsynced_renames(trace: Trace) -> list[str]:
    """Renames of files that were written and not synced before: after a power cut such a file may be empty."""
    synced: set[str] = set()
    written: set[str] = set()
    bad: list[str] = []
    for line in trace.lines:
        if found := re.match(r"^(p?writev?(?:64)?)\(\d+<([^>]+)>", line):
            written.add(found.group(2))
            synced.discard(found.group(2))
        elif found := re.match(r"^f(?:data)?sync\(\d+<([^>]+)>", line):
            synced.add(found.group(1))
        elif (found := re.match(_RENAME, line)) and found.group(1) in written - synced:
            bad.append(line)
    return bad


def traced(sweeper: Sweeper, pristine: Path, output: Path, **more: object) -> Trace:
    """The calls of one undisturbed run on a fresh store."""
    options = ["-y", "-o", str(output), "-e", f"trace={CALLS},listxattr"]
    assert sweeper.annotate(sweeper.place(pristine), options, **more) == 0
    return read_trace(output, MARK)


def side_by_side(sweepers: list[Sweeper], work: Callable, items: list) -> list:
    """``work(sweeper, item)`` for every item, half of them on each sweeper."""
    with ThreadPoolExecutor(len(sweepers)) as pool:
        shares = [items[number :: len(sweepers)] for number in range(len(sweepers))]
        done = pool.map(lambda pair: [work(pair[0], item) for item in pair[1]], zip(sweepers, shares, strict=True))
        return [result for share in done for result in share]
