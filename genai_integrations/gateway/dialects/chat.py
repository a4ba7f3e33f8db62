"""OpenAI's chat completions.

Source: OpenAI's API reference, "Chat" and "Errors"; chunks and the error event as api.openai.com sends them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from genai_integrations.apis.told import FIELD, told
from genai_integrations.calls.openai_http import DONE, event, type_of
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import GenAIError
from genai_integrations.gateway.dialects.dialect import (
    Asked,
    Dialect,
    flag_of,
    model_of,
    object_of,
    params_of,
)
from genai_integrations.gateway.refusals import Refused, refused_of
from genai_integrations.routing.streams import AsyncReplyStream

_OWN = frozenset(("model", "messages", "stream"))
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def request(body: Wire) -> Asked:
    """What a body asks.

    Raises:
        Refused: It cannot be meant.
    """
    model = model_of(body)
    stream = flag_of(body, "stream")
    object_of(body, "metadata")
    options = object_of(body, "stream_options")
    params = params_of(body, _OWN)
    if not stream or options is None:
        # The client asks for the usage by itself; without a stream a provider refuses the options.
        params.pop("stream_options", None)
    messages = body.get("messages")
    if messages is None and "langfuse_prompt" in params:
        messages = []
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        raise Refused(
            400,
            "invalid_request",
            'messages must be a list like [{"role": "user", "content": "Hello!"}]',
            param="messages",
        )
    return Asked(model, messages, params, stream, body)


def _is_message(row: Any) -> bool:
    """Whether it has the form of one; what its parts are is for the provider to judge."""
    if type(row) is not dict or row.get("role") not in _ROLES:
        return False
    content = row.get("content")
    if content is None or type(content) is str:
        return True
    return type(content) is list and all(
        type(part) is dict and type(part.get("type")) is str for part in content
    )


def reply(answer: Reply, asked: Asked) -> Wire:  # noqa: ARG001  a dialect's signature
    """The answer, which has OpenAI's shape already."""
    return priced(answer.wire, answer.route)


def priced(wire: Wire, route: Route) -> Wire:
    """With what the call cost beside its tokens, as OpenRouter has it: clients of other makes know it from there.

    Source: openrouter.ai/docs, "Usage accounting".
    """
    usage, cost = wire.get("usage"), route.cost
    return {**wire, "usage": {**usage, "cost": cost}} if usage and cost is not None else wire


async def events(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:
    """The stream as OpenAI sends it: a role first, then deltas, then the usage if it is wanted, then `[DONE]`."""
    sent = _Sent(wants_usage=bool((asked.body.get("stream_options") or {}).get("include_usage")))
    try:
        while chunks := await stream.arrived():
            if data := b"".join(map(sent.taken, chunks)):
                yield data
    except GenAIError as error:
        yield sent.broken(error)
    else:
        yield sent.ended(stream.route)


class _Sent:
    """What has been sent of a stream, and what is kept back: its end says what only the end knows.

    Args:
        wants_usage: Whether the caller asked for a chunk with the usage.
    """

    __slots__ = ("_begun", "_held", "_usage", "_wants_usage")

    def __init__(self, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        self._begun: set[object] = set()
        self._held: Wire | None = None
        self._usage: Wire | None = None

    def taken(self, wire: Wire) -> bytes:
        """What is to be sent of a chunk, and of what was kept back before it."""
        choices = wire.get("choices")
        if not choices:
            return self._beside(wire)
        if self._wants_usage:
            # As OpenAI does in every chunk but the last.
            wire = {**wire, "usage": None}
        first = self._before(wire, choices)
        if choices[0].get("finish_reason"):
            self._held = wire
            return first
        return first + event(wire) if first else event(wire)

    def ended(self, route: Route) -> bytes:
        """The end of a whole stream."""
        held, usage = self._held, self._usage if self._wants_usage else None
        last = {FIELD: told(route)}
        if usage is None:
            return (event({**held, **last}) if held else b"") + DONE
        end = priced({**usage, **last}, route)
        return (event(held) if held else b"") + event(end) + DONE

    def broken(self, error: GenAIError) -> bytes:
        """The end of one that broke: OpenAI's event for it, and no `[DONE]`."""
        return (event(self._held) if self._held else b"") + event(failure(error)[1])

    def _before(self, wire: Wire, choices: Sequence[Wire]) -> bytes:
        """What was kept back, and the role of each alternative that begins without one."""
        made = b""
        if self._held is not None:
            made, self._held = event(self._held), None
        for choice in choices:
            at = choice.get("index", 0)
            if at not in self._begun:
                self._begun.add(at)
                if not (choice.get("delta") or {}).get("role"):
                    made += event({**wire, "choices": [{"index": at, **_ROLE}]})
        return made

    def _beside(self, wire: Wire) -> bytes:
        """A chunk without alternatives: the usage, a new beginning; others are a provider's own."""
        if wire.get("usage"):
            self._usage = wire
        elif "restarted" in wire:
            self._begun.clear()
            self._held = None
            return event(wire)
        return b""


_ROLE: Wire = {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}


def failure(error: GenAIError) -> tuple[int, Wire]:
    """An error as OpenAI tells it."""
    refused = refused_of(error)
    body = {
        "message": refused.message,
        "type": type_of(refused.status, refused.code),
        "param": refused.param,
        "code": refused.code,
    }
    return refused.status, {"error": body}


DIALECT = Dialect("openai", request, reply, events, failure)
