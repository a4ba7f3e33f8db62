"""The model as an object: its parameters, what it tells of itself, its copies, its cache keys."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_support import run
from pydantic import BaseModel

from genai_integrations import GenAIClient, use_client
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain import ChatGenAI, GenAIEmbeddings


def weather(city: str) -> str:
    """Say how the weather is."""
    return f"rain in {city}"


class Place(BaseModel):
    """A place."""

    city: str


def test_parameters_reach_the_wire(client, provider, mode):
    """Fields, `model_kwargs` and the call's own: the later wins, and nothing is dropped."""
    model = ChatGenAI(
        "gpt-4o",
        client=client,
        temperature=0.5,
        max_tokens=100,
        top_p=0.9,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        seed=7,
        reasoning_effort="low",
        stop=["END"],
        timeout=9,
        model_kwargs={"user": "kim"},
    )
    run(model, mode, temperature=0, service_tier="flex")
    body = provider.requests[0].body

    expected = {
        "temperature": 0, "max_tokens": 100, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.2,
        "seed": 7, "reasoning_effort": "low", "stop": ["END"], "user": "kim", "service_tier": "flex",
    }  # fmt: skip
    assert {name: body[name] for name in expected} == expected
    assert not {"timeout", "max_retries", "num_retries", "n", "logprobs"}.intersection(body)


def test_either_name_of_the_limit(client, provider):
    """A call may use OpenAI's newer name; the model's own limit is not sent beside it."""
    ChatGenAI("gpt-4o", client=client, max_tokens=5).invoke("Hello!", max_completion_tokens=6)

    body = provider.requests[0].body
    assert (body.get("max_tokens"), body["max_completion_tokens"]) == (None, 6)


def test_stop_of_a_call_wins(client, provider):
    """The call's `stop` replaces the model's; an empty list is none."""
    ChatGenAI("gpt-4o", client=client, stop=["A"]).invoke("Hello!", stop=["B"])
    ChatGenAI("gpt-4o", client=client, stop=[]).invoke("Hello!")

    assert [request.body.get("stop") for request in provider.requests] == [["B"], None]


def test_timeout_is_used(client, provider):
    """A silent server is given up when the field says so."""
    from genai_integrations.errors import RequestTimeoutError
    from genai_integrations.testing.faults import Fault

    provider.faults["*"] = Fault.hang()
    with pytest.raises(RequestTimeoutError):
        ChatGenAI("gpt-4o", client=client, timeout=0.05).invoke("Hello!")


@pytest.mark.parametrize("cls", [ChatGenAI, GenAIEmbeddings])
def test_unknown_arguments_are_an_error(cls):
    """Nothing that was written is dropped silently."""
    with pytest.raises(
        ConfigurationError, match=f"^{cls.__name__} has no 'temperatur': .*model_kwargs$"
    ):
        cls("gpt-4o", temperatur=0)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "temperature"),
        ("model_name", "model"),
        ("max_completion_tokens", "max_tokens"),
        ("request_timeout", "timeout"),
        ("num_retries", "max_retries"),
    ],
)
def test_an_unknown_argument_has_a_neighbour(name, meant):
    """A slip, or another package's name of a field: the error has the right one, and no value."""
    with pytest.raises(ConfigurationError) as caught:
        ChatGenAI("gpt-4o", **{name: "sk-canary"})
    assert str(caught.value) == (
        f"ChatGenAI has no '{name}': did you mean '{meant}'? parameters of the provider's API go into model_kwargs"
    )


@pytest.mark.parametrize("cls", [ChatGenAI, GenAIEmbeddings])
@pytest.mark.parametrize("name", ["api_key", "base_url", "organization", "openai_api_key"])
def test_keys_belong_to_connections(cls, name):
    """A constructor takes no key and no address, and says where they go."""
    with pytest.raises(ConfigurationError, match=rf"takes no {name}: keys and addresses"):
        cls("gpt-4o", **{name: "x"})


