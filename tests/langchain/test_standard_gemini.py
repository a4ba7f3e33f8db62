"""LangChain's own conformance suites against Gemini's dialect: by schema, by a forced call, with the first target dead."""

from __future__ import annotations

import pytest
from langchain_support import player
from langchain_tests.integration_tests import ChatModelIntegrationTests
from test_standard import _Toggles

from genai_integrations import Connection, GenAIClient
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = [pytest.mark.usefixtures("no_downloads"), pytest.mark.slow]

_USAGE = {
    "promptTokenCount": 100,
    "candidatesTokenCount": 40,
    "thoughtsTokenCount": 10,
    "totalTokenCount": 150,
    "cachedContentTokenCount": 20,
    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
}


def play(body):
    """As `player`, for a request in Gemini's form."""
    config, chosen = body.get("generationConfig", {}), body.get("toolConfig", {})
    choice = chosen.get("functionCallingConfig", {})
    asked = {"messages": [{"role": "tool" if _is_result(body["contents"][-1]) else "user"}]}
    asked["tools"] = [
        {"function": {"name": row["name"], "parameters": row.get("parametersJsonSchema")}}
        for tool in body.get("tools", ())
        for row in tool["functionDeclarations"]
    ]
    if choice:
        names = choice.get("allowedFunctionNames")
        asked["tool_choice"] = {"function": {"name": names[0]}} if names else _MODES[choice["mode"]]
    if config.get("responseMimeType"):
        schema = config.get("responseJsonSchema")
        kind = "json_schema" if schema else "json_object"
        asked["response_format"] = {"type": kind, "json_schema": {"schema": schema}}
    return player(asked)


_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def _is_result(content):
    return any("functionResponse" in part for part in content["parts"])


class _OnGemini(_Toggles):
    """The newest, which takes tools beside a schema, and pictures in results."""

    model_override_value = "gemini-3-flash-preview"
    supported_usage_metadata_details = {
        way: [name for name in _Toggles.supported_usage_metadata_details["invoke"] if name != "cache_creation_input"]
        for way in ("invoke", "stream")
    }  # fmt: skip

    @pytest.fixture(autouse=True)
    def served(self):
        """A client whose first target is dead if the suite wants that, and whose last one plays along."""
        with (
            ScriptedProvider("dead", faults={"*": Fault.status(500)}) as dead,
            ScriptedProvider("alive", replies={"*": play}) as alive,
        ):
            rows = [
                Connection.of(row.name, "google-ai-studio", f"AIzaSyExample-{row.name}", row.url)
                for row in ([dead, alive] if self.falls_back else [alive])
            ]
            with GenAIClient(connections=rows, router_args={"num_retries": 0}) as client:
                self.client, self.alive = client, alive
                yield

    @property
    def chat_model_params(self):
        return {"model": "gemini-3-pro-preview", "client": self.client}

    def _invoke_counted(self, *, stream=False):
        from langchain_support import run

        from genai_integrations.langchain import ChatGenAI

        content = {"role": "model", "parts": [{"text": "yes"}]}
        whole = {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}
        self.alive.replies["*"] = lambda _: {**whole, "usageMetadata": _USAGE}
        return run(ChatGenAI(**self.chat_model_params), "stream" if stream else "invoke")

    invoke_with_audio_input = _invoke_counted
    invoke_with_audio_output = _invoke_counted
    invoke_with_reasoning_output = _invoke_counted
    invoke_with_cache_read_input = _invoke_counted


class TestJsonSchema(_OnGemini, ChatModelIntegrationTests):
    """The integration suite, with structured output by schema."""


class TestFunctionCalling(_OnGemini, ChatModelIntegrationTests):
    """The same with structured output by a forced call."""

    method = "function_calling"


class TestFallback(_OnGemini, ChatModelIntegrationTests):
    """The same while the first target is dead."""

    falls_back = True
