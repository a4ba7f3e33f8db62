"""LangChain's own conformance suite, whole, on a Claude that plays along."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n"
_DETAILS = ("reasoning_output", "cache_read_input", "cache_creation_input")
_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_creation_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 10},
}


def player(body):
    """What a model would say: tools are called when the user asks, schemas are followed."""
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        return json.dumps(_filled(wanted["schema"]), ensure_ascii=False)
    choice = body.get("tool_choice") or {"type": "auto"}
    last = body["messages"][-1]["content"]
    asks = not any(block["type"] == "tool_result" for block in last)
    if body.get("tools") and choice["type"] != "none" and (choice["type"] != "auto" or asks):
        tool = next(tool for tool in body["tools"] if choice.get("name") in (None, tool["name"]))
        return {"tool_calls": [{"name": tool["name"], "arguments": _filled(tool["input_schema"])}]}
    if any("JSON" in block["text"] for block in body.get("system") or ()):
        return json.dumps({"setup": "Why?", "punchline": "Because."})
    return "I am well, thank you."


def _filled(schema):
    """An object of a schema; the names that LangChain's tests look at have the values they look for."""
    known = {"input": 3, "customer_name": "你好 こんにちは"}
    properties = schema.get("properties") or {}
    return {name: known.get(name) or _value(inner) for name, inner in properties.items()}


def _value(schema):
    if schema.get("anyOf"):
        return _value(schema["anyOf"][0])
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return _filled(schema)
    if kind == "array":
        return [_value(schema.get("items") or {})]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(kind, "words")


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    """LangChain's tests fetch a picture and a document: they get one pixel, and a page without anything."""

    def get(url, **_):
        return httpx.Response(200, content=PDF if ".pdf" in url else PIXEL)

    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none, for nothing is fetched")
    monkeypatch.setattr(httpx, "get", get)


@pytest.fixture(autouse=True)
def served(request):
    """A client whose first target is dead if the suite wants that, and whose last one plays along."""
    with (
        ScriptedProvider("dead", faults={"*": Fault.status(500)}) as dead,
        ScriptedProvider("alive", replies={"*": player}) as alive,
    ):
        servers = [dead, alive] if getattr(request.instance, "falls_back", False) else [alive]
        rows = [Connection.of(row.name, "anthropic", f"sk-{row.name}", row.url) for row in servers]
        with GenAIClient(connections=rows, router_args={"num_retries": 0}) as client:
            request.instance.client, request.instance.alive = client, alive
            yield


class _Toggles:
    """Everything is claimed that Claude takes: sound and films it does not."""

    method = "json_schema"
    falls_back = False
    named = "claude-sonnet-4-5"
    chat_model_class = ChatGenAI
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    # Its thought was signed by the real service, which no fake can check.
    supports_anthropic_inputs = False
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    model_override_value = "claude-haiku-4-5"
    supported_usage_metadata_details = MappingProxyType({"invoke": _DETAILS, "stream": _DETAILS})

    @property
    def chat_model_params(self):
        return {"model": self.named, "client": self.client}

    @property
    def structured_output_kwargs(self):
        return {"method": self.method}

    def _invoke_counted(self, *, stream=False):
        message = {"role": "assistant", "content": "yes"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.alive.replies["*"] = lambda _: {"choices": [choice], "usage": _USAGE}
        model = ChatGenAI(**self.chat_model_params, reasoning_effort="low")
        if not stream:
            return model.invoke("Hello")
        total = None
        for chunk in model.stream("Hello"):
            total = chunk if total is None else total + chunk
        return total

    invoke_with_reasoning_output = _invoke_counted
    invoke_with_cache_read_input = _invoke_counted
    invoke_with_cache_creation_input = _invoke_counted


class TestClaudeJsonSchema(_Toggles, ChatModelIntegrationTests):
    """With structured output by schema, which this model enforces."""


@pytest.mark.slow
class TestClaudeFunctionCalling(_Toggles, ChatModelIntegrationTests):
    """The same with structured output by a forced call."""

    method = "function_calling"


@pytest.mark.slow
class TestClaudeFallback(_Toggles, ChatModelIntegrationTests):
    """The same while the first target is dead, and with a model that enforces no schemas."""

    falls_back = True
    named = "claude-3-7-sonnet-20250219"
