"""A call as Anthropic takes it."""

from __future__ import annotations

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.transports.anthropic.address import is_on_vertex
from genai_integrations.transports.anthropic.draft import Draft
from genai_integrations.transports.anthropic.forms import ANSWER, set_form
from genai_integrations.transports.anthropic.messages import conversation
from genai_integrations.transports.anthropic.parameters import (
    set_labels,
    set_limit,
    set_sampling,
    set_stops,
    set_stream,
    set_tools,
)
from genai_integrations.transports.anthropic.thinking import set_thinking


def request_body(call: WireCall) -> Wire:
    """The body of `POST /v1/messages`. What has no other name there goes as it is.

    Raises:
        ConfigurationError: Something in it has no form there.
    """
    draft = Draft.of(call)
    messages = draft.take("messages")
    draft.take("model")
    set_limit(draft)
    set_stream(draft)
    set_stops(draft)
    set_tools(draft, messages)
    set_thinking(draft)  # behind the tools, whose choice may exclude it
    set_form(draft)  # behind both: it may be a tool, and may not be forced
    set_sampling(draft)
    set_labels(draft)
    system, turns = conversation(
        messages,
        draft.names,
        draft.words,
        takes_later_system=draft.model.takes_later_system,
    )
    draft.body["messages"] = turns
    if system:
        draft.body["system"] = system
    # Vendor's own parameters win over what stands for OpenAI's.
    body = {**draft.body, **draft.left}
    if is_on_vertex(call.connection):
        del body["model"]
        body.setdefault("anthropic_version", _VERTEX_VERSION)
    return body


def relayed_body(call: WireCall) -> Wire | None:
    """The body for a caller who speaks the same API: its own words, and the parameters as this model takes them.

    Returns:
        None where the answer is to come as a tool of ours, which the caller does not know.

    Raises:
        ConfigurationError: As `request_body`.
    """
    body = request_body(call)
    if call.spoken is None or any(tool.get("name") == ANSWER for tool in body.get("tools") or ()):
        return None
    own = call.spoken.body
    return {**body, **{name: own[name] for name in _WORDS if own.get(name) is not None}}


_WORDS = ("cache_control", "context_management", "messages", "speed", "system", "tools")
"""What a caller's own body says in full. Of parameters, those are sent that the model takes."""

_VERTEX_VERSION = "vertex-2023-10-16"
"""In place of the header; the model is in the address. Source: platform.claude.com, "Claude on Vertex AI"."""