async def _streamed(model, **params):
    return [chunk async for chunk in model.astream("Hello!", **params)]


ASKING = {
    "invoke": lambda model, **params: model.invoke("Hello!", **params),
    "stream": lambda model, **params: list(model.stream("Hello!", **params)),
    "batch": lambda model, **params: model.batch(["Hello!"], **params),
    "ainvoke": lambda model, **params: asyncio.run(model.ainvoke("Hello!", **params)),
    "astream": lambda model, **params: asyncio.run(_streamed(model, **params)),
}


@pytest.mark.parametrize("method", ASKING)
def test_callbacks_see_no_key(client, method):
    """A call that is given a key is refused before any callback is shown its parameters."""
    seen = []

    class Watcher(BaseCallbackHandler):
        def on_chat_model_start(self, *args, **kwargs):
            seen.append(kwargs)

    model = ChatGenAI("gpt-4o", client=client)

    model.callbacks = [Watcher()]
    ask = ASKING[method]
    with pytest.raises(ConfigurationError, match="may not set api_key") as caught:
        ask(model, api_key="sk-CANARY")
    assert not seen
    assert "CANARY" not in str(caught.value)


def test_streaming_field(client, provider):
    """With it, `invoke` streams; without, LangChain decides."""
    ChatGenAI("gpt-4o", client=client, streaming=True).invoke("Hello!")
    ChatGenAI("gpt-4o", client=client).invoke("Hello!")
    list(ChatGenAI("gpt-4o", client=client, streaming=False).stream("Hello!"))
    ChatGenAI("gpt-4o", client=client).invoke("Hello!", stream=True)

    streamed = [bool(request.body.get("stream")) for request in provider.requests]
    assert streamed == [True, False, False, True]


CONFIGURATIONS = [
    {},
    {"max_tokens": 5},
    {"max_tokens": 500},
    {"temperature": 0.1},
    {"seed": 1},
    {"stop": ["a"]},
    {"stop": ["b"]},
    {"model_kwargs": {"user": "a"}},
    {"model_kwargs": {"user": "b"}},
    {"model": "gpt-4o"},
    {"n": 2},
    {"logprobs": True},
    {"top_p": 0.2},
    {"reasoning_effort": "low"},
    {"output_version": "v1"},
]


def test_the_cache_mixes_no_two_configurations(client, provider):
    """Each configuration asks once; the same one again gets the answer it had."""
    cache = InMemoryCache()
    for settings in CONFIGURATIONS:
        for _ in range(2):
            ChatGenAI(client=client, cache=cache, **settings).invoke("Hello!")
    model = ChatGenAI(client=client, cache=cache)
    for stop in ("x", "y"):
        model.invoke("Hello!", stop=[stop])
    model.bind_tools([weather]).invoke("Hello!")
    model.with_structured_output(Place, method="function_calling").invoke("Hello!")

    assert len(provider.requests) == len(CONFIGURATIONS) + 4


def test_the_cache_mixes_no_two_tenants(make_client, connect, provider):
    """Another client has other keys, so it asks for itself, whether given or the default one."""
    cache = InMemoryCache()
    clients = [make_client(connect()), make_client(connect())]
    for client in (*clients, *clients):
        ChatGenAI(client=client, cache=cache).invoke("Hello!")
        with use_client(client):
            ChatGenAI(cache=cache).invoke("Hello!")

    assert len(provider.requests) == 2
    langfuse = GenAIClient("pk-a", "sk-a", "https://langfuse.example", connections=[connect()])
    told = ChatGenAI(client=langfuse)._identifying_params
    assert told["tenant"] == ("pk-a", "https://langfuse.example")


