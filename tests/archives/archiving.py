"""Archives of the kind that people and attackers make, and what becomes of them."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cortexia.archives import ArchiveLimits, Extraction, extract
from cortexia.errors import RejectedInput

NOISE = os.urandom(3000)


def zip_of(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, method
            archive.writestr(info, data)
    return path


def tar_of(path: Path, files: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def unpack(path: Path, folder: Path, limits: ArchiveLimits | None = None, wanted=lambda name, head: True) -> Extraction:
    folder.mkdir(exist_ok=True)
    return extract(path, folder, wanted, limits)


def refusal(path: Path, tmp_path: Path, limits: ArchiveLimits | None = None) -> str:
    """The reason, after a look that nothing was left."""
    out = tmp_path / "out"
    with pytest.raises(RejectedInput) as caught:
        unpack(path, out, limits)
    assert list(out.iterdir()) == []
    assert str(path) in str(caught.value)
    return caught.value.reason
