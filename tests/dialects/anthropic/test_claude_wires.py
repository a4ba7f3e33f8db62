"""Published streams as a server sends them, through the client: in threads and in event loops, in pieces of any size."""

from __future__ import annotations

import asyncio

import pytest
from claude_calls import HELLO, rows_of

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.assembly import Assembly
from genai_integrations.errors import CallError
from genai_integrations.testing.server import LoopbackServer

STREAMS = rows_of("streams.jsonl")
BROKEN = {"cut": "StreamInterruptedError", "ServerError": "StreamInterruptedError"}
"""What an error is called behind content."""


class Played(LoopbackServer):
    """Sends one body, in pieces of one size."""

    def __init__(self):
        super().__init__()
        self.body, self.size = b"", 1

    async def respond(self, request, exchange):
        """Send it."""
        await exchange.begin(200, {"content-type": "text/event-stream; charset=utf-8"})
        for at in range(0, len(self.body), self.size):
            await exchange.write(self.body[at : at + self.size])
        await exchange.end()


@pytest.fixture(scope="module")
def server():
    with Played() as server:
        yield server


@pytest.fixture
def client(server):
    connection = Connection.of("c", "anthropic", "sk-ant-example", server.url)
    with GenAIClient(connections=[connection], router_args={"num_retries": 0}) as client:
        yield client


def by_threads(client):
    chunks = []
    try:
        chunks.extend(chunk.wire for chunk in client.completion("c/claude", HELLO, stream=True))
    except CallError as error:
        return chunks, error
    return chunks, None


def by_loops(client):
    async def read():
        chunks = []
        try:
            stream = await client.acompletion("c/claude", HELLO, stream=True)
            async for chunk in stream:
                chunks.append(chunk.wire)  # noqa: PERF401  what came before an error is looked at
        except CallError as error:
            return chunks, error
        return chunks, None

    return asyncio.run(read())


@pytest.mark.parametrize("way", [by_threads, by_loops])
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 61, 100_000])
@pytest.mark.parametrize("row", STREAMS, ids=lambda row: row["name"])
def test_a_stream_on_the_wire(row, size, way, server, client):
    """Words, calls, the end and usage are those of the row, and so is the error."""
    server.body, server.size = row["body"].encode(), size
    wanted = row["expected"]
    chunks, error = way(client)
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    reply = assembly.wire(chunks[-1].get("usage") if chunks else None)
    choice = next(iter(reply["choices"]), {"message": {"content": None}, "finish_reason": None})

    assert choice["message"]["content"] == wanted.get("content")
    if "error" in wanted:
        assert type(error).__name__ == BROKEN.get(wanted["error"], wanted["error"])
        return
    assert error is None
    assert choice["finish_reason"] == wanted["finish"]
    assert len(choice["message"].get("tool_calls") or ()) == len(wanted.get("calls", ()))
    assert choice["message"].get("provider_specific_fields") == wanted.get("fields")
    assert reply.get("usage") == wanted["usage"]
