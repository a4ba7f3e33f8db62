"""Every answer and event, held against the types of the SDKs, which their makers generate from their own descriptions."""

from __future__ import annotations

import pydantic
from anthropic.types import Message, RawMessageStreamEvent
from dialect_bodies import answers, chunks_of, parsed, reply_of
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent

from genai_integrations.apis.responses.events import ResponseWriter
from genai_integrations.apis.responses.replies import response_of
from genai_integrations.gateway.dialects.anthropic.events import PING, MessageWriter
from genai_integrations.gateway.dialects.anthropic.replies import message_of

MESSAGE_EVENT = pydantic.TypeAdapter(RawMessageStreamEvent)
RESPONSE_EVENT = pydantic.TypeAdapter(ResponseStreamEvent)
FINISHES = st.sampled_from(["stop", "length", "content_filter"])
SIGNED = [
    {"type": "thinking", "thinking": "hm", "signature": "sig"},
    {"type": "redacted_thinking", "data": "x"},
]


@settings(max_examples=50)
@given(answers(), FINISHES, st.booleans(), st.booleans())
def test_messages_are_anthropics(message, finish, thinks, is_signed):
    """Whole, and event by event; a ping is none of the SDK's types."""
    message = {**message, "thinking_blocks": SIGNED} if is_signed else message
    Message.model_validate(message_of(reply_of(message, finish), "m", thinks=thinks))

    writer = MessageWriter("m", thinks=thinks)
    data = b"".join([*map(writer.take, chunks_of(message, finish)), writer.finish({})])
    for event in parsed(data.replace(PING, b"")):
        MESSAGE_EVENT.validate_python(event)


BODY = {
    "model": "m",
    "input": "Hi",
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "add", "parameters": {}, "strict": False}],
    "tool_choice": {"type": "function", "name": "add"},
    "text": {"format": {"type": "json_object"}},
    "reasoning": {"effort": "low"},
}


@settings(max_examples=50)
@given(answers(), FINISHES, st.booleans())
def test_responses_are_openais(message, finish, is_signed):
    """Whole, and event by event."""
    message = {**message, "thinking_blocks": SIGNED} if is_signed else message
    Response.model_validate(response_of(reply_of(message, finish), BODY))

    writer = ResponseWriter(BODY)
    data = b"".join([*map(writer.take, chunks_of(message, finish)), writer.finish({})])
    for event in parsed(data):
        RESPONSE_EVENT.validate_python(event)
