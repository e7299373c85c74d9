"""Fixtures that write archives."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from archiving import tar_of, zip_of

Make = Callable[[str, Mapping[str, bytes]], Path]


@pytest.fixture(params=["zip", "stored.zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def make(request, tmp_path) -> Make:
    """``make(name, files)``: an archive of each kind in turn."""

    def archive(name: str, files: Mapping[str, bytes]) -> Path:
        path = tmp_path / name
        if "zip" in request.param:
            return zip_of(path, files, zipfile.ZIP_STORED if "stored" in request.param else zipfile.ZIP_DEFLATED)
        return tar_of(path, files, "w:" + request.param[4:])

    archive.kind = request.param.removeprefix("stored.")
    return archive


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    return lambda files: zip_of(tmp_path / "made.zip", files)


@pytest.fixture
def make_tar(tmp_path: Path) -> Callable[..., Path]:
    return lambda files, mode="w": tar_of(tmp_path / "made.tar", files, mode)
