"""LiteLLM translates to and from the scripted provider's Gemini as it does with Google's."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.vertex.tokens import service_account

pytestmark = [
    # LiteLLM's own types use a qualifier that pydantic warns of when a model is first built from them.
    pytest.mark.filterwarnings("ignore:Item '.*' on TypedDict class:UserWarning:pydantic"),
    # LiteLLM looks at every attribute of a streamed delta, among them pydantic's deprecated ones.
    pytest.mark.filterwarnings(
        "ignore:Accessing the 'model_.*' attribute on the instance:DeprecationWarning"
    ),
]

USER = [{"role": "user", "content": "hello there"}]
PIXEL = "data:image/png;base64,aGk="
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    },
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]  # fmt: skip
PARALLEL = {"tool_calls": [{"name": "weather", "arguments": {"city": "Seoul"}}, {"name": "clock"}]}


@pytest.fixture(scope="module")
def account():
    """A service account's JSON key without an address."""
    return service_account("")[0]


@pytest.fixture(params=["gemini", "vertex_ai"])
def place(request, provider, account):
    """What LiteLLM needs to reach the provider as AI Studio or as Vertex."""
    if request.param == "gemini":
        provider.api_keys = {"AIza-right"}
        return {"prefix": "gemini", "api_base": f"{provider.url}/v1beta", "api_key": "AIza-right"}
    provider.api_keys = {account["client_email"]}
    info = json.dumps({**account, "token_uri": f"{provider.url}/token"})
    return {
        "prefix": "vertex_ai",
        "api_base": provider.url,
        "vertex_credentials": info,
        "vertex_project": "p",
        "vertex_location": "asia-northeast3",
    }


@pytest.fixture
def complete(litellm, place):
    """`litellm.completion`, pointed at the provider."""

    def call(model="gemini-2.5-flash", messages=USER, **parameters):
        where = {key: value for key, value in place.items() if key != "prefix"}
        # On Vertex, LiteLLM takes only what has this word in it for a Gemini, and leaves it out of the address.
        word = "gemini/" if place["prefix"] == "vertex_ai" and "gemini" not in model else ""
        name = f"{place['prefix']}/{word}{model}"
        # LiteLLM changes the messages that it is given.
        return litellm.completion(name, deepcopy(messages), max_retries=0, **where, **parameters)

    return call


def message_of(reply):
    """The message of the only choice."""
    (choice,) = reply.choices
    return choice.message


def deltas_of(chunks):
    """What the chunks of a stream add."""
    return [chunk.choices[0].delta for chunk in chunks if chunk.choices]


def test_text(complete, provider):
    """System, several turns, limits and stops arrive, and an answer comes back."""
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "one two three"},
    ]
    reply = complete(messages=messages, stop=[" three"], max_tokens=3, temperature=0.5)

    assert message_of(reply).content == "provider says: one"
    assert reply.choices[0].finish_reason == "length"
    assert provider.requests[-1].body["system_instruction"] == {"parts": [{"text": "be brief"}]}


def test_a_stream(complete):
    """Every word arrives, then the reason and the usage."""
    options = {"include_usage": True}
    chunks = list(complete(stream=True, stream_options=options))

    texts = [delta.content for delta in deltas_of(chunks) if delta.content]
    assert texts == ["provider", " says:", " hello", " there"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].usage.total_tokens == 6


@pytest.mark.usefixtures("clients_closed")
async def test_it_works_without_waiting(litellm, provider):
    """The asynchronous calls give the same, whole and streamed."""
    where = {"api_base": f"{provider.url}/v1beta", "api_key": "k", "max_retries": 0}
    reply = await litellm.acompletion("gemini/gemini-2.5-flash", USER, **where)
    stream = await litellm.acompletion("gemini/gemini-2.5-flash", USER, stream=True, **where)
    chunks = [chunk async for chunk in stream]

    assert message_of(reply).content == "provider says: hello there"
    assert "".join(delta.content or "" for delta in deltas_of(chunks)) == message_of(reply).content


