"""What really came over the wire while LiteLLM translated, as opposed to what it makes of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextvars import ContextVar

import httpx

from genai_integrations.calls.incoming import request_id
from genai_integrations.connections.origins import origin_of
from genai_integrations.errors import CallError, GenAIError, InvalidReplyError, UntrustedHostError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.network import proxy_for
from genai_integrations.transports.failures import status_error
from genai_integrations.transports.http.async_answer import AsyncAnswer
from genai_integrations.transports.http.async_http import AsyncHttp, read_all, read_pieces
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.litellm.events import Events, Frames, Reader, Whole

_OURS = frozenset(("host", "content-length", "accept-encoding", "connection", "transfer-encoding"))
"""Headers that our HTTP client writes itself."""


class Witness:
    """One attempt's answer as it arrived.

    Attributes:
        connection: Name of the connection, for messages.
        idle: Seconds that the socket may be silent.
        secrets: Texts that must not appear in an error.
        headers: The connection's own headers, to be sent too.
        call_headers: Those of the call, which LiteLLM drops for some providers: sent where it has no other.
        proxies: The proxies that the environment names, by origin, as far as they were looked up.
        status: HTTP status, None while there is none.
        request_id: The provider's id of the request.
        received: Bytes of a good answer.
        must_end: Whether the provider says when an answer is whole.
        failure: What was wrong on the wire.
    """

    def __init__(
        self,
        connection: str,
        idle: float,
        secrets: Sequence[str],
        headers: Mapping[str, str],
        *,
        call_headers: Mapping[str, str],
        proxies: dict[str, MaskedText | None],
        must_end: bool = False,
    ) -> None:
        self.connection = connection
        self.headers = headers
        self.call_headers = call_headers
        self.proxies = proxies
        self.must_end = must_end
        self.idle = idle
        self.secrets = secrets
        self.status: int | None = None
        self.request_id: str | None = None
        self.received = 0
        self.failure: GenAIError | None = None
        self._reader: Reader = Whole(secrets)

    @property
    def end_seen(self) -> bool:
        """Whether the answer came to its end, as far as its provider says so."""
        return self._reader.ended or not self.must_end

    def answer_began(self, content_type: str) -> None:
        """A good answer comes, in this form."""
        if content_type.startswith("text/event-stream"):
            self._reader = Events(self.secrets)
        elif content_type.startswith(_FRAMES):
            self._reader = Frames()

    def fail(self, error: CallError) -> None:
        """Note what is wrong with a good status."""
        error.request_id = self.request_id
        self.failure = error

    def take(self, piece: bytes) -> bytes:
        """Note a piece of a good answer, and return what LiteLLM is to get; `check` tells what is wrong with it."""
        self.received += len(piece)
        return self._reader.take(piece)

    def finish(self) -> bytes:
        """The answer is over. As `take`."""
        if not self.received:
            raise InvalidReplyError("the server answered 200 with nothing")
        return self._reader.finish()

    def check(self) -> None:
        """Raise if what has come shows that the answer is none."""
        if self._reader.failure:
            raise self._reader.failure


_FRAMES = "application/vnd.amazon.eventstream"


current: ContextVar[Witness | None] = ContextVar("genai_integrations_witness", default=None)
"""The witness of the attempt that runs in this task."""


class WitnessedTransport(httpx.AsyncBaseTransport):
    """Sends LiteLLM's requests by our own HTTP client: no redirects, guarded addresses, and a witness."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        witness = current.get()
        if witness is None:
            raise httpx.ConnectError("no attempt is running")
        body = await request.aread()
        try:
            answer = await self._http.post(_endpoint(request, witness), body, witness.idle)
        except (CallError, UntrustedHostError) as error:
            witness.failure = error
            raise httpx.ReadError(str(error)) from None  # LiteLLM repeats others
        witness.status = answer.status
        witness.request_id = request_id(answer.headers, witness.secrets)
        headers = [
            (name, value) for name, value in answer.headers.items() if name.lower() not in _DROPPED
        ]
        if answer.status == 200 and "text/html" not in answer.headers.get("content-type", ""):
            witness.answer_began(answer.headers.get("content-type", "").lower())
            stream = _Body(answer, witness)
            return httpx.Response(200, headers=headers, stream=stream, request=request)
        content = await read_all(answer)
        if answer.status == 200:
            page = InvalidReplyError(
                "the server answered 200 with an HTML page: is the base URL right?"
            )
            witness.fail(page)
        else:
            witness.failure = status_error(answer.status, answer.headers, content, witness.secrets)
        return httpx.Response(answer.status, headers=headers, content=content, request=request)


class BlockingTransport(httpx.BaseTransport):
    """A `WitnessedTransport` for one blocking call in another thread, while its event loop runs here.

    Args:
        transport: Sends in this loop.
    """

    def __init__(self, transport: WitnessedTransport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._sent: concurrent.futures.Future[httpx.Response] | None = None
        self._is_over = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and read its whole answer."""
        self._sent = asyncio.run_coroutine_threadsafe(self._whole(request), self._loop)
        if self._is_over:
            self._sent.cancel()
        return self._sent.result()

    def close(self) -> None:
        """End the call, whoever still waits for it."""
        self._is_over = True
        if self._sent is not None:
            self._sent.cancel()

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        answer = await self._transport.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(
            answer.status_code, headers=answer.headers, content=content, request=request
        )


_DROPPED = frozenset(("content-encoding", "content-length", "transfer-encoding"))
"""Headers that no longer hold for the decoded body."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: AsyncAnswer, witness: Witness) -> None:
        self._answer = answer
        self._witness = witness

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        witness = self._witness
        try:
            async for piece in read_pieces(self._answer):
                yield witness.take(piece)
                witness.check()
            yield witness.finish()
            witness.check()
        except CallError as error:
            witness.fail(error)
            raise httpx.ReadError(str(error)) from None

    async def aclose(self) -> None:
        self._answer.close()


def _endpoint(request: httpx.Request, witness: Witness) -> Endpoint:
    url = str(request.url)
    own = {name: value for name, value in request.headers.items() if name not in _OURS}
    headers = {**witness.call_headers, **own}
    headers |= {name.lower(): value for name, value in witness.headers.items()}
    headers["accept-encoding"] = "identity"
    origin = origin_of(url, witness.connection)
    if origin not in witness.proxies:
        witness.proxies[origin] = proxy_for(origin)
    return Endpoint(
        origin=origin,
        url=url,
        path=request.url.raw_path.decode(),
        proxy=witness.proxies[origin],
        headers=headers,
        secrets=(),
    )
