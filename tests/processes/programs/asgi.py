"""An ASGI application that asks a model, and flushes as it is shut down."""

from __future__ import annotations

import asyncio

from asked import aask, client


async def application(scope, receive, send):
    """Answer with the process's id."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(client.flush)
        await send({"type": "lifespan.shutdown.complete"})
        return
    answer = str(await aask(scope["path"].strip("/"))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer})
