"""LangChain's conformance suites on the other dialects, whole: by schema, by a forced call, with a dead first target."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dialect_players
import httpx
import pytest
from langchain_support import run
from langchain_tests.integration_tests import ChatModelIntegrationTests

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("downloads"),
]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
AWS = json.dumps(
    {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI-example"}
)
DETAILS = ("cache_read_input", "cache_creation_input", "reasoning_output")
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_creation_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
GEMINIS = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {
        "promptTokenCount": 100,
        "candidatesTokenCount": 40,
        "thoughtsTokenCount": 10,
        "totalTokenCount": 150,
        "cachedContentTokenCount": 20,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    },
}  # fmt: skip
RESPONSES = {
    "input_tokens": 100,
    "output_tokens": 50,
    "total_tokens": 150,
    "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 30},
    "output_tokens_details": {"reasoning_tokens": 10},
}


@dataclass(frozen=True)
class Spoken:
    """One dialect.

    Attributes:
        provider: Whose it is.
        models: Which model is asked, which one in its place, and which one while the first target is dead: one that
            enforces no schema, if there is any.
        player: What the model answers.
        fields: Of the connection.
        takes: What the provider takes beside pictures and PDFs, as the suite's toggles name it.
        details: Parts of the usage that the provider tells.
        counted: An answer with all of them.
        thinks: Parameters without which there is no thought to count.
    """

    provider: str
    models: tuple[str, str, str]
    player: Callable[[Mapping[str, Any]], Any]
    fields: Mapping[str, Any]
    takes: frozenset[str]
    details: tuple[str, ...]
    counted: Mapping[str, Any]
    thinks: Mapping[str, Any] = field(default_factory=dict)


DIALECTS = {
    "anthropic": Spoken(
        "anthropic",
        ("claude-sonnet-4-5", "claude-haiku-4-5", "claude-3-7-sonnet-20250219"),
        dialect_players.anthropic,
        {"secret": "sk-ant-example"},
        frozenset(("image_urls",)),
        DETAILS,
        {"content": "yes", "usage": USAGE},
        {"reasoning_effort": "low"},
    ),
    "gemini": Spoken(
        "google-ai-studio",
        ("gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-2.5-flash"),
        dialect_players.gemini,
        {"secret": "AIza-example"},
        frozenset(("image_urls", "audio_inputs", "video_inputs")),
        ("cache_read_input", "reasoning_output", "audio_input", "audio_output"),
        GEMINIS,
    ),
    "bedrock": Spoken(
        "bedrock",
        (
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.amazon.nova-lite-v1:0",
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        ),
        dialect_players.bedrock,
        {"secret": AWS, "region": "us-east-1"},
        # No sound: Claude hears none, wherever it runs.
        frozenset(("video_inputs",)),
        DETAILS,
        {"content": "yes", "usage": USAGE},
        {"model_kwargs": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    ),
    "responses": Spoken(
        "openai",
        ("gpt-4.1", "gpt-4.1-mini", "gpt-5"),
        dialect_players.responses,
        {"secret": "sk-example", "dialect": "responses"},
        frozenset(("image_urls",)),
        DETAILS,
        {"content": "yes", "usage": RESPONSES},
    ),
}


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def downloads(monkeypatch):
    """The suite fetches a picture, a recording and a document: each is as small as it can be."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none, for nothing is fetched")

    def get(url, **_):
        return httpx.Response(200, content=PDF if url.endswith(".pdf") else PNG)

    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture(params=DIALECTS, autouse=True)
def spoken(request):
    """A client whose first target is dead if the suite wants that, and whose last one plays along."""
    row = DIALECTS[request.param]
    with (
        ScriptedProvider("dead", faults={"*": Fault.status(500)}) as dead,
        ScriptedProvider("alive", replies={"*": row.player}) as alive,
    ):
        servers = [dead, alive] if request.instance.falls_back else [alive]
        rows = [
            Connection.of(
                server.name, row.provider, base_url=server.url,
                custom_models=row.models,
                # A key belongs to one host.
                **{**row.fields, "secret": row.fields["secret"].replace("example", server.name)},
            )
            for server in servers
        ]  # fmt: skip
        with GenAIClient(connections=rows, router_args={"num_retries": 0}) as client:
            request.instance.client, request.instance.alive = client, alive
            request.instance.spoken = row
            yield


def _takes(name):
    return property(lambda suite: name in suite.spoken.takes)


class _Dialect(ChatModelIntegrationTests):
    """What is claimed of all, and what the dialect's row says."""

    method = "json_schema"
    falls_back = False
    chat_model_class = ChatGenAI
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = _takes("image_urls")
    supports_pdf_inputs = True
    supports_audio_inputs = _takes("audio_inputs")
    supports_video_inputs = _takes("video_inputs")
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True

    @property
    def chat_model_params(self):
        return {"model": self.spoken.models[2 if self.falls_back else 0], "client": self.client}

    @property
    def model_override_value(self):
        return self.spoken.models[1]

    @property
    def structured_output_kwargs(self):
        return {"method": self.method}

    @property
    def supported_usage_metadata_details(self):
        return {"invoke": list(self.spoken.details), "stream": list(self.spoken.details)}

    def _invoke_counted(self, *, stream=False):
        self.alive.replies["*"] = lambda _: self.spoken.counted
        model = ChatGenAI(**self.chat_model_params, **self.spoken.thinks)
        return run(model, "stream" if stream else "invoke")

    invoke_with_audio_input = _invoke_counted
    invoke_with_audio_output = _invoke_counted
    invoke_with_reasoning_output = _invoke_counted
    invoke_with_cache_read_input = _invoke_counted
    invoke_with_cache_creation_input = _invoke_counted


class TestJsonSchema(_Dialect):
    """Structured output by schema."""


class TestFunctionCalling(_Dialect):
    """Structured output by a forced call."""

    method = "function_calling"


class TestFallback(_Dialect):
    """The first target is dead, and the model enforces no schema, where there is such a one."""

    falls_back = True
