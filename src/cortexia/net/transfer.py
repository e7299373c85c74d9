"""Downloads: streamed, bounded, resumed by Range, verified while they come, and there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from cortexia.errors import (
    DigestMismatchError,
    NetworkError,
    RemoteAnswerError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.files import atomic_write, sync_folder, translate_os_error
from cortexia.net.base import Deadline, Fetched
from cortexia.net.guard import NetPolicy, check_url, shown_url
from cortexia.net.transport import BROKEN_CONNECTION, GuardedTransport

_CHUNK = 1 << 20
_TIMEOUT = httpx.Timeout(30.0)
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
_REASONS = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19}|\*)")
_LENGTH = re.compile(r"\d{1,19}", re.ASCII)
_LONGEST_WAIT_S = 30.0
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "cortexia"}

OnProgress = Callable[[int, int | None], None]
"""``(bytes so far, bytes in all where known)``."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    url: str
    target: Path
    sha256: str | None
    size_bytes: int | None

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    @property
    def tag(self) -> Path:
        """Holds the validator (ETag or date) of what the part is a part of."""
        return self.target.with_name(self.target.name + ".part.tag")


class _BrokenOff(Exception):
    """The attempt failed and another may succeed. ``wait_s``: as the server asked for."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(message)


def fetch(
    url: str,
    target: Path,
    *,
    policy: NetPolicy,
    sha256: str | None = None,
    size_bytes: int | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """``target``, which then holds the bytes of ``url``. See ``download``."""
    return download(url, target, policy=policy, sha256=sha256, size_bytes=size_bytes, on_progress=on_progress).path


def download(
    url: str,
    target: Path,
    *,
    policy: NetPolicy,
    sha256: str | None = None,
    size_bytes: int | None = None,
    on_progress: OnProgress | None = None,
) -> Fetched:
    """Stream ``url`` to ``target.part``, then fsync and rename. The folder must exist.

    What a broken connection or an earlier process left in ``target.part`` is gone on with by Range, where a digest or
    a validator of the server can tell that it is the same content. Transient failures are tried again, at most
    ``policy.attempts`` times in a row without a new byte. Raises ``SourceRefusedError``, ``RemoteAnswerError``,
    ``TransferLimitError``, ``DigestMismatchError`` (all permanent), ``NetworkError`` (may succeed later), and what the
    file system reports.
    """
    wanted = _Wanted(url, target, sha256.lower() if sha256 else None, size_bytes)
    check_url(url, policy)
    deadline = Deadline(policy.max_seconds)
    with httpx.Client(
        transport=GuardedTransport(policy, deadline),
        trust_env=False,
        follow_redirects=False,
        timeout=_TIMEOUT,
        headers=_HEADERS,
    ) as client:
        tell = on_progress or (lambda done, total: None)
        transfer = _Transfer(client, wanted, policy, tell)
        transfer.run(deadline)
        try:
            return transfer.finish()
        except DigestMismatchError:
            if not transfer.has_resumed:
                raise
        # what lay in the part may have been damaged: once more, from the start
        transfer = _Transfer(client, wanted, policy, tell)
        transfer.run(deadline)
        return transfer.finish()


class _Transfer:
    """One download, over as many attempts as it takes."""

    def __init__(self, client: httpx.Client, wanted: _Wanted, policy: NetPolicy, on_progress: OnProgress) -> None:
        self._client = client
        self._wanted = wanted
        self._policy = policy
        self._on_progress = on_progress
        self._hash = hashlib.sha256()
        self._size = 0
        self.has_resumed = False

    def run(self, deadline: Deadline) -> None:
        """Attempts, until one of them comes to the end."""
        failures = 0
        self._take_up()
        while self._wanted.sha256 is None or self._hash.hexdigest() != self._wanted.sha256:
            before = self._size
            try:
                with translate_os_error(self._wanted.part):
                    self._attempt()
                return
            except _BrokenOff as error:
                failures = 1 if self._size > before else failures + 1
                if failures >= self._policy.attempts:
                    raise NetworkError(
                        f"{shown_url(self._wanted.url)}: {error}; gave up after {failures} attempts, try again later"
                    ) from error
                pause = self._policy.backoff_s * 2 ** (failures - 1) * random.uniform(0.5, 1)  # noqa: S311 # nosec B311
                time.sleep(deadline.left(max(min(error.wait_s, _LONGEST_WAIT_S), pause)))

    def _take_up(self) -> None:
        """Hash what an earlier process left."""
        part = self._wanted.part
        with translate_os_error(part):
            if part.exists() and self._is_vouched_for():
                with part.open("rb") as file:
                    while chunk := file.read(_CHUNK):
                        self._count(chunk)

    def _is_vouched_for(self) -> bool:
        """Whether something can tell that a part belongs to what comes next."""
        return self._wanted.sha256 is not None or self._wanted.tag.exists()

    def _start_anew(self) -> None:
        self._give_up_part()
        self._hash, self._size = hashlib.sha256(), 0

    def _count(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self._size += len(chunk)

    def _attempt(self) -> None:
        headers = {}
        if not self._size or not self._is_vouched_for():
            self._start_anew()
        else:
            headers["Range"] = f"bytes={self._size}-"
            if self._wanted.tag.exists():
                headers["If-Range"] = self._wanted.tag.read_text(encoding="latin-1")
        with _translated(), self._answer(headers) as response:
            total = self._check(response)
            self._receive(response, total)
        if self._wanted.size_bytes is not None and self._size != self._wanted.size_bytes:
            self._give_up_part()
            raise DigestMismatchError(
                f"{shown_url(self._wanted.url)} has {self._size} bytes, {self._wanted.size_bytes} were promised"
            )

    @contextmanager
    def _answer(self, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The response after redirects, each of which is checked like the first address."""
        url = check_url(self._wanted.url, self._policy)
        for _ in range(self._policy.max_redirects + 1):
            with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                location = response.headers.get("Location", "")
            try:
                joined = str(url.join(location))
            except (httpx.InvalidURL, ValueError) as error:
                raise SourceRefusedError(f"refused: {shown_url(str(url))} redirects to no address") from error
            url = check_url(joined, self._policy)
        raise SourceRefusedError(
            f"refused: {shown_url(self._wanted.url)} redirects more than {self._policy.max_redirects} times"
        )

    def _check(self, response: httpx.Response) -> int | None:
        """Bytes in all, where the server tells; afterwards the part has what the response goes on from."""
        self._check_status(response)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteAnswerError("remote_error", f"{shown_url(self._wanted.url)} comes compressed, unasked")
        total = _total(response)
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) != self._size:
                self._start_anew()
                raise _BrokenOff("the server sent another part than the one asked for")
            self.has_resumed = True
        elif self._size:
            self._start_anew()
        if total is not None:
            self._check_size(total)
        self._remember(response)
        return total

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            return
        if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and self._size:
            self._start_anew()
            raise _BrokenOff("what is there already is no part of it")
        words = f"the server answers {status} {response.reason_phrase}".rstrip()
        if status in _TRANSIENT:
            raise _BrokenOff(words, _seconds(response.headers.get("Retry-After", "")))
        raise RemoteAnswerError(_REASONS.get(status, "remote_error"), f"{shown_url(self._wanted.url)}: {words}")

    def _check_size(self, size: int) -> None:
        if size > self._policy.max_bytes:
            self._give_up_part()
            raise TransferLimitError(
                "too_large",
                f"{shown_url(self._wanted.url)} has more than {self._policy.max_bytes} bytes;"
                " raise the setting max_download_bytes",
            )

    def _remember(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        if validator:
            atomic_write(self._wanted.tag, validator.encode("latin-1", "replace"))
        else:
            self._wanted.tag.unlink(missing_ok=True)

    def _receive(self, response: httpx.Response, total: int | None) -> None:
        with self._wanted.part.open("ab") as file:
            for chunk in response.iter_raw():
                self._check_size(self._size + len(chunk))
                file.write(chunk)
                self._count(chunk)
                self._on_progress(self._size, total)
            _sync(file)

    def _give_up_part(self) -> None:
        self._wanted.part.unlink(missing_ok=True)
        self._wanted.tag.unlink(missing_ok=True)

    def finish(self) -> Fetched:
        """Verify and rename."""
        wanted, digest = self._wanted, self._hash.hexdigest()
        with translate_os_error(wanted.target):
            if wanted.sha256 is not None and digest != wanted.sha256:
                self._give_up_part()
                raise DigestMismatchError(
                    f"{shown_url(wanted.url)} has the SHA-256 {digest}, {wanted.sha256} was promised"
                )
            wanted.part.replace(wanted.target)
            wanted.tag.unlink(missing_ok=True)
            sync_folder(wanted.target.parent)
        return Fetched(wanted.target, digest, self._size)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _translated() -> Iterator[None]:
    """The door: what httpx and httpcore raise becomes an attempt that broke off, or a refusal."""
    try:
        yield
    except BROKEN_CONNECTION as error:
        raise _BrokenOff(f"{type(error).__name__}: {error}".rstrip(": ")) from error
    except NetworkError as error:
        if error.retryable:
            raise _BrokenOff(str(error)) from error
        raise


def _total(response: httpx.Response) -> int | None:
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is not None:
        return None if match[2] == "*" else int(match[2])
    text = response.headers.get("Content-Length", "")
    return int(text) if _LENGTH.fullmatch(text) else None


def _seconds(text: str) -> float:
    return float(text) if _LENGTH.fullmatch(text) else 0.0
