"""How many tokens a request has, as the provider itself counts them; free of charge, but a request all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import orjson

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.dispatch import dialect_of
from genai_integrations.transports.failures import leaving, written
from genai_integrations.transports.http.endpoint import Endpoint
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import SHARED, Shared
from genai_integrations.transports.reading import check_status


@dataclasses.dataclass(frozen=True, slots=True)
class _Count:
    """How one dialect asks.

    Attributes:
        chat: What the path of a chat ends with.
        instead: What it ends with to count.
        body: What is asked.
        tokens: Reads the answer.
        model: The id to ask with.
        endpoint: Where, if that is not the address of a chat with another end.
    """

    chat: str
    instead: str
    body: Callable[[WireCall], Wire]
    tokens: Callable[[object], int]
    model: Callable[[str], str] = str
    endpoint: Callable[[Connection, str, OriginPins], Endpoint] | None = None


def _anthropic() -> _Count:
    from genai_integrations.transports.anthropic import counting

    return _Count("", "", counting.count_body, counting.counted, endpoint=counting.count_endpoint)


def _gemini() -> _Count:
    from genai_integrations.transports.gemini import counting

    return _Count("generateContent", counting.METHOD, counting.count_body, counting.tokens_of)


def _bedrock() -> _Count:
    from genai_integrations.models.catalog import without_region
    from genai_integrations.transports.bedrock import tokens

    # CountTokens takes no inference profile.
    return _Count(
        "converse", tokens.ACTION, tokens.counting_body, tokens.counted_tokens, without_region
    )


def _responses() -> _Count:
    from genai_integrations.transports.openai.responses import tokens

    return _Count(
        "responses", f"responses/{tokens.ACTION}", tokens.counting_body, tokens.counted_tokens
    )


_ROWS: dict[str, Callable[[], _Count]] = {
    "AnthropicDialect": _anthropic,
    "GeminiDialect": _gemini,
    "BedrockDialect": _bedrock,
    "ResponsesDialect": _responses,
}
"""By the class of the dialect, so that none is loaded to find that out."""


class Counter:
    """Asks providers for their own count. Safe for threads and event loops.

    Args:
        pins: Which hosts each key may go to.
        shared: Has the connections.
    """

    def __init__(self, pins: OriginPins, shared: Shared = SHARED) -> None:
        self._pins = pins
        self._shared = shared

    def can(self, call: WireCall) -> bool:
        """Whether the provider counts such requests."""
        return call.operation == "chat/completions" and _dialect(_asked(call), call.model) in _ROWS

    def count(self, call: WireCall, patience: Patience) -> int:
        """The tokens of a request.

        Raises:
            CallError: The provider does not say.
            CredentialError: As for the call itself.
        """
        from genai_integrations.transports.http import sync_http

        row, endpoint, body = self._request(call)
        answered = None
        try:
            answered = self._shared.sync_http.post(endpoint, body, patience)
            answer = sync_http.read_all(answered, patience)
            check_status(answered.status, answered.headers, answer, endpoint.secrets)
            return row.tokens(_decoded(answer))
        except Exception as error:  # noqa: BLE001  whatever a server makes happen is a failed attempt
            raise leaving(error, endpoint.secrets, answered) from None

    async def acount(self, call: WireCall, idle: float) -> int:
        """As `count`, without blocking the loop."""
        from genai_integrations.transports.http import async_http

        row, endpoint, body = self._request(call)
        answered = None
        try:
            answered = await self._shared.async_http.post(endpoint, body, idle)
            answer = await async_http.read_all(answered)
            check_status(answered.status, answered.headers, answer, endpoint.secrets)
            return row.tokens(_decoded(answer))
        except Exception as error:  # noqa: BLE001  as above
            raise leaving(error, endpoint.secrets, answered) from None

    def _request(self, call: WireCall) -> tuple[_Count, Endpoint, bytes]:
        connection = _asked(call)
        call = dataclasses.replace(call, connection=connection)
        row = _ROWS[_dialect(call.connection, call.model)]()
        call = dataclasses.replace(call, model=row.model(call.model))
        body = jsonbytes.dumps(written(row.body, call))
        endpoint = self._endpoint(row, call)
        return row, endpoint.signed(body) if endpoint.signer else endpoint, body

    def _endpoint(self, row: _Count, call: WireCall) -> Endpoint:
        if row.endpoint is not None:
            return row.endpoint(call.connection, call.model, self._pins)
        dialect = dialect_of(call.connection, call.model)
        assert dialect is not None  # noqa: S101  it has a row
        found = dialect.endpoint(
            call.connection, call.model, call.operation, streamed=False, pins=self._pins
        )
        path, url = (row.instead.join(text.rsplit(row.chat, 1)) for text in (found.path, found.url))
        return dataclasses.replace(found, path=path, url=url)


def _asked(call: WireCall) -> Connection:
    """OpenAI itself counts by its newer API, whichever of its two is spoken; copies of it do not."""
    connection = call.connection
    if connection.provider.name == "openai" and connection.dialect is None:
        return dataclasses.replace(connection, dialect="responses")
    return connection


def _dialect(connection: Connection, model: str) -> str:
    return type(dialect_of(connection, model)).__name__


def _decoded(answer: bytes) -> object:
    try:
        return orjson.loads(answer)
    except ValueError:
        raise InvalidReplyError("the answer to the count of tokens is not JSON") from None
