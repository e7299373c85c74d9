"""A chat endpoint on loopback that speaks the protocol: it answers what a test tells it to, and keeps what it heard."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import cv2
import numpy as np
from serving import send, serving

from cortexia.config import Settings
from cortexia.models.endpoint import Endpoints, EndpointSettings

KEY = "sk-never-to-be-seen-1234567890"
Turn = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@dataclass
class Heard:
    """One request: its path, the ``Authorization`` header and the JSON."""

    path: str
    authorization: str | None
    asked: dict[str, Any]

    @property
    def text(self) -> str:
        return self.asked["messages"][0]["content"][0]["text"]

    @property
    def picture(self) -> np.ndarray:
        url = self.asked["messages"][0]["content"][1]["image_url"]["url"]
        assert url.startswith("data:image/jpeg;base64,")
        jpeg = base64.b64decode(url.partition(",")[2], validate=True)
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@dataclass
class ChatServer:
    """``turns``: what to do with each request, the last one again and again."""

    turns: Sequence[Turn]
    url: str = ""
    heard: list[Heard] = field(default_factory=list)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        assert handler.command == "POST"
        self.heard.append(Heard(handler.path, handler.headers.get("Authorization"), asked))
        self.turns[min(len(self.heard), len(self.turns)) - 1](handler, asked)

    def endpoints(self, pauses: list[float] | None = None, **settings: Any) -> Endpoints:
        """A client of it that waits for nothing, but says in ``pauses`` how long it would have."""
        waited = pauses if pauses is not None else []
        return Endpoints(endpoint_settings(**{"url": self.url, "key": KEY, **settings}), pause=waited.append)


def endpoint_settings(**values: Any) -> EndpointSettings:
    """Those of the defaults, but for ``values``."""
    return replace(EndpointSettings.of(Settings()), **values)


@contextlib.contextmanager
def chatting(*turns: Turn) -> Iterator[ChatServer]:
    server = ChatServer(turns)
    with serving(server) as site:
        server.url = f"{site}/v1"
        yield server


def completion(content: Any, finish: str | None = "stop", probabilities: Sequence[float] = (), **message: Any) -> bytes:
    """The JSON of a chat completion."""
    tokens = [{"token": "x", "logprob": math.log(probability), "top_logprobs": []} for probability in probabilities]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
        "logprobs": {"content": tokens} if tokens else None,
    }
    usage = {"prompt_tokens": 120, "completion_tokens": 7, "total_tokens": 127}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def says(content: Any, finish: str | None = "stop", probabilities: Sequence[float] = (), **message: Any) -> Turn:
    return lambda handler, _: send(handler, completion(content, finish, probabilities, **message))


def answers(status: int, body: bytes = b"{}", **headers: str) -> Turn:
    return lambda handler, _: send(handler, body, status, **headers)


def hangs_up(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    """In the middle of a good answer."""
    body = completion("never whole")
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:20])
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
