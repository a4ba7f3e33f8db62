"""`ChatGenAI`: a LangChain chat model over the router. It only converts."""

from __future__ import annotations

import inspect
import sys
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.utils import AnyConfigurableField
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, PrivateAttr, model_validator
from typing_extensions import override

from genai_integrations.calls.request import check_params
from genai_integrations.client import GenAIClient, checked_client, default_client
from genai_integrations.errors import GenAIError
from genai_integrations.langchain.blocks import PROVIDER
from genai_integrations.langchain.callbacks import (
    RunManager,
    expect_stream,
    recorded,
    said,
    with_metadata,
)
from genai_integrations.langchain.errors import adopt, framework_errors
from genai_integrations.langchain.messages import to_wire
from genai_integrations.langchain.profiles import LazyProfile
from genai_integrations.langchain.replies import chat_result, combined, reader_of
from genai_integrations.langchain.structured import (
    Method,
    call_parser,
    check_method,
    parsed_from,
    text_parser,
    traced,
)
from genai_integrations.langchain.tools import (
    Choice,
    checked_schema,
    response_format,
    tool_name,
    wire_choice,
    wire_tools,
)
from genai_integrations.tracing.owners import expect_generation, watch_spans
from genai_integrations.version import VERSION

if TYPE_CHECKING:
    from langchain_core.runnables.configurable import RunnableConfigurableFields

_PARAMS = {
    **dict.fromkeys(
        ("temperature", "max_tokens", "top_p", "seed", "n", "logprobs", "top_logprobs")
    ),
    **dict.fromkeys(("frequency_penalty", "presence_penalty", "reasoning_effort", "timeout")),
    "user": None,
    "max_retries": "num_retries",
}
"""Fields of the model, and the client's name of each where it is another."""


_M = TypeVar("_M", bound=Callable[..., Any])


