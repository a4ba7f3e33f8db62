"""One request, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.args import (
    CALL_FALLBACKS,
    DISABLE_FALLBACKS,
    PER_CALL,
    ROUTER_ARGS,
    RouterArgs,
)
from genai_integrations.calls.foreign_words import FOREIGN, foreign_word
from genai_integrations.calls.headers import Headers, checked_headers
from genai_integrations.calls.reply import WireObject
from genai_integrations.calls.wire import Operation, Spoken, Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import given as from_program

if TYPE_CHECKING:
    from genai_integrations.calls.fallbacks import CallFallbacks
    from genai_integrations.calls.parsing import Parse

REDIRECTING = frozenset(
    (
        "api_base",
        "api_key",
        "api_type",
        "api_version",
        "aws_access_key_id",
        "aws_external_id",
        "aws_bedrock_runtime_endpoint",
        "aws_profile_name",
        "aws_region_name",
        "aws_role_name",
        "aws_secret_access_key",
        "aws_session_name",
        "aws_session_token",
        "aws_sts_endpoint",
        "aws_web_identity_token",
        "azure_ad_token",
        "azure_ad_token_provider",
        "azure_deployment",
        "azure_endpoint",
        "base_url",
        "client",
        "custom_llm_provider",
        "default_headers",
        "extra_query",
        "headers",
        "http_client",
        "model_list",
        "organization",
        "organization_id",
        "project_id",
        "vertex_ai_credentials",
        "vertex_ai_location",
        "vertex_ai_project",
        "vertex_credentials",
        "vertex_location",
        "vertex_project",
    )
)
"""Parameters that would send a stored key elsewhere, or another key: a call may not have them."""


TRACE_PARAMS = frozenset(
    (
        "langfuse_metadata",
        "langfuse_observation",
        "langfuse_prompt",
        "langfuse_session_id",
        "langfuse_tags",
        "langfuse_trace_name",
        "langfuse_user_id",
    )
)
"""Parameters that say how a call is recorded. They are named as Langfuse's own integrations name them."""


# Nobody changes one, and it is not frozen for all that: each call makes one, in a quarter of the time.
@dataclass(slots=True)
class Request:
    """What a caller wants.

    Attributes:
        operation: What is asked.
        model: The model's name, as the caller wrote it.
        body: The request in OpenAI's shape; `model` is filled in per attempt.
        args: How to route it.
        stream: Whether chunks are wanted.
        trace: What the call is recorded with: those of `TRACE_PARAMS` that were given.
        metadata: What the caller says of the call, for routing and its record; it is never sent to a provider.
        disable_fallbacks: Whether only the targets of the name itself may be asked. LiteLLM's name for it.
        headers: What is sent beside the body.
        own: Which of `PER_CALL` the call has set for itself.
        fallbacks: Where it may fall back to, by its own words; None where the client's hold.
        parse: Makes of a whole answer what `ParsedReply.parsed` gives; None where no class was asked for.
        spoken: The request in the caller's own words, where those are another API's: servers that speak the same are
            sent what stands there, and their answer is relayed. The gateway's.
    """

    operation: Operation
    model: str
    body: Wire
    args: RouterArgs
    stream: bool = False
    trace: Mapping[str, object] = field(default_factory=dict)
    disable_fallbacks: bool = False
    headers: Headers = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    fallbacks: CallFallbacks | None = None
    parse: Parse | None = None
    spoken: Spoken | None = None

    @property
    def user(self) -> object:
        """On whose behalf it is, as OpenAI's parameter `user` says; None if it does not."""
        return self.body.get("user")


