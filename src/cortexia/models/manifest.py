"""Which files a model of several files consists of, and the identity that follows from them.

The digest is the SHA-256 over the lines ``name NUL sha256 NUL size LF``, by name. Where the files lie, where they came
from, and what else lies beside them does not enter it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cortexia.errors import ConfigurationError, CortexiaError
from cortexia.files import check_name
from cortexia.models.base import ModelEntry, ModelFile

MANIFEST = "cortexia-model.json"
"""Name of the file, in a model's folder, that says what was pulled."""

CONFIG = "config.json"
CTRANSLATE2 = "model.bin"
"""Name of weights in the format of CTranslate2; other names that end so are pickles, mostly."""
ENDINGS = (".json", ".model", ".safetensors", ".txt")
MANIFEST_LIMIT = 1 << 20
FILE_COUNT_LIMIT = 64

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds: ``files`` of the commit ``revision`` of ``repo``."""

    repo: str
    revision: str
    files: tuple[ModelFile, ...]

    @property
    def sha256(self) -> str:
        return digest_of(self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> bytes:
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


def digest_of(files: Iterable[ModelFile]) -> str:
    """SHA-256 (hex) that stands for all of ``files``, in whatever order they come."""
    lines = (f"{file.name}\0{file.sha256}\0{file.size_bytes}\n" for file in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


NO_FILES = digest_of(())
"""What stands for the weights of a model of which nothing is known."""


def parse_manifest(data: bytes) -> Manifest:
    """Raises ``ConfigurationError`` for bytes that are no manifest."""
    try:
        table = json.loads(data)
        manifest = Manifest(table["repo"], table["revision"], parse_files(table["files"]))
        check_repo(manifest.repo)
        check_revision(manifest.revision)
    except (ValueError, RecursionError, KeyError, TypeError, CortexiaError) as error:
        raise ConfigurationError(f"it is no manifest of a model: {error}") from error
    return manifest


def parse_files(tables: Any) -> tuple[ModelFile, ...]:
    """Files by name, from a list of tables with ``name``, ``sha256`` and ``size_bytes``.

    Raises ``ConfigurationError`` for what is none, for a name that is there twice, and where no weights or no
    ``config.json`` are among them.
    """
    if not isinstance(tables, list) or not 0 < len(tables) <= FILE_COUNT_LIMIT:
        raise ConfigurationError(f"files must be a list of 1 to {FILE_COUNT_LIMIT} tables")
    files = tuple(sorted(_file(table) for table in tables))
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise ConfigurationError("a file is there twice")
    check_names(names)
    return files


def is_taken(name: str) -> bool:
    """Whether a file of such a name may be part of a model."""
    return is_weights(name) or name.endswith(ENDINGS)


def is_weights(name: str) -> bool:
    return name.endswith(".safetensors") or name == CTRANSLATE2


def check_names(names: Sequence[str]) -> None:
    """Raises ``ConfigurationError`` unless these files can be a model."""
    if CONFIG not in names or not any(map(is_weights, names)):
        raise ConfigurationError(
            f"a model of several files needs {CONFIG} and weights in *.safetensors or {CTRANSLATE2}"
        )


def _file(table: Any) -> ModelFile:
    if not isinstance(table, dict) or set(table) != {"name", "sha256", "size_bytes"}:
        raise ConfigurationError("a file has a name, a sha256 and size_bytes, and nothing else")
    name, sha256, size = table["name"], table["sha256"], table["size_bytes"]
    if not isinstance(name, str) or not is_taken(name) or name == MANIFEST:
        raise ConfigurationError(f"a file of a model is {CTRANSLATE2} or ends in {', '.join(ENDINGS)}, got {name!r}")
    check_name(name)
    if "/" in name or name.startswith("."):
        raise ConfigurationError(f"a file of a model has a plain name, got {name!r}")
    if not is_digest(sha256):
        raise ConfigurationError(f"sha256 of {name} must be 64 lower-case hex digits, got {sha256!r}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ConfigurationError(f"size_bytes of {name} must be a number of bytes, got {size!r}")
    return ModelFile(name, sha256, size)


def is_digest(value: Any) -> bool:
    """SHA-256 in 64 lower-case hex digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def check_repo(repo: Any) -> None:
    if not isinstance(repo, str) or not _REPO.fullmatch(repo):
        raise ConfigurationError(f"repo must be OWNER/NAME, got {repo!r}")


def is_revision(revision: Any) -> bool:
    """A name such as ``main`` moves: only a commit stays what it is."""
    return isinstance(revision, str) and _REVISION.fullmatch(revision) is not None


def check_revision(revision: Any) -> None:
    """Raises ``ConfigurationError`` for what is no commit."""
    if not is_revision(revision):
        raise ConfigurationError(f"revision must be a commit of 40 lower-case hex digits, got {revision!r}")


def pinned(entry: ModelEntry, manifest: Manifest) -> ModelEntry:
    """The entry with the files that its folder really has."""
    return replace(
        entry,
        revision=manifest.revision,
        files=manifest.files,
        sha256=manifest.sha256,
        size_bytes=manifest.size_bytes,
    )
