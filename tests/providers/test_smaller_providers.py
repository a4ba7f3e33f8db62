"""Every provider with a copy of OpenAI's API: its row is right, and a call arrives where it should."""

from __future__ import annotations

import json

import pytest
from places import QUESTION

from genai_integrations import BrokenConnection, Connection
from genai_integrations.connections.environment import environment_connections
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.connections.stored_providers import provider_of
from genai_integrations.errors import (
    AllTargetsFailedError,
    AuthenticationError,
    BadRequestError,
    ContextWindowExceededError,
    NotFoundError,
    OutOfCreditError,
    RateLimitError,
    ServerError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.server import LoopbackServer
from genai_integrations.transports.litellm.loading import litellm_module

ADDRESSES = {
    "groq": ["https://api.groq.com/openai/v1"],
    "deepseek": ["https://api.deepseek.com/v1"],
    "mistral": ["https://api.mistral.ai/v1"],
    "xai": ["https://api.x.ai/v1"],
    "cohere": ["https://api.cohere.ai/compatibility/v1", "https://api.cohere.com/compatibility/v1"],
    "huggingface": [
        "https://router.huggingface.co/v1",
        "https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1",
    ],
    "together": ["https://api.together.ai/v1", "https://api.together.xyz/v1"],
    "fireworks": ["https://api.fireworks.ai/inference/v1"],
    "perplexity": ["https://api.perplexity.ai"],
    "cerebras": ["https://api.cerebras.ai/v1"],
    "sambanova": ["https://api.sambanova.ai/v1"],
    "nvidia_nim": ["https://integrate.api.nvidia.com/v1"],
    "deepinfra": ["https://api.deepinfra.com/v1/openai"],
    "moonshot": ["https://api.moonshot.ai/v1", "https://api.moonshot.cn/v1"],
    "zai": ["https://api.z.ai/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4"],
    "minimax": ["https://api.minimax.io/v1", "https://api.minimaxi.com/v1"],
    "dashscope": [
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    ],
    "volcengine": ["https://ark.cn-beijing.volces.com/api/v3"],
    "novita": ["https://api.novita.ai/v3/openai"],
    "hyperbolic": ["https://api.hyperbolic.xyz/v1"],
    "nebius": ["https://api.studio.nebius.ai/v1"],
    "nscale": ["https://inference.api.nscale.com/v1"],
    "baseten": ["https://inference.baseten.co/v1"],
    "featherless_ai": ["https://api.featherless.ai/v1"],
    "friendliai": ["https://api.friendli.ai/serverless/v1"],
    "ai21": ["https://api.ai21.com/studio/v1"],
    "inception": ["https://api.inceptionlabs.ai/v1"],
    "voyage": ["https://api.voyageai.com/v1"],
    "jina_ai": ["https://api.jina.ai/v1"],
    "vercel_ai_gateway": ["https://ai-gateway.vercel.sh/v1"],
    "databricks": [],
    "vllm": [],
    "lm_studio": [],
    "litellm_proxy": [],
}
"""Where each provider's own documentation says that its API is; none where every user has another address."""

COPIES = list(ADDRESSES)
EMBEDDING_ONLY = ["voyage", "jina_ai"]
CHATTING = [name for name in COPIES if name not in EMBEDDING_ONLY]
EMBEDDING = [
    *EMBEDDING_ONLY,
    "cohere",
    "databricks",
    "dashscope",
    "deepinfra",
    "fireworks",
    "litellm_proxy",
    "lm_studio",
    "mistral",
    "nebius",
    "novita",
    "nvidia_nim",
    "sambanova",
    "together",
    "vercel_ai_gateway",
    "vllm",
    "volcengine",
]
MODELS = {
    # Where the provider's own id has a form of its own, the test asks for that; any other id passes.
    "fireworks": "accounts/fireworks/models/m-1",
    "huggingface": "org/m-1:novita",
}
TOOL = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
def place(home):
    """A connection to `home` by the provider's own variables, or in code where it has none for its address."""

    def place(name):
        row = PROVIDERS[name]
        if not row.url_variables:
            return Connection.of(name, name, "sk-home", f"{home.url}/some/v1")
        variables = {
            row.key_variables[0]: "sk-home",
            row.url_variables[0]: f"{home.url}/some/v1/",
        }
        (connection,) = environment_connections(variables)
        return connection

    return place


@pytest.mark.sample(36)
# Mistral tells the usage of a stream without being asked, which this server does not: see test_copies.py.
@pytest.mark.parametrize("name", [name for name in CHATTING if name != "mistral"])
def test_a_chat_arrives(name, place, home, make_client, ask):
    """In each of four ways: the path, the key and the model's id are those of the provider, and usage is told."""
    model = MODELS.get(name, "org/m-1")
    answer = ask(make_client(place(name)), f"{name}/{model}")

    assert answer.text == "home says: one two three four"
    assert answer.finish == "stop"
    assert answer.usage["prompt_tokens"] == 4
    assert answer.route.served == f"{name}/{model}"
    (request,) = home.requests
    assert request.path == "/some/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-home"
    assert request.model == model


@pytest.mark.parametrize("name", CHATTING)
def test_a_tool_is_called_and_answered(name, place, home, make_client):
    """The call comes back with its arguments, and its result is taken."""
    home.replies["*"] = lambda body: (
        {"tool_calls": [{"name": "add", "arguments": {"a": 1}}]}
        if body["messages"][-1]["role"] == "user"
        else None
    )
    client = make_client(place(name))
    model = f"{name}/{MODELS.get(name, 'org/m-1')}"

    message = client.completion(model, QUESTION, tools=[TOOL])["choices"][0]["message"]
    (call,) = message["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "3"}
    asked = [*QUESTION, message, result]
    answer = client.completion(model, asked, tools=[TOOL])

    assert json.loads(call["function"]["arguments"]) == {"a": 1}
    assert answer.choices[0].message.content == "home says: the tool answered 3"
    assert home.requests[-1].body["tools"] == [TOOL]


@pytest.mark.parametrize("name", EMBEDDING)
def test_embeddings_arrive(name, place, home, make_client):
    """One vector a text, asked for at the provider's own path."""
    reply = make_client(place(name)).embedding(f"{name}/org/m-1", ["one", "two"])
    (request,) = home.requests

    assert [row["index"] for row in reply["data"]] == [0, 1]
    assert request.path == "/some/v1/embeddings"
    assert request.headers["authorization"] == "Bearer sk-home"
    assert request.body == {"model": "org/m-1", "input": ["one", "two"]}


@pytest.mark.sample(36)
@pytest.mark.parametrize("name", CHATTING)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.unauthorized(), AuthenticationError),
        (Fault.model_not_found(), NotFoundError),
        (Fault.rate_limited(7), RateLimitError),
        (Fault.context_window(), ContextWindowExceededError),
        (Fault.status(503), ServerError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failure_is_told(name, fault, kind, place, home, make_client):
    """As one of our errors that says whose it is."""
    home.faults["*"] = fault

    with pytest.raises((kind, AllTargetsFailedError)) as caught:
        make_client(place(name)).completion(f"{name}/org/m-1", QUESTION)

    error = caught.value
    error = error.attempts[-1].error if isinstance(error, AllTargetsFailedError) else error
    assert type(error) is kind
    assert error.provider == name
    assert "sk-home" not in str(error)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        # Of these, nobody knows more than how the name begins.
        ("command-z", "cohere/command-z"),
        ("embed-z", "cohere/embed-z"),
        ("mistral-z", "mistral/mistral-z"),
        ("magistral-z", "mistral/magistral-z"),
        ("deepseek-z", "deepseek/deepseek-z"),
        ("grok-z", "xai/grok-z"),
        ("sonar-z", "perplexity/sonar-z"),
        ("kimi-z", "moonshot/kimi-z"),
        ("glm-z", "zai/glm-z"),
        ("MiniMax-Z", "minimax/MiniMax-Z"),
        ("qwen-z", "dashscope/qwen-z"),
        ("doubao-z", "volcengine/doubao-z"),
        ("jamba-z", "ai21/jamba-z"),
        ("mercury-z", "inception/mercury-z"),
        ("voyage-z", "voyage/voyage-z"),
        ("jina-z", "jina_ai/jina-z"),
        # These are in LiteLLM's table of models.
        ("command-r-08-2024", "cohere/command-r-08-2024"),
        ("mistral-large-latest", "mistral/mistral-large-latest"),
        ("gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("gemma-4-31b", "cerebras/gemma-4-31b"),
        ("x-ai/grok-4", "xai/grok-4"),
        ("nvidia_nim/nvidia/nemotron-3", "nvidia_nim/nvidia/nemotron-3"),
        ("together_ai/meta-llama/Llama-3-8b", "together/meta-llama/Llama-3-8b"),
        ("fireworks_ai/llama-v3p1-8b", "fireworks/llama-v3p1-8b"),
        ("hosted_vllm/qwen3", "vllm/qwen3"),
        ("cohere_chat/command-r", "cohere/command-r"),
        ("jina/jina-clip-v2", "jina_ai/jina-clip-v2"),
    ],
)
def test_a_name_leads_to_its_provider(asked, served, place, make_client):
    """With every provider at hand, a bare name goes to the vendor's own, and LiteLLM's prefixes are known."""
    client = make_client(*(place(name) for name in COPIES))

    assert client.resolve(asked).targets[0].name == served


def test_no_provider_is_missing_here():
    """A new row of the table needs a row of these tests."""
    speaking = {row.name for row in PROVIDERS.values() if row.dialect == "openai"}

    others = {"openai", "openrouter", "portkey", "ollama", "genai-gateway"}

    assert speaking == {*COPIES, *others}


@pytest.mark.parametrize(
    ("name", "url"), [(name, url) for name, urls in ADDRESSES.items() for url in urls]
)
def test_the_address_gives_the_provider_away(name, url):
    """Langfuse stores such a connection under OpenAI's adapter; the host says whose it is."""
    assert provider_of("openai", "any", url).name == name


@pytest.mark.parametrize(("name", "urls"), ADDRESSES.items())
def test_without_an_address_the_providers_own_is_used(name, urls):
    """It is the first of those in its documentation."""
    assert PROVIDERS[name].base_url == (urls[0] if urls else None)


OTHERWISE = {"cohere", "databricks", "deepseek", "huggingface", "minimax", "voyage"}
"""LiteLLM speaks another API of these, or resolves their addresses elsewhere in its code."""

ONLY_IN_PART = {"BASETEN_API_BASE", "MISTRAL_API_BASE"}
"""Variables that LiteLLM reads for some kinds of calls only."""


@pytest.mark.parametrize("name", [name for name in COPIES if name not in OTHERWISE])
def test_the_row_says_what_litellm_says(name, monkeypatch):
    """Address and variables are those that the installed LiteLLM uses."""
    litellm, row = litellm_module(), PROVIDERS[name]

    def found():
        return litellm.get_llm_provider(f"{row.litellm}/m-1")[2:]

    for variable in (*row.key_variables, *row.url_variables):
        monkeypatch.delenv(variable, raising=False)
    assert found()[1] == row.base_url
    for at, variable in enumerate((*row.key_variables, *row.url_variables)):
        is_url = at >= len(row.key_variables)
        with monkeypatch.context() as patch:
            patch.setenv(variable, "http://set.example/v1")
            assert found()[is_url] == "http://set.example/v1" or variable in ONLY_IN_PART


@pytest.mark.parametrize("name", ["databricks", "azure"])
def test_a_key_without_an_address(name):
    """Where there is no common address, the connection says which variable is missing."""
    row = PROVIDERS[name]
    (broken,) = environment_connections({row.key_variables[0]: "CANARY"})

    assert isinstance(broken, BrokenConnection)
    assert row.url_variables[0] in str(broken.error)
    assert "CANARY" not in str(broken.error)


@pytest.mark.parametrize("name", ["vllm", "lm_studio", "litellm_proxy"])
def test_a_server_of_ones_own_needs_no_key(name, home, make_client):
    """Its address makes the connection, and no key is sent."""
    home.api_keys = None
    variable = PROVIDERS[name].url_variables[0]
    (connection,) = environment_connections({variable: f"{home.url}/v1"})
    make_client(connection).completion(f"{name}/m-1", QUESTION)
    (request,) = home.requests

    assert "authorization" not in request.headers


class Words(LoopbackServer):
    """Answers with one status and body, in a provider's own words."""

    status, content = 200, b""

    async def respond(self, request, exchange):
        """Send it."""
        await exchange.send(self.status, self.content, {"content-type": "application/json"})


@pytest.mark.parametrize(
    ("name", "status", "body", "kind", "part"),
    [
        (
            "mistral",
            422,
            {
                "object": "error",
                "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "logprobs"]}]},
                "type": "invalid_request_error",
            },
            BadRequestError,
            "logprobs",
        ),
        (
            "mistral",
            400,
            {
                "object": "error",
                "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
                "type": "invalid_request_error",
                "code": "3051",
            },
            ContextWindowExceededError,
            "40000 tokens",
        ),
        ("mistral", 401, {"detail": "Unauthorized"}, AuthenticationError, "Unauthorized"),
        ("cohere", 401, {"message": "invalid api token"}, AuthenticationError, "invalid api token"),
        (
            "cohere",
            400,
            {"message": "too many tokens: size limit exceeded by 11326 tokens"},
            ContextWindowExceededError,
            "11326",
        ),
        (
            "xai",
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            },
            ContextWindowExceededError,
            "537812",
        ),
        (
            "cerebras",
            400,
            {
                "message": "Please reduce the length. Current length is 9876 while limit is 8192",
                "type": "invalid_request_error",
                "param": "messages",
            },
            ContextWindowExceededError,
            "9876",
        ),
        (
            "huggingface",
            422,
            {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"},
            ContextWindowExceededError,
            "4096",
        ),
        ("huggingface", 503, {"error": "Model is loading"}, ServerError, "Model is loading"),
        ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, OutOfCreditError, "Balance"),
    ],
)  # fmt: skip
def test_each_providers_words_are_understood(name, status, body, kind, part, make_client):
    """The class follows from what they say, and the message is theirs."""
    with Words() as server:
        server.status, server.content = status, json.dumps(body).encode()
        client = make_client(Connection.of(name, name, "sk-home", server.url))
        with pytest.raises((kind, AllTargetsFailedError)) as caught:
            client.completion(f"{name}/m-1", QUESTION)

    error = caught.value
    error = error.attempts[-1].error if isinstance(error, AllTargetsFailedError) else error
    assert type(error) is kind
    assert part in str(error)
