"""Models of several files: found by their manifest or by what a catalogue pins, and read whole before they are opened.

As with single files, what is remembered of digests only finds a folder. The bytes that are handed out are the bytes
that were hashed; no runtime gets a path into the folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cortexia.errors import ConfigurationError, ModelError
from cortexia.files import translate_os_error
from cortexia.models.adopted import ENTRY_FILE
from cortexia.models.base import ModelEntry, ModelFile
from cortexia.models.formats.content import Format, check_model, holds_pickle, name_format
from cortexia.models.manifest import CONFIG, CTRANSLATE2, MANIFEST, MANIFEST_LIMIT, Manifest, parse_manifest, pinned

Digest = Callable[[Path], str | None]

_CODE_KEYS = ("auto_map", "custom_pipelines")
"""Keys by which a file of settings names Python code to load."""

KERNEL_KEYS = ("attn_implementation", "experts_implementation")
"""How keys end, but for an ``_internal``, by which it chooses how layers are computed: its value may be a repository of
compiled code."""


@dataclass(frozen=True, slots=True)
class FolderContent:
    """Verified bytes of a model's files, by name. ``entry`` is pinned to them; ``path`` only names them in errors."""

    path: Path
    entry: ModelEntry
    files: Mapping[str, bytes]

    def weights(self) -> Iterator[bytes]:
        """The safetensors files, by name."""
        return (data for name, data in sorted(self.files.items()) if name.endswith(".safetensors"))

    def settings(self, name: str) -> dict[str, Any]:
        """The JSON object in the file ``name``; empty where there is no such file. Raises ``ModelError``."""
        return json_object(self.files[name], self.path / name) if name in self.files else {}


def find_folder(entry: ModelEntry, paths: Sequence[Path], digest: Digest) -> tuple[Path, ModelEntry] | None:
    """The first folder that holds the model, and the entry pinned to what is there.

    ``paths``: files that there are; ``digest``: theirs, as far as it is known. Files that the catalogue pins may lie in
    any folder; else a manifest says what should be there.
    """
    for folder, there in _pinned_folders(entry, paths) if entry.is_pinned else claimants(entry, paths):
        if all(_is_as_promised(folder / file.name, file, digest) for file in there.files):
            return folder, there
    return None


def _pinned_folders(entry: ModelEntry, paths: Sequence[Path]) -> Iterator[tuple[Path, ModelEntry]]:
    return ((path.parent, entry) for path in paths if path.name == CONFIG)


def claimants(entry: ModelEntry, paths: Sequence[Path]) -> Iterator[tuple[Path, ModelEntry]]:
    """Folders whose manifest names the repository of ``entry`` (and its revision, where it has one), or that it was
    adopted into, each with the entry pinned to what should be there."""
    for path in paths:
        if entry.is_pinned and path.name == ENTRY_FILE and path.parent.name == entry.id:
            yield path.parent, entry
        manifest = read_manifest(path) if path.name == MANIFEST else None
        if manifest and manifest.repo == entry.repo and entry.revision in (None, manifest.revision):
            yield path.parent, entry if entry.is_pinned else pinned(entry, manifest)


def read_manifest(path: Path) -> Manifest | None:
    """``None`` for a file that cannot be read or is no manifest."""
    try:
        with path.open("rb") as file:
            return parse_manifest(file.read(MANIFEST_LIMIT))
    except (OSError, ConfigurationError):
        return None


def _is_as_promised(path: Path, file: ModelFile, digest: Digest) -> bool:
    try:
        size = path.stat().st_size
    except OSError:
        return False
    return size == file.size_bytes and digest(path) == file.sha256


def read_folder(folder: Path, entry: ModelEntry, mend: str) -> FolderContent:
    """Every file of the pinned ``entry``, read once. ``mend``: the command that brings the model.

    Raises ``ModelError``: ``half_written`` or ``digest_mismatch`` for files that are not those promised, ``pickle`` for
    a folder with pickled code in any file, ``code`` for settings that name code, ``malformed`` or
    ``unsupported`` for content that does not fit its name.
    """
    files = {file.name: _read(folder / file.name, file, mend) for file in entry.files}
    for name, data in files.items():
        _check_content(folder / name, data)
    refuse_pickles(folder, files)
    return FolderContent(folder, entry, files)


def _read(path: Path, file: ModelFile, mend: str) -> bytes:
    if not path.is_file():
        raise ModelError("half_written", f"{path} is missing; delete {path.parent} and {mend}")
    with translate_os_error(path), path.open("rb") as stream:
        data = stream.read(file.size_bytes + 1)
    if len(data) < file.size_bytes:
        raise ModelError(
            "half_written",
            f"{path} is cut off ({len(data)} of {file.size_bytes} bytes); delete {path.parent} and {mend}",
        )
    if len(data) != file.size_bytes or hashlib.sha256(data).hexdigest() != file.sha256:
        raise ModelError("digest_mismatch", f"{path} is not what was pulled; delete {path.parent} and {mend}")
    return data


def _check_content(path: Path, data: bytes) -> None:
    if path.suffix == ".safetensors":
        if check_model(data, str(path)) is not Format.SAFETENSORS:
            raise _misnamed(path, "safetensors")
    elif path.name == CTRANSLATE2:
        if (found := name_format(data)) is not Format.CTRANSLATE2:
            raise _pickled(path) if found is Format.PICKLE else _misnamed(path, "weights of CTranslate2")
    elif name_format(data) is Format.PICKLE:
        raise _pickled(path)
    elif path.suffix == ".json":
        _refuse_code(path, data)


def _misnamed(path: Path, what: str) -> ModelError:
    return ModelError("unsupported", f"{path} is named like {what} and is another format")


def _refuse_code(path: Path, data: bytes) -> None:
    if named := sorted(
        {key for table in _tables(_json(data, path)) for key in table if _asks_for_code(key, table[key])}
    ):
        raise ModelError(
            "code", f"{path} names code to load ({', '.join(named)}), which is never done; use another model"
        )


def _tables(found: object) -> Iterator[dict[str, object]]:
    """Every table in ``found``, however deep."""
    waiting = [found]
    while waiting:
        match waiting.pop():
            case dict() as table:
                yield table
                waiting += table.values()
            case list() as items:
                waiting += items


def _asks_for_code(key: str, value: object) -> bool:
    """In a vocabulary the same keys are words, with a number each."""
    if key in _CODE_KEYS:
        return bool(value) and not isinstance(value, int | float)
    return is_kernel_key(key) and "/" in str(value)


def is_kernel_key(key: str) -> bool:
    return key.removesuffix("_internal").endswith(KERNEL_KEYS)


def refuse_pickles(folder: Path, known: Collection[str]) -> None:
    """Nothing but the ``known`` files of a model is opened. Pickles beside them are refused all the same: other
    programs would load them. Raises ``ModelError``."""
    for path in sorted(folder.rglob("*")):
        if path.parent == folder and path.name in known:
            continue
        if path.is_file() and holds_pickle(path):
            raise _pickled(path)


def _pickled(path: Path) -> ModelError:
    return ModelError("pickle", f"{path} holds pickled or marshalled code, which is never loaded; delete the file")


def json_object(data: bytes, what: object) -> dict[str, Any]:
    """The JSON object that ``data`` is; ``what`` names it in errors. Raises ``ModelError`` (``malformed``)."""
    found = _json(data, what)
    if not isinstance(found, dict):
        raise ModelError("malformed", f"{what} is no JSON object")
    return found


def _json(data: bytes, what: object) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError("malformed", f"{what} is no JSON: {error}") from error
