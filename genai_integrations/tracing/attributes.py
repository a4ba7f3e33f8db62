"""A call as the attributes of a span, as Langfuse's server 4 reads them and the SDK 5 writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import CACHE, CANCELLED, OK, Route
from genai_integrations.calls.wire import Operation, Wire
from genai_integrations.connections.providers import provider_named
from genai_integrations.errors import GenAIError
from genai_integrations.models.prices import TOTAL, split
from genai_integrations.tracing.owners import TYPE

Attributes = dict[str, object]

INPUT = "langfuse.observation.input"
OUTPUT = "langfuse.observation.output"
ENVIRONMENT = "langfuse.environment"
RELEASE = "langfuse.release"
COMPLETION_START = "langfuse.observation.completion_start_time"
_LEVEL = "langfuse.observation.level"
STATUS = "langfuse.observation.status_message"
_MODEL = "langfuse.observation.model.name"
_PARAMETERS = "langfuse.observation.model.parameters"
_USAGE = "langfuse.observation.usage_details"
_COST = "langfuse.observation.cost_details"
_METADATA = "langfuse.observation.metadata"
_PROMPT_NAME = "langfuse.observation.prompt.name"
_PROMPT_VERSION = "langfuse.observation.prompt.version"

_TYPES: Mapping[Operation, str] = {"chat/completions": "generation", "embeddings": "embedding"}
"""Langfuse's word for a call; an embedding is a generation of its own kind."""

NAMES: Mapping[Operation, str] = {
    "chat/completions": "genai-completion",
    "embeddings": "genai-embedding",
}
"""What a call is named in its trace."""

_NO_PARAMETERS = frozenset(
    (
        "audio",
        "functions",
        "input",
        "messages",
        "prediction",
        "stream",
        "stream_options",
        "tools",
    )
)
"""Parts of a request that are its content, or say how it travels."""

_TRACE = {
    "langfuse_user_id": "user.id",
    "langfuse_session_id": "session.id",
    "langfuse_trace_name": "langfuse.trace.name",
}


def text(value: Any) -> str:
    """A value as the JSON text that Langfuse keeps; a string stays as it is."""
    if isinstance(value, str):
        # A lone surrogate cannot be sent.
        return value if value.isascii() else value.encode(errors="replace").decode()
    try:
        return orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, default=repr)


def opening(request: Request) -> Attributes:
    """What a call is, and what its caller says of it: user, session, tags, trace name, prompt."""
    trace = request.trace
    attributes: Attributes = {TYPE: _TYPES[request.operation]}
    if not trace:
        return attributes
    attributes |= {key: text(str(trace[name])) for name, key in _TRACE.items() if trace.get(name)}
    if tags := trace.get("langfuse_tags"):
        tags = tags if isinstance(tags, (list, tuple, set, frozenset)) else [tags]
        attributes["langfuse.trace.tags"] = [text(str(tag)) for tag in tags]
    return {**attributes, **_prompt(trace.get("langfuse_prompt"))}


def input_of(request: Request) -> object:
    """What was asked: the messages, with the tools beside them where there are any; the texts to embed."""
    body = request.body
    if request.operation == "embeddings":
        return body["input"]
    if "tools" in body:
        return {"tools": body["tools"], "messages": body["messages"]}
    return body["messages"]


def output_of(request: Request, wire: Wire) -> Any:
    """What was answered: the message, or all of them if there are several; of embeddings the measures."""
    if request.operation == "embeddings":
        rows = wire["data"]
        return {"count": len(rows), "dimensions": len(rows[0].get("embedding") or ())}
    messages = [choice.get("message") for choice in wire["choices"]]
    return messages[0] if len(messages) == 1 else messages


def asked(request: Request, *, said: bool = False) -> Attributes:
    """The settings of a call; what is no plain value is written as JSON, which Langfuse demands.

    Args:
        request: What was asked.
        said: Whether to say that there are none, too: on the span of an instrumentation that notes what it finds on the
            model, asked for or not.
    """
    settings = {
        name: value if isinstance(value, (str, int, float)) else text(value)
        for name, value in request.body.items()
        if name not in _NO_PARAMETERS
    }
    return {_PARAMETERS: text(settings)} if settings or said else {}


def outcome(request: Request, route: Route, error: BaseException | None) -> Attributes:
    """Who answered, what it used and cost, or what went wrong."""
    last = route.attempts[-1] if route.attempts else None
    attributes: Attributes = {_MODEL: request.model, **_cost(route, failed=error is not None)}
    if last:
        # The name that the answer has: a deployment's own name is in no table of prices.
        attributes[_MODEL] = text(last.answered or last.model)
        if last.prompt is not None:
            attributes |= _prompt(last.prompt)
        if last.usage:
            attributes[_USAGE] = text(usage_details(last.usage))
    if error is not None:
        said = error.recorded() if isinstance(error, GenAIError) else str(error)
        attributes |= {_LEVEL: "ERROR", STATUS: _failure(type(error).__name__, said)}
    elif rescued := _rescued(route):
        attributes |= {_LEVEL: "WARNING", STATUS: text(rescued)}
    return attributes