def test_no_client_can_be_made(monkeypatch):
    """What a model tells of itself does not depend on whether it could call."""
    monkeypatch.setattr("genai_integrations.client._default", [])
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-only")

    assert ChatGenAI()._identifying_params["model"] == "gpt-4o-mini"


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "copy", "model_copy"])
def test_copies_keep_their_client(chat, client, how):
    """A copy is the same model and asks the same client."""
    ways = {
        "pickle": lambda model: pickle.loads(pickle.dumps(model)),
        "deepcopy": copy.deepcopy,
        "copy": copy.copy,
        "model_copy": lambda model: model.model_copy(update={"temperature": 0.3}),
    }
    made = ways[how](chat)

    assert made.client is client
    assert made.invoke("Hello!").content == "provider says: Hello!"
    assert made.model == chat.model


def test_bound_models_can_be_pickled(chat, client):
    """A chain with tools goes to another process and back."""
    made = pickle.loads(pickle.dumps(chat.bind_tools([weather], tool_choice="any")))

    assert made.invoke("Oslo?").tool_calls[0]["name"] == "weather"
    assert made.bound.client is client


def test_no_secret_and_no_client_inside(make_client, connect):
    """Nothing that writes the model down writes a key or a client."""
    secret = "sk-very-secret-1234567890"
    client = make_client(connect(key=secret))
    chat, embeddings = ChatGenAI("gpt-4o", client=client), GenAIEmbeddings(client=client)
    chat.invoke("Hello!")
    embeddings.embed_query("Hello!")
    told = [
        repr(chat),
        dumps(chat),
        str(dumpd(chat)),
        str(chat.model_dump()),
        chat.model_dump_json(),
    ]
    told += [str(chat.asdict()), str(vars(chat)), repr(embeddings), str(embeddings.model_dump())]
    told += [pickle.dumps(chat).decode("latin-1"), pickle.dumps(embeddings).decode("latin-1")]

    assert not any(secret in text for text in told)
    assert not any("GenAIClient" in text for text in told[:9])


def test_configurable_fields(chat, client, provider):
    """A call's config may name another model; it asks the same client, and streams as before."""
    model = chat.configurable_fields(
        model=ConfigurableField(id="model"), temperature=ConfigurableField(id="temperature")
    )
    config = {"configurable": {"model": "gpt-4o-mini", "temperature": 0.2}}
    message = model.invoke("Hello!", config)
    chunks = list(model.with_config(config).stream("Hello!"))

    assert message.response_metadata["model_name"] == "gpt-4o-mini"
    assert len(chunks) > 2
    assert [request.body["temperature"] for request in provider.requests] == [0.2, 0.2]
    assert model.invoke("Hello!").response_metadata["model_name"] == "gpt-4o"
    assert model.prepare(config)[0].client is client


def test_configurable_alternatives(chat, client):
    """A call's config may choose another model object."""
    other = ChatGenAI("gpt-4o-mini", client=client)
    model = chat.configurable_alternatives(ConfigurableField(id="which"), other=other)
    message = model.invoke("Hello!", {"configurable": {"which": "other"}})

    assert message.response_metadata["model_name"] == "gpt-4o-mini"


def test_tracing_parameters(client):
    """LangSmith is told the model of the call, its limits, and the name that messages have as provider."""
    model = ChatGenAI("gpt-4o", client=client, temperature=0.5, max_tokens=9, stop=["a"])
    own, call = model._get_ls_params(), model._get_ls_params(model="x", temperature=1, stop=["b"])

    assert own == {
        "ls_provider": "genai-integrations",
        "ls_model_type": "chat",
        "ls_model_name": "gpt-4o",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["a"],
    }
    assert (call["ls_model_name"], call["ls_temperature"], call["ls_stop"]) == ("x", 1, ["b"])
    assert model.invoke("a").response_metadata["model_provider"] == own["ls_provider"]
    assert "genai-integrations" in model.metadata["lc_versions"]


