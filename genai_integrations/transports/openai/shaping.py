"""Requests as each server wants them: OpenAI itself, and those that copied its dialect."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Mapping

from genai_integrations.calls.args import DropParams, may_drop
from genai_integrations.calls.tool_calls import fitting_id
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection, is_openais_own
from genai_integrations.transports.openai.copies import (
    COPIES,
    FILES_BY_ADDRESS,
    OPENAI,
    Copy,
    FilePlace,
    Parameters,
)

_CACHE_MARK = frozenset(("cache_control",))
_NAME = frozenset(("name",))


def shaped(call: WireCall) -> Wire:
    """The body as this provider takes it; the same object where nothing differs.

    A conversation that began with another provider holds what only that one knows: signatures of thinking and
    marks for its prompt cache.
    """
    body = _with_files(call.body, call.connection.provider.name)
    copy = copy_of(call.connection)
    if copy is None:
        return body
    body = with_parameters(body, call, copy.parameters)
    if messages := body.get("messages"):
        shaped = _messages(messages, call.model, copy)
        if len(shaped) != len(messages) or not all(map(operator.is_, shaped, messages)):
            body = {**body, "messages": shaped}
    tools = body.get("tools") or ()
    if any("cache_control" in tool for tool in tools):
        body = {**body, "tools": [_without(tool, _CACHE_MARK) for tool in tools]}
    if copy.bare_schema and "response_format" in body:
        body = {**body, "response_format": _bare(body["response_format"])}
    if copy.ids and (model := re.sub(*copy.ids, call.model)) != call.model:
        body = {**body, "model": model}
    return body


def told(connection: Connection, model: str, drop_params: DropParams) -> Iterator[str]:
    """What becomes of parameters for this model, in the words of remedies; for people."""
    copy = copy_of(connection)
    for row in copy.parameters if copy else ():
        if not re.search(row.models, model):
            continue
        unless = "".join(
            f" (unless {name} is {' or '.join(str(value or 'left out') for value in values)})"
            for name, values in row.unless.items()
        )
        yield from (f"{old} as {new}{unless}" for old, new in row.renames.items())
        refused = sorted(name for name in row.refuses if may_drop(name, drop_params))
        if refused:
            yield f"without {', '.join(refused)}{unless}"


def _with_files(body: Wire, provider: str) -> Wire:
    """The body with each file that has an address where this provider looks for it.

    Raises:
        ConfigurationError: It takes none.
    """
    messages = body.get("messages") or ()
    if not any(isinstance(message.get("content"), list) for message in messages):
        return body
    place = FILES_BY_ADDRESS.get(provider)
    if place is None:
        return body
    shown = [_with_addresses(message, place) for message in messages]
    return body if all(map(operator.is_, shown, messages)) else {**body, "messages": shown}


def _with_addresses(message: Wire, place: FilePlace) -> Wire:
    content = message.get("content")
    if not isinstance(content, list) or not any(map(_address_of, content)):
        return message
    parts = [place(part, found) if (found := _address_of(part)) else part for part in content]
    return {**message, "content": parts}


def _address_of(part: object) -> str | None:
    """The address of a file that is not in the request: in LiteLLM's dialect it stands in place of the id."""
    file = part.get("file") if isinstance(part, Mapping) else None
    found = file.get("file_id") if isinstance(file, Mapping) else None
    is_address = isinstance(found, str) and found.startswith(("http://", "https://"))
    return found if is_address else None


def copy_of(connection: Connection) -> Copy | None:
    """Azure and OpenAI itself refuse what they do not know; servers at other addresses may want it."""
    name = connection.provider.name
    if name == "azure":
        return OPENAI
    if name != "openai":
        return COPIES.get(name)
    base = connection.base_url
    # Looked for before it is parsed, which costs more than all else that is done for each call.
    if base and "openai.com" not in base.lower():
        return None
    return OPENAI if is_openais_own(base) else None


