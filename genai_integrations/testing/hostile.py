"""A hundred and more hostile answers, as bytes: what no provider should say, and some servers do.

Each is a row of `HOSTILE`: a name, and what goes over the wire in place of the good answer. `{key}` stands for the key
that the server was sent, which it shouts back; `{good}` for the good answer, whole or as a stream.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

_JSON = b"content-type: application/json\r\n"
_STREAM = b"content-type: text/event-stream\r\n"
_DEEP = 100_000
_DIGITS = 5_000
_MEGABYTE = 1 << 20

_STEERING = "\x1b[2J\x07\u202emoc.live\u2066\u200b\x00".encode()
"""Clears a terminal, rings, and turns the direction of what follows."""


@dataclass(frozen=True, slots=True)
class Good:
    """What the server would have answered.

    Attributes:
        key: That it was sent.
        body: The whole answer, or all of the stream.
        is_stream: Which of the two.
    """

    key: bytes
    body: bytes
    is_stream: bool


Way = Callable[[Good], bytes]
"""What goes over the wire; then the connection closes."""


def _raw(text: bytes) -> Way:
    return lambda good: _filled(text, good)


def _status(line: bytes) -> Way:
    """A good answer under this status line."""
    return lambda good: _filled(line, good) + b"\r\n" + _lengthened(good, good.body)


def _header(*lines: bytes) -> Way:
    """A good answer with these header lines before its own."""
    extra = b"".join(line + b"\r\n" for line in lines)
    return lambda good: b"HTTP/1.1 200 OK\r\n" + _filled(extra, good) + _lengthened(good, good.body)


def _framed(lines: bytes, body: bytes = b"{good}") -> Way:
    """An answer whose own lines say how long it is."""
    return lambda good: (
        b"HTTP/1.1 200 OK\r\n" + _kind(good) + _filled(lines + b"\r\n\r\n" + body, good)
    )


def _packed(name: bytes, pack: Callable[[bytes], bytes]) -> Way:
    """An answer that is packed though nobody asked for it."""
    return lambda good: (
        b"HTTP/1.1 200 OK\r\ncontent-encoding: "
        + name
        + b"\r\n"
        + _lengthened(good, pack(good.body))
    )


def _body(body: bytes, status: bytes = b"200 OK") -> Way:
    """A good head before this body, though a stream was asked for or not."""
    return lambda good: (
        b"HTTP/1.1 " + status + b"\r\n" + _JSON + _length(_filled(body, good)) + _filled(body, good)
    )


def _event(*events: bytes) -> Way:
    """A stream of these events; a whole answer with the first of them as its body, if no stream was asked for."""
    stream = b"".join(b"data: " + event + b"\n\n" for event in events)

    def way(good: Good) -> bytes:
        body = _filled(stream if good.is_stream else events[0], good)
        return b"HTTP/1.1 200 OK\r\n" + _kind(good) + _length(body) + body

    return way


def _after(tail: bytes) -> Way:
    """The good answer's first half, then this."""

    def way(good: Good) -> bytes:
        half = good.body[: len(good.body) // 2]
        if good.is_stream:
            half = half[: half.rfind(b"\n\n") + 2]
        body = half + _filled(tail, good)
        return b"HTTP/1.1 200 OK\r\n" + _kind(good) + _length(body) + body

    return way


def _filled(text: bytes, good: Good) -> bytes:
    return text.replace(b"{key}", good.key).replace(b"{good}", good.body)


def _kind(good: Good) -> bytes:
    return _STREAM if good.is_stream else _JSON


def _length(body: bytes) -> bytes:
    return b"content-length: %d\r\n\r\n" % len(body)


def _lengthened(good: Good, body: bytes) -> bytes:
    return _kind(good) + _length(body) + body


@cache
def _bomb(size: int) -> bytes:
    """Many megabytes in a few hundred kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"A" * _MEGABYTE
    return b"".join(
        [packer.compress(b'{"a":"'), *(packer.compress(block) for _ in range(size)), packer.flush()]
    )


def _choice(inner: bytes) -> bytes:
    return b'{"id":"x","object":"chat.completion","model":"m","choices":[' + inner + b"]}"


def _delta(delta: bytes) -> bytes:
    return _choice(b'{"index":0,"message":%b,"delta":%b,"finish_reason":null}' % (delta, delta))


_STATUS_LINES: Mapping[str, Way] = {
    "status line of garbage": _raw(b"ERR bad key {key}\r\n\r\n"),
    "status line without a status": _status(b"HTTP/1.1"),
    "status in words": _status(b"HTTP/1.1 {key} OK"),
    "status of five digits": _status(b"HTTP/1.1 99999 OK"),
    "status of nothing": _status(b"HTTP/1.1 000 OK"),
    "status 999": _status(b"HTTP/1.1 999 {key}"),
    "status 600": _status(b"HTTP/1.1 600 {key}"),
    "status below zero": _status(b"HTTP/1.1 -200 OK"),
    "status line without end": _raw(b"HTTP/1.1 200 " + b"x" * 200_000),
    "reason that steers": _status(b"HTTP/1.1 500 {key} " + _STEERING.replace(b"\x00", b"")),
    "later version": _status(b"HTTP/9.9 200 OK"),
    "other protocol": _status(b"ICY 200 {key}"),
    "HTTP/0.9": _raw(b"<html>{key}</html>"),
    "banner of another service": _raw(b"220 smtp.example ESMTP {key}\r\n"),
    "TLS in the clear": _raw(b"\x15\x03\x01\x00\x02\x02\x46"),
    "zero bytes": _raw(b"\x00" * 100),
    "only line ends": _raw(b"\r\n" * 50),
    "nothing": _raw(b""),
    "half a status line": _raw(b"HTTP/1.1 2"),
    "switch of protocols": _raw(
        b"HTTP/1.1 101 Switching\r\nupgrade: {key}\r\nconnection: upgrade\r\n\r\n\x00\x01"
    ),
    "continue without end": _raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "no content": _raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "reset content": _raw(b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"),
    "not modified": _raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "multiple choices": _status(b"HTTP/1.1 300 {key}"),
}

_HEADERS: Mapping[str, Way] = {
    "header without a colon": _header(b"{key}"),
    "header without a name": _header(b": {key}"),
    "header with a zero byte": _header(b"x-a: {key}\x00"),
    "header that steers": _header(b"x-request-id: {key}" + _STEERING.replace(b"\x00", b"")),
    "header of a megabyte": _header(b"x-a: " + b"a" * _MEGABYTE),
    "header of three megabytes": _header(b"x-a: " + b"a" * 3 * _MEGABYTE),
    "headers by the thousand": _header(*(b"x-%d: {key}" % at for at in range(20_000))),
    "header that is folded": _header(b"x-a: {key}", b"\t{key}"),
    "header lines without end": _raw(b"HTTP/1.1 200 OK\r\n" + b"x-a: {key}\r\n" * 1000),
    "half a head": _raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconte"),
    "request id of a megabyte": _header(b"x-request-id: " + b"{key}" * 20_000),
    "cookies": _header(b"set-cookie: {key}=1; domain=.com"),
    "kind of garbage": _raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: {key}\r\ncontent-length: 2\r\n\r\n{}"
    ),
    "wait of no number": _raw(
        b"HTTP/1.1 429 {key}\r\nretry-after: NaN\r\ncontent-length: 0\r\n\r\n"
    ),
    "wait without end": _raw(b"HTTP/1.1 429 X\r\nretry-after: 1e400\r\ncontent-length: 0\r\n\r\n"),
    "wait below zero": _raw(b"HTTP/1.1 429 X\r\nretry-after: -99\r\ncontent-length: 0\r\n\r\n"),
    "wait until the past": _raw(
        b"HTTP/1.1 503 X\r\nretry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n"
    ),
    "wait until {key}": _raw(b"HTTP/1.1 503 X\r\nretry-after: {key}\r\ncontent-length: 0\r\n\r\n"),
    "way to elsewhere": _raw(
        b"HTTP/1.1 302 X\r\nlocation: http://169.254.169.254/{key}\r\ncontent-length: 0\r\n\r\n"
    ),
    "way in circles": _raw(b"HTTP/1.1 308 X\r\nlocation: /{key}\r\ncontent-length: 0\r\n\r\n"),
}

_FRAMES: Mapping[str, Way] = {
    "two lengths": _framed(b"content-length: 5\r\ncontent-length: 7", b'{"a":1}'),
    "length below zero": _framed(b"content-length: -5"),
    "length of digits": _framed(b"content-length: " + b"9" * _DIGITS),
    "length in words": _framed(b"content-length: {key}"),
    "length too long": _framed(b"content-length: 1000000"),
    "length too short": _framed(b"content-length: 9"),
    "length of nothing": _framed(b"content-length: 0"),
    "chunks of no number": _framed(b"transfer-encoding: chunked", b"{key}\r\n{good}\r\n0\r\n\r\n"),
    "chunk below zero": _framed(b"transfer-encoding: chunked", b"-5\r\n{good}\r\n0\r\n\r\n"),
    "chunk of all the memory": _framed(
        b"transfer-encoding: chunked", b"ffffffffffffffff\r\n{good}"
    ),
    "chunk size without end": _framed(b"transfer-encoding: chunked", b"5" * 200_000),
    "chunk with an extension": _framed(
        b"transfer-encoding: chunked", b"2;{key}={key}\r\n{}\r\n0\r\n\r\n"
    ),
    "chunk that is cut": _framed(b"transfer-encoding: chunked", b"ff\r\n{"),
    "chunk without its line end": _framed(b"transfer-encoding: chunked", b"2\r\n{}0\r\n\r\n"),
    "chunks without their end": _framed(b"transfer-encoding: chunked", b"2\r\n{}\r\n"),
    "trailers without end": _framed(
        b"transfer-encoding: chunked", b"0\r\n" + b"x: {key}\r\n" * 5000
    ),
    "length and chunks": _framed(b"content-length: 2\r\ntransfer-encoding: chunked", b"0\r\n\r\n"),
    "unknown framing": _framed(b"transfer-encoding: {key}"),
    "two framings": _framed(b"transfer-encoding: gzip, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    "unknown packing": _packed(b"br", lambda body: body),
    "packing of the future": _packed(b"zstd", lambda body: body),
    "packing named {key}": lambda good: _packed(good.key, lambda body: body)(good),
    "two packings": _packed(b"gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    "packed in name only": _packed(b"gzip", lambda body: body),
    "deflated in name only": _packed(b"deflate", lambda _: b"\x78\x9c{key}"),
    "packed and cut": _packed(b"gzip", lambda body: gzip.compress(body)[:14]),
    "bomb": _packed(b"gzip", lambda _: _bomb(64)),
}

_BODIES: Mapping[str, Way] = {
    "page": _body(b"<!DOCTYPE html><title>{key}</title>" + _STEERING),
    "page of an error": _body(b"<html><script>{key}</script>{key}</html>", b"502 Bad Gateway"),
    "text": _body(b"upstream connect error {key}"),
    "white space": _body(b" " * 3_000_000),
    "too much": _body(b'{"a":"' + b"a" * 5_000_000 + b'"}'),
    "null": _body(b"null"),
    "number": _body(b"42"),
    "string": _body(b'"{key}"'),
    "list": _body(b"[]"),
    "list of an error": _body(b'[{"error":{"code":400,"message":"{key}"}}]', b"400 Bad Request"),
    "object without anything": _body(b"{}"),
    "half of JSON": _body(b'{"choices":[{"mess'),
    "JSON and more": _body(b"{good}{good}"),
    "UTF-16": _body('{"choices":[]}'.encode("utf-16")),
    "no UTF-8": _body(b'{"error":"\xff\xfe{key}"}', b"500 X"),
    "half characters": _body(b'{"error":{"message":"\\ud800{key}"}}', b"500 X"),
    "deep": _body(b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
    "deep lists": _body(b"[" * _DEEP + b"]" * _DEEP),
    "deep error": _body(b'{"error":' * 900 + b'"{key}"' + b"}" * 900, b"500 X"),
    "deep error in a good answer": _body(b'{"error":' * 150 + b'"{key}"' + b"}" * 150),
    "number of digits": _body(
        b'{"error":{"code":' + b"9" * _DIGITS + b',"message":"{key}"}}', b"500 X"
    ),
    "numbers that are none": _body(
        b'{"error":{"code":NaN,"message":"{key}","status":-Infinity}}', b"500 X"
    ),
    "error that is true": _body(b'{"error":true}'),
    "error that is a number": _body(b'{"error":7}'),
    "error that is a list": _body(b'{"error":[[["{key}"]]]}', b"400 X"),
    "error with the key": _body(
        b'{"error":{"message":"Incorrect API key {key}","code":"{key}"}}', b"401 X"
    ),
    "error with the key in escapes": lambda good: _body(
        b'{"error":{"message":"' + b"".join(b"\\u%04x" % byte for byte in good.key) + b'"}}',
        b"401 X",
    )(good),
    "error with the key as its name": _body(b'{"error":{"{key}":{"{key}":"{key}"}}}', b"418 X"),
    "error that steers": _body(
        b'{"error":{"message":"\\u001b[2J\\u202e{key}\\r\\nSet-Cookie: a"}}', b"400 X"
    ),
    "error of a megabyte": _body(b'{"error":{"message":"' + b"{key}" * 40_000 + b'"}}', b"400 X"),
    "error in many layers": _body(
        b'{"error":{"message":"{\\"error\\":{\\"message\\":\\"{\\\\\\"error\\\\\\":\\\\\\"{key}\\\\\\"}\\"}}"}}',
        b"500 X",
    ),
    "error of many parts": _body(
        b'{"detail":[' + b'{"loc":["{key}"],"msg":"{key}"},' * 5000 + b"1]}", b"422 X"
    ),
    "same name twice": _body(b'{"choices":[],"choices":{},"error":null,"error":"{key}"}'),
}

_CHOICES: Mapping[str, Way] = {
    "choices that are an object": _event(b'{"choices":{"a":1}}'),
    "choices that are empty": _event(b'{"choices":{}}'),
    "choices that are null": _event(b'{"choices":null}'),
    "choices that are a text": _event(b'{"choices":"{key}"}'),
    "choice that is null": _event(_choice(b"null")),
    "choice that is a list": _event(_choice(b"[]")),
    "choices by the thousand": _event(_choice(b",".join([b'{"index":0}'] * 20_000))),
    "message that is null": _event(_delta(b"null")),
    "message that is a list": _event(_delta(b"[1]")),
    "message that is a text": _event(_delta(b'"{key}"')),
    "content that is a number": _event(_delta(b'{"content":1}')),
    "content that is an object": _event(_delta(b'{"content":{"a":1}}')),
    "content that is odd parts": _event(_delta(b'{"content":[1,null,{"text":{}}]}')),
    "content that is true": _event(_delta(b'{"content":true}')),
    "calls that are an object": _event(_delta(b'{"tool_calls":{"a":1}}')),
    "calls that are null": _event(_delta(b'{"tool_calls":[null]}')),
    "call without a function": _event(_delta(b'{"tool_calls":[{"index":0,"id":{}}]}')),
    "call that is a number": _event(_delta(b'{"tool_calls":[{"index":0,"function":7}]}')),
    "call with odd arguments": _event(
        _delta(b'{"tool_calls":[{"index":0,"function":{"name":1,"arguments":[1]}}]}')
    ),
    "call far away": _event(
        _delta(b'{"tool_calls":[{"index":999999999,"id":"a","function":{"name":"f"}}]}')
    ),
    "call below zero": _event(
        _delta(b'{"tool_calls":[{"index":-1,"id":"a","function":{"name":"f"}}]}')
    ),
    "role that is a list": _event(_delta(b'{"role":[1],"content":null}')),
    "reasoning that is a number": _event(_delta(b'{"reasoning":7,"reasoning_content":{"a":1}}')),
    "usage that is a text": _event(b'{"choices":[],"usage":"{key}"}'),
    "usage that is no number": _event(
        b'{"choices":[],"usage":{"prompt_tokens":NaN,"total_tokens":Infinity}}'
    ),
    "usage below zero": _event(
        b'{"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":-1}}'
    ),
    "usage of digits": _event(b'{"choices":[],"usage":{"prompt_tokens":' + b"9" * 400 + b"}}"),
    "usage of lists": _event(
        b'{"choices":[],"usage":{"prompt_tokens":[1],"prompt_tokens_details":7}}'
    ),
    "finish that is an object": _event(
        _choice(b'{"index":0,"delta":{},"message":{},"finish_reason":{}}')
    ),
    "finish that nobody knows": _event(
        _choice(b'{"index":0,"delta":{},"message":{},"finish_reason":"{key}"}')
    ),
    "index that is far away": _event(_choice(b'{"index":99999999,"delta":{},"message":{}}')),
    "id that is an object": _event(b'{"id":{"a":1},"model":[1],"created":"{key}","choices":[]}'),
}

_EVENTS: Mapping[str, Way] = {
    "event of no JSON": _event(b"{key}"),
    "event that is cut": _event(b'{"choices":[{"del'),
    "event that is a list": _event(b"[1]"),
    "event that is a number": _event(b"7"),
    "event that is deep": _event(b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
    "event of an error": _event(b'{"error":{"message":"{key}","code":"{key}"}}'),
    "event of an error of Anthropic's": _event(
        b'{"type":"error","error":{"type":"{key}","message":"{key}"}}'
    ),
    "event of an error at last": _after(b'data: {"error":{"message":"{key}"}}\n\n'),
    "event of no JSON at last": _after(b"data: {key}\n\n"),
    "event that is too large": _event(b'{"choices":[],"a":"' + b"a" * 3_000_000 + b'"}'),
    "comments without end": _after(b": {key}\n\n" * 20_000),
    "events of nothing": _after(b"data:\n\n" * 20_000),
    "named events": _after(b"event: {key}\ndata: {}\n\n" * 1000),
    "named error in words": _after(b"event: error\ndata: {key}\n\n"),
    "line ends of all kinds": _after(b"\r\r\n\n\r\ndata: {}\r\r"),
    "no UTF-8 at last": _after(b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n'),
    "end before the beginning": _event(b"[DONE]"),
    "cut in its midst": _after(b""),
    "page at last": _after(b"<html>{key}</html>"),
    "odd parts, then cut": _after(
        b'data: {"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"x"}]}}]}\n\n'
    ),
}

HOSTILE: Mapping[str, Way] = {
    **_STATUS_LINES, **_HEADERS, **_FRAMES, **_BODIES, **_CHOICES, **_EVENTS,
}  # fmt: skip
"""Every way, by its name."""


def hostile_answer(name: str, good: Good) -> bytes:
    """What goes over the wire in one of the ways.

    Args:
        name: A key of `HOSTILE`.
        good: What the server would have answered.
    """
    return HOSTILE[name](good)
