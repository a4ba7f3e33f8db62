"""Every translated provider answers in OpenAI's shape, in each of the four ways to call."""

from __future__ import annotations

import copy
import json

import pytest
from places import PLACES, QUESTION

from genai_integrations.errors import BadRequestError

# pydantic says this of LiteLLM's own types while LiteLLM translates.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

PNG = "data:image/png;base64,iVBORw0KGgo="
THINKS = {"anthropic", "vertex claude", "bedrock claude"}


def tool(name, **properties):
    """A tool in OpenAI's shape whose properties are all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": name, "parameters": schema},
    }


TOOLS = [tool("weather", city={"type": "string"}), tool("now")]
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
WANTED = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA, "strict": True}}


def calls_of(answer):
    """Names and decoded arguments of the calls, in order."""
    functions = [call["function"] for call in answer.message["tool_calls"]]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def results_for(answer, *contents):
    """The message with the calls, and a result for each."""
    calls = answer.message["tool_calls"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": content}
        for call, content in zip(calls, contents, strict=True)
    ]
    return [answer.message, *results]


def test_a_text(client, model, ask, place):
    """The words, the reason of the end, and usage that adds up arrive whichever way is taken."""
    answer = ask(client, model)

    assert answer.text == "abroad says: one two three four"
    assert answer.message["role"] == "assistant"
    assert answer.finish == "stop"
    assert answer.usage["completion_tokens"] == 6
    assert answer.usage["prompt_tokens"] > 0
    total = answer.usage["prompt_tokens"] + answer.usage["completion_tokens"]
    assert answer.usage["total_tokens"] == total
    assert answer.route.served == model
    (attempt,) = answer.route.attempts
    assert (attempt.provider, attempt.outcome) == (place.provider, "ok")
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (answer.usage["prompt_tokens"], 6)


def test_a_reply_has_openais_shape(client, model):
    """Whoever reads OpenAI's replies finds every field at its place, and JSON can be made of it."""
    reply = client.completion(model, QUESTION)

    assert reply.object == "chat.completion"
    assert isinstance(reply.id, str)
    assert isinstance(reply.created, int)
    assert reply.model
    assert reply.choices[0].index == 0
    assert reply.choices[0].message.tool_calls is None
    assert json.loads(reply.model_dump_json()) == reply.model_dump()


def test_chunks_have_openais_shape(client, model):
    """The first delta names the role, all have one id, and no chunk says anything behind the end."""
    chunks = list(client.completion(model, QUESTION, stream=True))
    told = [chunk.choices[0] for chunk in chunks if chunk.choices]

    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert told[0].delta.role == "assistant"
    assert [each.delta.content for each in told[:6]] == [
        "abroad", " says:", " one", " two", " three", " four",
    ]  # fmt: skip
    assert told[6].finish_reason == "stop"
    assert not [each for each in told[7:] if each.delta.content or each.finish_reason]


def test_a_stream_arrives_piece_by_piece(client, model, abroad):
    """A chunk is there as soon as the provider has sent it, not when the answer is whole."""
    import threading

    from genai_integrations.testing.faults import Fault

    abroad.faults["*"] = Fault.drip(gate := threading.Event(), 2)
    stream = iter(client.completion(model, QUESTION, stream=True))
    early = [next(stream).choices[0].delta.content for _ in range(2)]
    gate.set()
    late = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]

    assert early == ["abroad", " says:"]
    assert "".join(late) == " one two three four"


def test_system_and_turns(client, model, ask, said):
    """The system's words and the earlier turns reach the provider, and the last turn is answered."""
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": [{"type": "text", "text": "again"}]},
    ]
    before = copy.deepcopy(messages)
    answer = ask(client, model, messages, temperature=0.5, top_p=0.9)
    sent = json.dumps(said()[-1].body)

    assert answer.text == "abroad says: again"
    assert all(word in sent for word in ("be kind", "hello", '"hi"', "0.5"))
    assert messages == before


