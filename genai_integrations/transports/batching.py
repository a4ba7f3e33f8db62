"""Native batches over HTTP: performs what a batch dialect asks for. It waits, so it is for threads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from genai_integrations.calls.incoming import check_reply
from genai_integrations.calls.wire import Operation, Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.settings import answer_limits
from genai_integrations.transports.batch_dialect import Account, Ask, Asking, BatchDialect, Pause
from genai_integrations.transports.dialect import Dialect
from genai_integrations.transports.failures import failure_in, leaving, written
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import Shared
from genai_integrations.transports.http.sizes import answer_too_large
from genai_integrations.transports.reading import check_status

T = TypeVar("T")

_TIMEOUT, _IDLE = 600.0, 60.0
"""Seconds for one request, uploads among them, and for a silence within a file."""


class Batching:
    """Performs what batch dialects ask for.

    Args:
        pins: Which hosts each key may go to.
        dialect_of: In whose wire format a connection's model is spoken to.
        batches_of: How its provider takes batches; None if it does not.
        shared: Has the connections.
        wait: Lets so many seconds pass.
    """

    def __init__(
        self,
        pins: OriginPins,
        dialect_of: Callable[[Connection, str], Dialect | None],
        batches_of: Callable[[Connection, str], BatchDialect | None],
        shared: Shared,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.dialect = batches_of
        self._pins = pins
        self._dialect_of = dialect_of
        self._shared = shared
        self.wait = wait

    def account(self, call: WireCall) -> Account:
        """Whom a batch with this call is for: those of one account may be in one batch."""
        spoken = self._spoken(call)
        headers = call.headers
        if spoken.headers is not None:
            headers = spoken.headers(call, written(spoken.body, call))
        return Account(call.connection, call.model, call.operation, self._pins, headers)

    def account_of(self, connection: Connection, model: str, operation: Operation) -> Account:
        """The same for a batch that is there already."""
        return Account(connection, model, operation, self._pins)

    def line(self, call: WireCall, custom_id: str) -> bytes:
        """A call as it stands in a batch.

        Raises:
            ConfigurationError: Something in it has no form there.
        """
        batches = self.dialect(call.connection, call.model)
        assert batches is not None  # noqa: S101  asked of those that have one
        return batches.line(call, written(self._spoken(call).body, call), custom_id)

    def reply(self, call: WireCall, answer: object) -> Wire:
        """An answer in OpenAI's form.

        Raises:
            CallError: It is a failure, or none.
        """
        failure = partial(failure_in, secrets=())
        return check_reply(self._spoken(call).reply(answer, call), call.operation, failure)

    def do(self, asking: Asking[T]) -> T:
        """Perform requests one after the other, and return what came of them.

        Raises:
            CallError: One failed.
            CredentialError: The key cannot be read, or may not go there.
        """
        answer: object = None
        while True:
            try:
                step = asking.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Pause):
                self.wait(step.seconds)
                answer = None
            else:
                answer = self._answer(step)

    def rows(self, ask: Ask) -> Iterator[Mapping[str, Any]]:
        """The objects of a file of JSON lines, as they arrive: a file may be larger than the memory.

        Raises:
            CallError: It cannot be had, or is none.
        """
        for line in self._lines(ask):
            if not line.strip():
                continue
            try:
                row = jsonbytes.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise InvalidReplyError("a line of the batch's results is not a JSON object")
            yield row

    def _answer(self, ask: Ask) -> object:
        http = self._shared.sync_http
        from genai_integrations.transports.http import sync_http

        endpoint = _signed(ask)
        patience, answered = Patience(_TIMEOUT, _IDLE), None
        try:
            response = answered = http.post(endpoint, ask.body, patience)
            answer = sync_http.read_all(response, patience)
            check_status(response.status, response.headers, answer, endpoint.secrets)
            return _object(answer)
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed request
            raise leaving(error, endpoint.secrets, answered) from None

    def _lines(self, ask: Ask) -> Iterator[bytes]:
        http = self._shared.sync_http
        from genai_integrations.transports.http import sync_http

        endpoint = _signed(ask)
        patience, answered, most = Patience(_TIMEOUT, _IDLE), None, answer_limits().event
        try:
            response = answered = http.post(endpoint, ask.body, patience)
            if response.status != 200:
                answer = sync_http.read_all(response, patience)
                check_status(response.status, response.headers, answer, endpoint.secrets)
            patience.content_began()
            rest = b""
            with contextlib.closing(sync_http.read_pieces(response, patience)) as pieces:
                for piece in pieces:
                    *lines, rest = (rest + piece).split(b"\n")
                    if len(rest) > most:
                        raise answer_too_large(most)  # noqa: TRY301  as `read_all` does
                    yield from lines
            yield rest
        except Exception as error:  # noqa: BLE001  as above
            raise leaving(error, endpoint.secrets, answered) from None

    def _spoken(self, call: WireCall) -> Dialect:
        spoken = self._dialect_of(call.connection, call.model)
        assert spoken is not None  # noqa: S101  who has batches has a dialect
        return spoken


def _object(answer: bytes) -> Mapping[str, Any]:
    decoded = jsonbytes.loads(answer) if answer.strip() else {}
    if not isinstance(decoded, dict):
        raise InvalidReplyError("the server's answer is not a JSON object")
    return decoded


def _signed(ask: Ask) -> Endpoint:
    if ask.endpoint.signer is not None:
        ask.endpoint.signer.prepare(None)
    return ask.endpoint.signed(ask.body)
