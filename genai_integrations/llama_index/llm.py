"""`GenAI`: a LlamaIndex LLM over the router. It only converts."""

from __future__ import annotations

import contextlib
import copy
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

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
)
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection

from genai_integrations.client import GenAIClient, checked_client, default_client
from genai_integrations.live_prompt import LivePrompt, LiveSettings
from genai_integrations.llama_index.copies import checked_fields, picklable, rebuilt
from genai_integrations.llama_index.messages import ato_wire, to_wire
from genai_integrations.llama_index.metadata import capable, metadata_of
from genai_integrations.llama_index.params import NAMES, merged, surrounding
from genai_integrations.llama_index.prompts.linking import LinkedText, PromptedLLM
from genai_integrations.llama_index.prompts.messages import marked, marked_with
from genai_integrations.llama_index.replies import Growing, chat_response, completion_response
from genai_integrations.llama_index.tools import only_first_call, selections, tool_params
from genai_integrations.models.profiles import ModelProfile
from genai_integrations.prompts.langfuse_prompts import Fallback
from genai_integrations.prompts.model_settings import DEFAULT_SETTINGS
from genai_integrations.tracing.owners import records_calls_of, surrounding_span, watch_spans

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


class GenAI(PromptedLLM):
    """An LLM by name.

    Args:
        model: A name as `GenAIClient.completion` takes it; default `gpt-4o-mini`.
        client: The client to ask; default the one of `use_client`, else one made from the environment.
        fields: The fields below, those of LlamaIndex's `LLM`, and `metadata` for every call.

    Raises:
        ConfigurationError: A field does not exist, or would redirect a key.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, protected_namespaces=())

    model: str = Field(default="gpt-4o-mini", description="As GenAIClient.completion takes it.")
    temperature: float | None = Field(default=None, description="None: the provider's default.")
    max_tokens: int | None = Field(default=None, description="None: the provider's default.", gt=0)
    timeout: float | None = Field(default=None, description="Seconds for one attempt.")
    max_retries: int | None = Field(default=None, description="num_retries of the router.")
    user: str | None = Field(default=None, description="On whose behalf, for routing too.")
    additional_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Further parameters of OpenAI's API."
    )
    context_window: int | None = Field(
        default=None, description="Tokens that fit. None: the smallest of all targets.", gt=0
    )
    num_output: int | None = Field(
        default=None,
        description="Tokens to leave for the answer. None: max_tokens, else 256.",
        gt=0,
    )
    is_chat_model: bool = Field(default=True, description="Whether LlamaIndex sends messages.")
    is_function_calling_model: bool | None = Field(
        default=None, description="None: whether every target calls functions."
    )
    model_name: str | None = Field(default=None, description="The name to show. None: model.")
    system_role: MessageRole = Field(
        default=MessageRole.SYSTEM, description="The role of a system prompt."
    )

    _client: GenAIClient | None = PrivateAttr(default=None)
    _settings: LiveSettings | None = PrivateAttr(default=None)
    _planned: dict[Any, LLMMetadata] = PrivateAttr(default_factory=dict)
    _profiles: dict[Any, ModelProfile] = PrivateAttr(default_factory=dict)

    def __init__(
        self, model: str = "gpt-4o-mini", *, client: GenAIClient | None = None, **fields: Any
    ) -> None:
        if "metadata" in fields:
            # LlamaIndex has a property of this name, so it cannot be a field.
            told = {"metadata": fields.pop("metadata")}
            fields["additional_kwargs"] = merged(fields.get("additional_kwargs") or {}, told)
        super().__init__(**{"model": model, **checked_fields(type(self), fields)})
        self._client = checked_client(client)
        records_calls_of(type(self).__name__)

    @classmethod
    def from_prompt(
        cls,
        name: str,
        *,
        label: str | None = None,
        version: int | None = None,
        client: GenAIClient | None = None,
        fallback: Fallback | None = None,
        allow: Iterable[str] = DEFAULT_SETTINGS,
        **fields: Any,
    ) -> Self:
        """An LLM that is set by the config of a Langfuse prompt, looked up at every call.

        A config that cannot work, because a value is wrong or no connection serves its model, leaves the settings as they
        were, with a warning.

        Args:
            name: As for `langfuse_prompt`.
            label: As for `langfuse_prompt`.
            version: As for `langfuse_prompt`.
            client: The client to ask, for the prompt and for answers.
            fallback: As for `langfuse_prompt`.
            allow: The keys of the config that count: see `Prompt.model_settings`.
            fields: For what the config does not say.

        Raises:
            PromptError: The prompt cannot be fetched.
            ConfigurationError: A field or a key does not exist, or the config cannot work.
        """
        settings = LiveSettings(LivePrompt(name, label, version, client, fallback), tuple(allow))
        settings.get()
        llm = cls(client=client, **fields)
        llm._settings = settings
        return llm

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises it."""
        return "genai_integrations_llm"

    @property
    def client(self) -> GenAIClient:
        """The client this LLM asks."""
        return self._client or default_client()

    def with_(self, **fields: Any) -> Self:
        """A copy with other fields and the same client: `llm.with_(temperature=0)`. Raises as the constructor."""
        made = type(self)(**{"client": self._client, **dict(self), **fields})
        made._settings = self._settings  # noqa: SLF001  its own kind
        return made

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex plans with, for every target that may answer."""
        watch_spans()  # OpenInference asks for it in each span that it starts
        key = self._plan_key()
        known = self._planned.get(key)
        if known is None:
            model, params = self._params({})
            limit = params.get("max_completion_tokens") or params.get("max_tokens")
            known = self._planned[key] = metadata_of(self, model, limit)
        return known

    def profile(self, model: str) -> ModelProfile:
        """The client's profile of a name, asked for once."""
        key = (weakref.ref(self.client), model)
        known = self._profiles.get(key)
        if known is None:
            known = self._profiles[key] = self.client.profile(model)
        return known

    def to_payload(self) -> dict[str, Any]:
        """What callbacks and traces may see: no parameter that could hold a secret, and nothing is looked up."""
        model, params = self._params({})
        known = self._planned.get(self._plan_key())
        return {
            "class_name": self.class_name(),
            **(known.model_dump() if known else {"model_name": self.model_name or model}),
            "model": model,
            "temperature": params.get("temperature"),
            "max_tokens": params.get("max_completion_tokens") or params.get("max_tokens"),
        }

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask."""
        return self._chat(messages, kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Ask with a text."""
        return completion_response(self._chat(self._asked(prompt, formatted), kwargs))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask, and get the answer as it grows."""
        return self._stream(messages, kwargs)

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Ask with a text, and get the answer as it grows."""
        responses = self._stream(self._asked(prompt, formatted), kwargs)

        def completions() -> CompletionResponseGen:
            with contextlib.closing(responses):
                for response in responses:
                    yield completion_response(response)

        return completions()

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """As `chat`, without blocking the event loop."""
        return await self._achat(messages, kwargs)

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """As `complete`, without blocking the event loop."""
        return completion_response(await self._achat(self._asked(prompt, formatted), kwargs))

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """As `stream_chat`, without blocking the event loop."""
        await self._asettle()
        return self._astream(messages, kwargs)

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """As `stream_complete`, without blocking the event loop."""
        await self._asettle()
        responses = self._astream(self._asked(prompt, formatted), kwargs)

        async def completions() -> CompletionResponseAsyncGen:
            async with contextlib.aclosing(responses):
                async for response in responses:
                    yield completion_response(response)

        return completions()

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tools that an answer calls.

        Raises:
            ValueError: It calls none, and that is an error.
        """
        calls = selections(response)
        if not calls and error_on_no_tool_call:
            raise ValueError(f"the model called no tool, but said: {response.message.content!r}")
        return calls

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
        choice = params.pop("tool_choice", None)
        parallel = None if allow_parallel_tool_calls else self._one_call_only(kwargs)
        offered = tool_params(tools, choice, required=tool_required, parallel=parallel)
        return {"messages": messages, **offered, **params}

    def _one_call_only(self, kwargs: dict[str, Any]) -> bool | None:
        """How to forbid parallel calls; models that have none refuse the parameter."""
        profile = self.profile(self._params(kwargs)[0])
        return False if capable(profile, "supports_parallel_function_calling") else None

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else only_first_call(response)

    def _forces_natively(self) -> bool:
        profile = self.profile(self._params({})[0])
        return profile.known and profile.capabilities.get("supports_response_schema", False)

    def _settle(self) -> None:
        """Look the prompt's settings up, if this LLM has any."""
        if self._settings:
            self._settings.get()

    async def _asettle(self) -> None:
        if self._settings:
            await self._settings.aget()

    def _chat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        self._settle()
        model, params = self._call(messages, kwargs)
        return chat_response(self.client.completion(model, to_wire(messages), **params))

    async def _achat(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        await self._asettle()
        model, params = self._call(messages, kwargs)
        wire = await ato_wire(messages)
        return chat_response(await self.client.acompletion(model, wire, **params))

    def _stream(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        self._settle()
        # All of it now and not in the generator, which may run in a thread without the block's parameters.
        model, params = self._call(messages, kwargs)
        client, wire = self.client, to_wire(messages)

        def responses() -> ChatResponseGen:
            with client.completion(model, wire, True, **params) as stream:
                growing = Growing(stream.route)
                for chunk in stream:
                    yield growing.add(chunk)

        return responses()

    def _astream(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponseAsyncGen:
        model, params = self._call(messages, kwargs)
        client = self.client

        async def responses() -> ChatResponseAsyncGen:
            wire = await ato_wire(messages)
            async with await client.acompletion(model, wire, True, **params) as stream:
                growing = Growing(stream.route)
                async for chunk in stream:
                    yield growing.add(chunk)

        return responses()

    def _asked(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        return _as_user(prompt)

    def _call(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """What `_params` says, the messages' prompt, and the span that LlamaIndex's instrumentation has open."""
        model, params = self._params(kwargs)
        params = {**marked_with(messages), **params}
        span = surrounding_span()
        return model, params if span is None else {"langfuse_observation": span, **params}

    def _params(self, kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The model's name and the client's parameters: the call's win over a block's, these over the LLM's."""
        own = {name: value for name in NAMES if (value := getattr(self, name)) is not None}
        live = self._settings.known if self._settings else {}
        params = merged(self.additional_kwargs, own, live, surrounding(), kwargs)
        return params.pop("model", None) or self.model, params

    def _plan_key(self) -> tuple[Any, ...]:
        """All that metadata depends on."""
        model, params = self._params({})
        limits = params.get("max_completion_tokens"), params.get("max_tokens")
        own = self.context_window, self.num_output, self.is_chat_model, self.system_role
        names = self.is_function_calling_model, self.model_name
        return weakref.ref(self.client), model, limits, own, names

    def __copy__(self) -> Self:
        return self.with_()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with the same client and callbacks, and parameters of its own."""
        return self.with_(additional_kwargs=copy.deepcopy(self.additional_kwargs))

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the fields and, of the client, what it is found by."""
        return _rebuilt, (self._settings, type(self), picklable(self), self._client)


def _as_user(prompt: str) -> list[ChatMessage]:
    message = ChatMessage(role=MessageRole.USER, content=prompt)
    return [marked(message, prompt.link if isinstance(prompt, LinkedText) else None)]


def _rebuilt(settings: LiveSettings | None, *args: Any) -> GenAI:
    llm: GenAI = rebuilt(*args)
    llm._settings = settings  # noqa: SLF001  this module's own class
    return llm
