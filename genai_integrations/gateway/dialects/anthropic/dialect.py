"""Anthropic's `POST /v1/messages` and `POST /v1/messages/count_tokens`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from genai_integrations.apis.given import needed
from genai_integrations.apis.writing import ONCE, awritten
from genai_integrations.calls.args import CALL_FALLBACKS
from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Route
from genai_integrations.calls.wire import Spoken, Wire
from genai_integrations.client import GenAIClient
from genai_integrations.errors import CallError
from genai_integrations.gateway.dialects.anthropic.events import MessageWriter
from genai_integrations.gateway.dialects.anthropic.failures import failure
from genai_integrations.gateway.dialects.anthropic.replies import message_of
from genai_integrations.gateway.dialects.anthropic.requests import params_beside, params_of
from genai_integrations.gateway.dialects.anthropic.turns import is_claudes_own, messages_of
from genai_integrations.gateway.dialects.dialect import Asked, Dialect, flag_of, model_of
from genai_integrations.routing.streams import AsyncReplyStream

_THINKING = ("adaptive", "enabled")


def request(body: Wire) -> Asked:
    """What a body asks.

    Raises:
        GenAIError: It cannot be meant.
    """
    needed(body, "max_tokens", int)
    return _asked(body, flag_of(body, "stream"))


def _asked(body: Wire, stream: bool) -> Asked:
    params = params_of(body)
    messages = messages_of(body)
    if is_claudes_own(body):
        params["spoken"] = Spoken("anthropic", body)
    if stream:
        params |= ONCE
    return Asked(model_of(body), messages, params, stream, body)


def reply(answer: Reply, asked: Asked) -> Wire:
    """The answer as a message."""
    return message_of(answer.wire, asked.model, thinks=_thinks(asked))


def events(stream: AsyncReplyStream, asked: Asked) -> AsyncGenerator[bytes]:
    """The answer as events."""
    return awritten(stream, MessageWriter(asked.model, thinks=_thinks(asked)))


def _thinks(asked: Asked) -> bool:
    """Whether the caller asked for thinking: who did not reads the first block as the answer."""
    thinking = asked.params.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") in _THINKING


def counted(body: Wire) -> Asked:
    """What a body whose tokens are to be counted asks.

    Raises:
        GenAIError: It cannot be meant.
    """
    return _asked(body, stream=False)


async def count(client: GenAIClient, asked: Asked) -> Reply:
    """The tokens of a prompt for the first target of the name: as its provider counts them, where it does."""
    # How the count is made is not for the body to say.
    left_out = (*CALL_FALLBACKS, "exact")
    params = {name: value for name, value in asked.params.items() if name not in left_out}
    asking = {**params, "disable_fallbacks": True}
    try:
        made = await client.aestimate(asked.model, asked.messages, exact=True, **asking)
    except CallError:
        # A provider that cannot be asked just now: our own count is good enough to go on with.
        made = await client.aestimate(asked.model, asked.messages, **asking)
    return Reply({"input_tokens": made.targets[0].prompt_tokens}, Route(asked.model))


def _count_reply(answer: Reply, asked: Asked) -> Wire:  # noqa: ARG001  a dialect's signature
    return answer.wire


_REQUEST_ID = b"request-id"

DIALECT = Dialect(
    "anthropic", request, reply, events, failure, beside=params_beside, request_id=_REQUEST_ID
)
COUNT = Dialect(
    "anthropic", counted, _count_reply, events, failure, count, params_beside, _REQUEST_ID
)