def is_recorded_there(route: Route) -> bool:
    """Whether the one who answered has recorded the generation itself, as gateways do."""
    last = route.attempts[-1] if route.attempts else None
    if last is None or last.reason == CACHE:
        return False
    provider = provider_named(last.provider)
    return provider is not None and provider.gateway


def around(written: Attributes) -> Attributes:
    """What is written of a call that a gateway has recorded: a span around that, without what would count twice."""
    counted = (_MODEL, _PARAMETERS, _USAGE, _COST, COMPLETION_START)
    return {TYPE: "span", **{name: value for name, value in written.items() if name not in counted}}


def _failure(kind: str, said: str | None) -> str:
    return text(f"{kind}: {said}" if said else kind)


def _rescued(route: Route) -> str:
    """`served by usa after seoul: 503`, if somebody failed before: so that it shows in the tree of a trace."""
    failed = [row for row in route.attempts if row.outcome not in (OK, CANCELLED, "")]
    served = route.served and route.attempts[-1].connection
    if not failed or not served:
        return ""
    told = ", ".join(f"{row.connection}: {row.status or row.outcome}" for row in failed)
    return f"served by {served} after {told}"


def _cost(route: Route, *, failed: bool) -> Attributes:
    """US dollars of all attempts, as far as they are known, by kind of token.

    An error costs nothing, if nothing else is known: where no cost is told, Langfuse would count the tokens of the
    input itself, and price them.
    """
    summed: dict[str, float] = {}
    for costs in (row.costs for row in route.attempts):
        for part, dollars in costs.items():
            if part != TOTAL:
                summed[part] = summed.get(part, 0.0) + dollars
    total = route.cost if route.cost is not None else 0.0 if failed else None
    return {} if total is None else {_COST: text({**summed, TOTAL: total})}


def metadata(
    request: Request, route: Route, attempts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What else is worth keeping: the route, and the caller's own."""
    last = attempts[-1] if attempts else {}
    own = request.trace.get("langfuse_metadata")
    return {
        **request.metadata,
        **_variant(route),
        "asked": request.model,
        "provider": last.get("provider"),
        "connection": last.get("connection"),
        "attempts": attempts,
        **(own if isinstance(own, Mapping) else {"metadata": own}),
    }


def _variant(route: Route) -> dict[str, Any]:
    """The model that an experiment or a rollout gave the call to: a key each, so that dashboards can split by it."""
    found = route.variant
    if found is None:
        return {}
    return {"variant_of": found.of, "variant": found.assigned, "variant_served": found.served}


def flattened(values: object) -> Attributes:
    """Metadata as one attribute for each key; every value is JSON, strings too, as of SDK 5."""
    # A masking function may give anything; and a span that is full drops its oldest attributes.
    if not isinstance(values, Mapping) or len(values) > _MOST_KEYS:
        return {_METADATA: _json(values)}
    return {
        f"{_METADATA}.{key}": _json(value) for key, value in values.items() if value is not None
    }


_MOST_KEYS = 64
"""Half of what OpenTelemetry lets a span have."""


def attempt(row: Mapping[str, Any], shown: Any) -> Attributes:
    """One attempt as a span below its generation. It is no generation, so that nothing counts twice.

    Args:
        row: The attempt.
        shown: What may be recorded of it.
    """
    attributes: Attributes = {TYPE: "span", **flattened(shown)}
    if row["error"] is None:
        return attributes
    return {**attributes, _LEVEL: "ERROR", STATUS: _failure(row["outcome"], row["error"])}


def _json(value: object) -> str:
    if not isinstance(value, str):
        return text(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate
        return orjson.dumps(text(value)).decode()


def usage_details(usage: Mapping[str, Any]) -> dict[str, int | float]:
    """Token counts as Langfuse adds them up: parts that do not overlap, and their total."""
    counts = split(usage)
    return {**counts, TOTAL: sum(counts.values())}


def moment(nanoseconds: int) -> str:
    """A time as Langfuse reads it: JSON text of an ISO 8601 time."""
    at = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return json.dumps(at.isoformat(timespec="microseconds").replace("+00:00", "Z"))


def _prompt(prompt: object) -> Attributes:
    """The link to a prompt: ours, the SDK's own or a dict. A fallback given in code is in no Langfuse."""
    if prompt is None:
        return {}
    if not isinstance(prompt, Mapping):
        prompt = {name: getattr(prompt, name, None) for name in ("name", "version", "is_fallback")}
    name, version = prompt.get("name"), prompt.get("version")
    if not name or not isinstance(version, int) or not version or prompt.get("is_fallback"):
        return {}
    return {_PROMPT_NAME: text(str(name)), _PROMPT_VERSION: version}
