"""A transport of a user's own: what it raises is a failed attempt, and another target serves."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import AllTargetsFailedError, InvalidReplyError
from genai_integrations.transports.dispatch import Transports

QUESTION = [{"role": "user", "content": "hi"}]


class Recorder(Transports):
    """The package's own, that breaks down for one connection."""

    def send(self, call, patience):
        self._look_at(call)
        return super().send(call, patience)

    def stream(self, call, patience):
        self._look_at(call)
        return super().stream(call, patience)

    async def asend(self, call, idle):
        self._look_at(call)
        return await super().asend(call, idle)

    def astream(self, call, idle):
        self._look_at(call)
        return super().astream(call, idle)

    @staticmethod
    def _look_at(call):
        if call.connection.name == "seoul":
            raise KeyError("tape")


@pytest.fixture
def client(provider):
    """Asks `seoul` first, whose attempts break down in the transport."""
    there = [
        Connection.of(name, "openai", "sk-example", f"{provider.url}/v1")
        for name in ("seoul", "usa")
    ]
    args = {"num_retries": 0, "fallbacks": [{"seoul/gpt-4o": ["usa/gpt-4o"]}]}
    with GenAIClient(
        connections=there, transport=Recorder(OriginPins()), router_args=args, tracing=False
    ) as client:
        yield client


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_another_target_serves(is_async, stream, client):
    """Nothing raw reaches the caller, and the route says what it was."""

    async def ask():
        reply = await client.acompletion("seoul/gpt-4o", QUESTION, stream=stream)
        if stream:
            assert [chunk async for chunk in reply]
        return reply.route

    if is_async:
        route = asyncio.run(ask())
    else:
        reply = client.completion("seoul/gpt-4o", QUESTION, stream=stream)
        assert list(reply) or not stream
        route = reply.route
    assert [row.outcome for row in route.attempts] == ["InvalidReplyError", "ok"]
    assert route.served == "usa/gpt-4o"


def test_alone_it_is_the_cause(client):
    """Whoever wrote the transport sees what it raised."""
    with pytest.raises((InvalidReplyError, AllTargetsFailedError), match="KeyError") as caught:
        client.completion("seoul/gpt-4o-mini", QUESTION)

    assert isinstance(caught.value.__cause__, KeyError)


class Endless(Recorder):
    """Never comes to the point."""

    def stream(self, call, patience):
        while True:
            yield {"choices": []}

    async def astream(self, call, idle):
        while True:
            yield {"choices": []}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_that_never_comes_to_the_point(is_async):
    """It is left before it fills the memory, however long it may take."""
    there = Connection.of("seoul", "openai", "sk-example", "http://127.0.0.1:1/v1")
    client = GenAIClient(
        connections=[there], transport=Endless(OriginPins()), router_args={"num_retries": 0}, tracing=False
    )  # fmt: skip

    async def aask():
        await client.acompletion("seoul/gpt-4o", QUESTION, stream=True)

    def ask():
        client.completion("seoul/gpt-4o", QUESTION, stream=True)

    with pytest.raises(InvalidReplyError, match="no content in its first 10000 chunks"):
        asyncio.run(aask()) if is_async else ask()
