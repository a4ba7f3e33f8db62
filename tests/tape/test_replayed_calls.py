"""Calls that are recorded and replayed: the same answers, streams and errors, in the same order, and no server."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    ConfigurationError,
    RateLimitError,
    ReplayError,
    RequestTimeoutError,
    StreamInterruptedError,
)
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.transports.tape import Replay

HELLO = [{"role": "user", "content": "one two three"}]


class Sync:
    """The client in a thread."""

    def ask(self, client, messages=HELLO, model="gpt-4o", **params):
        return client.completion(model, messages, **params)

    def stream(self, client, messages=HELLO, model="gpt-4o", **params):
        with client.completion(model, messages, True, **params) as stream:
            return [chunk.wire for chunk in stream], stream.route


class Async:
    """The client in an event loop."""

    def ask(self, client, messages=HELLO, model="gpt-4o", **params):
        return asyncio.run(client.acompletion(model, messages, **params))

    def stream(self, client, messages=HELLO, model="gpt-4o", **params):
        async def read():
            async with await client.acompletion(model, messages, True, **params) as stream:
                return [chunk.wire async for chunk in stream], stream.route

        return asyncio.run(read())


@pytest.fixture(params=[Sync, Async])
def way(request):
    return request.param()


def test_an_answer_is_given_again_without_a_server(way, recording, replaying, seoul):
    """With its usage, its cost and who gave it; no connection and no key is needed."""
    first = way.ask(recording(seoul), temperature=0.5)
    seoul.close()

    again = way.ask(replaying(), temperature=0.5)

    assert again == first
    assert (again.route.served, again.route.cost) == ("seoul/gpt-4o", first.route.cost)


def test_a_stream_is_given_again_in_its_pieces(way, recording, replaying, seoul):
    """The last one with the usage."""
    seoul.replies["*"] = ["one ", "two ", "three"]
    first, _ = way.stream(recording(seoul))
    seoul.close()

    again, route = way.stream(replaying())

    assert again == first
    assert len(again) > 4
    assert route.cost > 0


def test_what_was_recorded_one_way_is_replayed_the_other(recording, replaying, seoul):
    """Threads and loops share tapes."""
    Sync().ask(recording(seoul))
    Sync().stream(recording(seoul))
    client = replaying()

    assert Async().ask(client).choices[0].message.content == "seoul says: one two three"
    assert len(Async().stream(client)[0]) > 2


def test_the_same_question_is_answered_in_its_order(way, recording, replaying, seoul):
    """And once more than it was recorded is loud."""
    client = recording(seoul)
    for text in ("first", "second"):
        seoul.replies["*"] = text
        way.ask(client)

    client = replaying()
    told = [way.ask(client).choices[0].message.content for _ in range(2)]
    with pytest.raises(
        ReplayError, match=r"recorded 2 times in .*calls\.jsonl, and is asked once more"
    ):
        way.ask(client)

    assert told == ["first", "second"]


def test_embeddings_are_replayed(recording, replaying, seoul):
    """Vectors and all."""
    first = recording(seoul).embedding("text-embedding-3-small", ["a", "b"], dimensions=8)

    assert replaying().embedding("text-embedding-3-small", ["a", "b"], dimensions=8) == first


def test_an_error_is_raised_again_as_the_same(way, both, seoul):
    """With all that a program may look at."""
    seoul.faults["*"] = Fault.rate_limited(7)
    errors = []
    for client in both(seoul, num_retries=0):
        with pytest.raises(RateLimitError) as caught:
            way.ask(client)
        errors.append(caught.value)
        seoul.close()

    first, again = errors
    names = ("message", "status", "retry_after", "should_retry", "request_id", "code", "body", "connection", "model")  # fmt: skip
    assert [getattr(again, name) for name in names] == [getattr(first, name) for name in names]
    assert str(again) == str(first)


def test_a_call_that_fell_over_does_so_again(way, recording, replaying, seoul, usa):
    """Every attempt is on the tape."""
    seoul.faults["*"] = Fault.status(503)
    first = way.ask(recording(seoul, usa))

    again = way.ask(replaying())

    assert again == first
    told = [(row.target, row.outcome, row.status) for row in again.route.attempts]
    assert told == [("seoul/gpt-4o", "ServerError", 503), ("usa/gpt-4o", "ok", 200)]


def test_when_all_fail_they_fail_again(both, seoul, usa):
    """As the same error of errors."""
    seoul.faults["*"] = usa.faults["*"] = Fault.status(500)
    for client in both(seoul, usa, num_retries=1):
        with pytest.raises(AllTargetsFailedError) as caught:
            client.completion("gpt-4o", HELLO)
        assert [row.status for row in caught.value.attempts] == [500, 500]


def test_a_request_that_was_said_otherwise_is_so_again(both, seoul):
    """What the provider refused is on the tape, too."""
    seoul.faults["*"] = Fault.status(
        400, code="unsupported_parameter", message="Unsupported parameter: 'seed'.", times=1
    )
    routes = [client.completion("gpt-4o", HELLO, seed=1).route for client in both(seoul)]  # fmt: skip

    assert [row.restated for row in routes[1].attempts] == [
        row.restated for row in routes[0].attempts
    ]


def test_a_request_that_went_by_the_newer_api_does_so_again(both, seoul):
    """The connection of the tape is as it was before that was learnt."""
    refused = "This model is only supported in v1/responses and not in v1/chat/completions."
    seoul.faults["odd-model"] = Fault.status(404, message=refused, times=1)
    told = []
    for client in both(seoul):
        reply = client.completion("seoul/odd-model", HELLO)
        told.append((reply.wire, [(row.outcome, row.restated) for row in reply.route.attempts]))
        seoul.close()

    assert told[0] == told[1]
    assert told[1][1] == [("NotFoundError", ()), ("ok", ("by /v1/responses",))]


def test_a_stream_that_broke_breaks_again(way, both, seoul):
    """After the same pieces."""
    seoul.replies["*"] = ["one ", "two ", "three"]
    seoul.faults["*"] = Fault.cut(2)
    texts = []
    for client in both(seoul, num_retries=0):
        with pytest.raises(StreamInterruptedError) as caught:
            way.stream(client)
        texts.append(caught.value.partial_text)

    assert texts == ["one two ", "one two "]


def test_a_time_out_is_one_again(way, recording, replaying, seoul):
    """At once, since time is not replayed unless it is asked for."""
    seoul.faults["*"] = Fault.hang()
    with pytest.raises(RequestTimeoutError):
        way.ask(recording(seoul, num_retries=0), timeout=0.2)
    with pytest.raises(RequestTimeoutError):
        way.stream(recording(seoul, num_retries=0), timeout=0.2)
    client = replaying(num_retries=0)

    with pytest.raises(RequestTimeoutError):
        way.ask(client)
    with pytest.raises(RequestTimeoutError):
        way.stream(client)


def test_a_stream_that_was_left_ends_loudly_where_it_was_left(both, recording, replaying, seoul):
    """Who leaves it there again notices nothing."""
    seoul.replies["*"] = ["one ", "two ", "three"]
    for client in both(seoul):
        with client.completion("gpt-4o", HELLO, True) as stream:
            assert next(stream).choices
    with pytest.raises(
        StreamInterruptedError, match="ends here, where its reader had left: record it again"
    ):
        list(replaying().completion("gpt-4o", HELLO, True))


MISSES = {
    "another text": (
        {"messages": [{"role": "user", "content": "one two four"}]},
        r"in line 1, differs in messages\[0\]\.content \('one two three' there, 'one two four' here\)",
    ),
    "a parameter more": ({"seed": 7}, r"differs in seed \(nothing there, 7 here\)"),
    "a parameter less": ({"temperature": None}, r"differs in temperature \(0\.5 there, nothing here\)"),
    "another model": ({"model": "gpt-4o-mini"}, r"differs in model \('gpt-4o' there, 'gpt-4o-mini' here\)"),
    "a longer text": (
        {"messages": [{"role": "user", "content": "x" * 500 + "one two three"}]},
        r"content \('one two three' there, '(x{48})'\.\.\. here\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("miss", MISSES)
def test_a_miss_names_the_nearest_and_the_difference(miss, way, recording, replaying, seoul):
    """In one line, and never asks anybody."""
    change, told = MISSES[miss]
    client = recording(seoul)
    way.ask(client, temperature=0.5)
    way.ask(client, [{"role": "user", "content": "something else altogether"}], temperature=1)

    with pytest.raises(ReplayError, match=told) as caught:
        way.ask(replaying(model_group_alias={"x": "gpt-4o"}), **{"temperature": 0.5, **change})

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert len(seoul.requests) == 2


def test_a_miss_after_a_failure_is_as_loud(recording, replaying, seoul, usa):
    """It is no attempt that failed, and nobody else is tried."""
    seoul.faults["*"] = Fault.status(503, times=1)
    with pytest.raises(Exception, match="503"):
        recording(seoul, num_retries=0).completion("gpt-4o", HELLO)
    rows = [Connection.of(name, "openai", "none") for name in ("seoul", "usa")]
    client = GenAIClient(connections=rows, replay=recorded_path(replaying()))

    with pytest.raises(
        ReplayError, match=r"usa/gpt-4o .* differs in connection \('seoul' there, 'usa' here\)"
    ):
        client.completion("gpt-4o", HELLO)


def recorded_path(client):
    return client._router._parts.transport._path


def test_an_order_of_keys_and_a_form_of_numbers_make_no_miss(recording, replaying, seoul):
    """They are the same request."""
    recording(seoul).completion("gpt-4o", HELLO, temperature=1, seed=2)
    message = dict(reversed(HELLO[0].items()))

    assert replaying().completion("gpt-4o", [message], seed=2, temperature=1.0)


@pytest.mark.parametrize("bound", [2**64, 1.7976931348623157e308])
def test_a_number_beyond_64_bits_is_one_like_any_other(bound, recording, replaying, seoul):
    """Such as the bounds of a schema; a tape that has one is read."""
    schema = {"type": "object", "properties": {"a": {"type": "number", "maximum": bound}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    recording(seoul).completion("gpt-4o", HELLO, tools=tools)

    assert replaying().completion("gpt-4o", HELLO, tools=tools)


def test_adapters_replay_what_adapters_recorded(recording, replaying, seoul):
    """Both, whole and streamed."""

    def talk(client):
        chat, llm = ChatGenAI("gpt-4o", client=client), GenAI("gpt-4o", client=client)
        return [
            chat.invoke("Hello, LangChain!").text,
            "".join(row.text for row in chat.stream("Hello, LangChain!")),
            asyncio.run(chat.ainvoke("Hello, loop!")).text,
            str(llm.complete("Hello, LlamaIndex!")),
            "".join(row.delta for row in llm.stream_complete("Hello, LlamaIndex!")),
        ]

    first = talk(recording(seoul))
    seoul.close()

    assert talk(replaying()) == first


def test_other_dialects_are_recorded_as_the_router_sees_them(tape, clients, seoul):
    """In OpenAI's shape, whoever was asked."""
    row = Connection.of("claude", "anthropic", "sk-ant-example-example-1", seoul.url)
    clients.append(GenAIClient(connections=[row], record=tape))
    first = clients[-1].completion("claude-sonnet-4-5", HELLO)
    seoul.close()
    clients.append(GenAIClient(replay=tape))

    assert clients[-1].completion("claude-sonnet-4-5", HELLO) == first


