"""The least that a framework's call can cost: its model that returns a constant, and the same POST by bare urllib3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from rows import HELLO, KEY, MODEL, QUESTION

FLOOR = "floor"


def langchain_floor(url: str) -> Callable[[], Any]:
    """`BaseChatModel.invoke` of a model that does nothing, and the POST."""
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Constant(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "constant"

        def _generate(self, *_args: Any, **_options: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage("The fox jumps."))])

    return _both(Constant().invoke, QUESTION, url)


def llama_index_floor(url: str) -> Callable[[], Any]:
    """`CustomLLM.chat` of a model that does nothing, and the POST."""
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms import CustomLLM, LLMMetadata
    from llama_index.core.llms.callbacks import llm_chat_callback

    class Constant(CustomLLM):
        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata()

        @llm_chat_callback()
        def chat(self, *_args: Any, **_options: Any) -> ChatResponse:
            return ChatResponse(message=ChatMessage("The fox jumps.", role="assistant"))

        def complete(self, *_args: Any, **_options: Any) -> Any:
            raise NotImplementedError

        def stream_complete(self, *_args: Any, **_options: Any) -> Any:
            raise NotImplementedError

    return _both(Constant().chat, [ChatMessage(QUESTION, role="user")], url)


def _both(ask: Callable[[Any], Any], question: Any, url: str) -> Callable[[], Any]:
    from urllib3 import HTTPConnectionPool

    parts = urlsplit(url)
    pool = HTTPConnectionPool(parts.hostname or "", parts.port)
    path = "/burst/v1/chat/completions"
    body = json.dumps({"model": MODEL, "messages": HELLO}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}

    def work() -> None:
        ask(question)
        pool.urlopen("POST", path, body=body, headers=headers)

    return work
