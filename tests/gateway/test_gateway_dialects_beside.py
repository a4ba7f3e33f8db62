"""What belongs to every API of the gateway, in Anthropic's and in the Responses API's shape: keys, prompts, kept answers."""

from __future__ import annotations

import anthropic
import httpx
import openai
import pytest
from gateway_support import served
from sdk_targets import connections

from genai_integrations import GenAIClient
from genai_integrations.gateway import GatewayOptions, OpenKeys, Refused

HELLO = [{"role": "user", "content": "Hi"}]
BODIES = {
    "messages": {"model": "claude/claude-sonnet-4-5", "max_tokens": 9, "messages": HELLO},
    "responses": {"model": "responses/gpt-5", "input": "Hi"},
}


@pytest.fixture
def gateway(langfuse, provider):
    """A gateway in front of a project with a prompt, whose client keeps answers."""
    langfuse.create_prompt("qa", [{"role": "system", "content": "Answer in {{language}}."}])
    client = GenAIClient(
        langfuse.public_key,
        langfuse.secret_key,
        langfuse.host,
        connections=connections(provider.url),
        cache="memory",
    )
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        yield url


@pytest.mark.parametrize(("path", "words"), [("messages", "messages"), ("responses", "input")])
def test_prompt_by_its_name(gateway, provider, path, words):
    """Its messages come before those of the request, or are all of it."""
    prompt = {"name": "qa", "version": 1, "variables": {"language": "Korean"}}
    body = {**BODIES[path], "langfuse_prompt": prompt}

    assert httpx.post(f"{gateway}/v1/{path}", json=body).status_code == 200
    sent = provider.requests[-1].body
    assert "Answer in Korean." in str(sent.get("system") or sent["input"][0])
    assert "langfuse_prompt" not in sent

    del body[words]
    assert httpx.post(f"{gateway}/v1/{path}", json=body).status_code == 200


@pytest.mark.parametrize("path", ["messages", "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_kept_answer_is_given_in_the_callers_words(gateway, provider, path, stream):
    """The first is relayed; what is kept of it is translated, and says the same."""
    body = {**BODIES[path], "stream": stream}
    first, second = (httpx.post(f"{gateway}/v1/{path}", json=body) for _ in range(2))

    assert [row.headers["x-genai-cache"] for row in (first, second)] == ["MISS", "HIT"]
    assert len(provider.requests) == 1
    assert "genai" not in first.text
    assert "genai" in second.text
    if not stream:
        name = "content" if path == "messages" else "output"
        texts = [row.json()[name][-1] for row in (first, second)]
        texts = [row.get("text") or row["content"][0]["text"] for row in texts]
        assert texts == ["seoul says: Hi", "seoul says: Hi"]


@pytest.mark.parametrize("path", ["messages", "responses"])
def test_words_that_only_the_own_api_has_are_a_part_of_what_is_asked(gateway, provider, path):
    """What was kept for other words is no answer."""
    beside = {"context_management": {"edits": []}} if path == "messages" else {"truncation": "auto"}
    for body in (BODIES[path], {**BODIES[path], **beside}):
        answer = httpx.post(f"{gateway}/v1/{path}", json=body)
        assert answer.headers["x-genai-cache"] == "MISS"

    assert len(provider.requests) == 2


class NoKeys(OpenKeys):
    """Takes nobody."""

    async def admit(self, headers, address=""):
        """A refusal."""
        raise Refused(401, "invalid_api_key", "there is no such key")


def test_refused_key_is_the_sdks_exception(provider):
    """In the shape of the API that was asked, by whose type an SDK knows it."""
    client = GenAIClient(connections=connections(provider.url))
    with served(GatewayOptions(NoKeys(client), drain_delay=0)) as url:
        asking = BODIES["messages"]
        with (
            anthropic.Anthropic(base_url=url, api_key="any") as sdk,
            pytest.raises(anthropic.AuthenticationError) as refused,
        ):
            sdk.messages.create(**asking)
        with (
            openai.OpenAI(base_url=url, api_key="any") as other,
            pytest.raises(openai.AuthenticationError),
        ):
            other.responses.create(**BODIES["responses"])

    assert refused.value.body["error"] == {
        "type": "authentication_error",
        "message": "there is no such key",
    }
