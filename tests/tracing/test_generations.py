"""One call, one generation, with all that there is to know of it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest
from tracing_support import HELLO, WAYS, ask

from genai_integrations.testing.faults import Fault

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "menu",
        "schema": {
            "type": "object",
            "properties": {"dish": {"type": "string"}},
            "required": ["dish"],
        },
    },
}
each_way = pytest.mark.parametrize("way", WAYS)


@each_way
def test_a_call_is_one_generation(way, client, only):
    """Input, output, the real model, parameters, usage, cost and the route, however it is asked."""
    ask(client, way, temperature=0.1, stop=["end", "fin"])

    generation = only(client)
    (attempt,) = generation.metadata["attempts"]
    assert (generation.type, generation.name) == ("generation", "genai-completion")
    assert (generation.parent, generation.code, generation["level"]) == (None, 0, None)
    assert generation.json("input") == HELLO
    assert generation.json("output")["role"] == "assistant"
    assert generation.json("output")["content"] == "provider says: Hello!"
    assert generation["model.name"] == "gpt-4o"
    assert generation.json("model.parameters") == {"temperature": 0.1, "stop": '["end","fin"]'}
    assert generation.json("usage_details") == {"input": 1, "output": 3, "total": 4}
    dollars = {"input": 2.5e-06, "output": 3e-05, "total": 3.25e-05}
    assert generation.json("cost_details") == pytest.approx(dollars)
    assert attempt["cost"] == pytest.approx(3.25e-05)
    assert (attempt["target"], attempt["outcome"], attempt["status"]) == ("home/gpt-4o", "ok", 200)
    assert generation.metadata["asked"] == "gpt-4o"
    assert generation.metadata["provider"] == "openai"
    assert generation.metadata["connection"] == "home"


@pytest.mark.parametrize("way", ["stream", "async stream"])
def test_a_stream_has_the_time_of_its_first_content(way, client, only):
    """Between its start and its end, in the form that the server reads."""
    ask(client, way)

    generation = only(client)
    first = datetime.fromisoformat(generation.json("completion_start_time")).timestamp() * 1e9
    assert generation.json("completion_start_time").endswith("Z")
    assert generation.start <= first + 1000 <= generation.end + 1000


def test_an_answer_in_one_piece_has_no_such_time(client, only):
    """Its first content comes with its last."""
    ask(client, "plain")

    assert only(client)["completion_start_time"] is None


@each_way
def test_tool_calls(way, client, provider, only):
    """Tools are part of the input; the pieces of a streamed call are put together."""
    calls = [{"name": "weather", "arguments": {"city": city}} for city in ("Seoul", "Busan")]
    provider.replies["*"] = {"tool_calls": calls}
    ask(client, way, tools=TOOLS)

    generation = only(client)
    said = generation.json("output")
    functions = [call["function"] for call in said["tool_calls"]]
    assert generation.json("input") == {"tools": TOOLS, "messages": HELLO}
    assert generation["model.parameters"] is None
    assert said["content"] is None
    assert [(row["name"], json.loads(row["arguments"])) for row in functions] == [
        ("weather", {"city": "Seoul"}),
        ("weather", {"city": "Busan"}),
    ]
    assert {call["type"] for call in said["tool_calls"]} == {"function"}
    assert len({call["id"] for call in said["tool_calls"]}) == 2


@each_way
def test_several_answers(way, client, only):
    """With `n`, the output is all of them."""
    ask(client, way, n=2)

    generation = only(client)
    assert [row["content"] for row in generation.json("output")] == ["provider says: Hello!"] * 2
    assert generation.json("model.parameters") == {"n": 2}


@each_way
def test_structured_output(way, client, only):
    """The schema is a parameter, as JSON text; the answer is what the model wrote."""
    ask(client, way, response_format=SCHEMA)

    generation = only(client)
    assert json.loads(generation.json("model.parameters")["response_format"]) == SCHEMA
    assert json.loads(generation.json("output")["content"]).keys() == {"dish"}


@each_way
def test_usage_adds_up(way, client, provider, only):
    """Cached, audio and reasoning tokens are taken out of the sums that contain them."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10, "text_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}}
    reply = {"choices": [{**choice, "finish_reason": "stop"}], "usage": usage}
    provider.replies["*"] = reply
    ask(client, way)

    found = only(client).json("usage_details")
    assert found.pop("total") == 150
    assert found == {
        "input": 30,
        "input_cached_tokens": 60,
        "input_audio_tokens": 10,
        "output": 30,
        "output_reasoning_tokens": 20,
    }
    assert sum(found.values()) == 150


