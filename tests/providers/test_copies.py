"""What each provider's copy of OpenAI's API wants otherwise, and what it answers otherwise."""

from __future__ import annotations

import json
import re

import pytest
from places import QUESTION

from genai_integrations import Connection
from genai_integrations.calls.wire import WireCall
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.testing.server import LoopbackServer
from genai_integrations.transports.litellm.loading import litellm_module
from genai_integrations.transports.openai.shaping import shaped

USER = {"role": "user", "content": "add"}
CALL = {"id": "call_of_openai_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_of_openai_1", "name": "f", "content": "3"}
THOUGHTFUL = {
    "role": "assistant",
    "content": "x",
    "reasoning_content": "y",
    "thinking_blocks": [{}],
    "refusal": None,
    "annotations": [],
}
MARKED = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}


def sent(provider, model="m", **body):
    """What is sent of a body, without its model."""
    connection = Connection.of("c", provider, "sk-1", "http://127.0.0.1:9/v1")
    call = WireCall(connection, model, "chat/completions", {"model": model, **body})
    return {name: value for name, value in shaped(call).items() if name != "model"}


@pytest.mark.parametrize(
    ("provider", "model", "given", "wanted"),
    [
        ("mistral", "m", {"seed": 1, "user": "u", "stop": "."}, {"random_seed": 1, "stop": "."}),
        ("mistral", "m", {"stream_options": {"include_usage": True}}, {}),
        ("cohere", "m", {"parallel_tool_calls": False, "user": "u", "n": 2}, {"n": 2}),
        ("groq", "m", {"logit_bias": {"1": 1}, "store": True, "user": "u"}, {"user": "u"}),
        ("cerebras", "m", {"presence_penalty": 1, "temperature": 1}, {"temperature": 1}),
        ("xai", "grok-4", {"frequency_penalty": 1, "stop": "."}, {"stop": "."}),
        ("xai", "grok-3", {"frequency_penalty": 1}, {"frequency_penalty": 1}),
        ("moonshot", "kimi-k2.6", {"temperature": 0, "top_p": 1}, {"top_p": 1}),
        ("moonshot", "moonshot-v1-8k", {"temperature": 0}, {"temperature": 0}),
        ("voyage", "m", {"input": ["a"], "dimensions": 8}, {"input": ["a"], "output_dimension": 8}),
        ("together", "m", {"user": "u", "max_completion_tokens": 5}, {"user": "u", "max_completion_tokens": 5}),
    ],
)  # fmt: skip
def test_parameters(provider, model, given, wanted):
    """What only tunes or labels is left out where it would be refused; what changes the answer is sent."""
    assert sent(provider, model, **given) == wanted


LIMITED = [
    "cerebras",
    "cohere",
    "deepinfra",
    "deepseek",
    "mistral",
    "moonshot",
    "nebius",
    "nvidia_nim",
    "sambanova",
    "xai",
]


@pytest.mark.parametrize("provider", LIMITED)
def test_the_limit_has_its_older_name(provider):
    """`max_completion_tokens` goes as `max_tokens`; who gives both means the one that is known there."""
    assert sent(provider, max_completion_tokens=5) == {"max_tokens": 5}
    assert sent(provider, max_completion_tokens=5, max_tokens=7) == {"max_tokens": 7}


@pytest.mark.parametrize("provider", ["cerebras", "cohere", "groq", "mistral"])
def test_what_only_others_know_stays_out_of_messages(provider):
    """These refuse thoughts and parts of answers in a conversation; the caller's own messages stay as they are."""
    messages = [{**USER, "content": [MARKED]}, THOUGHTFUL]

    assert sent(provider, messages=messages)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": "x"},
    ]
    assert "refusal" in THOUGHTFUL
    assert "cache_control" in MARKED


@pytest.mark.parametrize(
    ("provider", "named"),
    [("groq", ""), ("xai", "u"), ("mistral", "t"), ("cohere", "t"), ("together", "ut")],
)
def test_names_in_messages(provider, named):
    """A message's `name` is kept for the roles that may have one."""
    user = {**USER, "name": "Ann"}
    messages = sent(provider, messages=[user, CALLING, RESULT])["messages"]

    assert [message["role"][0] for message in messages if "name" in message] == list(named)


