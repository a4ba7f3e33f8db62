"""Events of a stream that is relayed: each framed as it came, and none that could be taken for two."""

from __future__ import annotations

import json

from genai_integrations import Connection
from genai_integrations.calls.wire import Relayed, Spoken, WireCall
from genai_integrations.transports.anthropic.dialect import AnthropicDialect
from genai_integrations.transports.reading import RelayingReader

CONNECTION = Connection.of("c", "anthropic", "sk-ant-example", "https://llm.example")
BODY = {"model": "claude", "messages": [{"role": "user", "content": "Hi"}]}
CALL = WireCall(CONNECTION, "claude", "chat/completions", BODY, spoken=Spoken("anthropic", BODY))
START = b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'


def read(*pieces):
    """The chunks of a stream."""
    reader = RelayingReader(AnthropicDialect(), CALL, ())
    return [chunk for piece in pieces for chunk in reader.feed(piece)]


def test_event_stands_before_what_was_read_of_it():
    """So whoever relays it knows by the first chunk that it does."""
    first, second, third = read(START, DELTA)

    assert [row.raw for row in (first, second)] == [START, DELTA]
    assert not isinstance(third, Relayed)
    assert third["choices"][0]["delta"]["content"] == "Hi"


def test_event_that_is_not_known_is_relayed():
    """The caller may know it."""
    event = b'event: brand_new\ndata: {"type":"brand_new","x":1}\n\n'

    assert [row.raw for row in read(event)] == [event]


def test_event_in_several_lines_stays_one():
    """As some servers write their JSON."""
    lines = b'event: ping\ndata: {"type":\ndata:  "ping"}\n\n'

    assert [row.raw for row in read(lines)] == [lines]


def test_name_with_a_line_in_it_is_not_relayed():
    """It would be another event's begin."""
    data = json.dumps({"type": "ping\n\nevent: error"}).encode()

    assert read(b"data: " + data + b"\n\n") == []
