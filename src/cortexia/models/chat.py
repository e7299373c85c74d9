"""What is said to a chat endpoint, and what is made of its answer: JSON as the chat completions of OpenAI have it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cortexia.errors import InferenceError
from cortexia.types import Picture

ENDPOINT = "endpoint:"
"""Before the name that a server has for a model, in place of a model's id."""

Hide = Callable[[str], str]
_ENDED_WELL = ("stop", None)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """``text``: in one line, never empty. ``confidence``: mean probability of its tokens in [0, 1], ``None`` where the
    server does not tell. Tokens as the server counted them, ``None`` where it did not. ``seen``: width and height of
    the picture that was sent (pixels)."""

    text: str
    confidence: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seen: tuple[int, int] | None = None


class ChatModel(Protocol):
    """One model of an endpoint."""

    def ask(self, text: str, picture: Picture, max_tokens: int, moved: Callable[[], None] = ...) -> Reply:
        """What the model says to ``text`` about ``picture`` (BGR), in at most ``max_tokens`` tokens. ``moved`` is
        called now and then. Raises ``InferenceError`` for an answer that is none, and what the network raises."""


class ChatModels(Protocol):
    """The models of the endpoint that the settings name."""

    def __getitem__(self, model: str) -> ChatModel:
        """Raises ``ConfigurationError`` where the settings name no endpoint."""

    def take_usage(self) -> Sequence[Mapping[str, Any]]:
        """For each model that was used since this was asked last its name in options (``model``), ``answers``,
        ``failures``, ``prompt_tokens``, ``completion_tokens``, ``answer_s`` (seconds), and ``cost`` in the unit of the
        prices."""


def request_body(model: str, text: str, jpeg: bytes, max_tokens: int, logprobs: bool = True) -> bytes:
    """One message of ``text`` and a picture, as JSON. The most likely tokens are asked for, not a draw."""
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    asked: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": parts}],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": False,
    }
    if logprobs:
        asked["logprobs"] = True
    return json.dumps(asked).encode()


def read_usage(body: bytes) -> dict[str, int]:
    """``prompt_tokens`` and ``completion_tokens`` that the server counts, whatever came of the answer: 0 where it tells
    of none."""
    try:
        usage = json.loads(body).get("usage")
    except (ValueError, RecursionError, AttributeError):
        usage = None
    return {name: _count(usage, name) or 0 for name in ("prompt_tokens", "completion_tokens")}


def read_reply(model: str, body: bytes, hide: Hide = str) -> Reply:
    """The one answer in ``body``. Raises ``InferenceError`` for whatever is none: no JSON of that form, an error, a
    refusal, nothing at all, a text that was cut short. ``hide``: takes out of a text what no message may quote."""
    try:
        told = json.loads(body)
        if isinstance(told, Mapping) and told.get("error"):
            raise InferenceError(model, f"the server tells of an error: {error_text(body, hide)}")
        choice = told["choices"][0]
        message, ended = choice["message"], choice.get("finish_reason")
        refusal = message.get("refusal")
        text = message.get("content")
        usage = told.get("usage") or {}
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError) as error:
        what = f"the answer is not one of a chat ({type(error).__name__}): {_start(body, hide)}"
        raise InferenceError(model, what) from error
    _check(model, ended, refusal, text, hide)
    return Reply(
        text=" ".join(text.split()),
        confidence=_confidence(choice.get("logprobs")),
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _check(model: str, ended: Any, refusal: Any, text: Any, hide: Hide) -> None:
    if ended == "length":
        raise InferenceError(model, "the answer was cut short; raise max_tokens, or ask for less")
    if refusal:
        raise InferenceError(model, f"the model refuses: {hide(str(refusal))[:_SHOWN]}")
    if ended not in _ENDED_WELL:
        raise InferenceError(model, f"the answer ended for the reason {hide(str(ended))[:_SHOWN]!r}")
    if not isinstance(text, str) or not text.strip():
        raise InferenceError(model, "the answer is empty")


def _confidence(told: Any) -> float | None:
    """Mean of the probabilities of the tokens; ``None`` unless there is a finite logarithm for each."""
    tokens = told.get("content") if isinstance(told, Mapping) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    told_logs = (token.get("logprob") if isinstance(token, Mapping) else None for token in tokens)
    logs = [float(log) for log in told_logs if isinstance(log, int | float) and math.isfinite(log)]
    return math.fsum(math.exp(min(log, 0.0)) for log in logs) / len(logs) if len(logs) == len(tokens) else None


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def error_text(body: bytes, hide: Hide = str) -> str:
    """What an error of a server says, in few words. ``hide``: as for ``read_reply``."""
    try:
        told = json.loads(body)
        told = told.get("error", told)
        message = told.get("message") if isinstance(told, Mapping) else told
    except (ValueError, RecursionError, AttributeError):
        return _start(body, hide)
    return " ".join(hide(str(message)).split())[:_SHOWN]


def _start(body: bytes, hide: Hide) -> str:
    # hidden before it is cut, or else the beginning of a secret may stay
    return repr(hide(body.decode("utf-8", "replace"))[:60]) if body else "nothing"
