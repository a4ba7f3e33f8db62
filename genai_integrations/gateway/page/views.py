"""The page's routes, and who may see what.

A project's key pair shows that project. The operator's token shows all projects, and no playground: it is nobody's key.
A narrower key shows nothing: it may ask some models, and not look at what others spend.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genai_integrations.errors import GenAIError
from genai_integrations.gateway.operation import owner_of
from genai_integrations.gateway.operator import NOT_KEPT, USER, has_token, is_for_everybody
from genai_integrations.gateway.refusals import Header, Refused
from genai_integrations.gateway.watching import Watch

if TYPE_CHECKING:
    from genai_integrations.gateway.app import Gateway
    from genai_integrations.gateway.exchange import Exchange

EVERY = 2.0
"""Seconds between two updates of a page."""

_UPDATES = 30
"""After so many a page has to come again, with its key: one that was revoked shows a minute more at most."""

MOST_VIEWERS = 50
"""Pages that one worker keeps up to date; the others are as they were when they were loaded."""

MOST_OF_ONE = 10
"""Of these, pages that show the same project."""

_UNAUTHORIZED = 401
_ASK: tuple[Header, ...] = ((b"www-authenticate", b'Basic realm="genai gateway", charset="UTF-8"'),)
_PLAIN = b"text/plain; charset=utf-8"
_HTML = b"text/html; charset=utf-8"
_EVENTS = b"text/event-stream; charset=utf-8"
_AGAIN = b"retry: 1000\n\n"


@dataclass(frozen=True, slots=True)
class View:
    """Who looks.

    Attributes:
        name: What stands at the top, such as the public key.
        project: Whose figures are shown; None shows those of all, and the workers: the operator's view.
        models: What may be asked for in the playground; None shows none, for somebody without a client.
    """

    name: str
    project: str | None
    models: Sequence[str] | None


async def status_page(gateway: Gateway, exchange: Exchange) -> None:
    """`GET /`."""
    view = await _view(gateway, exchange)
    if view is None:
        return
    # Here, for whoever looks first may wait for what draws the page; the start of every gateway need not.
    from genai_integrations.gateway.page import html

    hour = await gateway.operation.hour(view.project)
    headers = (
        *NOT_KEPT,
        (b"content-security-policy", html.policy().encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    await exchange.answer(200, html.page(view, hour).encode(), headers, _HTML)


async def events(gateway: Gateway, exchange: Exchange) -> None:
    """`GET /status/events`: what has changed, every other second, for a minute."""
    view = await _view(gateway, exchange)
    if view is None:
        return
    with _viewing(gateway.operation.viewers, view.project):
        await _update(gateway, exchange, view)


async def _update(gateway: Gateway, exchange: Exchange, view: View) -> None:
    from genai_integrations.gateway.page import html

    operation, watch = gateway.operation, Watch(exchange.receive)
    try:
        await exchange.begin(200, (*NOT_KEPT, (b"x-accel-buffering", b"no")), _EVENTS)
        await _send(exchange, _AGAIN)
        for _ in range(0 if exchange.scope["method"] == "HEAD" else _UPDATES):
            await _send(exchange, html.event(view, await operation.hour(view.project)))
            await asyncio.sleep(EVERY)
            if gateway.is_draining:
                break
        watch.end()
        await exchange.end()
    except asyncio.CancelledError:
        if not watch.is_over():
            raise
    finally:
        watch.end()


@contextlib.contextmanager
def _viewing(viewers: Counter[str | None], project: str | None) -> Generator[None]:
    """Be one of those whose page is kept up to date.

    Raises:
        Refused: There are too many.
    """
    most = MOST_VIEWERS if project is None else MOST_OF_ONE
    # The operator's are not kept out by the projects'.
    others = 0 if project is None else viewers.total() - viewers[None]
    if viewers[project] >= most or others >= MOST_VIEWERS:
        raise Refused(503, "too_many_viewers", "too many pages are open: load it again", EVERY)
    viewers[project] += 1
    try:
        yield
    finally:
        viewers[project] -= 1
        if not viewers[project]:
            del viewers[project]


async def _send(exchange: Exchange, body: bytes) -> None:
    await exchange.send({"type": "http.response.body", "body": body, "more_body": True})


async def _view(gateway: Gateway, exchange: Exchange) -> View | None:
    """What somebody may see; None after a browser was told to ask for a name and a password.

    Raises:
        Refused: It is to see nothing, and asking would not help.
    """
    options = gateway.options
    if has_token(options, exchange.headers):
        return View(USER, None, None)
    try:
        caller = await gateway.admit(exchange)
    except Refused as refused:
        if refused.status != _UNAUTHORIZED:
            raise
        await exchange.answer(_UNAUTHORIZED, _WHO, (*NOT_KEPT, *_ASK), _PLAIN)
        return None
    if caller.key:
        raise Refused(403, "project_key_needed", "this page is for the key pair of the project")
    try:
        models = await gateway.listing.names_for(caller)
    except GenAIError:
        # The figures are there all the same, and just then somebody looks at them.
        models = []
    project = None if is_for_everybody(options) else owner_of(caller)
    return View(caller.name, project, models)


_WHO = b"name: the project's public key, password: its secret key\n"