def test_parts_of_claudes_usage_do_not_overlap(client, provider, only):
    """What was written to the prompt's cache is told under several names, and counted once, with its own price."""
    usage = {
        "prompt_tokens": 2003,
        "completion_tokens": 1,
        "total_tokens": 2004,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_creation_tokens": 2000,
            "cache_write_tokens": 2000,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 2000},
        },
        "cache_creation_input_tokens": 2000,
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}}
    reply = {"choices": [{**choice, "finish_reason": "stop"}], "usage": usage}
    provider.replies["*"] = reply
    ask(client, "plain")

    generation = only(client)
    assert generation.json("usage_details") == {
        "input": 3,
        "input_cache_creation": 2000,
        "output": 1,
        "total": 2004,
    }
    assert generation.json("cost_details")["total"] == pytest.approx(2003 * 2.5e-06 + 1e-05)


@each_way
def test_the_model_is_the_one_that_the_answer_names(way, make_client, connect, provider, only):
    """A deployment's own name is in no table of prices."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    provider.replies["*"] = {
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{**choice, "finish_reason": "stop"}],
        "usage": usage,
    }
    client = make_client(connect(kind="azure"))
    ask(client, way, "azure/our-small-one")

    generation = only(client)
    assert generation["model.name"] == "gpt-4o-mini-2024-07-18"
    assert generation.json("cost_details")["total"] > 0


@pytest.mark.parametrize("is_async", [False, True])
def test_embeddings(is_async, client, only):
    """The texts go in; of the vectors only number and size are kept."""
    texts = ["one", "two"]
    if is_async:
        asyncio.run(client.aembedding("text-embedding-3-small", texts, dimensions=8))
    else:
        client.embedding("text-embedding-3-small", texts, dimensions=8)

    generation = only(client)
    assert (generation.type, generation.name) == ("embedding", "genai-embedding")
    assert generation.json("input") == texts
    assert generation.json("output") == {"count": 2, "dimensions": 8}
    assert generation["model.name"] == "text-embedding-3-small"
    assert generation.json("model.parameters") == {"dimensions": 8}
    assert generation.json("usage_details") == {"input": 2, "total": 2}
    assert generation.json("cost_details")["total"] > 0


def test_one_text_to_embed(client, only):
    """A text stays a text."""
    client.embedding("text-embedding-3-small", "one")

    assert only(client)["input"] == "one"


@each_way
@pytest.mark.parametrize(
    ("kind", "model"),
    [("anthropic", "claude-sonnet-4-5"), ("google-ai-studio", "gemini-2.5-flash")],
)
def test_other_dialects(way, kind, model, make_client, connect, only):
    """What LiteLLM translates is recorded in the same shape, with the same counts in all four ways."""
    client = make_client(connect(kind=kind))
    ask(client, way, model)

    generation = only(client)
    usage = generation.json("usage_details")
    assert generation["model.name"] == model
    assert generation.metadata["provider"] == kind
    assert generation.json("input") == HELLO
    assert generation.json("output")["content"] == "provider says: Hello!"
    assert usage.pop("total") == sum(usage.values())
    assert usage["output"] > 0
    assert generation.json("cost_details")["total"] > 0
    assert bool(generation["completion_start_time"]) == ("stream" in way)


def test_the_input_is_what_was_asked(client, provider, only):
    """Messages that the caller changes while a stream runs are recorded as they were."""
    messages = [dict(HELLO[0])]
    stream = client.completion("gpt-4o", messages, True)
    messages[0]["content"] = "Good-bye!"
    messages.append(HELLO[0])
    list(stream)

    assert only(client).json("input") == HELLO


def test_an_alias_is_not_the_model(make_client, only):
    """The model is the provider's own id; the name that was asked is metadata."""
    client = make_client(router_args={"model_group_alias": {"smart": "home/gpt-4o-mini"}})
    ask(client, "plain", "smart")

    generation = only(client)
    assert generation["model.name"] == "gpt-4o-mini"
    assert generation.metadata["asked"] == "smart"


