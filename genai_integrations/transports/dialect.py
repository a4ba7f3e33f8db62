"""What a dialect is: the wire format of one provider, in pure functions. It does no I/O and knows no other dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from genai_integrations.calls.headers import Headers
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.transports.http.endpoint import Endpoint


class Splitter(Protocol):
    """Splits the body of a stream into the JSON texts of its events: `SSEDecoder`, `EventStreamDecoder`."""

    def feed(self, piece: bytes) -> Iterable[bytes]:
        """Take the next piece and give what it completes; `ErrorData` where the framing itself says error.

        Raises:
            InvalidReplyError: The framing is broken from there on.
        """
        ...

    def flush(self) -> list[bytes]:
        """The body is over: an event without its end, or `WholeData` if it was no stream at all."""
        ...


class Events(Protocol):
    """The events of one stream, in their order.

    Attributes:
        ended: The server has said that the answer is whole, and nothing of it is to come.
    """

    ended: bool

    def take(self, event: Wire) -> Iterable[Wire]:
        """The chunks, in OpenAI's form, that an event stands for; finish reasons may be in the server's words.

        Args:
            event: A decoded event, which may be changed and handed on.

        Raises:
            CallError: It says that the answer failed, or is none of this dialect.
        """
        ...

    def finish(self) -> Iterable[Wire]:
        """The body is over: what was held back. `ended` is set if what came was a whole answer."""
        ...


class Dialect(Protocol):
    """One wire format. Without state, so that one serves all calls."""

    def endpoint(
        self,
        connection: Connection,
        model: str,
        operation: Operation,
        *,
        streamed: bool,
        pins: OriginPins,
    ) -> Endpoint:
        """Where such calls go and what they prove themselves with; asked once, not for each call.

        Raises:
            CredentialError: The key cannot be opened, or may not go there.
            ConfigurationError: The model or the operation has no address there.
        """
        ...

    def body(self, call: WireCall) -> Wire:
        """The request as the provider takes it. `call.body` is left as it is; what stays the same may be shared.

        Raises:
            ConfigurationError: Something in it has no form there.
        """
        ...

    @property
    def headers(self) -> Callable[[WireCall, Wire], Headers] | None:
        """What a request sends beside the endpoint's headers, in lower case: of a call and the body made of it.

        None if that is what the call itself says; else that is among them.
        """
        ...

    def reply(self, answer: object, call: WireCall) -> object:
        """A decoded answer in OpenAI's form; finish reasons may be in the server's words.

        Raises:
            CallError: It says that it failed, or is none of this dialect.
        """
        ...

    def splitter(self) -> Splitter:
        """For the body of one stream."""
        ...

    def events(self, call: WireCall) -> Events | None:
        """For the events of one stream; None if each is a chunk, and only `[DONE]` says that they are over."""
        ...


@runtime_checkable
class Relaying(Dialect, Protocol):
    """A dialect that callers of the gateway may speak themselves: what they wrote is sent, and what came is relayed.

    Attributes:
        speaks: Its name, as `Spoken` has it.
    """

    speaks: str

    def relayed(self, call: WireCall) -> Wire | None:
        """The request in the caller's own words, with the target's model and parameters; None if they do not do here.

        Raises:
            ConfigurationError: As `body`.
        """
        ...