def chat_request(
    model: str,
    messages: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    args: RouterArgs,
    *,
    stream: bool,
) -> Request:
    """A chat request.

    Raises:
        ConfigurationError: Something in it cannot work, whoever is asked.
    """
    try:
        messages = _checked_messages(messages)
    except RecursionError:
        raise ConfigurationError("the messages are nested too deeply") from None
    params, trace, metadata = _traced(params)
    spoken = _spoken(params["spoken"]) if "spoken" in params else None
    body, args, headers, own = _split(model, params, args)
    if "tools" in body:
        _check_tools(body["tools"])
    parse = None
    if isinstance(body.get("response_format"), type):
        from genai_integrations.calls.parsing import enforced

        body["response_format"], parse = enforced(body["response_format"])
    body["messages"] = messages
    if stream:
        body["stream"] = True
        # Usage arrives unless the caller says None: without this, OpenAI and most others leave it out of streams.
        if params.get("stream_options", body) is not None:
            like = '{"include_usage": True}'
            options = from_program.mapping("stream_options", body.get("stream_options") or {}, like)
            body["stream_options"] = {**options, "include_usage": True}
    return Request(
        "chat/completions", model, body, args, stream, trace, headers=headers, metadata=metadata, own=own,
        fallbacks=_fallbacks(params), parse=parse, spoken=spoken,
    )  # fmt: skip


def _spoken(given: object) -> Spoken:
    if not isinstance(given, Spoken):
        raise ConfigurationError("spoken is the gateway's: leave it out")
    return given


def _check_tools(tools: Any) -> None:
    is_list = isinstance(tools, Sequence) and not isinstance(tools, (str, bytes))
    if not is_list or not all(isinstance(tool, Mapping) for tool in tools):
        raise from_program.wrong("tools", tools, "a list of dicts")


def embedding_request(
    model: str, texts: str | Sequence[object], params: Mapping[str, object], args: RouterArgs
) -> Request:
    """A request for embeddings.

    Raises:
        ConfigurationError: Something in it cannot work, whoever is asked.
    """
    if not texts:
        raise ConfigurationError("embedding() needs a text, or a list of at least one")
    params, trace, metadata = _traced(params)
    body, args, headers, own = _split(model, params, args)
    if "messages" in body:
        raise ConfigurationError("embedding() takes texts, and no messages: leave messages out")
    if "tools" in body:
        _check_tools(body["tools"])
    body["input"] = texts
    return Request(
        "embeddings", model, body, args, trace=trace, headers=headers, metadata=metadata, own=own,
        fallbacks=_fallbacks(params),
    )  # fmt: skip


def _split(
    model: str, params: Mapping[str, object], args: RouterArgs
) -> tuple[Wire, RouterArgs, Headers, frozenset[str]]:
    """The body's parameters, the routing with what the call sets for itself, the headers, and what that was."""
    if not isinstance(model, str) or not model:
        raise ConfigurationError(
            f"model must be a name such as 'gpt-4o-mini', not {from_program.shown(model)}"
        )
    given = check_params(params)
    body = {
        name: value for name, value in given.items() if value is not None and name not in _NOT_SENT
    }
    headers = given.get("extra_headers", {})
    if PER_CALL.isdisjoint(given):
        return body, args, headers, _NONE
    own = {name: given[name] for name in PER_CALL.intersection(given)}
    return body, args.for_call(own), headers, frozenset(own)


_NONE: frozenset[str] = frozenset()

_FALLING_BACK = frozenset((*CALL_FALLBACKS, DISABLE_FALLBACKS))


def _fallbacks(params: Mapping[str, object]) -> CallFallbacks | None:
    """Where the call itself says that it may go instead; most say nothing."""
    if _FALLING_BACK.isdisjoint(params):
        return None
    from genai_integrations.calls.fallbacks import call_fallbacks

    found = call_fallbacks(params)
    if found is not None:
        # What a fallback says is sent, too: nothing in it may lead a key elsewhere.
        for row in (found.usual, found.window, found.filtered):
            for fallback in row if isinstance(row, tuple) else ():
                check_params(fallback.params)
    return found


_NOT_SENT = PER_CALL | _FALLING_BACK | {"extra_body", "extra_headers", "spoken"}
"""Parameters that are not sent under their own names."""


