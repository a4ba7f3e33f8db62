"""Never run, only type-checked: what a type checker, and so an editor, knows of replies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import assert_type

from openai import AsyncOpenAI, OpenAI

from genai_integrations import GenAIClient
from genai_integrations.calls.reply import (
    Choice,
    Embedding,
    Message,
    ParsedReply,
    Reply,
    ToolCall,
    Usage,
)
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream


class City:
    """What is asked for."""


def replies(client: GenAIClient) -> None:
    """A reply's fields have OpenAI's types."""
    reply = client.completion("gpt-4o", [])
    assert_type(reply, Reply)
    assert_type(reply.text, str)
    assert_type(reply.choices, list[Choice])
    assert_type(reply.choices[0].message, Message)
    assert_type(reply.choices[0].message.content, str | None)
    assert_type(reply.choices[0].finish_reason, str | None)
    assert_type(reply.tool_calls, list[ToolCall])
    assert_type(reply.tool_calls[0].function.arguments, str)
    assert_type(reply.usage, Usage | None)
    assert_type(reply.route.cost, float | None)
    assert_type(client.embedding("e", "text").data, list[Embedding])


def parsed(client: GenAIClient) -> None:
    """A class as `response_format` is what `parsed` gives."""
    reply = client.completion("gpt-4o", [], response_format=City)
    assert_type(reply, ParsedReply[City])
    assert_type(reply.parsed, City)
    plain = client.completion("gpt-4o", [], response_format={"type": "json_object"})
    assert_type(plain, Reply)


async def streams(client: GenAIClient) -> None:
    """Streams give pieces of text."""
    stream = client.completion("gpt-4o", [], stream=True)
    assert_type(stream, ReplyStream)
    assert_type(stream.text, Generator[str])
    later = await client.acompletion("gpt-4o", [], stream=True)
    assert_type(later, AsyncReplyStream)
    assert_type(later.text, AsyncGenerator[str])
    assert_type((await client.acompletion("gpt-4o", [], response_format=City)).parsed, City)
    await later.close()


def openais(client: GenAIClient) -> None:
    """The SDK's clients are the SDK's."""
    assert_type(client.as_openai(), OpenAI)
    assert_type(client.as_async_openai(), AsyncOpenAI)
