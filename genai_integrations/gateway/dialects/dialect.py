"""What a dialect of the gateway is: pure functions between an API's bodies and the client's arguments."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.wire import Wire
from genai_integrations.client import GenAIClient
from genai_integrations.errors import GenAIError
from genai_integrations.gateway.bounds import check_length
from genai_integrations.gateway.refusals import Refused
from genai_integrations.routing.streams import AsyncReplyStream


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of the client.

    Attributes:
        model: The model's name.
        messages: In OpenAI's shape; the texts for embeddings.
        params: OpenAI's parameters, and the client's own.
        stream: Whether events are wanted.
        body: The request as it came, for what only the answer needs.
    """

    model: str
    messages: Sequence[Any]
    params: dict[str, Any]
    stream: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)


async def ask_chat(client: GenAIClient, asked: Asked) -> Reply | AsyncReplyStream:
    """Ask for a chat completion."""
    return await client.acompletion(asked.model, asked.messages, asked.stream, **asked.params)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API.

    Attributes:
        name: Of the API.
        request: What a body asks. Raises an error of ours where it cannot be meant.
        reply: The answer to it, as the API has it; what is told of the route is added to it.
        events: The same as a stream, in bytes as they are sent. A stream that breaks ends with the API's own event for
            that; none of our errors comes out of it.
        failure: Status and body of an error.
        ask: How the client is asked.
        beside: What the headers of a request say of it, as parameters; None where they say nothing.
        request_id: The header by which the API's own SDK finds the id of a request.
    """

    name: str
    request: Callable[[Wire], Asked]
    reply: Callable[[Reply, Asked], Wire]
    events: Callable[[AsyncReplyStream, Asked], AsyncGenerator[bytes]]
    failure: Callable[[GenAIError], tuple[int, Wire]]
    ask: Callable[[GenAIClient, Asked], Awaitable[Reply | AsyncReplyStream]] = ask_chat
    beside: Callable[[Mapping[str, str]], Wire] | None = None
    request_id: bytes = b"x-request-id"


NOT_OVER_THE_WIRE = frozenset(
    (
        "allowed_models",
        "extra_body",
        "extra_headers",
        "extra_query",
        "langfuse_observation",
        "spoken",
    )
)
"""Arguments of the client that a body may not have: a program's objects, what binds the caller, and what would be sent unseen: SDKs put their
`extra_body` into the body itself."""


_OURS = frozenset(("self", "messages"))
"""What the client's methods call otherwise than by a parameter of the request: a body could name it once more."""


_RECORDED: dict[str, tuple[type, str]] = {
    "langfuse_user_id": (str, "a string"),
    "langfuse_session_id": (str, "a string"),
    "langfuse_trace_name": (str, "a string"),
    "langfuse_tags": (list, "a list of strings"),
    "langfuse_metadata": (dict, "an object"),
    "langfuse_prompt": (dict, "an object"),
}
"""What says how a call is recorded, and what each has to be: whoever records would leave anything else out in silence."""


def model_of(body: Wire) -> str:
    """The model that a body names.

    Raises:
        Refused: It names none.
    """
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "invalid_request", 'name a model: "model": "gpt-4o-mini"', param="model")
    check_length(model, "model")
    return model


def flag_of(body: Wire, name: str) -> bool:
    """A flag of a body, false where it is not there or null.

    Raises:
        Refused: It is neither true nor false.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(400, "invalid_request", f"{name} must be true or false", param=name)
    return bool(value)


def object_of(body: Wire, name: str) -> Wire | None:
    """An object of a body; None where it is not there or null.

    Raises:
        Refused: It is something else.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise Refused(400, "invalid_request", f"{name} must be an object", param=name)
    return value


def params_of(body: Wire, without: frozenset[str]) -> dict[str, Any]:
    """The parameters of a body for the client.

    Args:
        body: The request.
        without: What the client is given otherwise.

    Raises:
        Refused: One of them is not for a body.
    """
    wrong = NOT_OVER_THE_WIRE.intersection(body)
    if wrong:
        name = min(wrong)
        raise Refused(400, "invalid_request", f"a request may not have {name}", param=name)
    for name in _RECORDED.keys() & body.keys():
        kind, words = _RECORDED[name]
        if body[name] is not None and not isinstance(body[name], kind):
            raise Refused(400, "invalid_request", f"{name} must be {words}", param=name)
    params = {name: value for name, value in body.items() if name not in without}
    if taken := _OURS.intersection(params):
        name = min(taken)
        raise Refused(400, "invalid_request", f"a request may not have {name}", param=name)
    prompt = params.get("langfuse_prompt")
    if isinstance(prompt, dict) and "variables" not in prompt:
        # Who names a prompt here wants it filled in; the client would take it as a note for the record.
        params["langfuse_prompt"] = {**prompt, "variables": {}}
    return params