@pytest.mark.sample(24)
@pytest.mark.parametrize(
    ("params", "text", "finish"),
    [
        ({"stop": [" three"]}, "abroad says: one two", "stop"),
        ({"stop": " three"}, "abroad says: one two", "stop"),
        ({"max_tokens": 3}, "abroad says: one", "length"),
        ({"max_completion_tokens": 3}, "abroad says: one", "length"),
    ],
)
def test_reasons_for_the_end(client, model, ask, place, params, text, finish):
    """Stops and limits are the provider's, and end with OpenAI's words; but the Responses API allows no less than 16."""
    if finish == "length" and place.provider == "openai":
        with pytest.raises(BadRequestError, match=r"max_output_tokens.*16"):
            ask(client, model, **params)
        return
    answer = ask(client, model, **params)

    assert (answer.text, answer.finish) == (text, finish)


def test_parallel_tools(client, model, ask, abroad):
    """Several calls keep their order, ids and arguments, Korean and none at all included."""
    abroad.replies["*"] = {
        "content": "Let me see",
        "tool_calls": [
            {"name": "weather", "arguments": {"city": "서울"}},
            {"name": "now"},
            {"name": "weather", "arguments": {"city": "Busan"}},
        ],
    }
    answer = ask(client, model, tools=TOOLS, tool_choice="auto")

    assert calls_of(answer) == [
        ("weather", {"city": "서울"}), ("now", {}), ("weather", {"city": "Busan"}),
    ]  # fmt: skip
    assert answer.text == "Let me see"
    assert answer.finish == "tool_calls"
    assert len({call["id"] for call in answer.message["tool_calls"]}) == 3
    assert {call["type"] for call in answer.message["tool_calls"]} == {"function"}


def test_forced_tools(client, model, ask):
    """A call is forced, of any tool and of the one that is named; one without arguments has `{}`."""
    named = {"type": "function", "function": {"name": "now"}}

    assert calls_of(ask(client, model, tools=TOOLS, tool_choice="required")) == [
        ("weather", {"city": "text"})
    ]
    assert calls_of(ask(client, model, tools=TOOLS, tool_choice=named)) == [("now", {})]


def test_a_tool_loop(client, model, ask, abroad):
    """The message that called goes back as it came, with a result for each call, and is answered."""
    abroad.replies["*"] = {
        "tool_calls": [{"name": "weather", "arguments": {"city": "x"}}, {"name": "now"}]
    }
    first = ask(client, model, tools=TOOLS)
    abroad.replies.clear()
    messages = [*QUESTION, *results_for(first, "sunny", "12:00")]
    before = copy.deepcopy(messages)
    second = ask(client, model, messages, tools=TOOLS)

    assert second.text.startswith("abroad says: the tool answered")
    assert "12:00" in second.text
    assert messages == before


@pytest.mark.parametrize("place", sorted(THINKS), indirect=True)
def test_reasoning_goes_back_unchanged(place, client, model, ask, abroad):
    """`thinking_blocks` of the message carry the signature. With another, which nobody can read, the loop goes on without."""
    abroad.replies["*"] = {"reasoning_content": "I have to look", "tool_calls": [{"name": "now"}]}
    asked = {"tools": TOOLS, "reasoning_effort": "low", "max_tokens": 4000}
    first = ask(client, model, **asked)
    abroad.replies.clear()
    messages = [*QUESTION, *results_for(first, "12:00")]
    second = ask(client, model, messages, **asked)
    changed = copy.deepcopy(messages)
    changed[1]["thinking_blocks"][0]["signature"] = "AAAA"

    assert first.message["reasoning_content"] == "I have to look"
    assert second.text == "abroad says: the tool answered 12:00"
    assert first.usage["completion_tokens_details"]["reasoning_tokens"] > 0
    third = ask(client, model, changed, **asked)
    assert third.text == "abroad says: the tool answered 12:00"
    assert [row.outcome for row in third.route.attempts] == [*["BadRequestError"] * 2, "ok"]
    assert third.route.attempts[-1].restated == (
        "without another account's thoughts",
        "without thinking here",
    )


