"""LangChain's own conformance suites, whole: three runs for the chat model, two for the embeddings."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from langchain_support import player, run
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI, GenAIEmbeddings
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.usefixtures("no_downloads")

_DETAILS = (
    "audio_input",
    "audio_output",
    "reasoning_output",
    "cache_read_input",
    "cache_creation_input",
)
_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 10, "cache_creation_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 5},
}


@pytest.fixture(autouse=True)
def served(request):
    """A client whose first target is dead if the suite wants that, and whose last one plays along."""
    with (
        ScriptedProvider("dead", faults={"*": Fault.status(500)}) as dead,
        ScriptedProvider("alive", replies={"*": player}) as alive,
    ):
        servers = [dead, alive] if getattr(request.instance, "falls_back", False) else [alive]
        rows = [
            Connection.of(row.name, "openai", f"sk-{row.name}", f"{row.url}/v1") for row in servers
        ]
        with GenAIClient(connections=rows, router_args={"num_retries": 0}) as client:
            request.instance.client, request.instance.alive = client, alive
            yield


class _Toggles:
    """Everything is claimed."""

    method = "json_schema"
    falls_back = False
    chat_model_class = ChatGenAI
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_video_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    model_override_value = "gpt-4o-mini"
    supported_usage_metadata_details = MappingProxyType({"invoke": _DETAILS, "stream": _DETAILS})

    @property
    def chat_model_params(self):
        return {"model": "gpt-4o", "client": self.client}

    @property
    def structured_output_kwargs(self):
        return {"method": self.method}

    def _invoke_counted(self, *, stream=False):
        self.alive.replies["*"] = lambda _: {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "yes"},
                    "finish_reason": "stop",
                }
            ],
            "usage": _USAGE,
        }
        return run(ChatGenAI(**self.chat_model_params), "stream" if stream else "invoke")

    invoke_with_audio_input = _invoke_counted
    invoke_with_audio_output = _invoke_counted
    invoke_with_reasoning_output = _invoke_counted
    invoke_with_cache_read_input = _invoke_counted
    invoke_with_cache_creation_input = _invoke_counted


class TestUnits(_Toggles, ChatModelUnitTests):
    """The unit suite, without an `api_key`: keys belong to connections, and a constructor takes none."""

    @property
    def standard_chat_model_params(self):
        params = super().standard_chat_model_params
        return {name: value for name, value in params.items() if name != "api_key"}


class TestJsonSchema(_Toggles, ChatModelIntegrationTests):
    """The integration suite, with structured output by schema."""


class TestFunctionCalling(_Toggles, ChatModelIntegrationTests):
    """The same with structured output by a forced call."""

    method = "function_calling"


class TestFallback(_Toggles, ChatModelIntegrationTests):
    """The same while the first target is dead."""

    falls_back = True


class TestEmbeddingUnits(EmbeddingsUnitTests):
    """The embeddings' unit suite."""

    embeddings_class = GenAIEmbeddings

    @property
    def embedding_model_params(self):
        return {"client": self.client}


class TestEmbeddings(EmbeddingsIntegrationTests):
    """The embeddings' integration suite."""

    embeddings_class = GenAIEmbeddings
    falls_back = False

    @property
    def embedding_model_params(self):
        return {"client": self.client}


class TestEmbeddingsFallback(TestEmbeddings):
    """The same while the first target is dead."""

    falls_back = True
