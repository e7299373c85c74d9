"""Models of several files from a hub that speaks the protocol of Hugging Face: one commit, and of it what is opened.

``GET /api/models/{repo}/revision/{revision}`` tells the commit and its files, ``GET /{repo}/resolve/{commit}/{file}``
brings one. Source: huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cortexia.errors import ConfigurationError, CortexiaError, RemoteAnswerError
from cortexia.files import check_name, make_folder, safe_join
from cortexia.models.arrivals import Remote, described, fetch_all, fetch_answer, settle_folder
from cortexia.models.base import ModelEntry
from cortexia.models.fetching import Fetch, OnBytes
from cortexia.models.folders import read_folder
from cortexia.models.manifest import (
    CTRANSLATE2,
    FILE_COUNT_LIMIT,
    MANIFEST,
    Manifest,
    check_names,
    check_revision,
    is_digest,
    is_taken,
    is_weights,
    pinned,
)

DEFAULT_REVISION = "main"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_WHOLE = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Commit:
    revision: str
    files: tuple[Remote, ...]


def bring_folder(entry: ModelEntry, folder: Path, incoming: Path, fetch: Fetch, on_bytes: OnBytes) -> Path:
    """The model's own folder below ``folder``, with a manifest that pins what came.

    What was interrupted goes on in ``incoming``. A commit that the entry pins is taken as it is, else the newest one.
    Raises ``ModelError`` for files that may not be opened (nothing is kept of them), ``RemoteAnswerError`` for an
    answer that is none, and what ``fetch`` raises.
    """
    make_folder(incoming)
    place, manifest = bring_commit(entry, ask_commit(entry, incoming, fetch), incoming, fetch, on_bytes)
    return settle_folder(place, manifest.files, safe_join(folder, entry.id), {MANIFEST: manifest.to_json()})


def bring_commit(
    entry: ModelEntry, commit: Commit, incoming: Path, fetch: Fetch, on_bytes: OnBytes
) -> tuple[Path, Manifest]:
    """A folder of ``incoming`` with the files of ``commit``, and what came. Raises as ``bring_folder``."""
    place = incoming / f"{entry.id}-{commit.revision[:16]}"
    make_folder(place)
    fetch_all(entry.id, commit.files, place, lambda name: _address(entry, commit, name), fetch, on_bytes)
    manifest = Manifest(str(entry.repo), commit.revision, described(place, commit.files))
    try:
        read_folder(place, pinned(entry, manifest), "pull again")
    except CortexiaError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place, manifest


def _address(entry: ModelEntry, commit: Commit, name: str) -> str:
    return f"{_base(entry)}/{entry.repo}/resolve/{commit.revision}/{quote(name)}"


def ask_commit(entry: ModelEntry, incoming: Path, fetch: Fetch, branch: str = DEFAULT_REVISION) -> Commit:
    """The commit that ``entry`` pins, else that of ``branch``, with the files that are wanted of it."""
    revision = quote(entry.revision or branch, safe="")
    url = f"{_base(entry)}/api/models/{entry.repo}/revision/{revision}?blobs=true"
    try:
        commit = read_commit(fetch_answer(url, incoming / f"{entry.id}.commit.json", fetch))
    except ConfigurationError as error:
        raise RemoteAnswerError("remote_error", f"{_base(entry)}: {error}") from error
    if entry.revision not in (None, commit.revision):
        raise RemoteAnswerError("remote_error", f"{_base(entry)} sent commit {commit.revision}, not {entry.revision}")
    if entry.files:
        return Commit(commit.revision, tuple(Remote(file.name, file.size_bytes, file.sha256) for file in entry.files))
    return commit


def read_commit(data: bytes) -> Commit:
    """The commit and the files that are wanted of it, from the hub's answer. Raises ``ConfigurationError``."""
    try:
        answer = json.loads(data)
        remotes = {remote.name: remote for remote in map(_remote, answer["siblings"])}
        check_revision(answer["sha"])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"the answer tells no commit: {error!r}") from error
    names = wanted_names(remotes)
    check_names(names)
    if len(names) > FILE_COUNT_LIMIT:
        raise ConfigurationError(f"{len(names)} files are wanted, at most {FILE_COUNT_LIMIT} are taken")
    for name in names:
        check_name(name)
    return Commit(answer["sha"], tuple(remotes[name] for name in names))


def _remote(told: Mapping[str, Any]) -> Remote:
    large = told.get("lfs") or {}
    size, sha256 = told.get("size", large.get("size")), large.get("sha256")
    if sha256 is not None and not is_digest(sha256):
        raise ConfigurationError(f"the sha256 of {told['rfilename']} must be 64 lower-case hex digits, got {sha256!r}")
    return Remote(str(told["rfilename"]), size if isinstance(size, int) else None, sha256)


def wanted_names(names: Iterable[str]) -> list[str]:
    """Of a repository's files those that are opened: settings, tokenizers, and the weights once, in
    safetensors where there are such."""
    there = {
        name for name in names if is_taken(name) and "/" not in name and not name.startswith(".") and name != MANIFEST
    }
    weights = {_WHOLE} if _WHOLE in there else {name for name in there if _SHARD.fullmatch(name)}
    if not weights:
        weights = there & {CTRANSLATE2}
    return sorted(weights | {name for name in there if not is_weights(name)})


def _base(entry: ModelEntry) -> str:
    return entry.url.rstrip("/")
