"""AWS's event stream is split as the specification says, wherever the pieces are cut."""

from __future__ import annotations

import itertools
import json
import struct
from zlib import crc32

import pytest
from bedrock_data import data
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.errors import InvalidReplyError
from genai_integrations.testing.providers.bedrock.frames import (
    event_frame,
    exception_frame,
    frame,
)
from genai_integrations.transports.http.event_stream import EventStreamDecoder
from genai_integrations.transports.http.sse import ErrorData, WholeData

VECTORS = data("event_stream")["cases"]
EVENTS = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "안녕"}}),
    ("messageStop", {}),
]
BODY = b"".join(event_frame(kind, value) for kind, value in EVENTS)


def split(pieces):
    """All that comes of the pieces of one body."""
    decoder = EventStreamDecoder()
    found = [data for piece in pieces for data in decoder.feed(piece)]
    return found + decoder.flush()


def whole(headers, payload):
    """A message whose checksums are right, with headers as bytes."""
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack("!I", crc32(lengths)) + headers + payload
    return message + struct.pack("!I", crc32(message))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vectors(vector):
    """AWS's own messages: the good ones are read, as no event of ours; the bad ones are refused by their checksums."""
    message = bytes.fromhex(vector["hex"])
    wanted = "wrong checksum" if vector["headers"] is None else "not an event"

    with pytest.raises(InvalidReplyError, match=wanted):
        split([message])


@pytest.mark.parametrize("cut", range(len(BODY) + 1))
def test_a_cut_anywhere_changes_nothing(cut):
    """An event does not depend on the pieces that it arrives in; a message without its end is none."""
    found = [json.loads(data) for data in split([BODY[:cut], BODY[cut:]])]
    ended = [json.loads(data) for data in split([BODY[:cut]])]

    assert found == [{kind: value} for kind, value in EVENTS]
    assert ended == found[: len(ended)]
    assert len(ended) == 3 if cut == len(BODY) else len(ended) < 3


def test_byte_by_byte():
    """So the buffer's bookkeeping holds at every length."""
    found = [json.loads(data) for data in split(BODY[at : at + 1] for at in range(len(BODY)))]

    assert found == [{kind: value} for kind, value in EVENTS]


@given(
    events=st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}", fullmatch=True),
            st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3),
        ),
        min_size=1,
        max_size=4,
    ),
    cuts=st.lists(st.integers(0, 400), max_size=4),
)
def test_botocore_reads_the_same(events, cuts):
    """Its own parser finds the same events in the same bytes."""
    body = b"".join(event_frame(kind, value) for kind, value in events)
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in itertools.pairwise(places)]
    buffer = EventStreamBuffer()
    for piece in pieces:
        buffer.add_data(piece)
    theirs = [{row.headers[":event-type"]: json.loads(row.payload)} for row in buffer]

    assert [json.loads(data) for data in split(pieces)] == theirs


@pytest.mark.parametrize("place", range(len(BODY)))
def test_a_changed_byte_is_noticed(place):
    """Whichever it is: nothing wrong is taken for an answer, and what came before is good."""
    spoilt = bytearray(BODY)
    spoilt[place] ^= 1
    decoder, found = EventStreamDecoder(), []

    with pytest.raises(InvalidReplyError):
        found += [json.loads(data) for data in decoder.feed(bytes(spoilt))]

    assert all(row in [{kind: value} for kind, value in EVENTS] for row in found)


def test_what_came_before_a_broken_message_is_given():
    """The stream fails there, not before."""
    spoilt = BODY[:-1] + b"\x00"
    events = EventStreamDecoder().feed(spoilt)

    assert [json.loads(next(events)), json.loads(next(events))] == [
        {kind: value} for kind, value in EVENTS[:2]
    ]
    with pytest.raises(InvalidReplyError, match="wrong checksum"):
        next(events)


def test_exceptions_and_errors():
    """Both are errors, with the service's name for them, whatever the payload holds."""
    unmodelled = {":message-type": "error", ":error-code": "Busy", ":error-message": "Wait."}
    odd = {":message-type": "exception", ":exception-type": "throttlingException"}
    found = split(
        [
            exception_frame("modelStreamErrorException", "no"),
            frame(unmodelled, b""),
            frame(odd, b"what"),
        ]
    )

    assert all(isinstance(data, ErrorData) for data in found)
    assert [json.loads(data)["error"] for data in found] == [
        {"type": "modelStreamErrorException", "message": "no"},
        {"type": "Busy", "message": "Wait."},
        {"type": "throttlingException", "message": "what"},
    ]


def test_an_event_without_a_payload():
    """Is one all the same."""
    headers = {":message-type": "event", ":event-type": "metadata"}

    assert split([frame(headers, b"")]) == [b'{"metadata":{}}']


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05ab", b"\x01a\x07\x00\x09b", b"\x01a\x0c", b"\x01a\x07\x00", b"\x02\xff\xfe\x00",
        b"\x01a\x07\x00\x01\xff",
    ],
)  # fmt: skip
def test_broken_headers(headers):
    """Lengths that lead beyond the end, an unknown type, and bytes that are no text."""
    with pytest.raises(InvalidReplyError, match="broken headers"):
        split([whole(headers, b"{}")])


def test_headers_of_every_type_are_passed_over():
    """Only texts say what an event is."""
    kinds = (
        b"\x01a\x00", b"\x01b\x01", b"\x01c\x02\x01", b"\x01d\x03\x00\x01", b"\x01e\x04" + b"\0" * 4,
        b"\x01f\x05" + b"\0" * 8, b"\x01g\x06\x00\x01x", b"\x01h\x08" + b"\0" * 8,
        b"\x01i\x09" + b"\0" * 16,
    )  # fmt: skip
    named = b"\x0d:message-type\x07\x00\x05event\x0b:event-type\x07\x00\x08metadata"

    assert split([whole(b"".join(kinds) + named, b"{}")]) == [b'{"metadata":{}}']


@pytest.mark.parametrize(
    ("total", "headers"), [(15, 0), (20, 8), (0x01900000, 0), (200_000, 131_073)]
)
def test_impossible_lengths_are_not_waited_for(total, headers):
    """Their checksum may be right: a message cannot be so short, nor so long."""
    lengths = struct.pack("!II", total, headers)

    with pytest.raises(InvalidReplyError, match="impossible length"):
        split([lengths + struct.pack("!I", crc32(lengths))])


@pytest.mark.parametrize("kind", ["", "a b", 'x":{},"y', "é"])
def test_names_that_are_none(kind):
    """A name becomes part of JSON text, so it must be a plain one."""
    with pytest.raises(InvalidReplyError, match="not an event"):
        split([frame({":message-type": "event", ":event-type": kind}, b"{}")])


@pytest.mark.parametrize("body", [b'{"a": 1}', b"<html>", b" \n{}", b"[1]"])
def test_a_body_that_is_no_stream_comes_whole(body):
    """Proxies answer with JSON or a page, whatever was asked for."""
    found = split([body[:1], body[1:]])

    assert found == [body]
    assert isinstance(found[0], WholeData)


def test_an_empty_body():
    """Has no events."""
    assert split([b"", b""]) == []


def test_a_large_message_in_many_pieces():
    """Its pieces are put together once, when they are all there."""
    text = "x" * 2_000_000
    body = event_frame("contentBlockDelta", {"delta": {"text": text}})
    (found,) = split(body[at : at + 1000] for at in range(0, len(body), 1000))

    assert json.loads(found)["contentBlockDelta"]["delta"]["text"] == text
