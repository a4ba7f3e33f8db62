"""`ChatGenAI`: a LangChain chat model over the router. It only converts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.langchain.messages import to_wire
from genai_integrations.langchain.replies import chat_result, chunk_of, last_chunk

_PARAMS = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "seed": "seed",
    "stop": "stop",
    "timeout": "timeout",
    "max_retries": "num_retries",
}
"""Fields of the model, and the client's name of each."""

_CHOICES = frozenset(("auto", "none", "required"))


class ChatGenAI(BaseChatModel):
    """A chat model by name.

    Args:
        model: A name as `GenAIClient.completion` takes it; default `gpt-4o-mini`.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
    """

    model: str = "gpt-4o-mini"
    """The name, as `GenAIClient.completion` takes it."""
    temperature: float | None = None
    """Sampling temperature; None leaves it to the provider."""
    max_tokens: int | None = None
    """Most tokens to generate; None leaves it to the provider."""
    top_p: float | None = None
    """Nucleus sampling; None leaves it to the provider."""
    seed: int | None = None
    """For repeatable sampling, where the provider has it."""
    stop: list[str] | None = None
    """Texts at which to stop."""
    timeout: float | None = None
    """Seconds for one attempt; None leaves it to the client."""
    max_retries: int | None = None
    """`num_retries` of the router; None leaves it to the client."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of OpenAI's API."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    _client: GenAIClient | None = PrivateAttr(default=None)

    def __init__(
        self, model: str = "gpt-4o-mini", *, client: GenAIClient | None = None, **fields: Any
    ) -> None:
        super().__init__(model=model, **fields)  # type: ignore[call-arg]  # pydantic's own signature
        self._client = client

    @property
    def client(self) -> GenAIClient:
        """The client this model asks."""
        return self._client or default_client()

    @property
    def _llm_type(self) -> str:
        return "genai-integrations"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        client = self._client
        tenant = (client.public_key, client.host) if client else None
        return {"model": self.model, "tenant": tenant, **self._params(None, {})}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Have the model know these tools.

        Args:
            tools: In any form that LangChain takes.
            tool_choice: `auto`, `none`, `any` or `required`, a tool's name, or OpenAI's dict.
            strict: Have the provider hold the arguments to the schema.
            kwargs: Bound to every call.
        """
        wire = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        if tool_choice is not None and tool_choice is not False:
            kwargs["tool_choice"] = _tool_choice(tool_choice)
        return self.bind(tools=wire, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        model = kwargs.pop("model", self.model)
        reply = self.client.completion(model, to_wire(messages), **self._params(stop, kwargs))
        return chat_result(reply)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        model = kwargs.pop("model", self.model)
        reply = await self.client.acompletion(
            model, to_wire(messages), **self._params(stop, kwargs)
        )
        return chat_result(reply)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        model = kwargs.pop("model", self.model)
        params = self._params(stop, kwargs)
        wire: dict[str, Any] = {}
        with self.client.completion(model, to_wire(messages), True, **params) as stream:
            for chunk in stream:
                wire = chunk.wire
                generation = chunk_of(wire)
                if generation:
                    yield generation
            yield last_chunk(wire, stream.route)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        model = kwargs.pop("model", self.model)
        params = self._params(stop, kwargs)
        wire: dict[str, Any] = {}
        async with await self.client.acompletion(
            model, to_wire(messages), True, **params
        ) as stream:
            async for chunk in stream:
                wire = chunk.wire
                generation = chunk_of(wire)
                if generation:
                    yield generation
            yield last_chunk(wire, stream.route)

    def _params(self, stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The client's parameters: the call's win over the model's."""
        params = dict(self.model_kwargs)
        for field, name in _PARAMS.items():
            value = getattr(self, field)
            if value is not None:
                params[name] = value
        if stop is not None:
            params["stop"] = stop
        return {**params, **kwargs}


def _tool_choice(choice: str | dict[str, Any] | bool) -> str | dict[str, Any]:
    if isinstance(choice, dict):
        return choice
    if choice is True or choice == "any":
        return "required"
    if choice in _CHOICES:
        return str(choice)
    return {"type": "function", "function": {"name": choice}}
