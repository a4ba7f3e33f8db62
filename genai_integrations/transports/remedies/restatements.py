"""Ways to say the same request otherwise. Each gives a new body; the caller's is never changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes

_OWN_CALL = "Give the answer by calling this."
"""Description of the tool that stands for a schema."""

_IN_WORDS = "Answer with one JSON object that fits this JSON schema, and with nothing else before or behind it:\n"
_MOVED = "The image is in the next message."
_IMAGES = frozenset(("image_url", "input_image"))


def without(name: str, body: Wire) -> Wire:
    """The body without a parameter."""
    return {key: value for key, value in body.items() if key != name}


def renamed(old: str, new: str, body: Wire) -> Wire:
    """The body with another name for a parameter; one that has that name already counts."""
    return {new: body[old], **without(old, body)}


def has_role(role: str, body: Wire) -> bool:
    """Whether a message has this role."""
    return any(message["role"] == role for message in body.get("messages") or ())


def with_role(old: str, new: str, body: Wire) -> Wire:
    """The body with another role for some messages."""
    return _with_messages(body, lambda row: {**row, "role": new} if row["role"] == old else row)


def has_key(name: str, body: Wire) -> bool:
    """Whether a message, a part of one, a call in one or a tool has this key."""
    return any(name in row for row in _objects(body))


def without_key(name: str, body: Wire) -> Wire:
    """The body without this key in messages, their parts, their calls and tools."""

    def message_without(row: Wire) -> Wire:
        row = without(name, row)
        for rows in _HAVING_PARTS:
            if isinstance(parts := row.get(rows), list):
                row[rows] = [without(name, part) if _is_object(part) else part for part in parts]
        return row

    body = _with_messages(body, message_without)
    if body.get("tools"):
        body = {**body, "tools": [without(name, tool) for tool in body["tools"]]}
    return body


def has_text_lists(body: Wire) -> bool:
    """Whether a message's content is a list of texts."""
    return any(_is_text_list(row.get("content")) for row in body.get("messages") or ())


def with_plain_texts(body: Wire) -> Wire:
    """The body with one text in place of each list of texts."""

    def joined(row: Wire) -> Wire:
        content = row.get("content")
        if not _is_text_list(content):
            return row
        return {**row, "content": "\n\n".join(part["text"] for part in content or ())}

    return _with_messages(body, joined)


def has_images_elsewhere(body: Wire) -> bool:
    """Whether a message that is not the user's has an image."""
    return any(
        row["role"] != "user" and any(map(_is_image, _parts(row)))
        for row in body.get("messages") or ()
    )


def with_images_by_user(body: Wire) -> Wire:
    """The body with images of tools and answers in a user's message behind them."""
    messages: list[Wire] = []
    images: list[Any] = []
    for row in body["messages"]:
        # The results of one turn's calls must follow each other.
        if images and row["role"] != "tool":
            messages.append({"role": "user", "content": images})
            images = []
        found = [part for part in _parts(row) if _is_image(part)] if row["role"] != "user" else []
        images += found
        messages.append(_without_images(row) if found else row)
    if images:
        messages.append({"role": "user", "content": images})
    return {**body, "messages": messages}


def not_streamed(body: Wire) -> Wire:
    """The body of a request for a whole answer; it comes as one chunk."""
    return without("stream_options", without("stream", body))


def forces_a_call(body: Wire) -> bool:
    """Whether a tool has to be called."""
    return body.get("tool_choice") not in (None, "auto", "none")


def with_a_free_choice(body: Wire) -> Wire:
    """The body with the model's own choice whether to call a tool."""
    return {**body, "tool_choice": "auto"}


def is_strict(body: Wire) -> bool:
    """Whether the schema of the answer or of a tool is strict."""
    return any(form.get("strict") for form in (_form(body), *_functions(body)))


def not_strict(body: Wire) -> Wire:
    """The body with schemas that are asked for, and not enforced."""
    if _form(body):
        form = without("strict", _form(body))
        body = {**body, "response_format": {**body["response_format"], "json_schema": form}}
    if body.get("tools"):
        tools = [
            {**tool, "function": without("strict", tool.get("function") or {})}
            if "function" in tool
            else tool
            for tool in body["tools"]
        ]
        body = {**body, "tools": tools}
    return body


def schema_wanted(body: Wire) -> Mapping[str, Any] | None:
    """The JSON schema that the answer has to fit, None if there is none."""
    schema = _form(body).get("schema")
    return schema if isinstance(schema, Mapping) else None


def fits_a_tool(body: Wire) -> bool:
    """Whether a tool can stand for the schema: where others may be called, it cannot be forced."""
    schema = schema_wanted(body)
    return schema is not None and schema.get("type") == "object" and not body.get("tools")


def asks_to_think(body: Wire) -> bool:
    """Whether the model is asked to think before it answers."""
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        return thinking.get("type") != "disabled"
    return body.get("reasoning_effort") not in (None, "none")


def schema_as_tool(body: Wire) -> Wire:
    """The schema as the arguments of a tool that has to be called; `ToolAsText` turns the answer round."""
    form = _form(body)
    name = re.sub(r"[^\w-]", "_", str(form.get("name") or "answer"), flags=re.ASCII)[:64]
    function = {
        "name": name,
        "description": form.get("description") or _OWN_CALL,
        "parameters": form["schema"],
    }
    if form.get("strict"):
        function["strict"] = True
    return {
        **without("response_format", body),
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": name}},
    }


def schema_in_words(body: Wire) -> Wire:
    """The schema as an instruction, beside JSON mode."""
    return {**schema_in_words_only(body), "response_format": {"type": "json_object"}}


def schema_in_words_only(body: Wire) -> Wire:
    """The schema as an instruction, and nothing else."""
    text = _IN_WORDS + jsonbytes.dumps(schema_wanted(body)).decode()
    first, *rest = body["messages"]
    if first["role"] == "system" and isinstance(first.get("content"), str):
        messages = [{**first, "content": f"{first['content']}\n\n{text}"}, *rest]
    else:
        messages = [{"role": "system", "content": text}, first, *rest]
    return {**without("response_format", body), "messages": messages}


def _form(body: Wire) -> Wire:
    """The JSON schema of the answer with its name; empty if none is wanted."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return {}
    form = wanted.get("json_schema")
    return form if isinstance(form, dict) else {}


def _functions(body: Wire) -> Iterator[Wire]:
    for tool in body.get("tools") or ():
        yield tool.get("function") or {}


_HAVING_PARTS = ("content", "tool_calls")


def _objects(body: Wire) -> Iterator[Wire]:
    for row in body.get("messages") or ():
        yield row
        for rows in _HAVING_PARTS:
            if isinstance(parts := row.get(rows), list):
                yield from filter(_is_object, parts)
    yield from body.get("tools") or ()


def _parts(row: Wire) -> Iterable[Any]:
    content = row.get("content")
    return content if isinstance(content, list) else ()


def _is_object(part: object) -> bool:
    return isinstance(part, dict)


def _is_text_list(content: object) -> bool:
    return isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    )


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _IMAGES


def _without_images(row: Wire) -> Wire:
    rest = [part for part in _parts(row) if not _is_image(part)]
    if not rest and row.get("tool_calls"):
        return {**row, "content": None}
    return {**row, "content": rest or _MOVED}


def _with_messages(body: Wire, change: Callable[[Wire], Wire]) -> Wire:
    return {**body, "messages": [change(row) for row in body.get("messages") or ()]}
