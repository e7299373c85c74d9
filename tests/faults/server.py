"""Forks children that do one piece of work each, with everything imported: hundreds of kills in minutes.

Commands are JSON lines on stdin. ``fork`` makes a child that waits; its pid is answered. ``go`` lets it work; how it
ended is answered. The child commits on its main thread, which is what a tracer attached to its pid sees.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

from cortexia.app import App, Request
from cortexia.config import Settings
from cortexia.exporters.base import ExportSource
from cortexia.exporters.jsonl import JsonlExporter
from cortexia.stores import open_store
from cortexia.stores.sql import backend, runs, windows

ANNOTATORS = ("shots", "frames", "loudness", "shot_summary")
MARK = "/cortexia-first-window"


def settings_for(command: dict) -> Settings:
    return Settings(
        store=command["store"],
        executor="inline",
        window_s=command.get("window_s", 0.27),
        threads=2,
        cache_dir=command["cache"],
        log_level="error",
    )


def annotate(command: dict) -> int:
    mark_first_window()
    with App(settings_for(command)) as app:
        report = app.annotate([command["clip"]], Request(ANNOTATORS))
    return 0 if all(video.is_well for video in report.videos) else 3


def mark_first_window() -> None:
    """One harmless system call that a trace can find, just before the first window is committed."""
    save = windows.SqlTransaction.save_window
    marked = []

    def marking(self, window):
        if not marked:
            marked.append(True)
            with contextlib.suppress(OSError):
                os.listxattr(MARK)
        return save(self, window)

    windows.SqlTransaction.save_window = marking


def break_state_apart() -> None:
    """Negative control: rows in one transaction, state and position in the next."""
    advance, transaction = runs.advance, backend.SqlStorageBackend.transaction
    waiting: list = []
    runs.advance = lambda connection, part, final_until_us: waiting.append((part, final_until_us))

    @contextlib.contextmanager
    def apart(self, claim):
        with transaction(self, claim) as inner:
            yield inner
        with self._door.write() as connection:
            for part, final_until_us in waiting:
                advance(connection, part, final_until_us)
            waiting.clear()

    backend.SqlStorageBackend.transaction = apart


def break_no_fsync() -> None:
    """Negative control: files are renamed into place without having been synced."""
    import cortexia.files as files

    files.os = _WithoutFsync()


class _WithoutFsync:
    def __getattr__(self, name: str):
        return (lambda descriptor: None) if name in ("fsync", "fdatasync") else getattr(os, name)


BREAKS = {"state_apart": break_state_apart, "no_fsync": break_no_fsync}


def digest(command: dict) -> str:
    """SHA-256 of the canonical export."""

    class Hash:
        def __init__(self) -> None:
            self.sha = hashlib.sha256()

        def write(self, data: bytes) -> None:
            self.sha.update(data)

    out = Hash()
    store = open_store(command["store"], create=False)
    JsonlExporter().write(ExportSource(store), out)  # type: ignore[arg-type]
    store.close()
    return out.sha.hexdigest()


def child(command: dict, go: int) -> None:
    code = 70
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        if not command.get("loud"):
            os.dup2(null, 2)
        os.read(go, 1)
        for name in command.get("breaks", ()):
            BREAKS[name]()
        code = annotate(command)
        if code == 0:
            Path(command["store"]).with_suffix(".sha256").write_text(digest(command))
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 71
    finally:
        os._exit(code)


def main() -> None:
    waiting: dict[int, int] = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["op"] == "go":
            os.write(waiting.pop(command["pid"]), b"g")
            _, status = os.waitpid(command["pid"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            go, start = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(start)
                child(command, go)
            os.close(go)
            waiting[pid] = start
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
