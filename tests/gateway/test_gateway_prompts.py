"""Langfuse's prompts by name in a request's body, and answers that were kept."""

from __future__ import annotations

import openai
import pytest
from gateway_support import served

from genai_integrations import Connection, GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys


@pytest.fixture
def sdk(langfuse, provider):
    """A gateway in front of a project with prompts, by OpenAI's own SDK."""
    langfuse.create_prompt("greet", "Greet {{name}}")
    langfuse.create_prompt(
        "qa", [{"role": "system", "content": "Answer in {{language}}."}], labels=["production"]
    )
    rows = [Connection.of("seoul", "openai", "sk-a", f"{provider.url}/v1")]
    client = GenAIClient(
        langfuse.public_key, langfuse.secret_key, langfuse.host, connections=rows, cache="memory"
    )
    with (
        served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url,
        openai.OpenAI(base_url=url, api_key="any", max_retries=0) as made,
    ):
        yield made


def asked(provider):
    """The messages that the provider was sent last."""
    return [(row["role"], row["content"]) for row in provider.requests[-1].body["messages"]]


def ask(sdk, prompt, messages=(), **more):
    """Ask with a prompt in the body."""
    body = {"langfuse_prompt": prompt}
    return sdk.chat.completions.create(
        model="gpt-4o", messages=list(messages), extra_body=body, **more
    )


def test_a_prompt_by_its_name(sdk, provider):
    """Its messages come before those of the request; a text is the user's message. Streams too."""
    ask(sdk, {"name": "greet", "variables": {"name": "Kim"}})
    assert asked(provider) == [("user", "Greet Kim")]

    question = [{"role": "user", "content": "Hi"}]
    prompt = {"name": "qa", "label": "production", "variables": {"language": "Korean"}}
    list(ask(sdk, prompt, question, stream=True))
    assert asked(provider) == [("system", "Answer in Korean."), ("user", "Hi")]

    ask(sdk, {"name": "qa", "version": 1, "variables": {"language": "Thai"}}, question)
    assert asked(provider) == [("system", "Answer in Thai."), ("user", "Hi")]


@pytest.mark.parametrize(
    ("prompt", "kind", "code"),
    [
        ({"name": "none", "variables": {}}, openai.NotFoundError, "prompt_not_found"),
        ({"name": "greet"}, openai.BadRequestError, "invalid_prompt_variables"),
        ({"name": "greet", "variables": {"nam": "Kim"}}, openai.BadRequestError, "invalid_prompt_variables"),
        ({"name": "greet", "variables": [1]}, openai.BadRequestError, "invalid_request"),
        ({"name": "greet", "variables": {}, "host": "http://a"}, openai.BadRequestError, "invalid_request"),
        ({"name": 7, "variables": {}}, openai.BadRequestError, "invalid_request"),
        ("greet", openai.BadRequestError, "invalid_request"),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_used(sdk, provider, prompt, kind, code):
    """The caller is told, and nobody is asked."""
    with pytest.raises(kind) as raised:
        ask(sdk, prompt)

    assert raised.value.code == code
    assert provider.requests == []


def test_a_kept_answer(sdk, provider):
    """The header says that nobody was asked, and what it cost: nothing."""
    question = [{"role": "user", "content": "Hi"}]
    first, second = (
        sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=question)
        for _ in range(2)
    )

    assert (first.headers["x-genai-cache"], second.headers["x-genai-cache"]) == ("MISS", "HIT")
    assert second.headers["x-genai-cost"] == "0"
    assert second.parse().genai["cache"] == "HIT"
    assert len(provider.requests) == 1
