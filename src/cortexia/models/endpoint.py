"""Models behind an OpenAI-compatible chat endpoint: asked about one picture at a time, patiently, and counted."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import Any, Self

import cv2

from cortexia.config import Settings
from cortexia.errors import (
    ConfigurationError,
    CortexiaError,
    InferenceError,
    JobCancelled,
    NetworkError,
    RemoteAnswerError,
)
from cortexia.models.chat import ENDPOINT, Reply, error_text, read_reply, read_usage, request_body
from cortexia.net import NetPolicy
from cortexia.resilience import Breakers, BreakerState
from cortexia.types import Picture, ViewSpec

_ANSWER_BYTES = 10_000_000
_JPEG_QUALITY = 92
_TRANSIENT = frozenset((408, 409, 425, 429, *range(500, 600)))
_PAUSES_S = (4.0, 8.0, 10.0)
_LONGEST_WAIT_S = 60.0
_STEP_S = 0.5
_MILLION = 1_000_000
_SECRET_LENGTH = 16
"""Shorter keys are words that stand for none, and occur in what a model says."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What of the settings concerns the endpoint; it travels to workers through their standard input. ``key`` is a
    secret: it goes into the header of a request and nowhere else. Prices are per million tokens."""

    url: str
    key: str = field(repr=False)
    max_side: int
    max_tokens: int
    timeout_s: float
    price_input: float | None
    price_output: float | None
    allow_http: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        own = (item.name for item in fields(cls) if item.name != "allow_http")
        return cls(**{name: getattr(settings, f"endpoint_{name}") for name in own}, allow_http=settings.allow_http)

    def as_payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one model was asked. ``answers``: texts that came; ``failures``: attempts that brought none; ``answer_s``:
    seconds that the answers took, attempts and pauses included. Tokens are those that the server told of, for what was
    no answer too: they are paid for."""

    answers: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answer_s: float = 0.0

    def cost(self, settings: EndpointSettings) -> float | None:
        """In the unit of the prices; ``None`` where a price is not known."""
        if settings.price_input is None or settings.price_output is None:
            return None
        tokens = self.prompt_tokens * settings.price_input + self.completion_tokens * settings.price_output
        return tokens / _MILLION


