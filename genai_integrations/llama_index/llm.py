"""`GenAI`: a LlamaIndex LLM over the router. It only converts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.generic_utils import (
    chat_response_to_completion_response,
    stream_chat_response_to_completion_response,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.llama_index.messages import Growing, chat_response, to_wire

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

_PARAMS = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "timeout": "timeout",
    "max_retries": "num_retries",
}
"""Fields of the LLM, and the client's name of each."""


class GenAI(FunctionCallingLLM):
    """An LLM by name.

    Args:
        model: A name as `GenAIClient.completion` takes it; default `gpt-4o-mini`.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
    """

    model: str = Field(default="gpt-4o-mini", description="As GenAIClient.completion takes it.")
    temperature: float | None = Field(default=None, description="None: the provider's default.")
    max_tokens: int | None = Field(default=None, description="None: the provider's default.")
    timeout: float | None = Field(default=None, description="Seconds for one attempt.")
    max_retries: int | None = Field(default=None, description="num_retries of the router.")
    context_window: int = Field(default=128_000, description="Tokens that fit.", gt=0)
    additional_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Further parameters of OpenAI's API."
    )

    _client: GenAIClient | None = PrivateAttr(default=None)

    def __init__(
        self, model: str = "gpt-4o-mini", *, client: GenAIClient | None = None, **fields: Any
    ) -> None:
        super().__init__(model=model, **fields)
        self._client = client

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "genai_integrations_llm"

    @property
    def client(self) -> GenAIClient:
        """The client this LLM asks."""
        return self._client or default_client()

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex plans with."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=self.model,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask."""
        return self._chat(messages, kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Ask with a text."""
        return chat_response_to_completion_response(self._chat(_as_user(prompt), kwargs))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask, and get the answer as it grows."""
        return self._stream(messages, kwargs)

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Ask with a text, and get the answer as it grows."""
        return stream_chat_response_to_completion_response(self._stream(_as_user(prompt), kwargs))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """As `chat`, without blocking the event loop."""
        return await self._achat(messages, kwargs)

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """As `complete`, without blocking the event loop."""
        return chat_response_to_completion_response(await self._achat(_as_user(prompt), kwargs))

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """As `stream_chat`, without blocking the event loop."""
        return self._astream(messages, kwargs)

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """As `stream_complete`, without blocking the event loop."""

        async def completions() -> CompletionResponseAsyncGen:
            async for response in self._astream(_as_user(prompt), kwargs):
                yield CompletionResponse(
                    text=response.message.content or "",
                    delta=response.delta,
                    raw=response.raw,
                    additional_kwargs=response.additional_kwargs,
                )

        return completions()

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tools that an answer calls."""
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError(f"Expected at least one tool call, but got {len(calls)} tool calls.")
        return [
            ToolSelection(
                tool_id=call.tool_call_id or "",
                tool_name=call.tool_name,
                tool_kwargs=_arguments(call.tool_kwargs),
            )
            for call in calls
        ]

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages += _as_user(user_msg) if isinstance(user_msg, str) else [user_msg]
        params = {name: value for name, value in kwargs.items() if value is not None}
        if tools:
            params["tools"] = [
                tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools
            ]
            params.setdefault("parallel_tool_calls", allow_parallel_tool_calls)
            params["tool_choice"] = _tool_choice(params.get("tool_choice"), tool_required)
        return {"messages": messages, **params}

    def _chat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        model, params = self._params(kwargs)
        return chat_response(self.client.completion(model, to_wire(messages), **params))

    async def _achat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        model, params = self._params(kwargs)
        return chat_response(await self.client.acompletion(model, to_wire(messages), **params))

    def _stream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        model, params = self._params(kwargs)
        growing = Growing()
        with self.client.completion(model, to_wire(messages), True, **params) as stream:
            for chunk in stream:
                yield growing.add(chunk)

    async def _astream(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponseAsyncGen:
        model, params = self._params(kwargs)
        growing = Growing()
        wire = to_wire(messages)
        async with await self.client.acompletion(model, wire, True, **params) as stream:
            async for chunk in stream:
                yield growing.add(chunk)

    def _params(self, kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The model's name and the client's parameters: the call's win over the LLM's."""
        params = dict(self.additional_kwargs)
        for field, name in _PARAMS.items():
            value = getattr(self, field)
            if value is not None:
                params[name] = value
        params.update(kwargs)
        return params.pop("model", self.model), params


def _as_user(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]


def _arguments(given: dict[str, Any] | str) -> dict[str, Any]:
    """Arguments that are not whole yet, as while they are streamed, count as none."""
    if isinstance(given, dict):
        return given
    try:
        parsed = json.loads(given)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _tool_choice(choice: Any, required: bool) -> Any:
    if choice is None:
        return "required" if required else "auto"
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        return {"type": "function", "function": {"name": choice}}
    return choice
