"""Each dialect beside LiteLLM's translation and the provider's own SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from measure import Contender
from rows import CLAUDE, HELLO, KEY, MODEL, OURS, QUESTION, astreams, bound, call, calls, stream

GEMINI = "gemini-2.5-flash"
NOVA = "amazon.nova-lite-v1:0"
REGION = "us-east-1"
AWS = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": KEY}

TARGETS = {
    "Anthropic": ("anthropic", f"anthropic/{CLAUDE}"),
    "Gemini": ("gemini", f"gemini/{GEMINI}"),
    "Bedrock": ("bedrock", f"bedrock/{NOVA}"),
    "Responses": ("responses", f"responses/{MODEL}"),
}
"""By the family of rows: our connection, and the name by which a model of it is asked."""


def dialect_client(url: str, **options: Any) -> Any:
    """Our client, with one connection for each dialect."""
    from genai_integrations import Connection, GenAIClient

    base = f"{url}/burst"
    return GenAIClient(
        connections=[
            Connection.of("anthropic", "anthropic", KEY, base, **options),
            Connection.of("gemini", "google-ai-studio", KEY, base, **options),
            Connection.of("bedrock", "bedrock", json.dumps(AWS), base, region=REGION, **options),
            Connection.of("responses", "openai", KEY, f"{base}/v1", dialect="responses"),
        ],
        allowed_hosts=["127.0.0.1"],
    )


def dialects(url: str) -> list[Contender]:
    """Calls and streams of the four, synchronous: so that boto3 can compete."""
    client = dialect_client(url)
    found = []
    for family, (_, model) in TARGETS.items():
        ask, ask_async = (
            bound(way, model, HELLO) for way in (client.completion, client.acompletion)
        )
        found += calls(family, OURS, ask, ask_async)
        found.append(stream(f"{family} stream", OURS, ask, stream=True))
        found += _litellm(family, url)
        name, whole, streamed = _SDKS[family](f"{url}/burst")
        found.append(call(f"{family} call", name, whole))
        found.append(stream(f"{family} stream", name, streamed))
    return found


def tail(url: str) -> list[Contender]:
    """What LiteLLM translates for us, beside LiteLLM alone: asked for by name, of a provider that could be ours."""
    import litellm
    from genai_integrations import Connection, GenAIClient

    claude = Connection.of("tail", "anthropic", KEY, f"{url}/burst", dialect="litellm")
    client = GenAIClient(connections=[claude])
    at = _at("Anthropic", url)
    found = []
    for name, ask, ask_async in (
        (
            OURS,
            bound(client.completion, f"tail/{CLAUDE}", HELLO),
            bound(client.acompletion, f"tail/{CLAUDE}", HELLO),
        ),
        ("litellm", bound(litellm.completion, **at), bound(litellm.acompletion, **at)),
    ):
        found += calls("LiteLLM's tail", name, ask, ask_async)
        # Ours always brings the usage, so LiteLLM is asked for the same.
        counted = {} if name == OURS else {"stream_options": {"include_usage": True}}
        found.append(stream("LiteLLM's tail, stream", name, ask, stream=True, **counted))
        several = bound(ask_async, **counted)
        found.append(astreams("LiteLLM's tail, streams, 20 at once", name, several, 20))
    return found


def _litellm(family: str, url: str) -> list[Contender]:
    import litellm

    at = _at(family, url)
    ask, ask_async = bound(litellm.completion, **at), bound(litellm.acompletion, **at)
    counted = {"stream_options": {"include_usage": True}}
    return [
        *calls(family, "litellm", ask, ask_async),
        stream(f"{family} stream", "litellm", ask, stream=True, **counted),
    ]


def _at(family: str, url: str) -> dict[str, Any]:
    """How LiteLLM is told the same."""
    base = f"{url}/burst"
    key = {"api_base": base, "api_key": KEY}
    aws = {
        "aws_access_key_id": AWS["accessKeyId"],
        "aws_secret_access_key": AWS["secretAccessKey"],
        "aws_region_name": REGION,
        "aws_bedrock_runtime_endpoint": base,
    }
    told: dict[str, dict[str, Any]] = {
        "Anthropic": {"model": f"anthropic/{CLAUDE}", **key},
        "Gemini": {"model": f"gemini/{GEMINI}", **key},
        "Bedrock": {"model": f"bedrock/converse/{NOVA}", **aws},
        "Responses": {
            "model": f"openai/responses/{MODEL}",
            "api_base": f"{base}/v1",
            "api_key": KEY,
        },
    }
    return {**told[family], "messages": HELLO}


_Sdk = tuple[str, Callable[[], Any], Callable[[], Any]]
"""Its name, a whole call, and a stream."""


def _anthropic(base: str) -> _Sdk:
    from anthropic import Anthropic

    create = Anthropic(api_key=KEY, base_url=base).messages.create
    asked = {"model": CLAUDE, "messages": HELLO, "max_tokens": 4096}
    return "anthropic", bound(create, **asked), bound(create, **asked, stream=True)


def _gemini(base: str) -> _Sdk:
    from google.genai import Client
    from google.genai.types import HttpOptions

    # Kept by the functions: a client that is forgotten closes its connections.
    client = Client(api_key=KEY, vertexai=False, http_options=HttpOptions(base_url=base))
    asked = {"model": GEMINI, "contents": QUESTION}

    def whole() -> Any:
        return client.models.generate_content(**asked)

    def streamed() -> Any:
        return client.models.generate_content_stream(**asked)

    return "google-genai", whole, streamed


def _bedrock(base: str) -> _Sdk:
    import boto3

    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=base,
        region_name=REGION,
        aws_access_key_id=AWS["accessKeyId"],
        aws_secret_access_key=AWS["secretAccessKey"],
    )
    asked = {"modelId": NOVA, "messages": [{"role": "user", "content": [{"text": QUESTION}]}]}

    def streamed() -> Any:
        return client.converse_stream(**asked)["stream"]

    return "boto3", bound(client.converse, **asked), streamed


def _responses(base: str) -> _Sdk:
    from openai import OpenAI

    create = OpenAI(api_key=KEY, base_url=f"{base}/v1").responses.create
    asked = {"model": MODEL, "input": QUESTION}
    return "openai", bound(create, **asked), bound(create, **asked, stream=True)


_SDKS = {
    "Anthropic": _anthropic,
    "Gemini": _gemini,
    "Bedrock": _bedrock,
    "Responses": _responses,
}
