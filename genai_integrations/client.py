"""`GenAIClient`: what a program holds. It wires the parts and has no logic of its own."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import uuid
import weakref
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextvars import ContextVar
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, TypeVar, overload

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.args import router_args as checked_args
from genai_integrations.calls.reply import ParsedReply, Reply
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    Connections,
    ConnectionStore,
)
from genai_integrations.connections.langfuse.sdk import LangfuseSdk
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.connections.stores import store_from_settings
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.models.profiles import ModelProfile, profile_of
from genai_integrations.prompts.langfuse_prompts import Fallback, LangfusePrompts
from genai_integrations.prompts.template import Prompt
from genai_integrations.routing.check import Check, check_request, checked
from genai_integrations.routing.names import Resolution
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.router import Router
from genai_integrations.routing.streams import AsyncReplyStream, ReplyStream
from genai_integrations.runtime import given
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.single_flight import SingleFlight
from genai_integrations.settings import configuration_file, read_settings
from genai_integrations.tracing.generations import Generations
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.protocol import Transport
from genai_integrations.wiring import (
    able,
    answers_of,
    connection_names,
    gate_of,
    has_limits,
    ledger_of,
    recorded,
    replayed,
    store_of,
)

if TYPE_CHECKING:
    from datetime import datetime

    from langfuse import Langfuse
    from openai import AsyncOpenAI, OpenAI

    from genai_integrations.jobs.items import BatchItem
    from genai_integrations.jobs.progress import Progress
    from genai_integrations.ledger.stats import Stats
    from genai_integrations.limits.rules import OnLimit, Period, StoreAway
    from genai_integrations.limits.spending import OnAlert
    from genai_integrations.prompts.following import Named
    from genai_integrations.routing.estimating import Estimate, Estimator
    from genai_integrations.routing.outages import Failure, Outage
    from genai_integrations.routing.variants.track import Track
    from genai_integrations.transports.tape import Replay

T = TypeVar("T")

Messages = Sequence[Mapping[str, Any]]
"""Messages in OpenAI's shape."""


_P = ParamSpec("_P")


def _says_where(init: Callable[_P, None]) -> Callable[_P, None]:
    """Have a constructor say where an argument belongs that it does not take, instead of Python's `TypeError`."""
    code = init.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(init)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> None:
        for name in kwargs:
            if name not in known:
                from genai_integrations.calls.misplaced import misplaced

                raise misplaced(name, known)
        try:
            init(*args, **kwargs)
        except GenAIError as error:
            # Without the frames of the checks, which tell nobody but us anything.
            raise error.with_traceback(None) from error.__cause__

    return checked