def check_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters of a call, those of `extra_body` among them, and `extra_headers` as they are sent.

    Raises:
        ConfigurationError: One may not be in a call. No value is told.
    """
    if "extra_body" in params:
        more = from_program.mapping("extra_body", params["extra_body"] or {}, '{"top_k": 5}')
        params = {**params, **more}
    if not _REFUSED.isdisjoint(params):
        raise _refusal(params)
    if "extra_headers" in params:
        params = {**params, "extra_headers": checked_headers(params["extra_headers"])}
    return params


_STAYING = TRACE_PARAMS | {"metadata"}
"""Parameters that never leave. OpenAI's own `metadata`, for what it stores, goes into `extra_body`."""

BETWEEN_US = _NOT_SENT | _STAYING
"""Parameters that no provider is told by their own names."""


def _traced(
    params: Mapping[str, object],
) -> tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]]:
    """The provider's parameters, the trace's, and the metadata."""
    if _STAYING.isdisjoint(params):
        return params, {}, {}
    others = {name: value for name, value in params.items() if name not in _STAYING}
    metadata = from_program.mapping("metadata", params.get("metadata") or {}, '{"tier": "free"}')
    trace = {name: params[name] for name in TRACE_PARAMS.intersection(params)}
    return others, trace, metadata


_OF_CLIENT = ROUTER_ARGS - PER_CALL - _FALLING_BACK
_REFUSED = REDIRECTING | _OF_CLIENT | FOREIGN


def _refusal(params: Mapping[str, object]) -> ConfigurationError:
    redirecting = ", ".join(sorted(REDIRECTING.intersection(params)))
    if redirecting:
        return ConfigurationError(
            f"a call may not set {redirecting}: keys and addresses belong to connections, and a call may not "
            "redirect a stored key; add a connection in Langfuse, or pass connections=[...]"
        )
    if foreign := foreign_word(params):
        return foreign
    routing = ", ".join(sorted(_OF_CLIENT.intersection(params)))
    return ConfigurationError(f"{routing} belongs to router_args of the client, not to a call")


def _checked_messages(messages: object) -> Sequence[Mapping[str, Any]]:
    """The messages as plain dicts; the same list where they are."""
    # Most conversations are no more than this, and asking what is a Mapping takes as long as all the rest.
    if type(messages) is list and messages and all(map(_is_text, messages)):
        return messages
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise ConfigurationError(
            'messages must be a list like [{"role": "user", "content": "Hello!"}]'
        )
    if not all(map(_is_plain, messages)):
        messages = [plain_message(message) for message in messages]
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ConfigurationError(
                f"messages[{at}] must be a dict with a role, such as "
                '{"role": "user", "content": "Hello!"}'
            )
        if isinstance(message.get("content"), (int, float)):
            raise ConfigurationError(
                f"messages[{at}] must have a string or a list of parts as its content, not "
                f"{type(message['content']).__name__}"
            )
    return messages


def _is_text(message: object) -> bool:
    """Whether it is a dict that says a text and nothing else."""
    return (
        type(message) is dict
        and type(message.get("content")) is str
        and type(message.get("role")) is str
        and not message.get("tool_calls")
    )


def _is_plain(message: object) -> bool:
    """Whether it is a dict, and no object hides in its lists."""
    if not isinstance(message, Mapping):
        return False
    for name in ("content", "tool_calls"):
        found = message.get(name)
        if isinstance(found, list) and not all(isinstance(item, (dict, str)) for item in found):
            return False
    return True


def plain_message(value: Any) -> Any:
    """A message of an answer as a dict: ours, OpenAI's, LiteLLM's, and calls or parts taken out of one."""
    if isinstance(value, WireObject):
        return value.wire
    if isinstance(value, Mapping):
        return {name: plain_message(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_message(inner) for inner in value]
    dump = getattr(value, "model_dump", None)
    # What was not set is not sent: a null is more than OpenAI takes in some places.
    return dump(exclude_unset=True) if callable(dump) else value
