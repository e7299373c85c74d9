"""Bring weights: fetched to a place of their own, checked there, and only then put where they are found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cortexia.errors import ConfigurationError, CortexiaError, ResourceError
from cortexia.files import locked_folder, make_folder, safe_join, sync_folder, translate_os_error
from cortexia.models.base import ModelEntry
from cortexia.models.fetching import Fetch, OnBytes, network_fetch
from cortexia.models.hub import bring_folder
from cortexia.models.library import incoming_path, mend, read_verified
from cortexia.models.signatures import verify_signature

__all__ = ["Fetch", "OnBytes", "Puller", "network_fetch"]


@dataclass(frozen=True)
class Puller:
    """``folder``: where models are put, as ``<id>/<file>``; one of several files has all of them there. ``signer``:
    public key (PEM) of those who sign models."""

    folder: Path
    fetch: Fetch
    signer: Path | None = None

    def pull(self, entry: ModelEntry, on_bytes: OnBytes = lambda done: None) -> Path:
        """Where the model lies now, a file or a folder. ``on_bytes`` hears how many bytes have arrived.

        What was interrupted goes on where it stopped. Raises ``ModelError`` for bytes that are not the model, that
        may not be opened, or whose signature is wrong (nothing is kept of them), ``ResourceError`` while another
        process pulls, and what ``fetch`` raises.
        """
        if not entry.url:
            raise ConfigurationError(f"model {entry.id!r} has no address to bring it from; {mend(entry)}")
        if entry.signature_url is not None and self.signer is None:
            raise ConfigurationError(
                f"model {entry.id!r} is signed; name the public key (PEM) of its signer in the setting 'model_signer'"
            )
        incoming = incoming_path(self.folder, entry)
        make_folder(incoming.parent)
        with locked_folder(incoming.parent) as is_ours:
            if not is_ours:
                raise ResourceError(f"another pull writes to {self.folder}; wait until it is done and run again")
            if entry.is_folder:
                return bring_folder(entry, self.folder, incoming.parent, self.fetch, on_bytes)
            return self._bring(entry, incoming, on_bytes)

    def _bring(self, entry: ModelEntry, incoming: Path, on_bytes: OnBytes) -> Path:
        self.fetch(
            entry.url,
            incoming,
            sha256=entry.sha256,
            size_bytes=entry.size_bytes,
            on_progress=lambda done, *_: on_bytes(done),
        )
        try:
            self._check(entry, incoming)
        except CortexiaError:
            incoming.unlink(missing_ok=True)
            raise
        return self._settle(entry, incoming)

    def _check(self, entry: ModelEntry, incoming: Path) -> None:
        read_verified(entry, incoming)
        if entry.signature_url is None or self.signer is None:
            return
        signature = incoming.with_name(incoming.name + ".sig")
        self.fetch(entry.signature_url, signature)
        try:
            verify_signature(incoming, signature, self.signer)
        finally:
            signature.unlink(missing_ok=True)

    def _settle(self, entry: ModelEntry, incoming: Path) -> Path:
        target = safe_join(self.folder, f"{entry.id}/{entry.file}")
        make_folder(target.parent)
        with translate_os_error(target):
            incoming.replace(target)
            sync_folder(target.parent)
        return target
