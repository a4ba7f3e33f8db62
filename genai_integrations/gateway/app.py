"""The ASGI application: one way for every request, and one table of routes."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable

from genai_integrations.apis.told import FIELD, told
from genai_integrations.calls.openai_http import json_of, models_body, route_headers
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Relayed, Wire
from genai_integrations.errors import CredentialStoreError, GenAIError
from genai_integrations.gateway import bursts, health, operator
from genai_integrations.gateway.callers import Caller
from genai_integrations.gateway.dialects import chat, embeddings, models
from genai_integrations.gateway.dialects.anthropic import dialect as anthropic
from genai_integrations.gateway.dialects.dialect import Asked, Dialect
from genai_integrations.gateway.dialects.responses import dialect as responses
from genai_integrations.gateway.exchange import (
    ClientGone,
    Exchange,
    Receive,
    Scope,
    Send,
)
from genai_integrations.gateway.joining import joined
from genai_integrations.gateway.listing import Listing
from genai_integrations.gateway.openapi import description
from genai_integrations.gateway.operation import Operation
from genai_integrations.gateway.options import GatewayOptions
from genai_integrations.gateway.page import views
from genai_integrations.gateway.refusals import Refused, refused_of
from genai_integrations.gateway.routes import Row, Table
from genai_integrations.gateway.watching import Watch
from genai_integrations.routing.streams import AsyncReplyStream

_log = logging.getLogger("genai_integrations.gateway")

Failure = Callable[[GenAIError], tuple[int, Wire]]

EVENT_STREAM = b"text/event-stream; charset=utf-8"
_STREAMING = (
    (b"cache-control", b"no-cache"),
    # nginx would otherwise keep events back until it has a buffer full of them.
    (b"x-accel-buffering", b"no"),
)


def build_app(options: GatewayOptions) -> Gateway:
    """The gateway as an ASGI application."""
    return Gateway(options)


class Gateway:
    """The ASGI application.

    Attributes:
        options: What it was made with.
        is_draining: Whether this process is about to end: what is under way goes on, and nothing new should come.
        operation: Told of every request, for logs, metrics and the page.
        listing: Knows what callers can ask for.
    """

    def __init__(self, options: GatewayOptions) -> None:
        self.options = options
        self.is_draining = False
        self.operation = Operation(options.run_dir)
        self.listing = Listing()
        self._table = Table((*options.rows, *ROWS))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, as ASGI has it."""
        if scope["type"] == "http":
            exchange = Exchange(scope, receive, send)
            self.operation.began()
            try:
                await self._serve(exchange)
            finally:
                self.operation.ended(exchange.told)
        elif scope["type"] == "lifespan":
            await health.lifespan(self, receive, send)
        else:
            # A WebSocket, which nothing here is served over.
            await send({"type": "websocket.close"})

    async def _serve(self, exchange: Exchange) -> None:
        exchange.closes = self.is_draining
        failure: Failure = chat.failure
        try:
            exchange.check_headers()
            row = self._table.find(exchange.scope["method"], exchange.scope["path"])
            exchange.told.route, serves = row.route, row.serves
            if isinstance(serves, Dialect):
                failure = serves.failure
                exchange.id_header = serves.request_id
                await self._ask(exchange, serves)
            else:
                await serves(self, exchange)
        except GenAIError as error:
            exchange.told.call = getattr(error, "route", None)
            await _refuse(exchange, failure, error)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  a mistake of ours, which must not end the connection's server
            # Without its words, which may have a question in them, or an answer.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s: %s\n%s", exchange.request_id, type(error).__name__, where)
            if not exchange.has_begun:
                await _refuse(exchange, failure, _internal())

    async def admit(self, exchange: Exchange) -> Caller:
        """Who asks.

        Raises:
            Refused: Nobody who may.
        """
        client = exchange.scope.get("client")
        caller = await self.options.keys.admit(exchange.headers, client[0] if client else "")
        exchange.told.caller, exchange.told.project = caller.name, caller.project
        self.operation.serves(caller)
        return caller

    async def _ask(self, exchange: Exchange, dialect: Dialect) -> None:
        caller = await self.admit(exchange)
        body = await exchange.read_json(self.options.max_body, self.options.body_timeout)
        asked = dialect.request(body)
        if dialect.beside is not None:
            asked.params.update(dialect.beside(exchange.headers))
        caller.require(asked.model, asked.params)
        caller.bound(asked.params)
        watch = Watch(exchange.receive)
        try:
            with joined(exchange.headers, asked.params, is_bound=bool(caller.key)):
                answer = await dialect.ask(caller.client, asked)
            exchange.told.call = answer.route
            if isinstance(answer, AsyncReplyStream):
                with self.operation.stream(exchange.told):
                    await _stream(exchange, dialect, asked, answer, watch)
            else:
                watch.end()
                await _answer(exchange, dialect, asked, answer)
        except asyncio.CancelledError:
            if not watch.is_over():
                raise
        finally:
            watch.end()