class GenAIClient:
    """Names a model, gets an answer.

    Nothing is read or sent before the first call. Safe for threads, for several event loops and after fork.

    Args:
        public_key: Langfuse public key; default `LANGFUSE_PUBLIC_KEY`.
        secret_key: Langfuse secret key; default `LANGFUSE_SECRET_KEY`.
        host: Langfuse address; default `LANGFUSE_HOST`, then `LANGFUSE_BASE_URL`, then Langfuse Cloud.
        llm_connection_names: The connections to use, in the order to prefer; default all, the oldest first.
        router_args: How to route, in LiteLLM Router's names: see `RouterArgs`, which may be given itself.
        connections: Where connections come from instead of Langfuse: a `ConnectionStore`, or connections.
        allowed_hosts: Hosts that a key may go to though it was first used for another.
        tracing: Whether calls are recorded in Langfuse; default yes if there is a key pair, unless
            `LANGFUSE_TRACING_ENABLED` is `false`.
        mask: What may be recorded of input, output and metadata: called as `mask(data=...)`, gives that.
        sample_rate: Share of traces to record, 0.0 to 1.0; default `LANGFUSE_SAMPLE_RATE`, then all.
        trace_attempts: Record each attempt as a span below its generation; default only as metadata.
        observers: Told of every call and of its attempts, beside the tracing.
        transport: Performs the attempts instead of HTTP.
        record: A file to which every attempt is appended, so that it can be replayed.
        replay: Such a file, from which every attempt is answered, or a `Replay` of one: nobody is asked, and no key is
            needed.
        cache: Where answers are kept for those who ask the same again: `memory`, `sqlite:///answers.db` or
            `redis://host:6379/0`; default nowhere. Per call, `cache={"ttl": 60}` and more.
        ledger: A file in which every call is written down, for `stats()` and `genai report`: a path, or a mapping
            with `path`, `texts` (questions and answers too) and `most_calls`.
        limits: By the name of a target, connection, model, user, team, key or `*`: `rpm`, `tpm`, `max_parallel`.
        budgets: By the same names: `usd`, `per` (`day`, `month`, `run`) and `alerts`, shares of it to be told of.
        on_limit: Where every target is at a limit, `wait` until the deadline, or `fail` at once.
        on_alert: Called with an `Alert` when such a share of a budget is used up.
        limits_away: While the Redis server that shares limits is away: go on with what this process knows (`local`),
            or `fail`.
        semantic_cache: Give a kept answer to a question that says the same in other words, too: True, or a dict
            with `embedder`, `threshold`, `verifier`, `detector`, `max_entries`, `ttl`, `always`.

    Attributes:
        host: Address of Langfuse.
        public_key: Of the key pair; None without one.
        is_traced: Whether calls are recorded in Langfuse.

    Raises:
        ConfigurationError: Something given cannot work.
    """

    @_says_where
    def __init__(
        self,
        public_key: str | None = None,
        secret_key: str | None = None,
        host: str | None = None,
        *,
        llm_connection_names: Sequence[str] | None = None,
        router_args: Mapping[str, Any] | RouterArgs | None = None,
        connections: ConnectionStore | Iterable[Connection] | None = None,
        allowed_hosts: Iterable[str] = (),
        tracing: bool | None = None,
        mask: Callable[..., Any] | None = None,
        sample_rate: float | None = None,
        trace_attempts: bool = False,
        observers: Iterable[Observer] = (),
        transport: Transport | None = None,
        ledger: str | PathLike[str] | Mapping[str, Any] | None = None,
        limits: Mapping[str, Mapping[str, int]] | None = None,
        budgets: Mapping[str, Mapping[str, Any]] | None = None,
        on_limit: OnLimit = "wait",
        on_alert: OnAlert | None = None,
        limits_away: StoreAway = "local",
        cache: str | None = None,
        record: str | PathLike[str] | None = None,
        replay: str | PathLike[str] | Replay | None = None,
        semantic_cache: bool | Mapping[str, Any] | None = None,
    ) -> None:
        public_key = given.text_or_none("public_key", public_key, "pk-lf-...")
        secret_key = given.text_or_none("secret_key", secret_key, "sk-lf-...")
        host = given.text_or_none("host", host, "https://cloud.langfuse.com")
        # Masked, because a traceback may show the locals of every frame it passes.
        secret_key = MaskedText(secret_key) if secret_key else None
        settings = read_settings(
            public_key=public_key, secret_key=secret_key, host=host, tracing=tracing
        )
        self.host, self.public_key = settings.host, settings.public_key
        tape = replayed(replay, record, transport)
        if tape is not None:
            transport, connections = tape, connections or tape.connections
        store = store_of(connections) or store_from_settings(settings)
        registry = ConnectionRegistry(store, connection_names(llm_connection_names))
        self._langfuse = LangfuseSdk(settings, mask=mask, sample_rate=sample_rate)
        traced = settings.tracing and settings.public_key and settings.secret_key
        self._generations = Generations(self._langfuse, attempts=trace_attempts) if traced else None
        args = checked_args(router_args)
        answers = answers_of(cache, semantic_cache, args, settings, store)
        self.is_traced = self._generations is not None
        self._ledger = ledger_of(ledger)
        told = able("observers", observers, "call_began")
        beside = [row for row in (self._ledger, self._generations) if row is not None]
        watching = (*told, *beside)
        hosts = given.texts("allowed_hosts", allowed_hosts, "llm.example")
        if transport is not None:
            able("transport", (transport,), "send")
        self._pins = OriginPins(hosts)
        spoken = recorded(transport or Transports(self._pins), record)
        project = getattr(store, "project_id", None) or self.public_key
        self._new_gate = partial(
            gate_of,
            args,
            on_limit=on_limit,
            on_alert=on_alert,
            limits_away=limits_away,
            space=project,
        )
        gate = self._new_gate(limits, budgets) if has_limits(args, limits, budgets) else None
        self._router = Router(
            registry,
            args,
            spoken,
            watching,
            answers,
            project=project or "",
            langfuse=settings if traced else None,
            gate=gate,
        )
        if settings.outages:
            self._router.begin_outages(settings.outages)
        self._prompts = LangfusePrompts(self._langfuse)
        self._token = uuid.uuid4().hex
        _live[self._token] = self

    @classmethod
    def from_config(cls, path: str | PathLike[str], **arguments: Any) -> Self:
        """A client as a file says: `genai.yaml`, or the file of LiteLLM's proxy.

        Args:
            path: The file; docs/configuration.md has what may be in it.
            arguments: Of the client, in place of the file's.

        Raises:
            ConfigurationError: Something in it cannot work: `file:line:column` and what.
        """
        from genai_integrations.config.reading import read_config

        read = read_config(Path(path))
        try:
            return cls(**{**read.arguments, **arguments})
        except ConfigurationError as error:
            raise read.located(error) from None

    def __repr__(self) -> str:
        return f"GenAIClient(public_key={self.public_key!r}, host={self.host!r})"

    @overload
    def completion(
        self,
        model: str,
        messages: Messages,
        stream: Literal[False] = False,
        *,
        response_format: type[T],
        **params: Any,
    ) -> ParsedReply[T]: ...
    @overload
    def completion(
        self, model: str, messages: Messages, stream: Literal[False] = False, **params: Any
    ) -> Reply: ...
    @overload
    def completion(
        self, model: str, messages: Messages, stream: Literal[True], **params: Any
    ) -> ReplyStream: ...
    @overload
    def completion(
        self, model: str, messages: Messages, stream: bool, **params: Any
    ) -> Reply | ReplyStream: ...
    def completion(
        self, model: str, messages: Messages, stream: bool = False, **params: Any
    ) -> Reply | ReplyStream:
        """Ask a model.

        Args:
            model: A name: `gpt-4o-mini`, `azure/gpt-4o-mini`, `seoul/gpt-4o`, or an alias.
            messages: In OpenAI's shape.
            stream: Return chunks as they come; the last one carries the usage.
            params: OpenAI's parameters, and per call `timeout`, `stream_timeout`, `stall_timeout`, `deadline`,
                `stream_recovery`, `num_retries`, `fallback_on`, `drop_params`, `cache`, `max_cost`. A Pydantic model,
                dataclass or TypedDict as `response_format` is asked for in whichever way the target can, and the
                answer is an instance of it: `reply.parsed`. A stream brings its usage unless `stream_options=None`. On whose
                behalf: `user`, which goes to providers that take it, and `metadata`, a dict for routing and the
                record, which never leaves. How the call is recorded: `langfuse_prompt` (a prompt, or its name and version;
                with `variables`, and a `label` if it is another, the prompt's messages come before `messages`),
                `langfuse_user_id`, `langfuse_session_id`, `langfuse_tags`, `langfuse_trace_name`,
                `langfuse_metadata`, and `langfuse_observation`, an open one to write on instead of a new one.

        Raises:
            ConfigurationError: The request cannot work, or no connection serves the model.
            CredentialError: No key can be read.
            CallError: Providers were called and failed; `.route` has every attempt.
        """
        if "langfuse_prompt" in params and (named := _named(params)):
            messages, params = named.begin(
                self._prompts, named.get(self._prompts), messages, params
            )
        request = chat_request(model, messages, params, self._router.args, stream=stream)
        return self._router.run(request)

    @overload
    async def acompletion(
        self,
        model: str,
        messages: Messages,
        stream: Literal[False] = False,
        *,
        response_format: type[T],
        **params: Any,
    ) -> ParsedReply[T]: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, stream: Literal[False] = False, **params: Any
    ) -> Reply: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, stream: Literal[True], **params: Any
    ) -> AsyncReplyStream: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, stream: bool, **params: Any
    ) -> Reply | AsyncReplyStream: ...
    async def acompletion(
        self, model: str, messages: Messages, stream: bool = False, **params: Any
    ) -> Reply | AsyncReplyStream:
        """As `completion`, without blocking the event loop."""
        if "langfuse_prompt" in params and (named := _named(params)):
            found = await named.aget(self._prompts)
            messages, params = named.begin(self._prompts, found, messages, params)
        request = chat_request(model, messages, params, self._router.args, stream=stream)
        return await self._router.arun(request)

    def embedding(self, model: str, input: str | Sequence[Any], **params: Any) -> Reply:  # noqa: A002  OpenAI's name
        """Embed texts: `reply.data[i].embedding` belongs to `input[i]`. Raises as `completion` does."""
        request = embedding_request(model, input, params, self._router.args)
        return self._router.run(request)  # type: ignore[return-value]  # it asks for no stream

    async def aembedding(self, model: str, input: str | Sequence[Any], **params: Any) -> Reply:  # noqa: A002  OpenAI's name
        """As `embedding`, without blocking the event loop."""
        request = embedding_request(model, input, params, self._router.args)
        return await self._router.arun(request)  # type: ignore[return-value]  # as in `embedding`

    def estimate(
        self,
        model: str,
        messages: Messages | None = None,
        *,
        input: str | Sequence[Any] | None = None,  # noqa: A002  OpenAI's name
        exact: bool = False,
        batch: bool = False,
        **params: Any,
    ) -> Estimate:
        """What a call would cost, without making it: `low`, `expected` and `worst` in US dollars, None where unknown.

        Args:
            model: As for `completion`.
            messages: As for `completion`.
            input: Texts to embed, in place of messages.
            exact: Ask the providers for their own counts of the prompt, where they have one (OpenAI, Anthropic,
                Gemini, Bedrock). Else tokens are counted here, and nothing is sent.
            batch: At the prices of the providers' batches.
            params: As for `completion`.

        Raises:
            ConfigurationError: The request cannot work, or no connection serves the model.
            CallError: A provider that was asked for its count does not say.
        """
        return self._estimator(model, messages, input, params, exact=exact, batch=batch).run()

    async def aestimate(
        self,
        model: str,
        messages: Messages | None = None,
        *,
        input: str | Sequence[Any] | None = None,  # noqa: A002  OpenAI's name
        exact: bool = False,
        batch: bool = False,
        **params: Any,
    ) -> Estimate:
        """As `estimate`, without blocking the event loop."""
        asked = self._estimator(model, messages, input, params, exact=exact, batch=batch)
        return await asked.arun()

    def _estimator(
        self,
        model: str,
        messages: Messages | None,
        texts: str | Sequence[Any] | None,
        params: Mapping[str, Any],
        *,
        exact: bool,
        batch: bool,
    ) -> Estimator:
        from genai_integrations.routing.estimating import require_messages

        require_messages(messages, texts)
        args = self._router.args
        if messages is not None:
            request = chat_request(model, messages, params, args, stream=False)
        else:
            request = embedding_request(model, texts or "", params, args)
        counter = None
        if exact:
            from genai_integrations.transports.counting import Counter

            counter = Counter(self._pins)
        return self._router.estimator(request, counter, batch=batch)

    def batch(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        on_progress: Callable[[Progress], object] | None = None,
        journal: str | PathLike[str] | None = None,
        max_usd: float | None = None,
        deadline: str | float | None = None,
    ) -> Iterator[BatchItem]:
        """Make many calls, several at a time, and give the result of each.

        A request is taken when there is room for it, and an item is given when it is asked for, so that a generator
        of millions needs the memory of a few. A request that fails is an item with its `error`, and the others go on.
        Leaving the loop, or an interrupt, ends the calls under way.

        Args:
            requests: `{"model", "messages", **params}` as of `completion`, or `{"model", "input", **params}` as of
                `embedding`.
            max_concurrency: Calls at a time.
            ordered: Whether items come in the order of the requests, or as soon as they are there.
            on_progress: Called with a `Progress` after each item.
            journal: A file that keeps each answer before it is given. The same requests with the same file go on where
                an earlier run ended, however it ended: what it has is not asked again, what failed is.
            max_usd: US dollars, including what the journal has already cost. When what is left might cost more, it
                is not sent: its items have a `BudgetExceededError`.
            deadline: How long it may take, such as `"24h"`, or seconds: then requests go into the batches that
                providers have at half price (OpenAI, Azure, Mistral, Anthropic, Gemini, Bedrock), and what those have not
                answered near the deadline is sent live. Without, all are sent live.

        Raises:
            ConfigurationError: Something given cannot work, or the journal is another batch's, or in use.
        """
        from genai_integrations.jobs import start

        options = start.options_of(
            self,
            requests,
            max_concurrency=max_concurrency,
            ordered=ordered,
            on_progress=on_progress,
            journal=journal,
            max_usd=max_usd,
            deadline=deadline,
        )
        return start.batch(self, requests, options, self._router)

    def abatch(
        self,
        requests: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        on_progress: Callable[[Progress], object] | None = None,
        journal: str | PathLike[str] | None = None,
        max_usd: float | None = None,
        deadline: str | float | None = None,
    ) -> AsyncIterator[BatchItem]:
        """As `batch`, for `async for`, in the running event loop; the requests may come asynchronously."""
        from genai_integrations.jobs import start

        options = start.options_of(
            self,
            requests,
            max_concurrency=max_concurrency,
            ordered=ordered,
            on_progress=on_progress,
            journal=journal,
            max_usd=max_usd,
            deadline=deadline,
        )
        return start.abatch(self, requests, options, self._router)

    def prompt(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
    ) -> Prompt:
        """A Langfuse prompt, parsed: its raw `text` or `messages`, `variables` and `config`.

        It is kept for a minute, then renewed in the background; a pinned version is fetched once. While Langfuse
        is away, what was fetched last stays in use.

        Args:
            name: Its name, with folders.
            version: This version.
            label: The version that has this label; default `production`.
            fallback: What to use where Langfuse has none to give: a text, or a list of messages.

        Raises:
            PromptNotFoundError: Langfuse has no such prompt, version or label.
            PromptError: Langfuse cannot be asked.
        """
        found = self._prompts.get(name, version=version, label=label, fallback=fallback)
        return dataclasses.replace(found, config=copy.deepcopy(found.config))

    async def aprompt(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
    ) -> Prompt:
        """As `prompt`, without blocking the event loop."""
        found = await self._prompts.aget(name, version=version, label=label, fallback=fallback)
        return dataclasses.replace(found, config=copy.deepcopy(found.config))

    def get_prompt(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
        allow_extra: bool = False,
    ) -> str | list[dict[str, Any]]:
        """A Langfuse prompt with its variables filled in.

        Args:
            name: Its name, with folders.
            variables: A value for each variable, and a list of messages for each placeholder.
            version: As for `prompt`.
            label: As for `prompt`.
            fallback: As for `prompt`.
            allow_extra: Whether values that belong to no variable are ignored.

        Returns:
            A text for a text prompt, a list of messages for a chat prompt.

        Raises:
            PromptVariableError: A variable is missing, or the prompt does not have it.
            PromptError: As `prompt` does.
        """
        found = self._prompts.get(name, version=version, label=label, fallback=fallback)
        return found.render(variables, allow_extra=allow_extra)

    async def aget_prompt(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
        allow_extra: bool = False,
    ) -> str | list[dict[str, Any]]:
        """As `get_prompt`, without blocking the event loop."""
        found = await self._prompts.aget(name, version=version, label=label, fallback=fallback)
        return found.render(variables, allow_extra=allow_extra)

    def resolve(self, model: str) -> Resolution:
        """Explain, without calling anyone, which targets a name means, in which order, and why."""
        return self._router.resolve(given.text("model", model, "gpt-4o-mini"))

    def profile(self, model: str) -> ModelProfile:
        """Limits and capabilities that hold for every target of a name, its fallbacks included."""
        targets = self.resolve(model).targets
        return profile_of((target.connection.provider.name, target.model) for target in targets)

    def models(self) -> list[str]:
        """Names to ask for: groups of `model_list`, aliases, and each model that a connection lists, as `connection/model`.

        A gateway is asked for its names, which are as they are there.

        Raises:
            CredentialError: A gateway cannot be asked, or refuses the key.
        """
        names = self._router.plans().names.offered()
        for row in self._router.registry.load().connections:
            if row.provider.gateway and not row.custom_models:
                from genai_integrations.connections.gateway_models import gateway_models

                names += gateway_models(row)
        return names

    @property
    def connections(self) -> tuple[Connection | BrokenConnection, ...]:
        """The connections, those that cannot be used among them."""
        snapshot = self._router.registry.load()
        return Connections((*snapshot.connections, *snapshot.broken))

    def observe(self, observer: Observer) -> None:
        """Tell one more observer of every call that begins from here on; see `observers`."""
        self._router.observe(*able("observers", (observer,), "call_began"))

    @property
    def router_args(self) -> RouterArgs:
        """The routing of calls that set nothing themselves."""
        return self._router.args

    def cooldowns(self) -> dict[str, float]:
        """The targets that are left alone now because they failed, and for how many seconds more."""
        return self._router.cooldowns()

    def warm_up(self, *models: str) -> None:
        """Load and read in advance what calls to these names need, so that the first need not wait; nothing is sent.

        That is libraries, connections and their keys, access tokens, the recording of traces. A measurement or a server
        does it before it begins. What fails is not raised here: the call says it.

        Args:
            models: Names as for `completion`; their fallbacks are warmed up, too.
        """
        self._router.warm_up([given.text("model", model, "gpt-4o-mini") for model in models])

    async def awarm_up(self, *models: str) -> None:
        """As `warm_up`, for calls from an event loop, which is not blocked."""
        await self._router.awarm_up([given.text("model", model, "gpt-4o-mini") for model in models])

    def check(self, name: str) -> Check:
        """Make the test call that Langfuse's own UI makes for a connection, and say how it went."""
        name = given.text("a connection's name", name, "seoul")
        return checked(self._router, name, check_request(self._router, name))

    def outage(
        self,
        name: str,
        *,
        status: int | None = None,
        error: Failure | None = None,
        retry_after: float | None = None,
    ) -> Outage:
        """Rehearse an outage: `with client.outage("seoul", status=429):`, or `async with`.

        No request goes to what is out; each fails as a real one would, and is `rehearsed` in its route. It holds for
        all threads and tasks of this client, and ends with the block.

        Args:
            name: A connection, `connection/model`, a provider, or a model's name as for `completion`.
            status: HTTP status from 400 to 599; default 503.
            error: Instead of a status: `timeout`, `refused`, `broken`, `empty` or `html`.
            retry_after: Seconds that the provider asks to wait, with a status.

        Raises:
            ConfigurationError: Something given cannot be, or the name means nothing here.
        """
        return self._router.outage(name, status=status, error=error, retry_after=retry_after)

    def stats(
        self,
        by: str = "model",
        *,
        since: datetime | float | None = None,
        until: datetime | float | None = None,
    ) -> Stats:
        """What the ledger says of calls, summed up; the call that has just returned is among them.

        Args:
            by: What calls are told apart by: `model` (as asked), `target`, `connection`, `provider`, `prompt`, `user`,
                `session`, `variant`, `outcome`, `hour` or `day` (in UTC).
            since: Only calls that began at this moment or later.
            until: Only calls that began before this moment.

        Raises:
            ConfigurationError: The client has no ledger, calls cannot be grouped by that, or a moment is not one.
        """
        from genai_integrations.ledger.stats import moment, stats_of

        if self._ledger is None:
            raise ConfigurationError(
                'the client has no ledger: GenAIClient(ledger="calls.db") records calls'
            )
        begins, ends = moment("since", since), moment("until", until)
        with self._ledger.book.reading() as connection:
            return stats_of(connection, by, since=begins, until=ends)

    def set_budget(self, name: str, usd: float | None, per: Period = "day") -> None:
        """Add a budget to those that the client was made with, replace one, or take one away.

        Args:
            name: Whose; see `budgets` of the client.
            usd: US dollars; None takes the budget away. What was spent of the name counts on.
            per: `day` or `month` in UTC, or `run`, the life of the client.

        Raises:
            ConfigurationError: Something given cannot work.
        """
        from genai_integrations.limits.rules import budgets_of

        budget = None if usd is None else budgets_of({name: {"usd": usd, "per": per}})[name]
        self._router.gate(lambda: self._new_gate(None, None)).set_budget(name, budget)

    def litellm_model_list(self) -> list[dict[str, Any]]:
        """The connections as LiteLLM's `model_list`. The keys in it are plain text, on purpose."""
        from genai_integrations.connections.litellm_export import litellm_model_list

        return litellm_model_list(self._router.registry.load().connections)

    def litellm_router(self, **options: Any) -> Any:
        """A `litellm.Router` over the same connections, for those who want LiteLLM's own; it holds plain keys.

        Args:
            options: The Router's own, beside `model_list`.
        """
        from genai_integrations.transports.litellm.loading import litellm_module

        return litellm_module().Router(model_list=self.litellm_model_list(), **options)

    def as_openai(self) -> OpenAI:
        """A real `openai.OpenAI` whose requests this client answers in the process: for code and libraries that take one.

        It has `chat.completions` and `responses` (streams, tools, `parse`, `with_raw_response`), `embeddings` and
        `models`; no response is kept for a later call. A model is named as for `completion`, and per-call arguments of
        ours go into `extra_body`. The route is in the headers `x-genai-target`, `x-genai-cost` and `x-genai-cache`. The
        SDK repeats nothing and has no time-out of its own: both are the router's; a `timeout` of a call is its
        `deadline`, of a stream its `timeout`.

        Raises:
            ConfigurationError: The package `openai` is not installed.
        """
        from genai_integrations.openai_sdk.clients import openai_client

        return openai_client(self)

    def as_async_openai(self) -> AsyncOpenAI:
        """As `as_openai`: an `openai.AsyncOpenAI`, for any event loop."""
        from genai_integrations.openai_sdk.clients import async_openai_client

        return async_openai_client(self)

    def rollout(self, name: str) -> Track:
        """How far a rollout of `router_args["rollouts"]` is.

        It has the `state`, the `share` of `new`, the `audit` record, and what is known of `old` and `new`. It takes
        scores by `score(reply, value)`, and decisions by hand: `promote()` and `roll_back()`.

        Raises:
            ConfigurationError: There is none of this name.
        """
        return self._router.rollout(given.text("rollout", name, "smart"))

    def rollouts(self) -> tuple[Track, ...]:
        """Every rollout of `router_args["rollouts"]`; see `rollout`."""
        return self._router.rollouts()

    def refresh(self) -> None:
        """Read the connections again, now; the next call of each prompt waits for what Langfuse has then."""
        self._prompts.expire()
        self._router.refresh()

    @property
    def langfuse(self) -> Langfuse:
        """The Langfuse SDK's own client for the same project: for scores, datasets, spans around several calls.

        Raises:
            ConfigurationError: The key pair is missing, or this process uses it with another host.
        """
        return self._langfuse.get()

    def clear_cache(self) -> None:
        """Forget every kept answer of this project; those of others on the same server or in the same file stay."""
        if self._router.answers is not None:
            self._router.registry.load()  # which tells the project
            self._router.answers.clear()

    async def aclear_cache(self) -> None:
        """As `clear_cache`, without blocking the event loop."""
        if self._router.answers is not None:
            await self._router.registry.aload()
            await self._router.answers.aclear()

    def flush(self) -> None:
        """Send what is recorded and not sent yet, and wait for it. At the program's end it happens by itself."""
        if self._generations is not None:
            self._generations.flush()
        if self._langfuse.made:
            self._langfuse.made.flush()
        if self._ledger is not None:
            self._ledger.book.flush()
        self._router.exchange()

    def close(self) -> None:
        """Forget every opened key. Calls under way go on, and a later call opens the keys again.

        Connections hold no key and are shared by all clients of a process; unused ones close by themselves.
        """
        self._router.close()

    async def aclose(self) -> None:
        """As `close`."""
        await self._router.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy of whatever holds a client keeps the client."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle carries the public key and the host, never a secret, and finds the client by them."""
        if self.public_key is None and self in _default:
            return default_client, ()
        return _find, (self._token, self.public_key, self.host)


