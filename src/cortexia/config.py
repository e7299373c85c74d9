"""Settings: one table, and the only reader of the environment and of configuration files.

Precedence: what is passed (flags, arguments) > ``CORTEXIA_*`` variables > the configuration file > defaults.
Unknown keys are refused, with the nearest known one.
"""

from __future__ import annotations

import dataclasses
import math
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cortexia.config_manager import ConfigManager as ConfigManager  # part of this module's face
from cortexia.errors import ConfigurationError, UnknownNameError
from cortexia.setting_values import convert, parse_text
from cortexia.tables import read_table

ENV_PREFIX = "CORTEXIA_"
CONFIG_FILE = "cortexia.toml"
_FOLDER_LISTS = ("models",)
_OTHERS = (
    ("AWS_ENDPOINT_URL", "s3_endpoint_url"),
    ("AWS_ENDPOINT_URL_S3", "s3_endpoint_url"),
    ("HF_ENDPOINT", "model_hub"),
    ("MLFLOW_TRACKING_URI", "mlflow_tracking_uri"),
)
"""Variables of other programs that a setting is taken from; later ones win."""
SECRETS = ("endpoint_key",)
"""Settings that are never shown."""
MOST_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its default. ``docs/reference/configuration.md`` explains each."""

    store: str = "cortexia.db"
    annotators: tuple[str, ...] = ()
    preset: str = "auto"
    executor: Literal["inline", "processes"] = "processes"
    threads: int = 0
    batch_size: int | None = None
    window_s: float = 30.0
    commit_interval_s: float = 10.0
    commit_rows: int = 50_000
    lease_s: float = 20.0
    max_attempts: int = 3
    workers: int = 1
    progressive: bool = False
    worker_memory_bytes: int = 4_000_000_000
    stall_timeout_s: float = 120.0
    store_patience_s: float = 300.0
    on_full_disk: Literal["stop", "wait"] = "stop"
    min_free_bytes: int = 2_000_000_000
    min_free_share: float = 0.05
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["text", "json"] = "text"
    cache_dir: str = ""
    allow_http: bool = False
    allow_private_network: bool = False
    allowed_hosts: tuple[str, ...] = ()
    max_download_bytes: int = 50_000_000_000
    download_timeout_s: float = 3600.0
    keep_media: bool = False
    media_cache_bytes: int = 100_000_000_000
    s3_endpoint_url: str = ""
    instance_credentials: bool = False
    device: str = "auto"
    device_slots: int = 1
    models: tuple[str, ...] = ()
    model_catalog: str = ""
    model_signer: str = ""
    model_hub: str = "https://huggingface.co"
    mlflow_tracking_uri: str = ""
    endpoint_url: str = ""
    endpoint_key: str = field(default="", repr=False)
    endpoint_max_side: int = 1024
    endpoint_max_tokens: int = 512
    endpoint_timeout_s: float = 60.0
    endpoint_price_input: float | None = None
    endpoint_price_output: float | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (
            ("window_s", 0.01),
            ("commit_interval_s", 0.01),
            ("commit_rows", 1),
            ("lease_s", 0.1),
            ("max_attempts", 1),
            ("workers", 1),
            ("worker_memory_bytes", 1),
            ("device_slots", 1),
            ("stall_timeout_s", 0.1),
            ("store_patience_s", 0),
            ("min_free_bytes", 0),
            ("min_free_share", 0),
            ("max_download_bytes", 1),
            ("media_cache_bytes", 1),
            ("download_timeout_s", 0.1),
            ("endpoint_max_side", 32),
            ("endpoint_max_tokens", 1),
            ("endpoint_timeout_s", 0.1),
            ("endpoint_price_input", 0),
            ("endpoint_price_output", 0),
        ):
            if getattr(self, name) is not None and not low <= getattr(self, name) < math.inf:
                raise ConfigurationError(f"setting {name!r} must be at least {low}, got {getattr(self, name)}")
        if self.workers > MOST_WORKERS:
            raise ConfigurationError(f"setting 'workers' must be at most {MOST_WORKERS}, got {self.workers}")
        if self.threads < 0:
            raise ConfigurationError(f"setting 'threads' must be 0 (all cores) or more, got {self.threads}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigurationError(f"setting 'batch_size' must be at least 1, got {self.batch_size}")
        check_device(self.device)
        _check_endpoint(self)

    @property
    def thread_budget(self) -> int:
        """Threads that one job may use."""
        if self.threads:
            return self.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def cache_path(self) -> Path:
        if self.cache_dir:
            return Path(self.cache_dir).expanduser()
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Path(base) / "cortexia"

    @property
    def media_cache(self) -> Path:
        """Where media is kept that is no local file of its own."""
        return self.cache_path / "media"

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where weights are searched; the last is the one that pulls write to."""
        return (
            *(Path(folder).expanduser().absolute() for folder in self.models),
            (self.cache_path / "models").absolute(),
        )

    @property
    def opened_guards(self) -> tuple[str, ...]:
        """Settings in force that let the network guard pass more than it does by itself (S-04)."""
        names = ("allow_http", "allow_private_network", "instance_credentials")
        return tuple(name for name in names if getattr(self, name))


