"""Answers, streams and errors as OpenAI's HTTP API has them: for whoever speaks it to a program.

Pure functions, so that a door of HTTP and an SDK in the same process say the same.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson

from genai_integrations.calls.failures import told_of, wait_of
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import CallError, ConfigurationError, GenAIError
from genai_integrations.runtime import jsonbytes

Header = tuple[bytes, bytes]
"""Name and value, as ASGI and httpx have them."""

DONE = b"data: [DONE]\n\n"
"""The end of a stream."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error is over HTTP.

    Attributes:
        status: HTTP status.
        body: `{"error": {"message", "type", "param", "code"}}`.
        headers: `retry-after`, where a provider asked to wait.
    """

    status: int
    body: Wire
    headers: Mapping[str, str]


_LIMITED, _SERVERS = 429, 500


def type_of(status: int, code: str) -> str:
    """OpenAI's kind of an error; `requests` is what it calls a rate limit by."""
    if status == _LIMITED:
        return code if code == "insufficient_quota" else "requests"
    return "server_error" if status >= _SERVERS else "invalid_request_error"


def failure(error: GenAIError) -> Failure:
    """The status and body for an error of ours; its message holds no secret."""
    status, code = told_of(error)
    said = error if isinstance(error, CallError) else None
    body: Wire = {
        "message": str(error),
        "type": type_of(status, code),
        "param": error.param if isinstance(error, (CallError, ConfigurationError)) else None,
        "code": (said and said.code) or code,
    }
    seconds = wait_of(error)
    wait = {} if seconds is None else {"retry-after": f"{max(seconds, 0):g}"}
    return Failure(status, {"error": body}, wait)


def json_of(wire: object) -> bytes:
    """A body. It is made of others' JSON, so there is no number in it that JSON does not know."""
    try:
        return orjson.dumps(wire)
    except TypeError:
        # A lone surrogate, or a number of more than 64 bits.
        return jsonbytes.dumps(wire)


def event(wire: Wire) -> bytes:
    """A server-sent event as OpenAI frames it: a chunk, or the body of an error."""
    return b"data: %b\n\n" % json_of(wire)


def wants_usage(body: Mapping[str, Any]) -> bool:
    """Whether a request for a stream asks for the last chunk, which has the usage and no choices."""
    options = body.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))


def is_shown(chunk: Wire, *, usage: bool) -> bool:
    """Whether a chunk is one that OpenAI would send.

    Programs take the first choice of each chunk, so one without a choice goes to those who asked for usage.
    """
    return usage or bool(chunk.get("choices"))


def route_headers(route: Route, cost: float | None) -> list[Header]:
    """Who answered, what it cost, and what a cache had to do with it.

    Args:
        route: Of a stream that has just begun, what is known then.
        cost: US dollars; None where they are not known, or not yet.
    """
    made: list[Header] = [(b"x-genai-cache", b"HIT" if route.cached else b"MISS")]
    if route.attempts:
        made.append((b"x-genai-target", _in_header(route.attempts[-1].target)))
    if cost is not None:
        made.append((b"x-genai-cost", f"{cost:.10f}".rstrip("0").rstrip(".").encode()))
    return made


@lru_cache(1024)
def _in_header(name: str) -> bytes:
    """Percent-encoded: a name may have letters that no header can have."""
    # A caller may make up one that is no Unicode, and that is no reason to withhold an answer that was paid for.
    return quote(name, "/#:@+", errors="replace").encode()


def models_body(names: Iterable[str]) -> Wire:
    """The list of models."""
    return {"object": "list", "data": [model_body(name) for name in names]}


def model_body(name: str) -> Wire:
    """One of them. Nobody knows when it was made, and OpenAI's SDK wants a number."""
    owner, slash, _ = name.partition("/")
    owned_by = owner if slash else "genai-integrations"
    return {"id": name, "object": "model", "created": 0, "owned_by": owned_by}


def with_base64(reply: Wire) -> Wire:
    """Embeddings as `encoding_format="base64"` has them, which OpenAI's SDK asks for.

    Asked of no target, because not each of them knows it.
    """
    rows = [{**row, "embedding": _packed(row["embedding"])} for row in reply["data"]]
    return {**reply, "data": rows}


def _packed(vector: Any) -> Any:
    """Little-endian 32-bit floats in base64; a text is that already."""
    if isinstance(vector, str):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
