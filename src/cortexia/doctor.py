"""What this machine can do, and what is amiss: each check ends as ok, warning or failure, with what mends it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cortexia import registry
from cortexia.config import Settings
from cortexia.errors import CortexiaError, NoStoreError
from cortexia.models.presets import load_presets
from cortexia.models.shop import ModelShop
from cortexia.stores import open_store
from cortexia.stores.base import RunRecord

EXTRAS = {
    "s3": "s3fs",
    "gcs": "gcsfs",
    "rar": "rarfile",
    "parquet": "pyarrow",
    "pandas": "pandas",
    "supervision": "supervision",
    "signing": "model_signing",
}
_CORE = ("av", "numpy", "opencv-python-headless", "SQLAlchemy", "onnxruntime", "pillow")
_FREE_BYTES = 2 * 1024**3
_FREE_SHARE = 0.05
_MEMORY_BYTES = 2 * 1024**3


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. ``remedy``: what to do, where it is not ok."""

    check: str
    health: Health
    detail: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check, one after the other. A check that cannot be made is a failure with its error."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _packages,
        _codecs,
        _plugins,
        _memory,
        _cache,
        _store_folder,
        _store,
        _models,
        _extras,
    )
    for check in checks:
        name = check.__name__.strip("_").replace("_", " ")
        try:
            yield check(settings)
        except CortexiaError as error:
            yield Finding(name, Health.FAILURE, str(error))


def worst(findings: list[Finding]) -> Health:
    order = list(Health)
    return max((finding.health for finding in findings), key=order.index, default=Health.OK)


def _python(settings: Settings) -> Finding:
    detail = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", Health.OK, f"{detail}, {settings.thread_budget} threads for a job")


def _packages(settings: Settings) -> Finding:
    found = []
    for package in _CORE:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            return Finding("packages", Health.FAILURE, f"{package} is not installed", "pip install --upgrade cortexia")
    return Finding("packages", Health.OK, ", ".join(found))


def _codecs(settings: Settings) -> Finding:
    from cortexia.decoders.pyav import missing_codecs

    missing = missing_codecs()
    if missing:
        detail = f"this build of FFmpeg cannot decode {', '.join(missing)}"
        return Finding("codecs", Health.WARNING, detail, "install the wheel of av from PyPI")
    return Finding("codecs", Health.OK, "all common video and sound codecs can be decoded")


def _plugins(settings: Settings) -> Finding:
    """Every choice that is installed can be imported."""
    broken = []
    count = 0
    for folder in registry.GROUPS:
        for name in registry.names(folder):
            try:
                registry.load(folder, name)
                count += 1
            except CortexiaError as error:
                broken.append(str(error))
    if broken:
        return Finding("plugins", Health.FAILURE, "; ".join(broken), "uninstall or upgrade the package that brings it")
    return Finding("plugins", Health.OK, f"{count} annotators, stores, exporters and other choices can be loaded")


def _memory(settings: Settings) -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    detail = f"{total / 1024**3:.1f} GB of memory"
    if total < _MEMORY_BYTES:
        return Finding("memory", Health.WARNING, detail, "4K video may need 2 GB: annotate one video at a time")
    return Finding("memory", Health.OK, detail)


def _cache(settings: Settings) -> Finding:
    return _writable("cache", settings.cache_path, "set CORTEXIA_CACHE_DIR to a folder that you may write to")


def _store_folder(settings: Settings) -> Finding:
    if "://" in settings.store:
        return Finding("store folder", Health.OK, "the store is a server")
    folder = Path(settings.store).expanduser().absolute().parent
    return _writable("store folder", folder, "name another store with --store or CORTEXIA_STORE")


def _writable(check: str, folder: Path, remedy: str) -> Finding:
    """Whether a file can be made in ``folder`` (or the nearest parent that is there), and whether there is room."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            usage = shutil.disk_usage(there)
    except OSError as error:
        return Finding(check, Health.FAILURE, f"{there} cannot be written: {error.strerror or error}", remedy)
    detail = f"{folder}: {usage.free / 1024**3:.1f} GB free"
    if usage.free < max(_FREE_BYTES, _FREE_SHARE * usage.total):
        return Finding(check, Health.WARNING, detail, "free some space: at least 2 GB and a twentieth of the disk")
    return Finding(check, Health.OK, detail)


def _store(settings: Settings) -> Finding:
    if "://" not in settings.store and not Path(settings.store).expanduser().exists():
        return Finding("store", Health.OK, f"{settings.store} is not there yet; 'cortexia annotate' makes it")
    try:
        store = open_store(settings.store, create=False)
    except NoStoreError as error:
        return Finding("store", Health.OK, str(error))
    try:
        # the location keeps the password of a server to itself
        place = store.location if "://" in settings.store else settings.store
        runs = list(store.runs())
        videos = sum(1 for _ in store.videos())
    finally:
        store.close()
    return _runs_finding(f"{place}: {videos} videos, {len(runs)} runs", runs)


def _runs_finding(detail: str, runs: list[RunRecord]) -> Finding:
    failed = sorted({run.spec.annotator for run in runs if run.status == "failed"})
    if failed:
        remedy = "see 'cortexia status'; failed runs are tried again by 'cortexia annotate'"
        return Finding("store", Health.WARNING, f"{detail}; failed runs of {', '.join(failed)}", remedy)
    return Finding("store", Health.OK, detail)


def _models(settings: Settings) -> Finding:
    """Every model whose file is here is hashed anew."""
    shop = ModelShop(settings)
    absent = [str(folder) for folder in settings.model_folders[:-1] if not folder.is_dir()]
    if absent:
        detail = f"there is no folder {', '.join(absent)}"
        return Finding("models", Health.WARNING, detail, "name folders that are there in CORTEXIA_MODELS")
    checked = list(shop.verify())
    amiss = [one for one in checked if one.reason is not None]
    if amiss:
        detail = "; ".join(str(one.message) for one in amiss)
        names = " ".join(one.entry.id for one in amiss)
        return Finding("models", Health.FAILURE, detail, f"delete what is amiss, then: cortexia models pull {names}")
    return _presets_finding(settings, shop, [one.entry.id for one in checked])


def _presets_finding(settings: Settings, shop: ModelShop, here: list[str]) -> Finding:
    lacking = {preset.name: shop.choose_preset(preset.name).lacking for preset in load_presets()}
    ready = [name for name, models in lacking.items() if not models]
    lacks = [
        f"{name} lacks {', '.join(f'{entry.id} ({entry.size_bytes / 1e6:.1f} MB)' for entry in models)}"
        for name, models in lacking.items()
        if models
    ]
    detail = "; ".join((f"here: {', '.join(here) or 'none'}", f"complete presets: {', '.join(ready)}", *lacks))
    wanted = (
        settings.preset if lacking.get(settings.preset) else next((name for name in lacking if lacking[name]), None)
    )
    remedy = f"cortexia models pull {wanted}" if wanted else None
    return Finding("models", Health.WARNING if lacking.get(settings.preset) else Health.OK, detail, remedy)


def _extras(settings: Settings) -> Finding:
    absent = [name for name, module in EXTRAS.items() if not _is_there(module)]
    if absent:
        return Finding(
            "extras", Health.OK, f"not installed: {', '.join(absent)}", f"pip install 'cortexia[{absent[0]}]'"
        )
    return Finding("extras", Health.OK, f"all installed: {', '.join(EXTRAS)}")


def _is_there(module: str) -> bool:
    return module in sys.modules or importlib.util.find_spec(module) is not None
