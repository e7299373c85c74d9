"""A web server over a folder, and a plain fetch from it."""

from __future__ import annotations

import contextlib
import http.server
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server on this machine that hands out the files of ``folder``."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plain_fetch(url: str, target: Path, *, sha256=None, size_bytes=None, max_bytes=None, on_progress=None) -> Path:
    """Whatever the server sends, unchecked: what pull must check itself."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        data = answer.read()
    target.write_bytes(data)
    if on_progress:
        on_progress(len(data), size_bytes)
    return target
