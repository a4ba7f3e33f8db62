"""What came over the wire, read in a dialect: a whole answer, or the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genai_integrations.calls.incoming import IncomingChunks, check_reply
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import CallError, InvalidReplyError, ServerError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.dialect import Dialect
from genai_integrations.transports.failures import event_error, failure_in
from genai_integrations.transports.http.sse import ErrorData, WholeData

_OBJECT = b"{"
"""What every event of an answer begins with."""


def read_reply(body: bytes, dialect: Dialect, call: WireCall, secrets: Sequence[str]) -> Wire:
    """The reply in a whole answer whose status is good.

    Raises:
        CallError: It is a failure all the same, or no answer to the call.
    """
    try:
        answer = _decoded(body, secrets)
    except ValueError:
        raise _no_json(body) from None
    reply = check_reply(dialect.reply(answer, call), call.operation)
    if failure := failure_in(reply, secrets):
        raise failure
    return reply


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
    """

    __slots__ = ("_call", "_dialect", "_events", "_incoming", "_secrets", "_splitter", "ended")

    def __init__(self, dialect: Dialect, call: WireCall, secrets: Sequence[str]) -> None:
        self.ended = False
        self._dialect = dialect
        self._call = call
        self._secrets = secrets
        self._splitter = dialect.splitter()
        self._events = dialect.events(call)
        self._incoming = IncomingChunks()

    def feed(self, piece: bytes) -> Iterator[Wire]:
        """The chunks that a piece completes.

        Raises:
            CallError: The stream failed, after the chunks before that.
        """
        for data in self._splitter.feed(piece):
            if data[:1] != _OBJECT and _is_done(data):
                self.ended = True
                return
            if data and not data.isspace():
                yield from self._chunks(data)
                if self._events.ended:
                    self.ended = True
                    return

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
            try:
                yield from self._chunks(data)
            except InvalidReplyError:
                # It was cut short in its midst, which is told as that.
                return
        for chunk in self._events.finish():
            yield self._check(chunk)
        self.ended = self._events.ended

    def _chunks(self, data: bytes) -> Iterator[Wire]:
        try:
            event = _decoded(data, self._secrets)
        except ValueError:
            kind = ServerError if isinstance(data, ErrorData) else InvalidReplyError
            raise kind("the stream has an event that is no JSON") from None
        if isinstance(data, ErrorData):
            raise event_error(event, self._secrets)
        if not isinstance(event, dict):
            raise InvalidReplyError("an event of the stream is no JSON object")
        for chunk in self._events.take(event):
            yield self._check(chunk)

    def _check(self, chunk: Wire) -> Wire:
        chunk = self._incoming.check(chunk)
        if failure := failure_in(chunk, self._secrets):
            raise failure
        return chunk


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