@pytest.mark.parametrize(
    ("choice", "name", "arguments"),
    [
        ("required", "weather", {"city": "text"}),
        ({"type": "function", "function": {"name": "clock"}}, "clock", {}),
    ],
)
def test_tools(complete, choice, name, arguments):
    """A required tool and a named one are called, also one without parameters."""
    reply = complete(tools=TOOLS, tool_choice=choice)
    (call,) = message_of(reply).tool_calls

    assert (call.function.name, json.loads(call.function.arguments)) == (name, arguments)
    assert reply.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview"])
def test_parallel_tools_and_their_loop(complete, provider, model):
    """Two calls, their results as text and as a list with a picture, and the answer to both."""
    provider.replies["*"] = PARALLEL
    message = message_of(complete(model, tools=TOOLS))
    results = [
        "warm",
        [{"type": "text", "text": "noon"}, {"type": "image_url", "image_url": PIXEL}],
    ]
    answers = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(message.tool_calls, results, strict=True)
    ]
    provider.replies.clear()
    history = [*USER, message.model_dump(exclude_none=True), *answers]
    reply = complete(model, history, tools=TOOLS)

    assert message_of(reply).content == "provider says: the tool answered warm, noon"
    assert reply.usage.prompt_tokens_details.image_tokens == 258


def test_a_gemini_3_wants_its_signature_back(litellm, complete, provider):
    """LiteLLM keeps the signature in the call and its id: the loop goes on with either, and not without."""
    model = "gemini-3-pro-preview"
    provider.replies["*"] = PARALLEL
    message = message_of(complete(model, tools=TOOLS)).model_dump(exclude_none=True)
    first, second = message["tool_calls"]
    answers = [
        {"role": "tool", "tool_call_id": call["id"], "content": "x"} for call in (first, second)
    ]
    provider.replies.clear()
    assert complete(model, [*USER, message, *answers], tools=TOOLS)

    del first["provider_specific_fields"], message["provider_specific_fields"]
    assert complete(model, [*USER, message, *answers], tools=TOOLS)
    sent = provider.requests[-1].body["contents"][1]["parts"]
    assert "thoughtSignature" in sent[0]
    assert "thoughtSignature" not in sent[1]
    signature = first["id"].partition("__thought__")[2]
    first["id"] = answers[0]["tool_call_id"] = f"{first['id'].removesuffix(signature)}AAAA"
    with pytest.raises(litellm.BadRequestError, match="Corrupted thought signature"):
        complete(model, [*USER, message, *answers], tools=TOOLS)


def test_streamed_tools(complete, provider):
    """Calls keep their places; the reason of the end says that there were calls."""
    provider.replies["*"] = PARALLEL
    chunks = list(complete("gemini-3-pro-preview", tools=TOOLS, stream=True))
    calls = [call for delta in deltas_of(chunks) for call in delta.tool_calls or ()]

    assert [(call.index, call.function.name) for call in calls] == [(0, "weather"), (1, "clock")]
    assert json.loads(calls[0].function.arguments) == {"city": "Seoul"}
    assert [c.choices[0].finish_reason for c in chunks][-1] == "tool_calls"


def test_pictures_and_documents(complete, provider):
    """Data arrive inline, and are counted by kind."""
    pdf = {"file_data": "data:application/pdf;base64,aGk="}
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "file", "file": pdf},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
    ]
    reply = complete(messages=[{"role": "user", "content": parts}])
    details = reply.usage.prompt_tokens_details

    assert message_of(reply).content == "provider says: look"
    assert (details.image_tokens, details.audio_tokens) == (258, 258)
    sent = [
        part.get("inline_data", {}) for part in provider.requests[-1].body["contents"][0]["parts"]
    ]
    assert [row.get("mime_type") for row in sent] == [
        None, "image/png", "application/pdf", "audio/wav",
    ]  # fmt: skip