async def _answer(exchange: Exchange, dialect: Dialect, asked: Asked, answer: Reply) -> None:
    about, wire = told(answer.route), answer.wire
    if isinstance(wire, Relayed):
        # Its bytes are the provider's; what is told of them stands in the headers.
        body = wire.raw
    else:
        body = json_of({**dialect.reply(answer, asked), FIELD: about})
    await exchange.answer(200, body, route_headers(answer.route, about["cost"]))


async def _stream(
    exchange: Exchange, dialect: Dialect, asked: Asked, answer: AsyncReplyStream, watch: Watch
) -> None:
    """Send a stream. One that is not ended, as after a mistake of ours, has its connection closed by the server."""
    head = (*_STREAMING, *route_headers(answer.route, None))
    try:
        await exchange.begin(200, head, EVENT_STREAM)
        send = exchange.send

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await bursts.pump(dialect.events(answer, asked), write)
        watch.end()
        await exchange.end()
    finally:
        await answer.aclose()


async def _refuse(exchange: Exchange, failure: Failure, error: GenAIError) -> None:
    refused = refused_of(error)
    if isinstance(error, CredentialStoreError):
        # Its words are for the operator alone.
        _log.warning("%s: %s", exchange.request_id, error)
    status, body = failure(refused)
    exchange.told.error = refused.code
    await exchange.answer(status, json_of(body), refused.headers)


def _internal() -> Refused:
    return Refused(500, "internal_error", "the gateway failed: its log has the request id")


async def _models(gateway: Gateway, exchange: Exchange) -> None:
    caller = await gateway.admit(exchange)
    names = await gateway.listing.names_for(caller)
    await exchange.answer(200, json_of(models_body(names)))


async def _model(gateway: Gateway, exchange: Exchange) -> None:
    caller = await gateway.admit(exchange)
    name = exchange.scope["path"].removeprefix("/v1").removeprefix("/models/")
    found = models.one(await gateway.listing.names_for(caller), name)
    await exchange.answer(200, json_of(found))


async def _description(_gateway: Gateway, exchange: Exchange) -> None:
    await exchange.answer(200, json_of(description()))


ROWS = (
    Row("POST", "/chat/completions", chat.DIALECT),
    Row("POST", "/embeddings", embeddings.DIALECT),
    Row("POST", "/messages", anthropic.DIALECT),
    Row("POST", "/messages/count_tokens", anthropic.COUNT),
    Row("POST", "/responses", responses.DIALECT),
    Row("GET", "/models", _models),
    Row("GET", "/models/*", _model),
    Row("GET", "/openapi.json", _description, is_api=False),
    Row("GET", "/", views.status_page, is_api=False),
    Row("GET", "/status/events", views.events, is_api=False),
    Row("GET", "/metrics", operator.metrics, is_api=False),
    Row("GET", "/health/live", health.live, is_api=False),
    Row("GET", "/health/ready", health.ready, is_api=False),
)
"""Every route; a new API is a row and its module in `dialects/`."""
