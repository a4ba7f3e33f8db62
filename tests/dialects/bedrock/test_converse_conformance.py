"""LangChain's own conformance suite, whole, on a Bedrock that plays along."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType

import httpx
import pytest
from bedrock_data import CLAUDE, KEY_ID, NOVA, PAIR, SECRET
from langchain_tests.integration_tests import ChatModelIntegrationTests

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_DETAILS = ("reasoning_output", "cache_read_input", "cache_creation_input")
_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_creation_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 10},
}


def player(body):
    """What a model would say: tools are called when the user asks, schemas are followed."""
    wanted = (body.get("outputConfig") or {}).get("textFormat")
    if wanted:
        schema = json.loads(wanted["structure"]["jsonSchema"]["schema"])
        return json.dumps(_filled(schema), ensure_ascii=False)
    config = body.get("toolConfig") or {}
    choice = config.get("toolChoice") or {"auto": {}}
    asks = not any("toolResult" in block for block in body["messages"][-1]["content"])
    if config and ("auto" not in choice or asks):
        named = (choice.get("tool") or {}).get("name")
        specs = (tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool)
        spec = next(spec for spec in specs if named in (None, spec["name"]))
        arguments = _filled(spec["inputSchema"]["json"])
        return {"tool_calls": [{"name": spec["name"], "arguments": arguments}]}
    if any("JSON" in block.get("text", "") for block in body["messages"][-1]["content"]):
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
    """LangChain's tests fetch a picture, a recording and a document: they get one pixel."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none, for nothing is fetched")
    monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200, content=PIXEL))


@pytest.fixture(autouse=True)
def served(request):
    """A client whose first target is dead if the suite wants that, and whose last one plays along."""
    with (
        ScriptedProvider("dead", faults={"*": Fault.status(500)}) as dead,
        ScriptedProvider("alive", replies={"*": player}) as alive,
    ):
        alive.api_keys = {f"{KEY_ID}:{SECRET}"}
        servers = [dead, alive] if getattr(request.instance, "falls_back", False) else [alive]
        # A key is bound to the first host it goes to.
        keys = {"dead": json.dumps({"apiKey": "dead-key"}), "alive": PAIR}
        rows = [
            Connection.of(row.name, "bedrock", keys[row.name], row.url, region="us-east-1")
            for row in servers
        ]
        with GenAIClient(connections=rows, router_args={"num_retries": 0}) as client:
            request.instance.client, request.instance.alive = client, alive
            yield


class _Toggles:
    """Everything is claimed that Bedrock takes: pictures by an address on the web it does not."""

    method = "json_schema"
    falls_back = False
    chat_model_class = ChatGenAI
    supports_json_mode = True
    supports_image_inputs = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_video_inputs = True
    # Its thought was signed by the real service, which no fake can check.
    supports_anthropic_inputs = False
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    model_override_value = NOVA
    supported_usage_metadata_details = MappingProxyType({"invoke": _DETAILS, "stream": _DETAILS})

    @property
    def chat_model_params(self):
        return {"model": CLAUDE, "client": self.client}

    @property
    def structured_output_kwargs(self):
        return {"method": self.method}

    def _invoke_counted(self, *, stream=False):
        message = {"role": "assistant", "content": "yes"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.alive.replies["*"] = lambda _: {"choices": [choice], "usage": _USAGE}
        thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        model = ChatGenAI(**self.chat_model_params, model_kwargs=thinks)
        if not stream:
            return model.invoke("Hello")
        total = None
        for chunk in model.stream("Hello"):
            total = chunk if total is None else total + chunk
        return total

    invoke_with_reasoning_output = _invoke_counted
    invoke_with_cache_read_input = _invoke_counted
    invoke_with_cache_creation_input = _invoke_counted


class TestConverseJsonSchema(_Toggles, ChatModelIntegrationTests):
    """With structured output by schema, which this model has."""


class TestConverseFunctionCalling(_Toggles, ChatModelIntegrationTests):
    """The same with structured output by a forced call."""

    method = "function_calling"


class TestConverseFallback(_Toggles, ChatModelIntegrationTests):
    """The same while the first target is dead, and with a model without schemas of its own."""

    falls_back = True

    @property
    def chat_model_params(self):
        return {"model": "us.anthropic.claude-3-7-sonnet-20250219-v1:0", "client": self.client}
