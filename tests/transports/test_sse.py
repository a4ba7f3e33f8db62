"""Server-sent events, however the network cuts them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genai_integrations.transports.http.sse import ErrorData, SSEDecoder, WholeData
from genai_integrations.transports.openai.dialect import CARRYING

BOM = b"\xef\xbb\xbf"


def parsed(stream):
    """The standard's algorithm word for word, on the whole stream: the data of each event, and its name.

    Of events with names of their own only those count that carry something of an answer.
    """
    text = stream.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, data, name = [], [], b""
    for line in text.split(b"\n")[:-1]:
        if not line:
            own = name not in (b"", b"message", b"error")
            if data and not (own and b"[DONE]" not in b"".join(data)):
                events.append((b"\n".join(data), name == b"error"))
            data, name = [], b""
        elif not line.startswith(b":"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"error":
                # As llama.cpp writes it.
                data.append(value)
                name = field
    return events


def decoded(pieces):
    decoder = SSEDecoder(CARRYING)
    events = [data for piece in pieces for data in decoder.feed(piece)]
    return [(bytes(data), isinstance(data, ErrorData)) for data in events]


def cut(stream, places):
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


LINES = st.one_of(
    st.sampled_from(
        [
            b"", b"", b"", b"data", b"data:", b"data: ", b"data:  two", b": comment", b":", b"event: error",
            b"error: broken",
            b"event:error", b"event: ping", b"event", b"id: 7", b"retry: 1", b"datax: no", b" data: no",
            b"data: [DONE]", b"data: a:b: c", "data: \u2028 한국어 \x85 😀".encode(), b"data: " + BOM, b"\x00",
        ]
    ),
    st.binary(max_size=6).map(lambda raw: b"data: " + raw),
)  # fmt: skip
STREAMS = st.builds(
    lambda bom, lines: bom + b"".join(line + end for line, end in lines),
    st.sampled_from([b"", b"", BOM, BOM[:2]]),
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=12),
)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=20))
@example(b"data: a\r\n\ndata: b\n\n", [8, 9])
@example(b"data: a\r\r\n\n\n", [8, 9, 10])
def test_any_cut_of_any_stream_gives_the_standards_events(stream, places):
    """Line ends of any kind, comments, byte order marks and multi-line data, cut anywhere."""
    assert decoded(cut(stream, places)) == parsed(stream)


@given(STREAMS)
def test_one_byte_at_a_time_is_no_different(stream):
    """The hardest cut of all."""
    assert decoded([stream[at : at + 1] for at in range(len(stream))]) == parsed(stream)


@given(STREAMS)
def test_the_end_of_the_stream_ends_the_last_event(stream):
    """`flush` gives what a blank line would have completed, and nothing twice."""
    decoder = SSEDecoder(CARRYING)
    events = [*decoder.feed(stream), *decoder.flush()]

    assert [bytes(data) for data in events] == [data for data, _ in parsed(stream + b"\n\n")]
    assert decoder.flush() == []


def test_a_character_may_be_split_anywhere():
    """UTF-8 is not looked at before an event is whole."""
    stream = "data: 한국어 😀\n\n".encode()

    for place in range(len(stream)):
        assert decoded([stream[:place], stream[place:]]) == [("한국어 😀".encode(), False)]


class _Counting(bytes):
    """Bytes that count how many of them are looked at or copied."""

    seen = 0

    def __contains__(self, part):
        _Counting.seen += len(self)
        return bytes(self).__contains__(part)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_large_event_in_tiny_pieces_costs_what_its_bytes_cost(size):
    """Each piece is looked at once and put aside: those seen before are not gone through again."""
    stream = b"data: " + b"x" * 9000 + b"\n\n"
    pieces = [_Counting(stream[at : at + size]) for at in range(0, len(stream), size)]
    _Counting.seen = 0
    decoder = SSEDecoder(CARRYING)

    events = [decoder.feed(piece) for piece in pieces[:-1]]

    assert len(decoder._pieces) >= len(pieces) - 3
    assert _Counting.seen <= 4 * len(stream)
    assert [*filter(None, events), decoder.feed(pieces[-1])] == [[b"x" * 9000]]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"event: ping\ndata: {}\n\n", []),
        (b'event: metadata\ndata: {"id": 7}\n\n', []),
        (b'event: chunk\ndata: {"choices": []}\n\n', [b'{"choices": []}']),
        (b'event: usage\ndata: {"usage": {}}\n\n', [b'{"usage": {}}']),
        (b'event: fault\ndata: {"error": 1}\n\n', [b'{"error": 1}']),
        (b"event: done\ndata: [DONE]\n\n", [b"[DONE]"]),
        (b"event: message\ndata: {}\n\n", [b"{}"]),
    ],
)
def test_named_events_that_carry_nothing_are_passed_over(event, data):
    """Servers have many kinds of `ping`; what is of an answer counts under any name."""
    assert SSEDecoder(CARRYING).feed(event) == data


@pytest.mark.parametrize("start", [b"", BOM, b"\n", b" \r\n", BOM + b"\n "])
@pytest.mark.parametrize("body", [b'{"id": 1}\n\n', b"[1]", b"<html>\n\n</html>"])
def test_a_body_that_is_no_stream_comes_whole(start, body):
    """Its first character says so, however it is cut."""
    stream = start + body
    for size in (1, 2, len(stream)):
        decoder = SSEDecoder(CARRYING)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [event for piece in pieces for event in decoder.feed(piece)] == []
        (found,) = decoder.flush()
        assert isinstance(found, WholeData)
        assert found.strip() == body.strip()


def test_events_with_names_of_their_own_count_where_the_dialect_has_them():
    """Anthropic names each of its events; in OpenAI's dialect a name that it does not know is a `ping`."""
    stop = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'

    assert SSEDecoder().feed(stop) == [b'{"type": "message_stop"}']
    assert SSEDecoder(CARRYING).feed(stop) == []