def test_time_passes_if_it_is_asked_for(recording, replaying, seoul, tape, monkeypatch):
    """That of a whole answer, and that of each piece."""
    seoul.replies["*"] = ["one ", "two "]
    Sync().ask(recording(seoul))
    Sync().stream(recording(seoul))
    waited = []
    monkeypatch.setattr(
        "genai_integrations.transports.tape.replay._sleep",
        lambda seconds, *_: waited.append(seconds),
    )
    replay = Replay(tape, timed=True)
    replay._rows[0].data["ms"] = 4000.0
    chunks = replay._rows[1].data["chunks"]
    chunks[-1][0] = 90_000.0
    client = replaying(replay)

    Sync().ask(client)
    Sync().stream(client)

    assert waited[0] == 4.0
    assert len(waited) == 1 + len(chunks)
    assert 80 < waited[-1] <= 90


def test_a_recorded_wait_stays_within_the_callers_time(recording, replaying, seoul, tape):
    """It is as if the server had taken so long."""
    Sync().ask(recording(seoul))
    replay = Replay(tape, timed=True)
    replay._rows[0].data["ms"] = 4000.0

    with pytest.raises(RequestTimeoutError):
        Sync().ask(replaying(replay, num_retries=0), timeout=0.05)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"record": "a.jsonl", "replay": "a.jsonl"}, "leave record and transport out, or replay"),
        ({"replay": "a.jsonl"}, r"'a\.jsonl' cannot be read \(No such file or directory\): make it with GenAIClient\(record"),
        ({"record": 7}, "record must be the path of a file"),
        ({"replay": ""}, "replay must be the path of a file"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_when_the_client_is_made(options, told, tmp_path, monkeypatch):
    """In one line."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match=told):
        GenAIClient(connections=[], **options)


def test_a_refused_request_is_refused_again(both, seoul):
    """By the same words, at once."""
    seoul.faults["*"] = Fault.bad_request("no such thing")
    for client in both(seoul):
        with pytest.raises(BadRequestError, match="no such thing"):
            client.completion("gpt-4o", HELLO)
