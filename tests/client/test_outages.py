"""An outage is rehearsed: calls meet what a real one would make of them, and nothing is sent."""

from __future__ import annotations

import asyncio
import threading

import pytest

from genai_integrations import GenAIClient
from genai_integrations.errors import (
    APIConnectionError,
    ConfigurationError,
    InvalidReplyError,
    OutOfCreditError,
    RateLimitError,
    ServerError,
    UnknownModelError,
)

QUESTION = [{"role": "user", "content": "Hi"}]


def test_the_fallback_answers_while_it_lasts(ask, make_client, seoul, usa):
    """In each way to call; the failure is told as rehearsed, and is over with the block."""
    client = make_client(seoul, usa)

    with client.outage("seoul", status=429) as outage:
        answer = ask(client)

    assert answer.text == "usa says: one two three four"
    assert [row.outcome for row in answer.route.attempts] == ["RateLimitError", "ok"]
    assert [row.rehearsed for row in answer.route.attempts] == [True, False]
    assert answer.route.as_dict()["attempts"][0]["rehearsed"] is True
    assert "seoul/gpt-4o RateLimitError (rehearsed)" in str(answer.route)
    assert outage.failed == ["seoul/gpt-4o"]
    assert not seoul.requests
    assert ask(client).text == "seoul says: one two three four"


@pytest.mark.parametrize(
    ("how", "kind", "status"),
    [
        ({}, ServerError, 503),
        ({"status": 402}, OutOfCreditError, 402),
        ({"status": 429}, RateLimitError, 429),
        ({"error": "refused"}, APIConnectionError, None),
        ({"error": "broken"}, APIConnectionError, None),
        ({"error": "empty"}, InvalidReplyError, None),
        ({"error": "html"}, InvalidReplyError, None),
    ],
)
def test_a_failure_is_of_the_class_of_a_real_one(how, kind, status, make_client, seoul):
    """And says that it is none; afterwards the target is asked as if nothing had been."""
    client = make_client(seoul, num_retries=0)

    with client.outage("seoul", **how), pytest.raises(kind, match="rehearsed outage") as caught:
        client.completion("gpt-4o", QUESTION)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


def test_the_target_is_left_alone_as_after_a_real_failure(make_client, seoul, usa):
    """The circuit breaker sees no difference, as long as the outage lasts."""
    client = make_client(seoul, usa)

    with client.outage("seoul", status=429, retry_after=30) as outage:
        routes = [client.completion("gpt-4o", QUESTION).route for _ in range(2)]

    assert [len(route.attempts) for route in routes] == [2, 1]
    assert routes[0].attempts[0].error.retry_after == 30
    assert outage.failed == ["seoul/gpt-4o"]


@pytest.mark.parametrize(
    "name", ["seoul", "seoul/gpt-4o", "openai/gpt-4o", "openai", "gpt-4o", "quick"]
)
def test_what_can_be_out(name, make_client, seoul):
    """A connection, a target, a provider, a model, an alias; another model of the connection may be well."""
    client = make_client(seoul, num_retries=0, model_group_alias={"quick": "gpt-4o"})

    with client.outage(name):
        with pytest.raises(ServerError):
            client.completion("gpt-4o", QUESTION)
        if "4o" in name or name == "quick":
            assert client.completion("o3", QUESTION).route.served == "seoul/o3"


def test_the_inner_one_counts(make_client, seoul):
    """Of two outages of one target, and each ends by itself."""
    client = make_client(seoul, num_retries=0, cooldown_time=0)

    with client.outage("seoul", status=429):
        with client.outage("gpt-4o", status=500), pytest.raises(ServerError):
            client.completion("gpt-4o", QUESTION)
        with pytest.raises(RateLimitError):
            client.completion("gpt-4o", QUESTION)


def test_it_ends_whatever_happens(make_client, seoul):
    """An exception leaves none behind, and one object may be used again."""
    client = make_client(seoul)
    outage = client.outage("seoul")

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), outage:
            raise KeyboardInterrupt

    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


