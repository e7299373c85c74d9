"""Models of several files that no library has to be there for: sound files, and a manifest over them."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

from cortexia.models.base import ModelEntry, ModelFile
from cortexia.models.manifest import MANIFEST, Manifest, digest_of

REPO = "owner/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"


def safetensors(value: float = 1.0) -> bytes:
    """One tensor of one number."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", value)


FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors": safetensors(),
    "vocab.txt": b"[PAD]\n[UNK]\na\n",
}


def files_of(contents: dict[str, bytes]) -> tuple[ModelFile, ...]:
    return tuple(
        ModelFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in sorted(contents.items())
    )


def write_folder(folder: Path, contents: dict[str, bytes] = FILES, repo: str = REPO) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    manifest = Manifest(repo, REVISION, files_of(contents))
    (folder / MANIFEST).write_bytes(manifest.to_json())
    return manifest


def entry_of(contents: dict[str, bytes] | None = None, repo: str = REPO, **more) -> ModelEntry:
    """Unpinned, or pinned to ``contents``."""
    files = files_of(contents) if contents else ()
    return ModelEntry(
        id=more.pop("id", "tiny"),
        task="a test",
        file="",
        size_bytes=sum(file.size_bytes for file in files),
        sha256=digest_of(files) if files else "",
        licence="MIT",
        url=more.pop("url", "https://example.org"),
        adapter=more.pop("adapter", "clip"),
        repo=repo,
        files=files,
        **more,
    )


def write_catalogue(path: Path, **values: str) -> Path:
    """A user's own catalogue with one unpinned model; ``values`` are added to it."""
    table = {"id": "tiny", "task": "a test", "repo": REPO, "licence": "MIT", "adapter": "clip", **values}
    path.write_text("[[model]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items()))
    return path
