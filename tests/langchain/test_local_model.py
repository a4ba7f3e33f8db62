"""LangChain's integration suite against a real language model, for what one of 135M parameters can do."""

from __future__ import annotations

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from genai_integrations import Connection, GenAIClient
from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.local_model import LocalModel
from genai_integrations.testing.local_model.model_file import fetch_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real_client():
    """A client whose only connection is a real model on this machine."""
    with LocalModel(fetch_model()) as model:
        row = Connection.of(
            "local", "openai", model.api_key, model.url, custom_models=[model.model]
        )
        with GenAIClient(connections=[row]) as client:
            yield client


class TestRealModel(ChatModelIntegrationTests):
    """Text, streams, usage, and answers in a schema; it is too small to choose tools."""

    chat_model_class = ChatGenAI
    has_tool_calling = False
    has_tool_choice = False
    supports_model_override = False

    @pytest.fixture(autouse=True)
    def _served(self, real_client):
        self.client = real_client

    @property
    def chat_model_params(self):
        return {"model": LocalModel.model, "client": self.client, "seed": 7}


def test_a_forced_tool(real_client):
    """Even a small model calls a tool when the server leaves it no choice."""

    def weather(city: str) -> str:
        """Say how the weather is in a city."""
        return f"rain in {city}"

    model = ChatGenAI(LocalModel.model, client=real_client, max_tokens=60, seed=7)
    message = model.bind_tools([weather], tool_choice="any").invoke("How is the weather in Oslo?")

    assert [call["name"] for call in message.tool_calls] == ["weather"]
