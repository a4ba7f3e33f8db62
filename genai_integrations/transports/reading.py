"""What came over the wire, read in a dialect: a whole answer, or the chunks of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from genai_integrations.calls.incoming import IncomingChunks, check_reply, request_id
from genai_integrations.calls.wire import REQUEST_ID, Relayed, Wire, WireCall
from genai_integrations.errors import CallError, InvalidReplyError, ServerError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.dialect import Dialect
from genai_integrations.transports.failures import event_error, failure_in, status_error
from genai_integrations.transports.http.sse import ErrorData, WholeData

_OBJECT = b"{"
"""What every event of an answer begins with."""


def read_reply(
    body: bytes,
    dialect: Dialect,
    call: WireCall,
    secrets: Sequence[str],
    headers: Mapping[str, str] | None = None,
) -> Wire:
    """The reply in a whole answer whose status is good.

    Raises:
        CallError: It is a failure all the same, or no answer to the call.
    """
    try:
        answer = _decoded(body, secrets)
    except ValueError:
        raise _no_json(body) from None
    failure = partial(failure_in, secrets=secrets)
    reply = check_reply(dialect.reply(answer, call), call.operation, failure)
    if headers and not reply.get("usage") and (usage := _usage_in(headers)):
        reply["usage"] = usage
    if headers and (told := request_id(headers, secrets)):
        reply[REQUEST_ID] = told
    return reply


def _usage_in(headers: Mapping[str, str]) -> Wire | None:
    """The tokens of an embedding, which Bedrock tells in a header where the model itself does not."""
    told = headers.get("x-amzn-bedrock-input-token-count", "")
    if not told.isdecimal() or len(told) > _LONGEST_COUNT:
        return None
    return {"prompt_tokens": int(told), "total_tokens": int(told)}


_LONGEST_COUNT = 12
"""Digits of a number of tokens."""


def check_status(
    status: int, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]
) -> None:
    """Raise the `CallError` that an answer stands for whose status is not good."""
    if not is_good(status):
        raise status_error(status, headers, body, secrets)


def is_good(status: int) -> bool:
    """Frameworks whose POST answers 201 serve models too."""
    return 200 <= status < 300


class Reader:
    """Reads the body of one stream.

    Args:
        dialect: Whose events they are.
        call: What was asked.
        secrets: Texts that must not appear in an error.

    Attributes:
        ended: The server has said that the answer is whole.
        failure: Why the stream failed, after the chunks that were read; None as long as it did not.
    """

    __slots__ = (
        "_call", "_dialect", "_events", "_incoming", "_secrets", "_splitter", "ended", "failure",
    )  # fmt: skip

    def __init__(self, dialect: Dialect, call: WireCall, secrets: Sequence[str]) -> None:
        self.ended = False
        self.failure: Exception | None = None
        self._dialect = dialect
        self._call = call
        self._secrets = secrets
        self._splitter = dialect.splitter()
        self._events = dialect.events(call)
        self._incoming = IncomingChunks(partial(failure_in, secrets=secrets))

    def feed(self, piece: bytes) -> list[Wire]:
        """The chunks that a piece completes.

        A list and no generator: that would be resumed once more for each chunk, on its way through every loop above.
        """
        chunks: list[Wire] = []
        try:
            for data in self._splitter.feed(piece):
                if data[:1] != _OBJECT:
                    if _is_done(data):
                        self.ended = True
                        break
                    if not data or data.isspace():
                        continue
                self._read(data, chunks)
                if self.ended:
                    break
        except Exception as error:  # noqa: BLE001  told by `check`, after the chunks before it
            self.failure = error
        return chunks

    def check(self) -> None:
        """Raise what went wrong after the chunks that were read."""
        if self.failure is not None:
            raise self.failure

    def finish(self) -> Iterator[Wire]:
        """The body is over: what is left of it. A last event without its end counts if it is whole.

        A whole answer, though a stream was asked for, is one chunk.
        """
        for data in self._splitter.flush():
            if isinstance(data, WholeData):
                reply = read_reply(data, self._dialect, self._call, self._secrets)
                yield self._incoming.whole(reply)
                self.ended = True
                return
            if _is_done(data):
                self.ended = True
                return
            chunks: list[Wire] = []
            try:
                self._read(data, chunks)
            except InvalidReplyError:
                # It was cut short in its midst, which is told as that.
                return
            yield from chunks
        if self._events is not None:
            for chunk in self._events.finish():
                yield self._incoming.check(chunk)
            self.ended = self._events.ended

    def _read(self, data: bytes, chunks: list[Wire]) -> Wire:
        """Read one event, and add the chunks that it stands for. Returns it, as it was decoded."""
        try:
            event = jsonbytes.loads(data)
        except ValueError:
            kind = ServerError if isinstance(data, ErrorData) else InvalidReplyError
            raise kind("the stream has an event that is not JSON") from None
        if isinstance(data, ErrorData):
            raise event_error(event, self._secrets)
        if not isinstance(event, dict):
            raise InvalidReplyError("an event of the stream is not a JSON object")
        if event.get("error"):
            raise event_error(event, self._secrets)
        if self._events is None:
            chunks.append(self._incoming.check(event))
            return event
        for chunk in self._events.take(event):
            # One by one: those before one that fails have come.
            chunks.append(self._incoming.check(chunk))  # noqa: PERF401
        self.ended = self._events.ended
        return event


class RelayingReader(Reader):
    """As `Reader`, of events that have names, with each of them before its chunks, for who speaks the same API."""

    __slots__ = ()

    def _read(self, data: bytes, chunks: list[Wire]) -> Wire:
        place = len(chunks)
        event = super()._read(data, chunks)
        kind = str(event.get("type"))
        if _NAME.fullmatch(kind):
            framed = b"event: %b\ndata: %b\n\n" % (kind.encode(), _in_lines(data))
            chunks.insert(place, Relayed(_NO_CHOICE, framed))
        return event


_NO_CHOICE: Wire = {"choices": []}
_NAME = re.compile(r"[a-z_.]+")
"""The names of events; another could be a line of its own."""


def _in_lines(data: bytes) -> bytes:
    """The JSON of an event in the lines of one, as some servers write it."""
    return data.replace(b"\n", b"\ndata: ") if b"\n" in data else data


def _is_done(data: bytes) -> bool:
    return data.strip() == b"[DONE]"


def _decoded(data: bytes, secrets: Sequence[str]) -> object:
    """The JSON in an answer or event, unless it is an error object, which is raised."""
    decoded = jsonbytes.loads(data)
    if isinstance(decoded, dict) and decoded.get("error"):
        raise event_error(decoded, secrets)
    return decoded


def _no_json(body: bytes) -> CallError:
    kind = (
        "an HTML page"
        if body.lstrip()[:1] == b"<"
        else "nothing"
        if not body.strip()
        else "no JSON"
    )
    return InvalidReplyError(f"the server answered 200 with {kind}: is the base URL right?")