@pytest.mark.parametrize("provider", ["deepinfra", "deepseek", "moonshot", "sambanova"])
def test_texts_in_parts_are_joined(provider):
    """Those take a text only; a message with an image stays as it is."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    image = [*parts, {"type": "image_url", "image_url": {"url": "data:,"}}]
    messages = [{**USER, "content": parts}, {**USER, "content": image}]

    assert [row["content"] for row in sent(provider, messages=messages)["messages"]] == [
        "ab",
        image,
    ]


def test_kimi_gets_a_thought_beside_each_call():
    """A call that another model made has none; one that Kimi made keeps its own."""
    own = {**CALLING, "reasoning_content": "because"}
    messages = sent("moonshot", "kimi-k2.6", messages=[CALLING, RESULT, own, RESULT])["messages"]

    assert [row.get("reasoning_content") for row in messages] == [" ", None, "because", None]
    assert sent("moonshot", "moonshot-v1-8k", messages=[CALLING])["messages"] == [CALLING]


@pytest.mark.parametrize(
    ("provider", "asked", "model"),
    [
        ("fireworks", "llama-v3p1-8b-instruct", "accounts/fireworks/models/llama-v3p1-8b-instruct"),
        ("fireworks", "accounts/me/models/own", "accounts/me/models/own"),
        ("fireworks", "nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5"),
        ("huggingface", "novita/deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1:novita"),
        ("huggingface", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("huggingface", "deepseek-ai/DeepSeek-R1:together", "deepseek-ai/DeepSeek-R1:together"),
    ],
)
def test_ids_as_litellms_users_write_them(provider, asked, model):
    """A short id becomes the provider's own; its own stays."""
    connection = Connection.of("c", provider, "sk-1")
    body = shaped(WireCall(connection, asked, "chat/completions", {"model": asked, "stop": "."}))

    assert body == {"model": model, "stop": "."}


def test_coheres_schema_stands_by_itself():
    """Cohere takes a JSON schema under `json_object`."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}

    assert sent("cohere", response_format=wanted) == {
        "response_format": {"type": "json_object", "schema": schema}
    }
    plain = {"response_format": {"type": "json_object"}}
    assert sent("cohere", **plain) == plain


@pytest.mark.parametrize(
    "provider",
    [
        "cerebras", "cohere", "deepinfra", "deepseek", "fireworks", "groq", "huggingface", "mistral", "moonshot",
        "nebius", "nvidia_nim", "sambanova", "voyage", "xai",
    ],
)  # fmt: skip
def test_nothing_to_change_copies_nothing(provider):
    """The usual request goes out as the object it is."""
    body = {
        "model": "a/m:b",
        "messages": [USER, {"role": "assistant", "content": "x"}],
        "stop": ".",
    }
    connection = Connection.of("c", provider, "sk-1", "http://127.0.0.1:9/v1")
    call = WireCall(connection, "a/m:b", "chat/completions", body)

    assert shaped(call) is body


@pytest.mark.parametrize(
    ("provider", "refused"),
    [
        ("cerebras", ("frequency_penalty", "logit_bias", "metadata", "presence_penalty", "store")),
        ("mistral", ("logit_bias", "metadata", "service_tier", "store", "user", "verbosity")),
    ],
)
def test_litellm_leaves_the_same_out(provider, refused):
    """What a provider refuses of all models, LiteLLM does not send either."""
    taken = litellm_module().get_supported_openai_params("m", PROVIDERS[provider].litellm)

    assert sent(provider, **dict.fromkeys(refused, 1)) == {}
    assert not set(refused).intersection(taken)


class Mistral(LoopbackServer):
    """As strict as Mistral: unknown parameters and keys are refused, and so are ids that others gave."""

    parameters = frozenset(
        ("max_tokens", "messages", "model", "random_seed", "stream", "temperature", "tools")
    )
    keys = frozenset(("content", "name", "role", "tool_call_id", "tool_calls"))

    async def respond(self, request, exchange):
        """Refuse the request, or answer with thoughts and a text."""
        wrong = self._wrong(request.body)
        if wrong:
            body = json.dumps({"object": "error", "message": wrong}).encode()
            await exchange.send(422, body, {"content-type": "application/json"})
        elif request.body.get("stream"):
            await exchange.send(200, b"".join(_events()), {"content-type": "text/event-stream"})
        else:
            await exchange.send(200, _dump(_whole()), {"content-type": "application/json"})

    def _wrong(self, body):
        if unknown := body.keys() - self.parameters:
            return f"extra_forbidden: {sorted(unknown)}"
        for message in body["messages"]:
            if unknown := message.keys() - self.keys:
                return f"extra_forbidden: {sorted(unknown)}"
            if "name" in message and message["role"] != "tool":
                return "extra_forbidden: name"
            if message["role"] == "assistant" and not (
                message.get("content") or message.get("tool_calls")
            ):
                return "Assistant message must have either content or tool_calls, but not none"
            ids = [call["id"] for call in message.get("tool_calls") or ()]
            ids += [message["tool_call_id"]] if message["role"] == "tool" else []
            if not all(re.fullmatch("[a-zA-Z0-9]{9}", one) for one in ids):
                return f"Tool call id was {ids} but must be a-z, A-Z, 0-9, with a length of 9."
        return None


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "let me see"}]}
USAGE = {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}


def _whole():
    content = [THINKING, {"type": "text", "text": "seven"}]
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": content},
    }
    return {"id": "1", "object": "chat.completion", "choices": [choice], "usage": USAGE}


def _events():
    deltas = [{"role": "assistant", "content": ""}, {"content": [THINKING]}]
    deltas += [{"content": [{"type": "text", "text": "sev"}]}, {"content": "en"}]
    for delta in deltas:
        yield b"data: " + _dump({"choices": [{"index": 0, "delta": delta}]}) + b"\n\n"
    last = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
    yield b"data: " + _dump({"choices": [last], "usage": USAGE}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _dump(value):
    return json.dumps(value).encode()


@pytest.fixture
def mistral():
    """The server, and a connection to it."""
    with Mistral() as server:
        yield server, Connection.of("mistral", "mistral", "sk-home", f"{server.url}/v1")


CONVERSATION = [
    {**USER, "name": "Ann"},
    CALLING,
    RESULT,
    THOUGHTFUL,
    {"role": "assistant", "content": ""},
    {**USER, "content": [MARKED]},
]


def test_mistral_takes_a_conversation_that_began_elsewhere(mistral, make_client, ask):
    """In each of four ways: what it would refuse is not sent, thoughts come apart, and usage is told."""
    server, connection = mistral
    answer = ask(
        make_client(connection),
        "magistral-medium-latest",
        CONVERSATION,
        seed=7,
        max_completion_tokens=50,
        user="u",
        store=False,
    )
    (request,) = server.requests
    roles = [message["role"] for message in request.body["messages"]]

    assert answer.text == "seven"
    assert answer.message["reasoning_content"] == "let me see"
    assert answer.usage == USAGE
    assert (request.body["random_seed"], request.body["max_tokens"]) == (7, 50)
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_a_result_still_belongs_to_its_call(mistral, make_client):
    """An id that is made anew is the same in the call and in its result; one that fits stays."""
    server, connection = mistral
    fitting = {**CALL, "id": "abcDEF123"}
    messages = [
        USER,
        {**CALLING, "tool_calls": [CALL, fitting]},
        RESULT,
        {**RESULT, "tool_call_id": "abcDEF123"},
    ]
    make_client(connection).completion("mistral-large-latest", messages)
    asked = server.requests[0].body["messages"]

    ids = [call["id"] for call in asked[1]["tool_calls"]]
    assert ids == [message["tool_call_id"] for message in asked[2:]]
    assert ids[1] == "abcDEF123"


class Answers(LoopbackServer):
    """Gives one answer, or one as a stream."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    async def respond(self, request, exchange):
        """Send it."""
        if not (request.body or {}).get("stream"):
            await exchange.send(200, _dump(self.answer), {"content-type": "application/json"})
            return
        choices = [{**row, "delta": row["message"]} for row in self.answer["choices"]]
        data = b"data: " + _dump({**self.answer, "choices": choices}) + b"\n\ndata: [DONE]\n\n"
        await exchange.send(200, data, {"content-type": "text/event-stream"})


