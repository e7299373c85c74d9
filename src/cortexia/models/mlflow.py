"""Versions of a model in a registry of MLflow: where their artifacts are, and how the server's proxy hands them out.

``GET /api/2.0/mlflow/model-versions/get-download-uri`` tells the place, ``GET /api/2.0/mlflow-artifacts/artifacts``
lists and brings. Source: mlflow.org/docs/latest/api_reference/rest-api.html, and what a server of 3.17 answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from cortexia.errors import ConfigurationError, ModelError, RemoteAnswerError, ValidationError
from cortexia.files import check_name
from cortexia.models.arrivals import Remote, fetch_all, fetch_answer
from cortexia.models.fetching import Fetch, OnBytes
from cortexia.models.folders import json_object

PROXY = "mlflow-artifacts"
Choose = Callable[[Sequence[str]], Sequence[str]]
_API = "/api/2.0/mlflow"
_NAMED = re.compile(r"(?:mlflow:|models:/)(?P<name>[^/:]+)/(?P<version>[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A registered model by its name, and one of its versions."""

    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``mlflow:NAME/VERSION`` or ``models:/NAME/VERSION``. Raises ``ConfigurationError``."""
        found = _NAMED.fullmatch(text)
        if found is None:
            raise ConfigurationError(f"{text!r} is not of the form mlflow:NAME/VERSION, with a number as the version")
        return cls(found["name"], found["version"])

    def __str__(self) -> str:
        return f"mlflow:{self.name}/{self.version}"


class MlflowServer:
    """The tracking server at ``uri``, asked by ``fetch`` alone."""

    def __init__(self, uri: str, fetch: Fetch) -> None:
        self._base = uri.rstrip("/")
        self._fetch = fetch

    def bring(self, version: RegisteredVersion, place: Path, choose: Choose, on_bytes: OnBytes) -> None:
        """Files of a version into the folder ``place``: of those at the top of its artifact, what ``choose`` takes.

        Raises ``RemoteAnswerError`` for a version that is not there and for answers that are none,
        ``ConfigurationError`` for artifacts that do not lie behind the server's proxy, and what ``fetch`` raises.
        """
        path = self._path(version, place)
        there = {remote.name: remote for remote in self._listed(path, place)}
        wanted = [there[name] for name in choose(sorted(there))]
        fetch_all(str(version), wanted, place, lambda name: self._artifact(f"{path}/{name}"), self._fetch, on_bytes)

    def _path(self, version: RegisteredVersion, place: Path) -> str:
        """Where the proxy has the artifact of a version."""
        told = self._told_place(version, place)
        try:
            parts = urlsplit(told if isinstance(told, str) else "//[")
            path = parts.path.strip("/")
            check_name(path)
        except (ValueError, ValidationError) as error:
            raise RemoteAnswerError("remote_error", f"{self._base} tells no place of {version}") from error
        if parts.scheme != PROXY or parts.netloc not in ("", urlsplit(self._base).netloc):
            elsewhere = f"{parts.scheme or 'file'}://{parts.netloc.rpartition('@')[2]}"
            raise ConfigurationError(
                f"the artifacts of {version} are at {elsewhere}, and not behind the tracking server"
                " (mlflow server --artifacts-destination); copy the folder here and name that"
            )
        return path

    def _told_place(self, version: RegisteredVersion, place: Path) -> Any:
        asked = urlencode({"name": version.name, "version": version.version})
        try:
            return self._ask(f"{_API}/model-versions/get-download-uri?{asked}", place).get("artifact_uri")
        except RemoteAnswerError as error:
            raise RemoteAnswerError(error.reason, f"{version}: {error}") from error

    def _listed(self, path: str, place: Path) -> list[Remote]:
        answer = self._ask(f"/api/2.0/{PROXY}/artifacts?{urlencode({'path': path})}", place)
        try:
            return [remote for told in answer.get("files", []) if (remote := _remote(told)) is not None]
        except (TypeError, AttributeError, KeyError, ValidationError) as error:
            raise RemoteAnswerError("remote_error", f"{self._base} lists no files: {error!r}") from error

    def _artifact(self, path: str) -> str:
        return f"{self._base}/api/2.0/{PROXY}/artifacts/{quote(path)}"

    def _ask(self, question: str, place: Path) -> dict[str, Any]:
        data = fetch_answer(self._base + question, place.with_name(f"{place.name}.answer.json"), self._fetch)
        try:
            return json_object(data, f"the answer of {self._base}")
        except ModelError as error:
            raise RemoteAnswerError("remote_error", str(error)) from error


def _remote(told: dict[str, Any]) -> Remote | None:
    """A file at the top; ``None`` for a folder."""
    if told.get("is_dir"):
        return None
    name = str(told["path"]).rpartition("/")[2]
    check_name(name)
    size = told.get("file_size")
    return Remote(name, size if isinstance(size, int) else None)
