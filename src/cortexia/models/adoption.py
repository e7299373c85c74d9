"""Models that are named by where they are: a folder, the hub, MLflow, a catalogue at an address.

What is named is looked at, put into the folder that pulls write to, and has an entry there from then on: workers,
later commands and ``cortexia models`` find it like any model of the catalogue. Files come first and the entry last, so
that an adoption that was interrupted is none.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cortexia.config import Settings
from cortexia.errors import ConfigurationError, CortexiaError, ResourceError, UnknownNameError
from cortexia.files import atomic_write, locked_folder, make_folder, safe_join, translate_os_error
from cortexia.models.adapters.openers import ADAPTERS
from cortexia.models.adopted import ENTRY_FILE, adopted_id, entry_text, is_same_model
from cortexia.models.arrivals import fetch_answer, settle_folder
from cortexia.models.base import ModelEntry, ModelFile
from cortexia.models.catalogue import Catalogue, parse_catalogue
from cortexia.models.description import describe_folder, entry_of_files, needed_names
from cortexia.models.families import PACKAGES
from cortexia.models.fetching import Fetch, network_fetch, own_server_fetch
from cortexia.models.folders import read_folder
from cortexia.models.hub import DEFAULT_REVISION, ask_commit, bring_commit
from cortexia.models.library import INCOMING, ModelLibrary, read_verified
from cortexia.models.manifest import check_repo, is_revision, pinned
from cortexia.models.mlflow import MlflowServer, RegisteredVersion
from cortexia.models.pull import Puller
from cortexia.net import shown_url

Tell = Callable[[Mapping[str, Any]], None]

HUB_PREFIX = "hf:"
_MLFLOW = ("mlflow:", "models:/")
_WEB = ("https://", "http://")
_CHUNK = 1 << 20
_FORMS = (
    "an id of the catalogue, a folder, hf:OWNER/NAME@REVISION, mlflow:NAME/VERSION or https://host/registry.toml#ID"
)


class Adoption:
    """``fetch``: how bytes come over the network; as the settings say where it is left out. ``tell`` hears of
    ``commit_resolved`` (``source``, ``revision``) and ``model_bytes`` (``source``, ``done``)."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        library: ModelLibrary,
        tell: Tell = lambda event: None,
        fetch: Fetch | None = None,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._library = library
        self._tell = tell
        self._fetch = fetch or network_fetch(settings)
        self._folder = settings.model_folders[-1]

    def adopt(self, source: str) -> ModelEntry:
        """The entry of what ``source`` names, which is here afterwards, unless it is an id of the catalogue: that is
        taken as it is. Adopting again changes nothing.

        Raises ``ConfigurationError`` for a name of no form that is known, ``ModelError`` for what may not be opened,
        ``ResourceError`` while another process adopts or pulls, and what the network raises. Nothing half is left.
        """
        if source in self._catalogue:
            return self._catalogue[source]
        try:
            return self._way(source)(source)
        finally:
            self._library.forget()

    def _way(self, source: str) -> Callable[[str], ModelEntry]:
        if source.startswith(HUB_PREFIX):
            return self._from_hub
        if source.startswith(_MLFLOW):
            return self._from_mlflow
        if source.startswith(_WEB):
            return self._from_registry
        if Path(source).expanduser().is_dir():
            return lambda name: self._from_folder(Path(name).expanduser(), str(Path(name).expanduser().absolute()))
        known = UnknownNameError("model", source, self._catalogue)
        raise ConfigurationError(f"{str(known).split(' (known')[0]}; name {_FORMS}")

    # -- each kind of source

    def _from_folder(self, folder: Path, source: str) -> ModelEntry:
        entry = describe_folder(folder, self._library.digest)

        def bring(place: Path) -> None:
            names = [file.name for file in entry.files] or [entry.file]
            self._copy(folder, names, place, source)

        return self._kept(replace(entry, source=source), bring)

    def _from_hub(self, source: str) -> ModelEntry:
        repo, _, revision = source.removeprefix(HUB_PREFIX).partition("@")
        check_repo(repo)
        asked = _unpinned(repo, self._settings.model_hub, revision if is_revision(revision) else None)
        commit = None
        if asked.revision is None:
            with self._incoming() as incoming:
                commit = ask_commit(asked, incoming, self._fetch, revision or DEFAULT_REVISION)
            asked = replace(asked, revision=commit.revision)
            self._tell({"event": "commit_resolved", "source": source, "revision": commit.revision})
        name = f"{HUB_PREFIX}{repo}@{asked.revision}"
        if (known := self._remembered(name)) is not None:
            return known
        here = self._library.find(asked)
        if here is not None:
            return self._from_folder(here, name)
        with self._incoming() as incoming:
            commit = commit or ask_commit(asked, incoming, self._fetch)
            place, manifest = bring_commit(asked, commit, incoming, self._fetch, self._on_bytes(name))
            with _emptied_if_refused(place):
                entry = replace(entry_of_files(place, manifest.files), source=name)
                return self._settled(pinned(replace(entry, repo=repo, url=asked.url), manifest), place)

    def _from_mlflow(self, source: str) -> ModelEntry:
        version = RegisteredVersion.parse(source)
        uri = self._settings.mlflow_tracking_uri
        if not uri.startswith(_WEB) or any(sign in uri for sign in "@?#"):
            # the rest of it may hold the password of a database
            kind = f"an address of {uri.partition(':')[0]!r}" if "://" in uri else "no address"
            raise ConfigurationError(
                f"{source}: the setting mlflow_tracking_uri (or MLFLOW_TRACKING_URI) must name the tracking server,"
                f" such as https://mlflow.example.org, without user, query and fragment, got {kind}"
            )
        name = f"{version} of {uri.rstrip('/')}"
        if (known := self._remembered(name)) is not None:
            return known
        server = MlflowServer(uri, own_server_fetch(self._settings, uri))
        with self._incoming() as incoming:
            place = incoming / f"mlflow-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
            make_folder(place)
            with _emptied_if_refused(place):
                server.bring(version, place, partial(needed_names, place=name), self._on_bytes(source))
                return self._settled(replace(describe_folder(place, self._library.digest), source=name), place)

    def _from_registry(self, source: str) -> ModelEntry:
        url, _, model_id = source.partition("#")
        # an address may be signed: what is shown and kept has no query
        place, source = shown_url(url), shown_source(source)
        with self._incoming() as incoming:
            text = fetch_answer(url, incoming / "registry.toml", self._fetch).decode("utf-8", "replace")
        found = {entry.id: entry for entry in parse_catalogue(text, place)}
        if model_id not in found:
            raise UnknownNameError(f"model of {place}", model_id, found)
        entry = replace(found[model_id], presets=(), source=source)
        if not entry.is_pinned:
            raise ConfigurationError(f"{place}: model {model_id!r} has no digests; name its files, or hf:{entry.repo}")
        _check_adapter(entry)
        entry = replace(entry, id=adopted_id(entry))
        known = self._same(entry) or entry
        if self._library.find(known) is None:
            signer = Path(self._settings.model_signer) if self._settings.model_signer else None
            Puller(self._folder, self._fetch, signer).pull(replace(entry, id=known.id), self._on_bytes(source))
        return self._entered(known, entry)

    # -- what all of them do

    def _remembered(self, name: str) -> ModelEntry | None:
        """What was adopted under this name, where it is here."""
        adopted = (self._catalogue[model_id] for model_id in sorted(self._catalogue.adopted))
        return next((entry for entry in adopted if entry.source == name and self._library.find(entry)), None)

    def _same(self, entry: ModelEntry) -> ModelEntry | None:
        """The entry of the catalogue that is the same model, whatever it is called there."""
        return next((known for known in self._catalogue.values() if is_same_model(known, entry)), None)

    def _kept(self, entry: ModelEntry, bring: Callable[[Path], None]) -> ModelEntry:
        """``entry``, or the one that is the same model. ``bring`` puts its files, where they are not here, into a
        folder."""
        known = self._same(entry) or entry
        if self._library.find(known) is not None:
            return self._entered(known, entry)
        with self._incoming() as incoming:
            place = incoming / f"adopt-{known.id}"
            shutil.rmtree(place, ignore_errors=True)
            make_folder(place)
            with _emptied_if_refused(place):
                bring(place)
                return self._settled(entry, place)

    def _settled(self, entry: ModelEntry, place: Path) -> ModelEntry:
        """Looks at what lies in ``place``, moves it to where it is found, and enters it."""
        known = self._same(entry) or entry
        if self._library.find(known) is None:
            if entry.is_folder:
                read_folder(place, entry, "name it again")
            else:
                read_verified(entry, place / entry.file)
            files = entry.files or (ModelFile(entry.file, entry.sha256, entry.size_bytes),)
            settle_folder(place, files, safe_join(self._folder, known.id), {})
        shutil.rmtree(place, ignore_errors=True)
        return self._entered(known, entry)

    def _entered(self, known: ModelEntry, entry: ModelEntry) -> ModelEntry:
        """``known`` with an entry file, unless the catalogue itself has it. What a server calls it is remembered, so
        that it need not be asked again."""
        is_new = known.id not in self._catalogue
        is_renamed = known.id in self._catalogue.adopted and str(entry.source).startswith((HUB_PREFIX, *_MLFLOW))
        if not is_new and not (is_renamed and known.source != entry.source):
            return known
        made = replace(known, source=entry.source)
        folder = safe_join(self._folder, made.id)
        make_folder(folder)
        atomic_write(folder / ENTRY_FILE, entry_text(made).encode())
        return made

    def _copy(self, folder: Path, names: list[str], place: Path, source: str) -> None:
        tell, done = self._on_bytes(source), 0
        for name in names:
            with translate_os_error(folder / name), (folder / name).open("rb") as old, (place / name).open("wb") as new:
                while chunk := old.read(_CHUNK):
                    new.write(chunk)
                    done += len(chunk)
                    tell(done)

    def _on_bytes(self, source: str) -> Callable[[int], None]:
        return lambda done: self._tell({"event": "model_bytes", "source": source, "done": done})

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        incoming = self._folder / INCOMING
        make_folder(incoming)
        with locked_folder(incoming) as is_ours:
            if not is_ours:
                raise ResourceError(f"another command writes to {self._folder}; wait until it is done and run again")
            yield incoming


def shown_source(source: str) -> str:
    """What a model was named by, without the secrets that an address may hold."""
    url, _, model_id = source.partition("#")
    return f"{shown_url(url)}#{model_id}" if source.startswith(_WEB) else source


def _check_adapter(entry: ModelEntry) -> None:
    """Before a byte is brought that nothing here could run. Raises ``UnknownNameError``."""
    known = PACKAGES if entry.is_folder else ADAPTERS
    if entry.adapter not in known:
        raise UnknownNameError(f"adapter (of model {entry.source})", entry.adapter, known)


def _unpinned(repo: str, hub: str, revision: str | None) -> ModelEntry:
    """What a pull takes that knows no more than a repository."""
    name = repo.replace("/", "--")
    return ModelEntry(name, "", "", 0, "", "", hub, "", repo=repo, revision=revision)


@contextmanager
def _emptied_if_refused(place: Path) -> Iterator[None]:
    """Of what is not taken nothing is kept."""
    try:
        yield
    except CortexiaError as error:
        if not error.retryable:
            shutil.rmtree(place, ignore_errors=True)
        raise