_live: weakref.WeakValueDictionary[str, GenAIClient] = weakref.WeakValueDictionary()
_current: ContextVar[GenAIClient | None] = ContextVar("genai_integrations_client", default=None)
_default: list[GenAIClient] = []
_making: SingleFlight[GenAIClient] = SingleFlight("genai-client")


def default_client() -> GenAIClient:
    """The client of the surrounding `use_client`, else one made from the environment, once.

    Where `GENAI_CONFIG` names a configuration, it is made from that.
    """
    return _current.get() or _made() or _making.do(_make_default, known=_made)


def _made() -> GenAIClient | None:
    return _default[0] if _default else None


def checked_client(client: object) -> GenAIClient | None:
    """What an adapter was given to ask; None means the default client.

    Raises:
        ConfigurationError: It is something else.
    """
    if client is None or isinstance(client, GenAIClient):
        return client
    raise given.wrong("client", client, "a GenAIClient")


def _make_default() -> GenAIClient:
    path = configuration_file()
    _default.append(GenAIClient.from_config(path) if path else GenAIClient())
    return _default[0]


@contextlib.contextmanager
def use_client(client: GenAIClient) -> Generator[GenAIClient]:
    """Make a client the default one, in this thread or task, for a `with` block."""
    token = _current.set(client)
    try:
        yield client
    finally:
        _current.reset(token)


def _find(token: str, public_key: str | None, host: str) -> GenAIClient:
    """The very client in the process that pickled it; in another one, a client of the same tenant."""
    client = _live.get(token)
    if client is not None:
        return client
    if public_key is None:
        raise ConfigurationError(
            "this object belongs to a client without a Langfuse key pair, of another process, and cannot find it "
            "here: make the client in this process, give it a key pair, or leave it out for the default client"
        )
    same = [row for row in list(_live.values()) if (row.public_key, row.host) == (public_key, host)]
    client = same[-1] if same else default_client()
    if (client.public_key, client.host) != (public_key, host):
        raise ConfigurationError(
            f"this object belongs to a client of {public_key} at {host}, and this process has none: "
            "make that GenAIClient before unpickling"
        )
    return client


def _named(params: Mapping[str, Any]) -> Named | None:
    """The prompt that a call names with its variables; loaded by those who do."""
    from genai_integrations.prompts.following import Named

    return Named.in_call(params)