def _check_endpoint(settings: Settings) -> None:
    """Raises ``ConfigurationError``; no message names the key."""
    url, key = settings.endpoint_url, settings.endpoint_key
    if url and (not url.startswith(("https://", "http://")) or any(sign in url for sign in "@?#")):
        raise ConfigurationError(
            "setting 'endpoint_url' must be a base URL such as https://example.org/v1, without user, query and fragment"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("setting 'endpoint_key' must be printable ASCII without spaces")
    if url and settings.endpoint_timeout_s >= settings.stall_timeout_s:
        raise ConfigurationError(
            f"setting 'endpoint_timeout_s' ({settings.endpoint_timeout_s:g}) must be less than 'stall_timeout_s'"
            f" ({settings.stall_timeout_s:g}): a worker that waits longer is taken for a dead one"
        )


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The user's own folder for what must be kept: ``$XDG_DATA_HOME/cortexia``, else ``~/.local/share/cortexia``."""
    environ = os.environ if environ is None else environ
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "cortexia"


def google_credentials_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """The key file that ``GOOGLE_APPLICATION_CREDENTIALS`` names, else what ``gcloud`` left; ``None`` without one."""
    environ = os.environ if environ is None else environ
    named = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    folder = Path(environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud")
    path = Path(named) if named else folder / "application_default_credentials.json"
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the place that each value came from: ``default``, a file, a variable or ``given``."""

    settings: Settings
    origin: Mapping[str, str]


def load_settings(
    given: Mapping[str, Any] | None = None,
    config_file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Merge the four sources. ``given`` values of ``None`` count as not given.

    Without ``config_file``, ``CORTEXIA_CONFIG`` or ``cortexia.toml`` in the working folder is read, where there is
    one. Raises ``FileNotFoundError`` for a file that was named and is not there, ``ConfigurationError`` otherwise.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origin = {item.name: "default" for item in dataclasses.fields(Settings)}
    for variable, name in _OTHERS:
        if environ.get(variable):
            _merge(values, origin, {name: environ[variable]}, variable)
    path = _find_file(config_file, environ)
    if path is not None:
        _merge(values, origin, _checked(read_table(path), str(path)), str(path))
    for name, value in _from_environ(environ).items():
        _merge(values, origin, {name: value}, ENV_PREFIX + name.upper())
    shown = {name: value for name, value in (given or {}).items() if value is not None}
    _merge(values, origin, _checked(shown, "arguments"), "given")
    return Loaded(Settings(**values), origin)


def _merge(values: dict[str, Any], origin: dict[str, str], new: Mapping[str, Any], source: str) -> None:
    for name, value in new.items():
        if name == "options":
            value = merged_options(values.get("options", {}), value)
        values[name] = value
        origin[name] = source


def merged_options(
    below: Mapping[str, Mapping[str, Any]], above: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Options by annotator name; those of ``above`` win, one by one."""
    return {name: {**below.get(name, {}), **above.get(name, {})} for name in {**below, **above}}


def _find_file(config_file: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    named = config_file or environ.get(ENV_PREFIX + "CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise FileNotFoundError(f"configuration file not found: {path}")
        return path
    local = Path(CONFIG_FILE)
    return local if local.is_file() else None


def _checked(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    known = typing.get_type_hints(Settings)
    result: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UnknownNameError(f"setting (in {source})", name, known)
        result[name] = _converted(name, value, known[name])
    return result


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    known = typing.get_type_hints(Settings)
    reserved = {"CONFIG", "TEST_DATA", "TEST_POSTGRES"}
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(ENV_PREFIX) or variable.removeprefix(ENV_PREFIX) in reserved:
            continue
        name = variable.removeprefix(ENV_PREFIX).lower()
        if name not in known or name == "options":
            raise UnknownNameError(
                "setting (in the environment)", variable, [ENV_PREFIX + key.upper() for key in known]
            )
        value = text if name in _FOLDER_LISTS else parse_text(text, known[name])
        found[name] = _converted(name, value, known[name])
    return found


def _converted(name: str, value: Any, wanted: Any) -> Any:
    separator = os.pathsep if name in _FOLDER_LISTS else ","
    return convert(name, value, wanted, separator=separator, is_secret=name in SECRETS)


_DEVICES = ("auto", "cpu")
LEGACY_MODELS = {"object_detection_model": "objects"}


def check_device(device: str) -> None:
    """Raises ``ConfigurationError`` unless ``device`` is ``auto``, ``cpu`` or ``cuda:N``."""
    if device not in _DEVICES and not (device.startswith("cuda:") and device[5:].isdecimal()):
        raise ConfigurationError(f"device must be auto, cpu or cuda:N, got {device!r}")


@dataclass(frozen=True)
class ProcessingConfig:
    """How ``VideoProcessor`` works. Checked when it is made; unknown keys are refused by ``from_dict``.

    ``model_settings``: options by annotator name, e.g. ``{"shots": {"sensitivity": 1.2}}``, and ``device``
    (``auto``, ``cpu`` or ``cuda:N``). ``batch_size``: inputs handed to an annotator at once; never changes results.
    ``frame_interval``: every how many frames per-frame detectors look. ``output_format``: name of an exporter.
    ``_max_workers`` is tuned to the machine when it is ``None``.
    """

    model_settings: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 32
    frame_interval: int = 1
    output_format: str = "coco"
    _gpu_memory_limit: int | None = None
    _max_workers: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "frame_interval"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigurationError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not isinstance(self.model_settings, Mapping):
            raise ConfigurationError(f"model_settings must be a table, got {self.model_settings!r}")
        check_device(self.device)
        if self._max_workers is None:
            object.__setattr__(self, "_max_workers", os.cpu_count() or 1)
        elif self._max_workers < 1:
            raise ConfigurationError(f"_max_workers must be at least 1, got {self._max_workers}")

    @property
    def device(self) -> str:
        return str(self.model_settings.get("device", "auto"))

    @property
    def annotator_options(self) -> dict[str, Mapping[str, Any]]:
        """The tables of ``model_settings``: options by annotator name."""
        return {name: value for name, value in self.model_settings.items() if isinstance(value, Mapping)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ProcessingConfig:
        """Raises ``UnknownNameError`` for a key that is no setting."""
        known = [item.name for item in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UnknownNameError("processing setting", name, [key for key in known if not key.startswith("_")])
        return cls(**values)

    @classmethod
    def from_legacy(cls, config_manager: ConfigManager) -> ProcessingConfig:
        """The configuration that older files describe: their ``model_settings`` and ``processing`` tables.

        ``model_settings.object_detection_model`` becomes the option ``model`` of ``objects``; names of models that have
        no annotator here are left out.
        """
        settings = dict(config_manager.get_param("model_settings") or {})
        models: dict[str, dict[str, Any]] = {}
        for key, annotator in LEGACY_MODELS.items():
            if name := settings.pop(key, None):
                models[annotator] = {"model": name}
        kept = {name: value for name, value in settings.items() if name == "device" or isinstance(value, Mapping)}
        for annotator, options in models.items():
            kept[annotator] = {**options, **kept.get(annotator, {})}
        processing = config_manager.get_param("processing") or {}
        known = ("batch_size", "frame_interval", "output_format")
        return cls(model_settings=kept, **{name: processing[name] for name in known if name in processing})
