"""A call through LiteLLM that leaves nothing: with its first one it imports hundreds of modules, which takes seconds.

Those are no provider's time, so a call is rehearsed before the first attempt's clock starts: by the way of any server that
speaks OpenAI's API, with an answer made up here. No key is in it, and nothing is sent.
"""

from __future__ import annotations

import contextlib
from typing import Any

import httpx

from genai_integrations.transports.litellm.quiet import quiet

_ANSWER = {
    "id": "rehearsal",
    "object": "chat.completion",
    "created": 0,
    "model": "rehearsal",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_EVENTS = (
    b'data: {"id": "rehearsal", "object": "chat.completion.chunk", "created": 0, "model": "rehearsal", '
    b'"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


class _Nowhere(httpx.AsyncBaseTransport):
    """Answers without a server."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if b'"stream":true' in (await request.aread()).replace(b" ", b""):
            headers = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=headers, content=_EVENTS, request=request)
        return httpx.Response(200, json=_ANSWER, request=request)


async def rehearse(module: Any) -> None:
    """Make one call and one stream; whatever LiteLLM makes of them, the next calls find its modules there."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    from genai_integrations.transports.litellm.either import either_client

    transport = _Nowhere()
    handler = AsyncHTTPHandler(transport=transport, follow_redirects=False)
    arguments = {"api_key": "none", "api_base": "http://genai.invalid/v1"}
    asked = {
        "model": "openai/rehearsal",
        "messages": [{"role": "user", "content": "Hello"}],
        "client": either_client(handler, httpx.AsyncClient(transport=transport), arguments),
        "max_retries": 0,
        "no-log": True,
        **arguments,
    }
    with quiet(), contextlib.suppress(Exception):
        (await module.acompletion(**asked)).model_dump()
        async for chunk in await module.acompletion(**asked, stream=True):
            chunk.model_dump()