def test_structured_output(complete):
    """A schema is asked for in Google's way, and answered."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}

    assert message_of(complete(response_format=wanted)).content == '{"ok": true}'


def test_reasoning_and_usage(complete, provider):
    """Thoughts are reasoning; what was cached and what was thought is told apart."""
    provider.replies["*"] = {
        "reasoning_content": "I think so",
        "content": "yes",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 80},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    }
    reply = complete(reasoning_effort="low")
    chunks = list(complete(reasoning_effort="low", stream=True))

    assert message_of(reply).reasoning_content == "I think so"
    reasoning = "".join(getattr(d, "reasoning_content", None) or "" for d in deltas_of(chunks))
    assert reasoning == "I think so"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (100, 30)
    assert reply.usage.prompt_tokens_details.cached_tokens == 80
    assert reply.usage.completion_tokens_details.reasoning_tokens == 20


@pytest.mark.parametrize(
    ("model", "kind", "status"),
    [
        ("fault-400", "BadRequestError", 400),
        ("fault-401", "AuthenticationError", 401),
        # LiteLLM takes any error that has "403" in its text for a bad request.
        ("fault-403", "BadRequestError", 403),
        ("fault-404", "NotFoundError", 404),
        ("fault-429", "RateLimitError", 429),
        ("fault-quota", "RateLimitError", 429),
        ("fault-context", "ContextWindowExceededError", 400),
        ("fault-500", "InternalServerError", 500),
        # LiteLLM knows the words of an overloaded model, and forgets its status.
        ("fault-503", "InternalServerError", 500),
        ("fault-504", "Timeout", 504),
        ("fault-error-event", "InternalServerError", 500),
    ],
)
def test_errors(litellm, complete, provider, model, kind, status):
    """Each error becomes LiteLLM's exception for it."""
    complete()  # so that Vertex has its token
    with pytest.raises(getattr(litellm, kind)) as caught:
        complete(model)

    assert type(caught.value).__name__ == kind
    assert caught.value.status_code == status


@pytest.mark.parametrize("model", ["fault-filter", "fault-filter-stop"])
def test_the_filter(complete, model):
    """A refused prompt and a stopped answer both end as filtered, whole and streamed."""
    assert complete(model).choices[0].finish_reason == "content_filter"
    chunks = list(complete(model, stream=True))
    assert chunks[-1].choices[0].finish_reason == "content_filter"


def test_a_broken_stream(litellm, complete):
    """The error in the middle is noticed although it is no event."""
    stream = complete("fault-error-event", stream=True)
    texts = [next(stream).choices[0].delta.content for _ in range(2)]
    with pytest.raises(litellm.exceptions.MidStreamFallbackError) as caught:
        next(stream)

    assert texts == ["provider", " says:"]
    assert isinstance(caught.value.original_exception, litellm.InternalServerError)


def test_a_wait_is_only_in_the_text(litellm, complete, provider):
    """What AI Studio says about waiting survives in the exception's words."""
    provider.faults["gemini-2.5-flash"] = Fault.rate_limited(7)
    with pytest.raises(litellm.RateLimitError) as caught:
        complete()

    assert ('"retryDelay": "7s"' in str(caught.value)) is ("/v1beta/" in provider.requests[-1].path)


def test_embeddings(litellm, place, provider):
    """Texts get their vectors, in the size that is asked for."""
    where = {key: value for key, value in place.items() if key != "prefix"}
    model = {"gemini": "gemini-embedding-001", "vertex_ai": "text-embedding-005"}[place["prefix"]]
    reply = litellm.embedding(
        f"{place['prefix']}/{model}", ["hello there", "hi"], dimensions=8, **where
    )

    assert [len(row["embedding"]) for row in reply.data] == [8, 8]
    assert reply.usage.prompt_tokens == 3
