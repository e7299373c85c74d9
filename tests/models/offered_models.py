"""Models as somebody offers them: folders, and the servers that hand them out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from folder_models import safetensors
from serving import send
from tiny_detector import bright_finder

from cortexia.config import Settings

DESCRIPTION = 'adapter = "yolox"\ntask = "object detection, what is bright"\nsettings = { input_size = [416, 416] }\n'
CLIP = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": safetensors(),
    "vocab.txt": b"[PAD]\n[UNK]\na\n",
}


def detector(label: int = 0) -> dict[str, bytes]:
    """A detector of one file, with its description."""
    return {"bright.onnx": bright_finder(label), "cortexia-model.toml": DESCRIPTION.encode()}


def settings_in(folder: Path) -> Settings:
    """A cache of its own, and a guard that lets servers of this machine pass."""
    return Settings(cache_dir=str(folder / "cache"), allow_http=True, allow_private_network=True)


def kept(settings: Settings) -> list[str]:
    """Files in the folder that models are adopted into."""
    folder = settings.model_folders[-1]
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write(folder: Path, contents: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return folder


@dataclass
class Mlflow:
    """The part of a tracking server with an artifact proxy that hands out registered models, as 3.17 answers it.

    ``versions``: files by name and version of the model. ``place``: where the answer says that they are.
    """

    versions: dict[tuple[str, str], dict[str, bytes]]
    place: str = "mlflow-artifacts:/0/{name}/{version}/artifacts"
    asked: list[str] = field(default_factory=list)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        address = urlsplit(handler.path)
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        artifacts = "/api/2.0/mlflow-artifacts/artifacts"
        if address.path == "/api/2.0/mlflow/model-versions/get-download-uri":
            self._tell_place(handler, asked["name"], asked["version"])
        elif address.path == artifacts:
            self._list(handler, asked["path"])
        elif address.path.startswith(f"{artifacts}/"):
            folder, _, name = unquote(address.path.removeprefix(f"{artifacts}/")).rpartition("/")
            self._send(handler, self._files(folder).get(name))
        else:
            self._send(handler, None)

    def _tell_place(self, handler: BaseHTTPRequestHandler, name: str, version: str) -> None:
        if (name, version) not in self.versions:
            self._send(handler, None)
            return
        self._send(handler, json.dumps({"artifact_uri": self.place.format(name=name, version=version)}).encode())

    def _list(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        told = [{"path": name, "is_dir": False, "file_size": len(data)} for name, data in self._files(path).items()]
        self._send(handler, json.dumps({"files": [*told, {"path": "more", "is_dir": True}]}).encode())

    def _files(self, path: str) -> dict[str, bytes]:
        places = {f"0/{name}/{version}/artifacts": files for (name, version), files in self.versions.items()}
        return places.get(path, {})

    def _send(self, handler: BaseHTTPRequestHandler, data: bytes | None) -> None:
        if data is None:
            send(handler, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}', 404)
        else:
            send(handler, data)