def with_parameters(body: Wire, call: WireCall, rows: Iterable[Parameters]) -> Wire:
    """The body with what becomes of its parameters."""
    for row in rows:
        touched = not row.refuses.isdisjoint(body) or not row.renames.keys().isdisjoint(body)
        if not touched or not re.search(row.models, call.model) or _is_excepted(row, body):
            continue
        refused = row.refuses
        if call.drop_params is not True:
            refused = frozenset(name for name in refused if may_drop(name, call.drop_params))
        renamed = {new: body[old] for old, new in row.renames.items() if body.get(old) is not None}
        # Who gives both names means the one that the provider knows.
        body = {**renamed, **_without(body, refused.union(row.renames))}
    return body


def _is_excepted(row: Parameters, body: Wire) -> bool:
    return any(body.get(name) in values for name, values in row.unless.items())


def _messages(messages: Iterable[Wire], model: str, copy: Copy) -> list[Wire]:
    """The messages of a conversation; those that may stay as they are, as the same objects."""
    if copy.skips_empty:
        messages = [message for message in messages if not _is_empty(message)]
    shaped = [
        message if _fits(message, copy) else _content(_keys(message, copy), copy)
        for message in messages
    ]
    if copy.call_id:
        shaped = [_call_ids(message, copy.call_id) for message in shaped]
    if copy.needs_thoughts and re.search(copy.needs_thoughts, model):
        shaped = [_with_thought(message) for message in shaped]
    return shaped


def _fits(message: Wire, copy: Copy) -> bool:
    """Whether it is a plain message, as most are."""
    return (
        copy.refuses_keys.isdisjoint(message)
        and not (copy.refuses_keys and message.get("tool_calls"))
        and not isinstance(message.get("content"), list)
        and (copy.names_for is None or "name" not in message)
    )


def _keys(message: Wire, copy: Copy) -> Wire:
    if not copy.refuses_keys.isdisjoint(message):
        message = _without(message, copy.refuses_keys)
    calls = message.get("tool_calls") or ()
    if not all(map(copy.refuses_keys.isdisjoint, calls)):
        message = {**message, "tool_calls": [_without(row, copy.refuses_keys) for row in calls]}
    if copy.names_for is not None and "name" in message and message["role"] not in copy.names_for:
        return _without(message, _NAME)
    return message


def _content(message: Wire, copy: Copy) -> Wire:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    if copy.joins_text and all(map(_is_text, content)):
        return {**message, "content": "".join(part["text"] for part in content)}
    if not any("cache_control" in part for part in content):
        return message
    parts = [_without(part, _CACHE_MARK) if isinstance(part, dict) else part for part in content]
    return {**message, "content": parts}


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)


def _call_ids(message: Wire, pattern: str) -> Wire:
    """Ids that another provider gave, in the form that this one takes; the same id always becomes the same."""
    if calls := message.get("tool_calls"):
        ids = [fitting_id(str(call.get("id")), pattern) for call in calls]
        if any(own != call.get("id") for own, call in zip(ids, calls, strict=True)):
            named = [{**call, "id": own} for own, call in zip(ids, calls, strict=True)]
            return {**message, "tool_calls": named}
    answered = message.get("tool_call_id")
    if answered and (own := fitting_id(str(answered), pattern)) != answered:
        return {**message, "tool_call_id": own}
    return message


def _with_thought(message: Wire) -> Wire:
    """A tool call with a thought beside it. What another model thought is not known; a space is accepted."""
    if not message.get("tool_calls") or message.get("reasoning_content"):
        return message
    return {**message, "reasoning_content": " "}


def _is_empty(message: Wire) -> bool:
    said = message.get("content") or message.get("tool_calls")
    return message["role"] == "assistant" and not said


def _bare(wanted: object) -> object:
    """`response_format` with its JSON schema outside of OpenAI's wrapping."""
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return wanted
    return {"type": "json_object", "schema": (wanted.get("json_schema") or {}).get("schema")}


def _without(given: Wire, names: frozenset[str]) -> Wire:
    return {name: value for name, value in given.items() if name not in names}