def test_an_unknown_price_is_no_cost(client, only):
    """Nothing is recorded rather than zero."""
    ask(client, "plain", "home/my-own-model")

    generation = only(client)
    assert generation["cost_details"] is None
    assert generation.json("usage_details")["total"] == 4


def test_the_cost_is_that_of_all_attempts(make_client, connect, provider, only):
    """An answer that the content filter stopped was paid for, though another target answered in its place."""
    provider.faults["gpt-4o"] = Fault.content_filter_stop()
    args = {"content_policy_fallbacks": [{"gpt-4o": ["gpt-4o-mini"]}]}
    client = make_client(router_args=args)
    reply = ask(client, "plain")

    generation = only(client)
    costs = [row["cost"] for row in generation.metadata["attempts"]]
    assert [row["outcome"] for row in generation.metadata["attempts"]] == [
        "ContentFilteredError",
        "ok",
    ]
    assert generation.json("cost_details")["total"] == reply.route.cost
    assert reply.route.cost == sum(costs)
    assert all(costs)
    assert generation["model.name"] == "gpt-4o-mini"


@pytest.mark.parametrize("text", ["서울 \ud83d", "\ud800", "🦊"])
def test_odd_texts_are_recorded(text, client, only):
    """Half a surrogate pair, which no export can carry, costs neither the call nor the record."""
    metadata = {"note": text}
    client.completion(
        "gpt-4o",
        [{"role": "user", "content": text}],
        langfuse_user_id=text,
        langfuse_tags=[text],
        langfuse_metadata=metadata,
    )

    generation = only(client)
    sendable = text.encode(errors="replace").decode()
    assert generation.json("input")[0]["content"] == text
    assert generation.attributes["user.id"] == sendable
    assert generation.attributes["langfuse.trace.tags"] == [sendable]
    assert generation.metadata["note"] == sendable


def test_much_metadata_drops_nothing(client, only):
    """More keys than a span has room for are written as one value."""
    many = {f"key {number}": number for number in range(200)}
    client.completion("gpt-4o", HELLO, langfuse_metadata=many)

    generation = only(client)
    assert generation.type == "generation"
    assert generation.json("input") == HELLO
    assert generation.json("metadata").items() >= many.items()


def test_odd_values_are_recorded(client, only):
    """What is no JSON is written as its repr."""
    odd = {"set": {1}, "big": 1 << 70, "bytes": b"b", 1: "one"}
    client.completion("gpt-4o", HELLO, langfuse_metadata=odd)

    metadata = only(client).metadata
    assert {name: metadata[name] for name in ("set", "big", "bytes", "1")} == {
        "set": "{1}",
        "big": 1 << 70,
        "bytes": "b'b'",
        "1": "one",
    }


def test_images_are_media(client, langfuse, only):
    """A picture in a message becomes a reference: the SDK uploads it apart."""
    picture = {"url": "data:image/png;base64,iVBORw0KGgo="}
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": picture}]
    client.completion("gpt-4o", [{"role": "user", "content": content}])

    (message,) = only(client).json("input")
    assert message["content"][1]["image_url"]["url"].startswith("@@@langfuseMedia:type=image/png")
