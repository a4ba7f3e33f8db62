"""Answers that Google and others published (`tests/data/dialects/gemini`): each has its source, and what it must become."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from gemini_calls import ASKED, GEMINI, streamed, whole

from genai_integrations import Connection, GenAIClient
from genai_integrations.calls.assembly import Assembly
from genai_integrations.errors import CallError
from genai_integrations.testing.server import LoopbackServer
from genai_integrations.transports.failures import status_error
from genai_integrations.transports.reading import Reader

DATA = Path(__file__).parents[2] / "data" / "dialects" / "gemini" / "published.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
STREAMS = [row for row in ROWS if row["stream"] and row["status"] == 200]
MADE_ID = re.compile(r"call_[0-9a-f]{24}")
ASK = [{"role": "user", "content": "hi"}]


def name_of(row):
    return row["name"]


def without_made_ids(message):
    """Gemini gives no ids before 3, so some were made."""
    for call in message.get("tool_calls") or ():
        call["id"] = MADE_ID.sub("call_*", call["id"])
    return message


def put_together(chunks):
    assembly, usage = Assembly(), None
    for chunk in chunks:
        assembly.add(chunk)
        usage = chunk.get("usage") or usage
    reply = assembly.wire(usage)
    told = [row.get("native_finish_reason") for chunk in chunks for row in chunk["choices"]]
    reply["choices"][0]["native_finish_reason"] = next(filter(None, told), None)
    return {**reply, "service_tier": chunks[-1].get("service_tier")}


def check(reply, expected):
    (choice,) = reply["choices"]
    assert without_made_ids(choice["message"]) == expected["message"]
    assert choice["finish_reason"] == expected["finish"]
    assert choice.get("native_finish_reason") == expected["native"]
    assert reply["model"] == expected["model"] or expected["model"] is None
    assert reply.get("usage") == expected["usage"]
    assert reply.get("service_tier") == expected.get("service_tier")


def read(row, body):
    if row["status"] != 200:
        raise status_error(row["status"], {}, body)
    return put_together(streamed(body)[0]) if row["stream"] else whole(body)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_published_answer(row):
    """The message, why it ended, usage and model, or the error, are those of the row."""
    body, expected = row["body"].encode(), row["expected"]
    if expected.get("cut"):
        assert streamed(body) == ([], False)
    elif "error" in expected:
        with pytest.raises(CallError) as caught:
            read(row, body)
        assert type(caught.value).__name__ == expected["error"]
        assert expected["words"] in str(caught.value)
    else:
        check(read(row, body), expected)


def test_there_is_enough_to_show():
    """Both of Google's services, whole answers and streams, good ones and failures."""
    names = [row["name"] for row in ROWS]

    assert len(set(names)) == len(names) >= 40
    assert sum("error" in row["expected"] for row in ROWS) >= 14
    assert len(STREAMS) >= 14


@pytest.fixture(scope="module")
def published():
    """A server that sends the row whose name is asked for as the model, byte by byte or as one piece."""
    rows = {str(at): row for at, row in enumerate(ROWS)}

    class Published(LoopbackServer):
        async def respond(self, request, exchange):
            row = rows[request.path.partition(":")[0].rpartition("-")[2]]
            kind = "text/event-stream" if row["stream"] else "application/json"
            await exchange.send(row["status"], row["body"].encode(), {"content-type": kind})

    with Published() as server:
        yield server


@pytest.mark.parametrize("way", ["threads", "event loops"])
def test_published_streams_through_the_client(published, way):
    """The same by HTTP, from both kinds of programs."""
    connection = Connection.of("g", "google-ai-studio", "AIzaSyExampleExampleExample", published.url)  # fmt: skip
    good = {str(at): row for at, row in enumerate(ROWS) if row in STREAMS and "message" in row["expected"]}  # fmt: skip

    def by_threads(client, at):
        return list(client.completion(f"g/gemini-{at}", ASK, stream=True))

    async def by_loop():
        async with GenAIClient(connections=[connection]) as client:
            return {
                at: [chunk async for chunk in await client.acompletion(f"g/gemini-{at}", ASK, stream=True)]
                for at in good
            }  # fmt: skip

    if way == "threads":
        with GenAIClient(connections=[connection]) as client:
            came = {at: by_threads(client, at) for at in good}
    else:
        came = asyncio.run(by_loop())

    for at, row in good.items():
        check(put_together([chunk.model_dump() for chunk in came[at]]), row["expected"])


@pytest.mark.parametrize("row", STREAMS, ids=name_of)
def test_a_stream_in_two_pieces(row):
    """Wherever it is parted, the same comes of it."""
    body = row["body"].encode()

    assert len({_told(body[:at], body[at:]) for at in range(0, len(body), max(1, len(body) // 99))}) == 1  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("row", STREAMS, ids=name_of)
def test_a_stream_in_two_pieces_parted_anywhere(row):
    """The same for every place there is."""
    body = row["body"].encode()

    assert len({_told(body[:at], body[at:]) for at in range(len(body))}) == 1


@pytest.mark.parametrize("row", STREAMS[:1], ids=name_of)
def test_a_stream_that_is_cut(row):
    """However much of it came, it is whole only if the reason of its end came."""
    body = row["body"].encode()
    whole_from = body.rindex(b'"finishReason"')
    for at in range(len(body)):
        reader = Reader(GEMINI, ASKED, ())
        chunks = [*reader.feed(body[:at]), *reader.finish()]
        text = "".join(row["delta"].get("content") or "" for chunk in chunks for row in chunk["choices"])  # fmt: skip

        assert row["expected"]["message"]["content"].startswith(text)
        assert not (reader.ended and at <= whole_from)
        assert reader.ended or not any(row.get("finish_reason") for chunk in chunks for row in chunk["choices"])  # fmt: skip


def _told(*pieces):
    """What came, without what is made anew each time."""
    failure, chunks = None, []
    reader = Reader(GEMINI, ASKED, ())
    try:
        for piece in pieces:
            chunks += reader.feed(piece)
        chunks += reader.finish()
    except CallError as error:
        failure = type(error).__name__
    for chunk in chunks:
        for choice in chunk["choices"]:
            without_made_ids(choice["delta"])
    kept = [{name: chunk[name] for name in chunk if name not in ("id", "created")} for chunk in chunks]  # fmt: skip
    return json.dumps([kept, failure, reader.ended])