def test_xais_thoughts_are_paid_for(make_client, ask):
    """They count as part of the answer, as with OpenAI, so that its cost is right; a call ends as one."""
    call = {**CALL, "index": 0}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    choice = {"index": 0, "message": message, "finish_reason": ""}
    with Answers({"id": "1", "choices": [choice], "usage": usage}) as server:
        client = make_client(Connection.of("xai", "xai", "sk-home", server.url))
        answer = ask(client, "grok-4")

    assert answer.finish == "tool_calls"
    assert answer.usage["completion_tokens"] == 105


def test_xais_usage_is_counted_once(make_client):
    """Thoughts that are in the answer's count already are not added again."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 105,
        "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    with Answers({"id": "1", "choices": [choice], "usage": usage}) as server:
        client = make_client(Connection.of("xai", "xai", "sk-home", server.url))
        reply = client.completion("grok-4", QUESTION)

    assert reply.usage.completion_tokens == 105


def test_voyages_tokens_are_the_prompts(make_client):
    """Voyage tells only their sum; the cost follows from it."""
    answer = {"data": [{"index": 0, "embedding": [0.1]}], "usage": {"total_tokens": 1000}}
    with Answers(answer) as server:
        client = make_client(Connection.of("voyage", "voyage", "sk-home", server.url))
        reply = client.embedding("voyage-3.5", "one")

    assert reply.usage.prompt_tokens == 1000
    assert reply.route.cost == pytest.approx(6e-05)