class ChatEndpoint:
    """One model of a server. Safe to share between threads.

    What may pass (answers 408, 409, 425, 429 and 5xx, silence, a broken connection) is tried again after 4, 8 and then
    10 seconds, or as long as the server asks, at most a minute. Five failures in a row open the breaker (G8): the
    run waits. While the breaker is half open there is one attempt.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        model: str,
        breakers: Breakers,
        *,
        pause: Callable[[float], None] = time.sleep,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.model = model
        self.settings = settings
        self._stopped = stopped
        self._breaker = breakers[f"{ENDPOINT}{model}"]
        self._pause = pause
        self._lock = threading.Lock()
        self._usage = Usage()
        self._tells_logprobs = True

    @property
    def usage(self) -> Usage:
        with self._lock:
            return self._usage

    def ask(self, text: str, picture: Picture, max_tokens: int, moved: Callable[[], None] = lambda: None) -> Reply:
        """What the model says to ``text`` about ``picture`` (BGR). ``max_tokens`` of the answer, at most, and no more
        than the settings allow. ``moved`` is called after each attempt, and again and again in a pause.

        Raises ``InferenceError`` for an answer that is none (see ``read_reply``) or that the server denies,
        ``RemoteAnswerError`` (401, 403, 404), ``NetworkError`` where the server did not answer while the breaker
        was half open, ``CircuitBreakerOpenError``, ``JobCancelled`` where somebody asks to stop in a pause, and what
        ``exchange`` raises.
        """
        limit = min(max_tokens, self.settings.max_tokens)
        size = ViewSpec(bound=self.settings.max_side).fit(picture.shape[1], picture.shape[0])
        jpeg = _jpeg(picture, size)
        began = time.monotonic()
        reply = self._patiently(lambda: self._attempt(text, jpeg, limit), moved)
        moved()
        self._count(answers=1, answer_s=time.monotonic() - began)
        return replace(reply, seen=size)

    def _patiently(self, attempt: Callable[[], Reply], moved: Callable[[], None]) -> Reply:
        failures = 0
        while True:
            is_probe = self._breaker.state is not BreakerState.CLOSED
            try:
                with self._breaker.attempt(_is_outage), self._failures_counted():
                    return attempt()
            except NetworkError as error:
                if not error.retryable or is_probe:
                    raise
                self._breaker.refuse_if_open()
                wait_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)] * random.uniform(0.8, 1)  # noqa: S311 # nosec B311
                asked_s = min(getattr(error, "wait_s", 0.0), _LONGEST_WAIT_S)
            self._wait(max(wait_s, asked_s), moved)
            failures += 1

    def _wait(self, seconds: float, moved: Callable[[], None]) -> None:
        """In steps shorter than a silence that is taken for death may be: of that the settings see to a timeout."""
        step_s = min(_STEP_S, self.settings.timeout_s)
        moved()
        while seconds > 0:
            if self._stopped():
                raise JobCancelled(f"model {self.model!r}: asked to stop while the endpoint was waited for")
            self._pause(min(step_s, seconds))
            moved()
            seconds -= step_s

    @contextmanager
    def _failures_counted(self) -> Iterator[None]:
        try:
            yield
        except CortexiaError:
            self._count(failures=1)
            raise

    def _attempt(self, text: str, jpeg: bytes, max_tokens: int) -> Reply:
        from cortexia.net import exchange  # loads the client: most runs need none

        settings = self.settings
        limits = {"max_bytes": _ANSWER_BYTES, "max_seconds": settings.timeout_s}
        url = settings.url.rstrip("/") + "/chat/completions"
        policy = NetPolicy.for_own_server(url, settings.allow_http, **limits)
        headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
        asked = self._tells_logprobs  # another thread may learn meanwhile that it does not
        body = request_body(self.model, text, jpeg, max_tokens, asked)
        answer = exchange(url, body, policy=policy, setting="endpoint_timeout_s", headers=headers)
        if answer.status == 200:
            self._count(**read_usage(answer.body))
            reply = read_reply(self.model, answer.body, self._without_key)
            return replace(reply, text=self._without_key(reply.text, _SECRET_LENGTH))
        if answer.status in (400, 422) and asked and b"logprobs" in answer.body:
            self._tells_logprobs = False
            return self._attempt(text, jpeg, max_tokens)
        raise self._denial(answer.status, answer.body, answer.retry_after_s)

    def _denial(self, status: int, body: bytes, wait_s: float) -> Exception:
        words = f"the endpoint answers {status}"
        if status in _TRANSIENT:
            return _Busy(f"model {self.model!r}: {words}", wait_s)
        if status in (401, 403):
            return RemoteAnswerError("forbidden", f"model {self.model!r}: {words}; check the setting endpoint_key")
        why = error_text(body, self._without_key)
        if status == 404:
            return RemoteAnswerError("not_found", f"model {self.model!r}: {words}: {why}")
        return InferenceError(self.model, f"{words}: {why}")

    def _without_key(self, text: str, at_least: int = 1) -> str:
        """Servers quote the key in what they say of errors."""
        key = self.settings.key
        return text.replace(key, "***") if len(key) >= at_least else text

    def _count(self, **more: float) -> None:
        with self._lock:
            counted = {name: getattr(self._usage, name) + n for name, n in more.items()}
            self._usage = replace(self._usage, **counted)

    def take_usage(self) -> Usage:
        """What was used since it was taken last."""
        with self._lock:
            taken, self._usage = self._usage, Usage()
        return taken


def _jpeg(picture: Picture, size: tuple[int, int]) -> bytes:
    height, width = picture.shape[:2]
    shown = picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


class _Busy(NetworkError):
    """The server asks to be left alone for ``wait_s`` seconds."""

    def __init__(self, message: str, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(message)


def _is_outage(error: BaseException) -> bool:
    return isinstance(error, NetworkError) and error.retryable


class Endpoints:
    """The models of the server that the settings name, each made when it is first asked for. ``stopped``: whether
    pauses are to end."""

    def __init__(
        self,
        settings: EndpointSettings,
        pause: Callable[[float], None] = time.sleep,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._make = partial(ChatEndpoint, settings, pause=pause, stopped=stopped)
        self._breakers = Breakers("endpoint")
        self._lock = threading.Lock()
        self._made: dict[str, ChatEndpoint] = {}

    def __getitem__(self, model: str) -> ChatEndpoint:
        """Raises ``ConfigurationError`` where the settings name no server."""
        if not self._settings.url:
            raise ConfigurationError(
                f"model {ENDPOINT}{model}: no endpoint is set; name its base URL, such as https://example.org/v1, in"
                " the setting endpoint_url"
            )
        with self._lock:
            if model not in self._made:
                self._made[model] = self._make(model, self._breakers)
            return self._made[model]

    def take_usage(self) -> list[dict[str, Any]]:
        """For each model that was used since this was asked last its name in options, the fields of ``Usage``, and the
        ``cost``, ``None`` where a price is not known."""
        with self._lock:
            made = dict(self._made)
        taken = {model: endpoint.take_usage() for model, endpoint in made.items()}
        return [
            {"model": f"{ENDPOINT}{model}", **asdict(usage), "cost": usage.cost(self._settings)}
            for model, usage in taken.items()
            if usage != Usage()
        ]
