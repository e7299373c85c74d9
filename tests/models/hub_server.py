"""A hub on this machine that speaks the protocol of Hugging Face."""

from __future__ import annotations

import hashlib
import json
import socket
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from folder_models import FILES, REPO, REVISION
from serving import send

BESIDE = {
    "README.md": b"# tiny",
    "pytorch_model.bin": b"never asked for",
    "onnx/model.onnx": b"never asked for",
    "other.safetensors": b"never asked for",
}


@dataclass
class Hub:
    """Speaks the hub's protocol over ``files``. ``cut``: hangs up after so many bytes of the weights, once."""

    files: dict[str, bytes] = field(default_factory=lambda: {**FILES, **BESIDE})
    revision: str = REVISION
    cut: int = 0
    asked: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        self.asked.append(handler.path + (f" {handler.headers['Range']}" if "Range" in handler.headers else ""))
        if address.path in (f"/api/models/{REPO}/revision/{name}" for name in ("main", REVISION)):
            send(handler, json.dumps(self.commit()).encode())
        elif address.path.startswith(prefix := f"/{REPO}/resolve/{self.revision}/"):
            self.hand_out(handler, self.files[address.path.removeprefix(prefix)])
        else:
            send(handler, b"", 404)

    def commit(self) -> dict:
        return {"sha": self.revision, "siblings": [self.sibling(name) for name in self.files]}

    def sibling(self, name: str) -> dict:
        data = self.files[name]
        told = {"rfilename": name, "size": len(data)}
        if name.endswith(".safetensors"):
            told["lfs"] = {"sha256": self.told.get(name, hashlib.sha256(data).hexdigest()), "size": len(data)}
        return told

    def hand_out(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        if self.cut and len(data) > self.cut and data == self.files["model.safetensors"]:
            handler.wfile.write(data[start : self.cut])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            self.cut = 0
            return
        handler.wfile.write(data[start:])