def test_async_with(make_client, seoul, usa):
    """The connections are read without blocking the loop, and tasks meet the outage."""
    client = make_client(seoul, usa)

    async def rehearse():
        async with client.outage("seoul", error="timeout"):
            asked = (client.acompletion("gpt-4o", QUESTION) for _ in range(5))
            return [reply.route.served for reply in await asyncio.gather(*asked)]

    assert asyncio.run(rehearse()) == ["usa/gpt-4o"] * 5
    assert not seoul.requests


def test_threads_begin_and_end_theirs(make_client, seoul, usa):
    """Many at once; none outlives its block."""
    client = make_client(seoul, usa, cooldown_time=0)
    served = []

    def rehearse(name):
        with client.outage(name):
            reply = client.completion("gpt-4o", QUESTION, num_retries=0)
            served.append(reply.route.served)

    threads = [threading.Thread(target=rehearse, args=("seoul",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert served == ["usa/gpt-4o"] * 8
    assert client.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"


def test_embeddings_meet_it_too(make_client, seoul, usa):
    """An outage is of a target, whatever it is asked."""
    client = make_client(seoul, usa)

    with client.outage("seoul"):
        reply = client.embedding("text-embedding-3-small", "Hi")

    assert reply.route.served == "usa/text-embedding-3-small"


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("", {}, "what is out must be a string"),
        ("seoul", {"status": 200}, "status must be an HTTP status from 400 to 599, not 200"),
        ("seoul", {"status": True}, "status must be"),
        ("seoul", {"status": "429"}, "status must be"),
        ("seoul", {"error": "sulking"}, "error must be one of timeout, refused"),
        ("seoul", {"error": "timeout", "status": 429}, "not both"),
        ("seoul", {"status": 429, "retry_after": -1}, "retry_after must be"),
        ("seoul", {"status": 429, "retry_after": float("nan")}, "retry_after must be"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(name, how, words, make_client, seoul):
    """In one line, before the block."""
    with pytest.raises(ConfigurationError, match=words):
        make_client(seoul).outage(name, **how)


def test_a_name_that_means_nothing_is_refused(make_client, connect, seoul):
    """Else the rehearsal would show nothing, and look well."""
    listing = connect(seoul, custom_models=("gpt-4o",), with_default_models=False)
    client = make_client(listing)

    with (
        pytest.raises(
            UnknownModelError, match=r"no connection serves 'seuol'\. Connections: seoul"
        ),
        client.outage("seuol"),
    ):
        pass


def test_a_process_can_begin_with_one(connect, seoul, usa, monkeypatch, caplog):
    """`GENAI_OUTAGES` holds for every client that is made, and the log says so."""
    monkeypatch.setenv("GENAI_OUTAGES", '{"name": "seoul", "status": 429}\n{"name": "o3"}')
    client = GenAIClient(connections=[connect(seoul), connect(usa)])

    route = client.completion("gpt-4o", QUESTION).route

    assert [row.rehearsed for row in route.attempts] == [True, False]
    assert "a rehearsal: Outage('seoul', 429), because GENAI_OUTAGES says so" in caplog.text


@pytest.mark.parametrize("text", ["seoul", '{"status": 429}', "[]", '{"name": "a", "else": 1}'])
def test_a_variable_that_says_nothing_is_refused(text, connect, seoul, monkeypatch):
    """When the client is made."""
    monkeypatch.setenv("GENAI_OUTAGES", text)

    with pytest.raises(ConfigurationError, match=r"GENAI_OUTAGES has .*it must be a line like"):
        GenAIClient(connections=[connect(seoul)])


def test_other_processes_are_not_told(make_client, seoul, usa, tmp_path):
    """Who shares cooldowns would leave a target alone that is well."""
    shared = {"state_file": str(tmp_path / "state")}
    rehearsing, other = make_client(seoul, usa, **shared), make_client(seoul, usa, **shared)
    health = rehearsing._router._parts.health

    with rehearsing.outage("seoul", status=429, retry_after=60):
        assert rehearsing.completion("gpt-4o", QUESTION).route.served == "usa/gpt-4o"
        assert health.free_at("seoul/gpt-4o") > 0
        assert not health.changed
        assert other.completion("gpt-4o", QUESTION).route.served == "seoul/gpt-4o"

    assert not health.changed
    health.failed("seoul/gpt-4o")
    assert health.changed