def test_the_profile_holds_for_every_target(make_client, connect):
    """Limits are the smallest, capabilities those of all; a model nobody knows promises nothing."""
    client = make_client(
        connect(custom_models=["gpt-4o", "gpt-4", "gpt-4o-mini", "mine"]),
        fallbacks=[{"gpt-4o": ["gpt-4"]}, {"gpt-4o-mini": ["home/mine"]}],
    )
    both = ChatGenAI("gpt-4o", client=client).profile
    partly = ChatGenAI("gpt-4o-mini", client=client).profile

    assert both["max_input_tokens"] < 128_000
    assert both["tool_calling"] is True
    assert both.get("image_inputs") is not True
    assert not any(value is True for value in partly.values())
    assert ChatGenAI("no-such-model", client=client).profile is None


def test_the_profile_is_looked_up_when_it_is_read(client, monkeypatch):
    """A constructor reads no connections; a profile that was given is kept, in copies too."""
    calls = []
    monkeypatch.setattr(GenAIClient, "profile", lambda _, name: calls.append(name))
    monkeypatch.setattr(
        "genai_integrations.langchain.profiles.profile_of", lambda _: calls.append(1)
    )
    model = ChatGenAI("gpt-4o", client=client)
    assert calls == []
    assert model.profile is None
    assert calls == [1]

    given = ChatGenAI("gpt-4o", client=client, profile={"max_input_tokens": 3})
    assert given.model_copy().profile == copy.deepcopy(given).profile == {"max_input_tokens": 3}
    model.profile = {"max_input_tokens": 4}
    assert model.profile == {"max_input_tokens": 4}


def test_tokens_are_counted_offline(client, offline):
    """No socket is opened; more text, tools and pictures count as more."""
    model = ChatGenAI("gpt-4o", client=client)
    call = {"name": "weather", "args": {"city": "Oslo"}, "id": "1"}
    picture = {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}
    short = model.get_num_tokens_from_messages([HumanMessage("Hello!")])
    long = model.get_num_tokens_from_messages(
        [
            SystemMessage("Be brief."),
            HumanMessage(["Hello!", picture]),
            AIMessage("", tool_calls=[call]),
            ToolMessage("rain", tool_call_id="1"),
        ]
    )

    assert short < 12
    assert long > short + 765
    assert model.get_num_tokens_from_messages([HumanMessage("Hello!")], tools=[weather]) > short
    assert model.get_num_tokens("Hello world") == len(model.get_token_ids("Hello world")) == 2


def test_rate_limiter_retry_and_fallbacks(client, provider):
    """LangChain's own tools around a model work as around any other."""
    from genai_integrations.testing.faults import Fault

    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001)
    model = ChatGenAI("gpt-4o", client=client, rate_limiter=limiter)
    provider.faults["gpt-4o"] = [Fault.status(500), None]
    assert model.with_retry(wait_exponential_jitter=False).invoke("a").content == "provider says: a"
    provider.faults["gpt-4o"] = Fault.status(500)
    other = ChatGenAI("gpt-4o-mini", client=client)
    assert model.with_fallbacks([other]).invoke("b").content == "provider says: b"


def test_callbacks_hear_of_everything(chat):
    """Tokens, tags and metadata reach a handler."""
    from langchain_core.callbacks import BaseCallbackHandler

    heard = []

    class Ear(BaseCallbackHandler):
        def on_chat_model_start(self, serialized, messages, *, tags, metadata, **_):
            heard.append((tags, metadata["who"], metadata["ls_model_name"]))

        def on_llm_new_token(self, token, **_):
            heard.append(token)

    config = {"callbacks": [Ear()], "tags": ["t"], "metadata": {"who": "kim"}}
    list(chat.stream("Hello!", config))

    assert heard[0] == (["t"], "kim", "gpt-4o")
    assert "".join(heard[1:]) == "provider says: Hello!"


def test_several_event_loops(chat):
    """One model serves one loop after the other."""
    answers = [asyncio.run(chat.ainvoke("Hello!")).content for _ in range(3)]

    assert answers == ["provider says: Hello!"] * 3
