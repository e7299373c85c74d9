"""The client of chat endpoints against a server that speaks the protocol, well and badly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import structlog
from chat_server import KEY, answers, chatting, endpoint_settings, error, hangs_up, says
from serving import Listener

from cortexia.errors import (
    CircuitBreakerOpenError,
    ConfigurationError,
    CortexiaError,
    InferenceError,
    JobCancelled,
    NetworkError,
    RemoteAnswerError,
    SourceRefusedError,
    TransferLimitError,
)
from cortexia.models.chat import read_usage
from cortexia.models.endpoint import Endpoints, EndpointSettings, Usage
from cortexia.resilience import BreakerState
from cortexia.telemetry import configure_logs

RETRY_AFTER_7 = answers(429, Retry_After="7")
PICTURE = np.full((90, 160, 3), (20, 60, 220), np.uint8)


@pytest.fixture
def talkative():
    """Whatever other tests set up, everything is logged."""
    before = structlog.get_config()
    configure_logs("debug")
    yield
    structlog.configure(**before)


def ask(endpoints, max_tokens=64, picture=PICTURE):
    return endpoints["eye-1"].ask("What is it?", picture, max_tokens)


# -- what is sent


def test_it_asks_as_the_protocol_has_it():
    with chatting(says("A red wall.")) as server:
        ask(server.endpoints())
    (heard,) = server.heard
    assert heard.path == "/v1/chat/completions"
    assert heard.text == "What is it?"
    told = {name: heard.asked[name] for name in ("model", "max_tokens", "temperature", "stream", "logprobs")}
    assert told == {"model": "eye-1", "max_tokens": 64, "temperature": 0, "stream": False, "logprobs": True}


def test_the_picture_arrives_in_its_colours_and_shrunk_to_the_setting():
    with chatting(says("A red wall.")) as server:
        reply = ask(server.endpoints(max_side=80))
    picture = server.heard[0].picture
    assert picture.shape == (45, 80, 3)
    assert reply.seen == (80, 45)
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - (20, 60, 220)).max() < 4


def test_a_small_picture_is_not_enlarged():
    with chatting(says("A red wall.")) as server:
        assert ask(server.endpoints(max_side=4096)).seen == (160, 90)


def test_the_setting_bounds_the_tokens_of_an_answer():
    with chatting(says("A red wall.")) as server:
        ask(server.endpoints(max_tokens=20), max_tokens=500)
        ask(server.endpoints(max_tokens=500), max_tokens=20)
    assert [heard.asked["max_tokens"] for heard in server.heard] == [20, 20]


def test_the_key_goes_as_bearer_and_only_where_there_is_one():
    with chatting(says("A red wall.")) as server:
        ask(server.endpoints())
        ask(server.endpoints(key=""))
    assert [heard.authorization for heard in server.heard] == [f"Bearer {KEY}", None]


# -- what is made of an answer


def test_confidence_is_the_mean_probability_of_the_tokens():
    with chatting(says("A  red\nwall.", probabilities=(0.5, 0.75, 1.0))) as server:
        reply = ask(server.endpoints())
    assert reply.text == "A red wall."
    assert reply.confidence == pytest.approx(0.75)
    assert (reply.prompt_tokens, reply.completion_tokens) == (120, 7)


def test_without_probabilities_there_is_no_confidence():
    with chatting(says("A red wall.")) as server:
        assert ask(server.endpoints()).confidence is None


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_logprobs_is_asked_without_from_then_on(status):
    def turn(handler, asked):
        (answers(status, error("logprobs is not supported")) if "logprobs" in asked else says("Fine."))(handler, asked)

    with chatting(turn) as server:
        endpoints = server.endpoints()
        assert [ask(endpoints).text for _ in range(2)] == ["Fine.", "Fine."]
    assert ["logprobs" in heard.asked for heard in server.heard] == [True, False, False]


def test_threads_that_learn_at_once_of_refused_logprobs_all_get_their_answer():
    both = threading.Barrier(2)

    def turn(handler, asked):
        if "logprobs" in asked:
            both.wait(20)  # both have asked before either is refused
            answers(400, error("logprobs is not supported"))(handler, asked)
        else:
            says("Fine.")(handler, asked)

    with chatting(turn) as server, ThreadPoolExecutor(2) as pool:
        endpoints = server.endpoints()
        assert [reply.text for reply in pool.map(lambda _: ask(endpoints), range(2))] == ["Fine.", "Fine."]
    assert sorted("logprobs" in heard.asked for heard in server.heard) == [False, False, True, True]


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (says("A red wa", finish="length"), "cut short"),
        (says("", finish="stop"), "empty"),
        (says(None), "empty"),
        (says(" \n"), "empty"),
        (says(["no", "text"]), "empty"),
        (says(None, refusal="I cannot look at people."), "refuses: I cannot look"),
        (says("some", finish="content_filter"), "content_filter"),
        (says(None, finish="tool_calls"), "tool_calls"),
        (answers(200, error("the model is overloaded")), "overloaded"),
        (answers(200, b'{"choices": []}'), "not one of a chat"),
        (answers(200, b'{"choices": [{"message": "text"}]}'), "not one of a chat"),
        (answers(200, b"[1, 2]"), "not one of a chat"),
        (answers(200, b"<html>hello</html>"), "not one of a chat"),
        (answers(200, b"[" * 200_000), "not one of a chat"),
        (answers(200, b""), "nothing"),
        (answers(400, error("no such picture")), "no such picture"),
        (answers(422, b"\xff\xfe junk"), "422"),
    ],
)
def test_what_is_no_answer_is_an_error_and_no_text(turn, why):
    with chatting(turn) as server:
        endpoints = server.endpoints()
        with pytest.raises(InferenceError, match=why):
            ask(endpoints)
        assert len(server.heard) == 1
    usage = endpoints["eye-1"].usage
    assert (usage.answers, usage.failures) == (0, 1)


@pytest.mark.parametrize(
    "turn",
    [says("A red wa", finish="length"), says(None), says(None, refusal="no"), says("so", finish="content_filter")],
)
def test_what_is_no_answer_is_paid_for_all_the_same(turn):
    with chatting(turn, says("A red wall.")) as server:
        endpoints = server.endpoints()
        with pytest.raises(InferenceError):
            ask(endpoints)
        assert endpoints["eye-1"].usage == Usage(failures=1, prompt_tokens=120, completion_tokens=7)
        ask(endpoints)
    usage = endpoints["eye-1"].usage
    assert (usage.answers, usage.failures, usage.prompt_tokens, usage.completion_tokens) == (1, 1, 240, 14)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"usage": 3}', b'{"usage": {"prompt_tokens": "9"}}', b"[" * 99_999]
)
def test_usage_that_is_not_told_is_none(body):
    assert read_usage(body) == {"prompt_tokens": 0, "completion_tokens": 0}


@pytest.mark.parametrize(("status", "reason"), [(401, "forbidden"), (403, "forbidden"), (404, "not_found")])
def test_what_the_server_denies_is_asked_once(status, reason):
    with chatting(answers(status, error("no"))) as server:
        with pytest.raises(RemoteAnswerError) as denied:
            ask(server.endpoints())
        assert denied.value.reason == reason
        assert len(server.heard) == 1


def test_a_huge_answer_is_not_read_to_its_end():
    with chatting(answers(200, b" " * 11_000_000)) as server, pytest.raises(TransferLimitError, match="10000000"):
        ask(server.endpoints())


# -- what may pass


@pytest.mark.parametrize(
    "turn", [RETRY_AFTER_7, answers(500), answers(503), hangs_up], ids=["429", "500", "503", "cut"]
)
def test_what_passes_is_waited_for(turn):
    pauses: list[float] = []
    with chatting(turn, turn, says("A red wall.")) as server:
        endpoints = server.endpoints(pauses)
        assert ask(endpoints).text == "A red wall."
    assert len(server.heard) == 3
    usage = endpoints["eye-1"].usage
    assert (usage.answers, usage.failures) == (1, 2)
    low, high = (7 + 7, 7 + 8) if turn is RETRY_AFTER_7 else (3.2 + 6.4, 4 + 8)
    assert low - 0.01 < sum(pauses) < high + 0.01


def test_a_server_that_asks_for_patience_gets_it_up_to_a_minute():
    pauses: list[float] = []
    with chatting(answers(429, Retry_After="30"), answers(429, Retry_After="86400"), says("Fine.")) as server:
        ask(server.endpoints(pauses))
    assert sum(pauses) == 30 + 60


def test_silence_is_a_failure_that_may_pass():
    released = threading.Event()

    def silent(handler, asked):
        released.wait(20)

    with chatting(silent, says("A red wall.")) as server:
        endpoints = server.endpoints(timeout_s=0.3)
        try:
            assert ask(endpoints).text == "A red wall."
        finally:
            released.set()
    assert len(server.heard) == 2


def test_five_failures_open_the_breaker_and_nothing_more_is_asked():
    with chatting(answers(500)) as server:
        endpoints = server.endpoints()
        for _ in range(2):
            with pytest.raises(CircuitBreakerOpenError, match="answers 500"):
                ask(endpoints)
        assert len(server.heard) == 5


def test_a_good_answer_starts_the_count_again():
    """Negative control of the test above."""
    with chatting(*[answers(500)] * 4, says("Fine."), *[answers(500)] * 4, says("Fine.")) as server:
        endpoints = server.endpoints()
        assert [ask(endpoints).text for _ in range(2)] == ["Fine.", "Fine."]


def test_a_probe_that_fails_ends_its_run(monkeypatch):
    with chatting(answers(500)) as server:
        endpoints = server.endpoints()
        with pytest.raises(CircuitBreakerOpenError):
            ask(endpoints)
        later = endpoints._breakers._clock() + 61
        monkeypatch.setattr(endpoints["eye-1"]._breaker, "_clock", lambda: later)
        assert endpoints["eye-1"]._breaker.state is BreakerState.HALF_OPEN
        with pytest.raises(NetworkError, match="answers 500"):
            ask(endpoints)
        assert len(server.heard) == 6


def test_answers_that_are_none_say_nothing_of_the_server():
    with chatting(says("")) as server:
        endpoints = server.endpoints()
        for _ in range(7):
            with pytest.raises(InferenceError):
                ask(endpoints)


@pytest.mark.parametrize("timeout_s", [0.25, 60.0])
def test_whoever_waits_says_that_it_moves_sooner_than_a_silence_is_taken_for_death(timeout_s):
    told: list[float] = []
    with chatting(answers(429, Retry_After="30"), says("Fine.")) as server:
        endpoints = server.endpoints(told, timeout_s=timeout_s)
        endpoints["eye-1"].ask("?", PICTURE, 8, lambda: told.append(0.0))
    assert sum(told) == 30
    assert max(told) == min(0.5, timeout_s)
    assert not any(first and second for first, second in pairwise(told)), "each pause is followed by a move"


def test_whoever_asks_to_stop_is_heard_in_a_pause():
    pauses: list[float] = []
    with chatting(answers(429, Retry_After="30")) as server:
        settings = server.endpoints()._settings
        endpoints = Endpoints(settings, pause=pauses.append, stopped=lambda: len(pauses) >= 3)
        with pytest.raises(JobCancelled, match="asked to stop"):
            ask(endpoints)
    assert pauses == [0.5] * 3


# -- where it goes


def test_a_redirect_is_refused_and_the_key_stays_here():
    elsewhere = Listener()
    try:
        target = f"http://127.0.0.1:{elsewhere.port}/v1/chat/completions"
        with (
            chatting(answers(307, Location=target)) as server,
            pytest.raises(SourceRefusedError, match="redirects elsewhere"),
        ):
            ask(server.endpoints())
        assert elsewhere.connections == 0
    finally:
        elsewhere.close()


def test_without_an_address_it_says_which_setting():
    with pytest.raises(ConfigurationError, match="endpoint_url"):
        Endpoints(endpoint_settings())["eye-1"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/v1", "never contacted"),
        ("http://8.8.8.8/v1", "in the clear"),
        ("ftp://127.0.0.1/v1", "not https"),
        ("http://user:word@127.0.0.1/v1", "names a user"),
    ],
)
def test_what_is_closed_stays_closed(url, why):
    with pytest.raises(SourceRefusedError, match=why):
        ask(Endpoints(endpoint_settings(url=url)))


# -- what is told of it


def test_costs_are_counted_and_told_once():
    with chatting(says("A red wall.")) as server:
        endpoints = server.endpoints(price_input=2.0, price_output=10.0)
        assert endpoints.take_usage() == []
        for asked in (3, 1):
            for _ in range(asked):
                ask(endpoints)
            (told,) = endpoints.take_usage()
            assert (told["model"], told["answers"], told["failures"]) == ("endpoint:eye-1", asked, 0)
            assert (told["prompt_tokens"], told["completion_tokens"]) == (120 * asked, 7 * asked)
            assert told["cost"] == pytest.approx(asked * (120 * 2 + 7 * 10) / 1e6)
    assert endpoints.take_usage() == []


def test_without_prices_there_is_no_cost():
    assert Usage(answers=1, prompt_tokens=9).cost(endpoint_settings(price_input=1.0)) is None


@pytest.mark.parametrize(
    "turn",
    [
        answers(401, error(f"Incorrect API key provided: {KEY}")),
        answers(400, error(f"header Bearer {KEY} is odd")),
        answers(404, error(f"no model for {KEY}")),
        answers(200, f"junk {KEY}".encode()),
        answers(200, b" " * 45 + KEY.encode()),
        answers(500, error(f"boom {KEY}")),
        says(None, refusal=f"not with {KEY}"),
        hangs_up,
    ],
)
def test_the_key_is_in_no_message_and_no_log(turn, talkative):
    with chatting(turn) as server, structlog.testing.capture_logs() as logs:
        endpoints = server.endpoints()
        with pytest.raises(CortexiaError) as failed:
            ask(endpoints)
    told = [repr(failed.value), str(failed.value), repr(failed.value.__cause__), repr(logs), repr(endpoints._settings)]
    assert server.heard[0].authorization == f"Bearer {KEY}"
    assert not any(KEY in text for text in told)


def test_an_echo_of_the_key_is_not_kept_as_text():
    with chatting(says(f"The key is {KEY}.")) as server:
        assert ask(server.endpoints()).text == "The key is ***."


@pytest.mark.parametrize("key", ["x", "e", "text", "content", "EMPTY", "0123456789abcde"])
def test_a_short_key_that_stands_for_none_leaves_answers_alone(key):
    """Negative control of the test above."""
    text = f"A taxi: text, content, EMPTY and {key}."
    with chatting(says(text)) as server:
        reply = ask(server.endpoints(key=key))
    assert (reply.text, reply.prompt_tokens) == (text, 120)


def test_settings_travel_as_json():
    settings = endpoint_settings(url="https://example.org/v1", key=KEY, price_input=1.5)
    assert EndpointSettings(**settings.as_payload()) == settings