def _with_signature(method: _M) -> _M:
    """A method whose signature is ready: LangChain asks for it in every call, and `inspect` makes it anew each time."""
    method.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return method


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
    frequency_penalty: float | None = None
    """Against repeating what was said often; None leaves it to the provider."""
    presence_penalty: float | None = None
    """Against repeating what was said at all; None leaves it to the provider."""
    seed: int | None = None
    """For repeatable sampling, where the provider has it."""
    n: int | None = Field(default=None, gt=0)
    """How many answers `generate` gets; a model with several does not stream."""
    logprobs: bool | None = None
    """Whether the log probability of each token is told, in `response_metadata`."""
    top_logprobs: int | None = None
    """How many likely tokens are told for each place."""
    reasoning_effort: str | None = None
    """How much to think before answering, such as `low`."""
    stop: list[str] | None = None
    """Texts at which to stop."""
    user: str | None = None
    """On whose behalf, for providers that take it and for routing."""
    timeout: float | None = None
    """Seconds for one attempt; None leaves it to the client."""
    max_retries: int | None = None
    """`num_retries` of the router; None leaves it to the client."""
    streaming: bool | None = None
    """Whether `invoke` streams too; None leaves it to LangChain."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further parameters of OpenAI's API."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, protected_namespaces=())
    _client: GenAIClient | None = PrivateAttr(default=None)
    _made: bool = PrivateAttr(default=False)

    def __init__(
        self, model: str = "gpt-4o-mini", *, client: GenAIClient | None = None, **fields: Any
    ) -> None:
        if not fields.keys() <= type(self).model_fields.keys():
            from genai_integrations.langchain.fields import unknown_fields

            raise unknown_fields(type(self), fields)
        super().__init__(model=model, **fields)  # type: ignore[call-arg]  # pydantic's own signature
        watch_spans()
        self._client = checked_client(client)
        self._made = True

    @model_validator(mode="after")
    def _set_genai_integrations_version(self) -> Self:
        self._add_version("genai-integrations", VERSION)
        return self

    @property
    def client(self) -> GenAIClient:
        """The client this model asks."""
        return self._client or default_client()

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _identifying_params(self) -> dict[str, Any]:
        told = {"model": self.model, "tenant": self._tenant(), **self._own_params()}
        return {**told, "output_version": self.output_version} if self.output_version else told

    def _tenant(self) -> tuple[str | None, str] | str | None:
        """Whose keys answer. LangChain's cache keeps answers by it."""
        try:
            client = self.client
        except GenAIError:
            return None
        if client.public_key:
            return client.public_key, client.host
        return _names.get(client) or _names.setdefault(client, uuid.uuid4().hex)

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        # Here, because callbacks are shown what is returned, before the call is made.
        given = kwargs
        if "max_retries" in kwargs:
            # LangChain's name of it, as in `_request`.
            given = {name: value for name, value in kwargs.items() if name != "max_retries"}
        try:
            check_params(given)
        except GenAIError as error:
            raise adopt(error) from error.__cause__
        if "langfuse" in sys.modules:  # else its handler cannot be there
            expect_generation()
        # LangChain's own writes None over the model's `stop`, so its cache would mix two of them; and it
        # changes the process's warning filters, in every call.
        return {**self.asdict(), "stop": stop or self.stop or None, **kwargs}

    @override
    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop or self.stop or None, **kwargs)
        params["ls_provider"] = PROVIDER
        return params

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Choice | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind these tools to the model.

        Args:
            tools: In any form that LangChain takes.
            tool_choice: `auto`, `none`, `any` or `required`, a tool's name, or OpenAI's dict.
            strict: Have the provider hold the arguments to the schema.
            parallel_tool_calls: Whether one answer may call several.
            response_format: A schema that the answer follows when it is no call.
            kwargs: Bound to every call.

        Raises:
            ConfigurationError: A tool cannot be converted, or `tool_choice` names none of them.
        """
        with framework_errors:
            wire = wire_tools(tools, strict)
            choice = None if tool_choice is None else wire_choice(tool_choice, wire)
        own = {
            "tools": wire or None,
            "tool_choice": choice,
            "parallel_tool_calls": parallel_tool_calls if wire else None,
            "response_format": response_format,
        }
        return self.bind(**{name: own[name] for name in own if own[name] is not None}, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Make the model answer in a schema.

        Args:
            schema: A Pydantic class, a TypedDict, a JSON schema or OpenAI's function. A Pydantic class gives
                objects, the others dicts.
            method: `json_schema`; `function_calling`, a forced tool call; or `json_mode`, where the prompt
                has to tell the schema.
            include_raw: Give `raw`, `parsed` and `parsing_error` instead of raising where it does not parse.
            strict: Have the provider hold the answer to the schema; None does where the schema allows it.
            kwargs: Bound to every call.

        Raises:
            ConfigurationError: It is not a schema, or there is no such method.
        """
        with framework_errors:
            check_method(method, schema)
            told = {"ls_structured_output_format": traced(method, schema, strict), **kwargs}
            if method == "function_calling":
                schema = checked_schema(schema)
                (tool,) = wire_tools([schema], strict)
                told = {"parallel_tool_calls": False, **told}
                model = self.bind_tools(
                    [schema], tool_choice=tool_name(tool), strict=strict, **told
                )
                return parsed_from(model, call_parser(schema), include_raw=include_raw)
            if method == "json_mode":
                model = self.bind(response_format={"type": "json_object"}, **told)
            else:
                model = self.bind(response_format=response_format(schema, strict), **told)
            return parsed_from(model, text_parser(schema), include_raw=include_raw)

    @override
    def configurable_fields(
        self, **kwargs: AnyConfigurableField
    ) -> RunnableConfigurableFields[LanguageModelInput, AIMessage]:
        """As for every runnable; a model that is made for one call keeps the client."""
        from genai_integrations.langchain.configurable import ConfigurableModel

        made = super().configurable_fields(**kwargs)
        return ConfigurableModel(default=self, fields=made.fields)  # type: ignore[attr-defined]

    @override
    def invoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """As for every model; `metadata` may be given as the client takes it, beside the config's."""
        if "metadata" in kwargs:
            config = with_metadata(config, kwargs.pop("metadata"))
        return super().invoke(input, config, stop=stop, **kwargs)

    @override
    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """As `invoke`, without blocking the event loop."""
        if "metadata" in kwargs:
            config = with_metadata(config, kwargs.pop("metadata"))
        return await super().ainvoke(input, config, stop=stop, **kwargs)

    @override
    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """As for every model; LangChain does not tell `_stream` what the config says."""
        return super().stream(input, config, stop=stop, **said(config, self.metadata, kwargs))

    @override
    def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """As `stream`."""
        return super().astream(input, config, stop=stop, **said(config, self.metadata, kwargs))

    @override
    def get_token_ids(self, text: str) -> list[int]:
        """As OpenAI's models count, or nearly as others do; nothing is downloaded."""
        from genai_integrations.models.vocabularies import token_ids

        return token_ids(text, self.model)

    @override
    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """An estimate without any network: exact for OpenAI's models' texts, near for others."""
        from genai_integrations.models.tokens import request_tokens

        with framework_errors:
            body = {"messages": to_wire(messages), "tools": wire_tools(tools or (), None)}
            return request_tokens(body, self.model)

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        try:
            model, params = self._request(messages, stop, kwargs, run_manager)
            return chat_result(self.client.completion(model, to_wire(messages), **params))
        except GenAIError as error:
            raise adopt(error) from error.__cause__

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        try:
            model, params = self._request(messages, stop, kwargs, run_manager)
            return chat_result(await self.client.acompletion(model, to_wire(messages), **params))
        except GenAIError as error:
            raise adopt(error) from error.__cause__

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with framework_errors:
            model, params = self._request(messages, stop, kwargs, run_manager)
            with self.client.completion(model, to_wire(messages), True, **params) as stream:
                read = reader_of(stream)
                for chunk in stream:
                    generation = read.chunk(chunk.wire)
                    if generation is not None:
                        yield generation
                yield read.last(stream.route)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with framework_errors:
            model, params = self._request(messages, stop, kwargs, run_manager)
            opened = self.client.acompletion(model, to_wire(messages), True, **params)
            async with await opened as stream:
                read = reader_of(stream)
                async for chunk in stream:
                    generation = read.chunk(chunk.wire)
                    if generation is not None:
                        yield generation
                yield read.last(stream.route)

    @override
    def _should_stream(
        self, *, async_api: bool, run_manager: RunManager | None = None, **kwargs: Any
    ) -> bool:
        streams = super()._should_stream(async_api=async_api, run_manager=run_manager, **kwargs)
        if streams and run_manager is not None:
            expect_stream(run_manager)
        return streams

    @override
    def _streaming_disabled(self, **kwargs: Any) -> bool:
        # The chunks of several answers would be put together into one.
        return (kwargs.get("n") or self.n or 1) > 1 or super()._streaming_disabled(**kwargs)

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """One `llm_output` of several calls: the tokens of all, and the first one's model."""
        return combined(llm_outputs)

    def _own_params(self) -> dict[str, Any]:
        """The client's parameters, of the model's own fields."""
        params = dict(self.model_kwargs)
        for field, name in _PARAMS.items():
            if (value := getattr(self, field)) is not None:
                params[name or field] = value
        if self.stop:
            params["stop"] = self.stop
        return params

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        given: dict[str, Any],
        run_manager: RunManager | None,
    ) -> tuple[str, dict[str, Any]]:
        """The name and the client's parameters of one call: the call's win over the model's."""
        params = {**self._own_params(), **recorded(messages, run_manager), **given}
        if "max_completion_tokens" in given:
            # OpenAI's newer name of the same limit, and it refuses both together.
            params.pop("max_tokens", None)
        if stop:
            params["stop"] = stop
        if "max_retries" in params:
            params["num_retries"] = params.pop("max_retries")
        params.pop("stream", None)
        wanted = params.get("response_format")
        if wanted is not None and not isinstance(wanted, dict):
            params["response_format"] = response_format(wanted)
        return params.pop("model", None) or self.model, params


_names: weakref.WeakKeyDictionary[GenAIClient, str] = weakref.WeakKeyDictionary()
"""Clients that have no Langfuse tenant, each under a name of its own."""

ChatGenAI.profile = LazyProfile()  # type: ignore[assignment]  # instead of the field, see there
