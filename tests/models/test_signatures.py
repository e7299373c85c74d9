"""A signed model is taken from its signer alone."""

from __future__ import annotations

import sys

import pytest
from model_server import plain_fetch, serving
from tiny_onnx import entry_of, scaling

from cortexia.errors import ConfigurationError, MissingDependencyError, ModelError
from cortexia.models.pull import Puller
from cortexia.models.signatures import verify_signature

pytest.importorskip("OpenSSL", reason="model-signing needs pyOpenSSL")
signing = pytest.importorskip("model_signing.signing")
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")

DATA = scaling()


def make_key(folder, name):
    """A pair of keys in PEM: the paths of the private and the public one."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return private, public


@pytest.fixture
def signed(tmp_path):
    """A folder with weights, their signature, and the keys of the signer and of somebody else."""
    (tmp_path / "site").mkdir()
    weights, signature = tmp_path / "site" / "tiny.onnx", tmp_path / "site" / "tiny.sig"
    weights.write_bytes(DATA)
    private, _ = make_key(tmp_path, "signer")
    make_key(tmp_path, "other")
    signing.Config().use_elliptic_key_signer(private_key=private).sign(weights, signature)
    return tmp_path


def test_the_signer_is_known(signed):
    verify_signature(signed / "site" / "tiny.onnx", signed / "site" / "tiny.sig", signed / "signer.pub")


def test_another_signer_is_refused(signed):
    with pytest.raises(ModelError, match="not signed by the owner") as raised:
        verify_signature(signed / "site" / "tiny.onnx", signed / "site" / "tiny.sig", signed / "other.pub")
    assert raised.value.reason == "signature"


@pytest.mark.parametrize("damage", ["weights", "signature", "no signature"])
def test_what_was_not_signed_is_refused(signed, damage):
    weights, signature = signed / "site" / "tiny.onnx", signed / "site" / "tiny.sig"
    if damage == "weights":
        weights.write_bytes(DATA[:-1] + b"!")
    elif damage == "signature":
        signature.write_text(
            signature.read_text().replace('"sig":"', '"sig":"AAAA').replace('"sig": "', '"sig": "AAAA')
        )
    else:
        signature.write_text("{}")
    with pytest.raises(ModelError, match="not signed"):
        verify_signature(weights, signature, signed / "signer.pub")


def test_a_key_that_is_none_is_a_setting_that_is_wrong(signed):
    with pytest.raises(ConfigurationError, match="model_signer"):
        verify_signature(signed / "site" / "tiny.onnx", signed / "site" / "tiny.sig", signed / "no.pub")


@pytest.mark.parametrize(("key", "is_kept"), [("signer.pub", True), ("other.pub", False)])
def test_a_pull_keeps_only_what_its_signer_signed(signed, key, is_kept):
    with serving(signed / "site") as address:
        entry = entry_of(DATA, url=f"{address}/tiny.onnx", signature_url=f"{address}/tiny.sig")
        puller = Puller(signed / "models", plain_fetch, signed / key)
        if is_kept:
            assert puller.pull(entry).read_bytes() == DATA
        else:
            with pytest.raises(ModelError):
                puller.pull(entry)
    kept = [path.name for path in (signed / "models").rglob("*") if path.is_file()]
    assert kept == (["tiny.onnx"] if is_kept else [])


def test_without_the_extra_the_line_that_installs_it_is_told(signed, monkeypatch):
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(MissingDependencyError, match=r"cortexia\[signing\]"):
        verify_signature(signed / "site" / "tiny.onnx", signed / "site" / "tiny.sig", signed / "signer.pub")
