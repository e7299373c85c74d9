"""Signatures of weights, made with a key by ``model-signing`` (the extra ``signing``). The one door of that library."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from cortexia.errors import ConfigurationError, MissingDependencyError, ModelError


def verify_signature(weights: Path, signature: Path, public_key: Path) -> None:
    """Raises ``ModelError`` (``signature``) unless ``signature`` is that of ``weights`` by the owner of ``public_key``.

    ``public_key``: a PEM file with a key on P-256, P-384 or P-521; ``signature``: a sigstore bundle. Raises
    ``MissingDependencyError`` without the extra, ``ConfigurationError`` for a key that cannot be read.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from model_signing import verifying
    except ImportError as error:
        raise MissingDependencyError("model-signing", "signing") from error
    try:
        config = verifying.Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_verifier(public_key=public_key)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"setting 'model_signer': {public_key} is no public key in PEM: {error}") from error
    try:
        # It prints a warning about bundles of an older form; stdout is for data.
        with contextlib.redirect_stdout(io.StringIO()):
            config.verify(weights, signature)
    except (InvalidSignature, ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        why = str(error) or type(error).__name__
        raise ModelError(
            "signature", f"{weights.name} is not signed by the owner of {public_key} ({why}); do not use it"
        ) from error