@pytest.mark.parametrize("place", ["gemini", "vertex gemini"], indirect=True)
def test_gemini_3_gets_its_signature_back_in_the_calls_id(place, make_client, connect, ask, abroad):
    """What OpenAI's shape has room for is enough: the id of the call carries Gemini's signature."""
    client, model = make_client(connect(place)), "abroad/gemini-3-pro-preview"
    abroad.replies["*"] = {"reasoning_content": "hm", "tool_calls": [{"name": "now"}]}
    first = ask(client, model, tools=TOOLS, reasoning_effort="low")
    abroad.replies.clear()
    call, result = results_for(first, "12:00")
    bare = {"id": call["tool_calls"][0]["id"], "type": "function"}
    bare["function"] = {"name": "now", "arguments": "{}"}
    plain = {"role": "assistant", "content": None, "tool_calls": [bare]}
    second = ask(client, model, [*QUESTION, plain, result], tools=TOOLS)

    assert first.message["reasoning_content"] == "hm"
    assert second.text == "abroad says: the tool answered 12:00"


def test_images(client, model, ask, said):
    """A picture in OpenAI's form is a picture in the provider's."""
    content = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    answer = ask(client, model, [{"role": "user", "content": content}])

    assert answer.text == "abroad says: see"
    assert "iVBORw0KGgo=" in json.dumps(said()[-1].body)


def test_structured_output(client, model, ask):
    """The answer is JSON of that schema, as text; no tool that made it shows."""
    answer = ask(client, model, response_format=WANTED)

    assert json.loads(answer.text) == {"ok": True}
    assert not answer.message.get("tool_calls")
    assert answer.finish == "stop"


def test_usage_of_cache_and_reasoning(client, model, ask, abroad, place):
    """What was read from a cache is part of the prompt, and told apart under OpenAI's name."""
    counts = {
        "google-ai-studio": {
            "prompt_tokens": 100,
            "completion_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 80},
        },
        "bedrock": {"inputTokens": 20, "outputTokens": 30, "cacheReadInputTokens": 80},
        "anthropic": {
            "input_tokens": 20,
            "output_tokens": 30,
            "cache_read_input_tokens": 80,
            "cache_creation_input_tokens": 0,
        },
        "openai": {
            "input_tokens": 100,
            "output_tokens": 30,
            "input_tokens_details": {"cached_tokens": 80},
        },
    }
    claude = "claude" in place.model and place.provider != "bedrock"
    usage = counts["anthropic" if claude else place.provider.replace("vertex", "google-ai-studio")]
    abroad.replies["*"] = {"content": "yes", "usage": usage}
    answer = ask(client, model)

    assert answer.usage["prompt_tokens"] == 100
    assert answer.usage["completion_tokens"] == 30
    assert answer.usage["prompt_tokens_details"]["cached_tokens"] == 80


def test_parameters_that_a_provider_lacks_are_dropped(client, model, ask):
    """What only OpenAI knows does not make a call fail elsewhere."""
    answer = ask(
        client,
        model,
        seed=7,
        user="u-1",
        logit_bias={"1": 1},
        frequency_penalty=0.1,
        presence_penalty=0.1,
        parallel_tool_calls=True,
        service_tier="auto",
        store=False,
        prediction=None,
    )

    assert answer.text == "abroad says: one two three four"


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(
    ("where", "name", "extra"),
    [
        ("gemini", "gemini-embedding-001", {"dimensions": 8}),
        ("vertex gemini", "text-embedding-005", {"dimensions": 8}),
        ("bedrock nova", "amazon.titan-embed-text-v2:0", {"dimensions": 256}),
        ("bedrock nova", "cohere.embed-multilingual-v3", {}),
    ],
)
async def test_embeddings(where, name, extra, way, make_client, connect):
    """Texts get vectors in the order they were given, of the size that was asked for, with usage."""
    client = make_client(connect(PLACES[where].provider))
    texts = ["hello there", "hi"]
    if way == "sync":
        reply = client.embedding(f"abroad/{name}", texts, **extra)
    else:
        reply = await client.aembedding(f"abroad/{name}", texts, **extra)

    assert [row["index"] for row in reply["data"]] == [0, 1]
    sizes = {len(row["embedding"]) for row in reply["data"]}
    assert len(sizes) == 1
    assert not extra or sizes == {extra["dimensions"]}
    assert reply["data"][0]["embedding"] != reply["data"][1]["embedding"]
    assert reply.usage.prompt_tokens > 0
    assert reply.object == "list"
