"""LangChain's own conformance suite through a server that nobody here wrote."""

from __future__ import annotations

import base64

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from genai_integrations.langchain import ChatGenAI

pytestmark = pytest.mark.slow

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class TestAimock(ChatModelIntegrationTests):
    """The whole suite; pictures and recordings are one pixel, for nothing is fetched."""

    chat_model_class = ChatGenAI
    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    model_override_value = "gpt-4o-mini"
    structured_output_kwargs = {"method": "json_schema"}  # noqa: RUF012 - as the suite has it

    @pytest.fixture(autouse=True)
    def _serve(self, connect, make_client, monkeypatch):
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "none, for nothing is fetched")
        monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200, content=_PNG))
        self.client = make_client(connect("aimock"))

    @property
    def chat_model_params(self):
        return {"model": "gpt-4o", "client": self.client}


class TestAimockByCalls(TestAimock):
    """The same with structured output by a forced call."""

    structured_output_kwargs = {"method": "function_calling"}  # noqa: RUF012 - as above
