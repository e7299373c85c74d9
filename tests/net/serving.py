"""Real servers on loopback, for tests of what goes over the network."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cortexia.net import NetPolicy

LOCAL = NetPolicy(allow_http=True, allow_private=True, backoff_s=0.001, max_seconds=20)
"""Lets a test reach its own server."""

Answer = Callable[[BaseHTTPRequestHandler], None]


class Listener:
    """Counts connections to a port of 127.0.0.1 and ::1, and answers nothing."""

    def __init__(self) -> None:
        self.connections = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._sockets:
            threading.Thread(target=self._accept, args=(one,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self.connections += 1
                connection.close()

    def close(self) -> None:
        for one in self._sockets:
            one.close()


@contextlib.contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """``http://127.0.0.1:port`` of a server whose GET, HEAD, PUT and POST requests ``answer`` handles."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                super().handle()

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """A whole answer; ``ETag="..."`` and the like become headers, ``_`` a hyphen."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class Ranged:
    """A file server that knows Range and If-Range, and hangs up after ``cut`` bytes of each of its first answers."""

    def __init__(self, body: bytes, cut: int = 0, cuts: int = 0, etag: str = '"one"', knows_range: bool = True) -> None:
        self.body, self.cut, self.cuts, self.etag, self.knows_range = body, cut, cuts, etag, knows_range
        self.ranges: list[str | None] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.ranges.append(wanted)
        valid = self.knows_range and wanted and handler.headers.get("If-Range", self.etag) == self.etag
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and valid else 0
        if start >= len(self.body):
            send(handler, b"", 416)
            return
        rest = self.body[start:]
        handler.send_response(206 if valid else 200)
        if valid:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        if self.cuts:
            self.cuts -= 1
            handler.wfile.write(rest[: self.cut])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        handler.wfile.write(rest)
