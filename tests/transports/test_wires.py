"""Streams as servers really send them (`tests/data/wires`): each row has its public source, and what must come of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from genai_integrations import GenAIClient
from genai_integrations.calls.assembly import Assembly
from genai_integrations.calls.incoming import IncomingChunks
from genai_integrations.errors import CallError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.http.sse import SSEDecoder
from genai_integrations.transports.openai.dialect import CARRYING

WIRES = [
    json.loads(path.read_text("utf-8"))
    for path in sorted(Path(__file__).parent.parent.joinpath("data", "wires").glob("*.json"))
]
STREAMS = [wire for wire in WIRES if wire["body"][:1] not in "{<" and "error" not in wire["expected"]]  # fmt: skip
HELLO = [{"role": "user", "content": "hi"}]


def name_of(wire):
    return wire["name"]


@pytest.fixture(params=["whole", "byte by byte"])
def serve(request, raw_server):
    """A server that sends one wire, as one piece or each byte as a piece of its own."""

    def serve(wire):
        body = wire["body"].encode()
        pieces = [body] if request.param == "whole" else [bytes([byte]) for byte in body]
        head = f"HTTP/1.1 {wire['status']} OK\r\ncontent-type: {wire['content_type']}\r\n"
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)

        def handle(server, connection, _):
            while server.read(connection):
                data = head.encode() + b"transfer-encoding: chunked\r\n\r\n" + chunks
                connection.sendall(data + b"0\r\n\r\n")

        return raw_server(handle)

    return serve


def check(wire, chunks, error):
    """What came is what the row says."""
    expected = wire["expected"]
    assert type(error).__name__ == expected.get("error", "NoneType"), error
    if error is not None:
        assert (getattr(error, "partial_text", None) or None) == expected.get("content")
        return
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    counts = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    reply = assembly.wire(counts[-1] if counts else None)
    (choice,) = reply["choices"]
    message = choice["message"]
    calls = message.get("tool_calls") or []
    found = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    assert message["content"] == expected.get("content")
    assert message.get("reasoning_content") == expected.get("reasoning")
    assert found == [(name, arguments) for name, arguments, _ in expected.get("calls", ())]
    for call, (*_, identity) in zip(calls, expected.get("calls", ()), strict=True):
        assert call["id"] == identity or (identity is None and call["id"].startswith("call_"))
        assert call["type"] == "function"
    assert len({call["id"] for call in calls}) == len(calls)
    assert choice["finish_reason"] == expected["finish"]
    told = {row.get("native_finish_reason") for chunk in chunks for row in chunk["choices"]}
    assert told - {None} == {expected.get("native")} - {None}
    assert reply.get("usage") == expected.get("usage")


def test_most_wires_were_recorded():
    """A wire says where it was recorded; one that was made by hand after a report says `"verified": false`."""
    recorded = [wire for wire in WIRES if wire.get("verified", True)]

    assert all(wire["source"].startswith("https://") for wire in recorded)
    assert len(WIRES) - len(recorded) <= 27


@pytest.mark.parametrize("wire", WIRES, ids=name_of)
def test_a_wire_is_read_by_threads(wire, serve, connect):
    """The chunks, the reply they make, the usage and the error are those of the row."""
    with GenAIClient(
        connections=[connect(serve(wire).url)], router_args={"num_retries": 0}
    ) as client:
        chunks, failure = [], None
        try:
            chunks += [
                chunk.model_dump() for chunk in client.completion("gpt-4o", HELLO, stream=True)
            ]
        except CallError as error:
            failure = error

    check(wire, chunks, failure)


@pytest.mark.parametrize("wire", WIRES, ids=name_of)
def test_a_wire_is_read_by_event_loops(wire, serve, connect):
    """As by threads."""

    async def read(url):
        chunks = []
        async with GenAIClient(connections=[connect(url)], router_args={"num_retries": 0}) as client:  # fmt: skip
            try:
                stream = await client.acompletion("gpt-4o", HELLO, stream=True)
                chunks += [chunk.model_dump() async for chunk in stream]
            except CallError as error:
                return chunks, error
        return chunks, None

    check(wire, *asyncio.run(read(serve(wire).url)))


@pytest.mark.parametrize("wire", STREAMS, ids=name_of)
def test_a_wire_may_be_cut_anywhere(wire):
    """Whatever two pieces it comes in, the chunks are the same."""
    body = wire["body"].encode()
    seen = {_texts(body[:cut], body[cut:]) for cut in range(len(body) + 1)}

    assert len(seen) == 1


def _texts(*pieces):
    decoder, incoming = SSEDecoder(CARRYING), IncomingChunks()
    events = [data for piece in pieces for data in decoder.feed(piece)] + decoder.flush()
    chunks = [incoming.check(jsonbytes.loads(data)) for data in events if data != b"[DONE]"]
    for chunk in chunks:
        for choice in chunk.get("choices") or ():
            for call in choice["delta"].get("tool_calls") or ():
                # Some were made.
                call.pop("id", None)
    return json.dumps(chunks)
