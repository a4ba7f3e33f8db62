"""A class as `response_format`, and streams of text, through the client."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle

import pytest
from pydantic import BaseModel

from genai_integrations.errors import ConfigurationError

QUESTION = [{"role": "user", "content": "one two three four"}]
CITY = '{"name": "Seoul", "people": 9}'


class City(BaseModel):
    """What is asked for."""

    name: str
    people: int


@dataclasses.dataclass
class Plain:
    """The same without Pydantic."""

    name: str
    people: int


TARGETS = [
    ("openai", "gpt-4o", "/v1"),
    ("deepseek", "deepseek-chat", "/v1"),
    ("groq", "llama-3.1-8b-instant", "/v1"),
    ("anthropic", "claude-sonnet-4-5", ""),
    ("anthropic", "claude-3-haiku-20240307", ""),
    ("google-ai-studio", "gemini-2.5-flash", ""),
    ("openai", "gpt-3.5-turbo", "/v1"),
]


@pytest.mark.parametrize("kind", [City, Plain])
@pytest.mark.parametrize(("provider", "model", "path"), TARGETS)
def test_every_target_gives_an_object(connect, make_client, seoul, provider, model, path, kind):
    """Enforced by a schema, a tool, or asked for in JSON mode: the caller sees no difference."""
    client = make_client(connect(seoul.url + path, "seoul", provider=provider))
    reply = client.completion(f"seoul/{model}", QUESTION, response_format=kind)
    assert isinstance(reply.parsed, kind)
    assert isinstance(reply.parsed.people, int)
    again = asyncio.run(client.acompletion(f"seoul/{model}", QUESTION, response_format=kind))
    assert type(again.parsed) is kind


def test_an_object_comes_from_a_fallback_and_from_a_cache(connect, seoul):
    """Whoever answers, and whenever."""
    from genai_integrations import GenAIClient
    from genai_integrations.testing.faults import Fault

    seoul.faults["gpt-4o"] = Fault.status(503)
    seoul.replies["o3"] = CITY
    args = {"num_retries": 0, "fallbacks": [{"gpt-4o": ["o3"]}]}
    with GenAIClient(connections=[connect(seoul)], router_args=args, cache="memory") as client:
        found = [client.completion("gpt-4o", QUESTION, response_format=City) for _ in range(2)]
    assert [row.parsed for row in found] == [City(name="Seoul", people=9)] * 2
    assert [row.route.cached for row in found] == [False, True]
    assert "_request_id" not in found[0].wire


def test_an_object_goes_to_another_process(make_client, seoul):
    """A reply is pickled and copied with what reads it."""
    reply = make_client(seoul).completion("gpt-4o", QUESTION, response_format=City)
    assert pickle.loads(pickle.dumps(reply)).parsed == copy.deepcopy(reply).parsed == reply.parsed


def test_a_stream_of_text(make_client, seoul):
    """Pieces of text only, from threads and loops; closing by OpenAI's name ends it."""
    client = make_client(seoul)
    stream = client.completion("gpt-4o", QUESTION, stream=True)
    assert list(stream.text) == ["seoul", " says:", " one", " two", " three", " four"]
    assert stream.route.attempts[-1].completion_tokens > 0

    async def later():
        stream = await client.acompletion("gpt-4o", QUESTION, stream=True)
        found = [piece async for piece in stream.text]
        left = await client.acompletion("gpt-4o", QUESTION, stream=True)
        async for piece in left.text:
            found.append(piece)
            break
        await left.close()
        return found, [chunk async for chunk in left]

    found, rest = asyncio.run(later())
    assert found == ["seoul", " says:", " one", " two", " three", " four", "seoul"]
    assert rest == []


def test_a_stream_that_may_begin_anew_has_no_text(make_client, seoul):
    """What came before could not be taken back."""
    client = make_client(seoul, stream_recovery="restart")
    with (
        client.completion("gpt-4o", QUESTION, stream=True) as stream,
        pytest.raises(ConfigurationError, match="stream_recovery=None"),
    ):
        _ = stream.text
