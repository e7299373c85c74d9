"""A proxy between a store and its server that cuts a connection at a COMMIT: before it comes, or before the answer."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path


class CuttingProxy:
    """Listens on a socket in ``folder``. ``cut`` is ``None`` (pass everything), ``before`` or ``after`` the next
    COMMIT; it cuts once."""

    def __init__(self, target: Path) -> None:
        # the name of a socket must be short
        self.folder = Path(tempfile.mkdtemp(prefix="cut-"))
        self.cut: str | None = None
        self.cuts = 0
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._target))
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut is not None and b"COMMIT\0" in data:
                    how, self.cut = self.cut, None
                    self.cuts += 1
                    if how == "after":
                        # the answer is to die on the way; the server must have the whole message
                        client.shutdown(socket.SHUT_WR)
                        server.sendall(data)
                        server.recv(1)
                    break
                server.sendall(data)
        _close(client, server)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
