"""A stream's chunks, handed on in lists of those that are there at once."""

from __future__ import annotations

import asyncio
from itertools import chain

import pytest

from genai_integrations.errors import StreamInterruptedError
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four five six seven eight nine ten"}]


def _asked(client, work):
    async def ask():
        return await work(await client.acompletion("gpt-4o", QUESTION, stream=True))

    return asyncio.run(ask())


async def _by_lists(stream):
    lists = []
    while chunks := await stream.arrived():
        lists.append(chunks)
    return lists


def test_they_are_those_of_a_loop(make_client, connect, provider):
    """In their order, with the usage last; and the route is told its end."""
    client = make_client(connect(f"{provider.url}/v1", "seoul"))

    async def by_loop(stream):
        return [chunk.wire async for chunk in stream]

    one_by_one = _asked(client, by_loop)

    async def by_lists(stream):
        return await _by_lists(stream), stream.route

    lists, route = _asked(client, by_lists)

    texts = [
        [choice["delta"].get("content") for chunk in chunks for choice in chunk["choices"]]
        for chunks in (one_by_one, [*chain(*lists)])
    ]
    assert texts[0] == texts[1]
    assert "usage" in lists[-1][-1]
    assert route.served == "seoul/gpt-4o"
    assert route.attempts[0].usage


def test_a_stream_that_breaks(make_client, connect, provider):
    """What came before is handed on first; then it is told, with the text so far."""
    provider.faults["*"] = Fault.cut(3)
    client = make_client(connect(f"{provider.url}/v1", "seoul"))

    async def take(stream, came):
        while chunks := await stream.arrived():
            came += chunks

    async def read(stream):
        came = []
        with pytest.raises(StreamInterruptedError) as caught:
            await take(stream, came)
        texts = [row["delta"].get("content") or "" for chunk in came for row in chunk["choices"]]
        return "".join(texts), caught.value.partial_text

    came, told = _asked(client, read)

    assert came == told != ""


def test_who_leaves_early(make_client, connect, provider):
    """The call is over, and nothing is asked again."""
    client = make_client(connect(f"{provider.url}/v1", "seoul"))

    async def leave(stream):
        first = await stream.arrived()
        await stream.aclose()
        return first, await stream.arrived(), stream.route

    first, rest, route = _asked(client, leave)

    assert first
    assert rest == []
    assert route.attempts[0].outcome == "ok"
    assert len(provider.requests) == 1
