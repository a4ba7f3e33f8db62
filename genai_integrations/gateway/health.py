"""Whether a worker lives, whether it should be sent requests, and how it begins and ends."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from genai_integrations.gateway.exchange import Exchange, Receive, Send
from genai_integrations.gateway.refusals import Refused

if TYPE_CHECKING:
    from genai_integrations.gateway.app import Gateway

_RETRY = 1.0
"""Seconds after which a balancer may ask again whether a worker is ready."""


async def live(_gateway: Gateway, exchange: Exchange) -> None:
    """The process answers; where it does not, it is to be started anew."""
    await exchange.answer(200, b'{"status":"live"}')


async def ready(gateway: Gateway, exchange: Exchange) -> None:
    """It may be sent requests."""
    if gateway.is_draining:
        raise Refused(503, "draining", "this worker is about to end: ask another one", _RETRY)
    if not await gateway.options.keys.is_ready():
        raise Refused(503, "not_ready", "what this worker needs is not available yet", _RETRY)
    await exchange.answer(200, b'{"status":"ready"}')


async def lifespan(gateway: Gateway, receive: Receive, send: Send) -> None:
    """The process's begin and end, as ASGI has them."""
    await receive()
    drain_on_sigterm(gateway)
    async with gateway.operation.running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await gateway.options.keys.aclose()
        gateway.listing.close()
    _end_as_programs_do()
    await send({"type": "lifespan.shutdown.complete"})


def _end_as_programs_do() -> None:
    """From here on the process comes to its end by itself, and what is recorded is sent there.

    uvicorn raises the signal anew once it is done. That would kill the process, before anything at its end is done.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))


def drain_on_sigterm(gateway: Gateway) -> None:
    """Have SIGTERM end the process a moment later, while `/health/ready` says so and connections are not kept.

    The server closes idle connections at once, and a balancer that just sends a request over one of them would have to
    tell its client of an error.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    servers: Any = signal.getsignal(signal.SIGTERM)
    if not callable(servers):
        return

    interrupted: Any = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        # Pages that are told of changes would otherwise hold the end up.
        gateway.is_draining = True
        interrupted(number, frame)

    def drain(number: int, frame: FrameType | None) -> None:
        if gateway.is_draining:
            # Once is enough: systemd sends it to all processes of a group, and the supervisor passes its own on.
            return
        gateway.is_draining = True
        loop.call_soon_threadsafe(
            loop.call_later, gateway.options.drain_delay, servers, number, frame
        )

    signal.signal(signal.SIGTERM, drain)
    if callable(interrupted):
        signal.signal(signal.SIGINT, stop)
