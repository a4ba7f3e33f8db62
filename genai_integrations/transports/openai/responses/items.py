"""A conversation as input items: messages, calls and their results stand side by side there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genai_integrations.calls.tool_calls import fitting_id
from genai_integrations.calls.wire import Wire
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.openai.responses.output import KEPT, message_of


def items_of(messages: Iterable[Wire], *, stored: bool) -> list[Wire]:
    """The conversation.

    Args:
        messages: In the chat API's form.
        stored: Whether the provider keeps answers, so that it knows its thoughts by their ids.
    """
    items: list[Wire] = []
    customs: set[object] = set()
    for message in messages:
        role = message["role"]
        if role == "assistant":
            said = _as_it_came(message, stored=stored) or _answer(message)
            customs |= {item["call_id"] for item in said if item.get("type") == "custom_tool_call"}
            items += said
        elif role == "tool":
            items.append(_result(message, customs))
        else:
            items.append({"role": role, "content": _content(message.get("content"))})
    return items


def _identity(given: object) -> object:
    """An id of a call: 64 characters at most, while Gemini's carry a signature."""
    return fitting_id(given, r".{1,64}") if isinstance(given, str) else given


def _as_it_came(message: Wire, *, stored: bool) -> list[Wire] | None:
    """The output that became this message, thoughts and built-in tools among it, if it still says the same.

    A thought must be followed by what it led to, so all of it goes back or nothing.
    """
    kept = (message.get("provider_specific_fields") or {}).get(KEPT)
    if not isinstance(kept, list) or not all(isinstance(item, dict) for item in kept):
        return None
    if not stored and any(_is_unknown(item) for item in kept):
        return None
    came = message_of(kept)
    calls = {call["id"]: call for call in message.get("tool_calls") or ()}
    is_same = (came.get("content") or "") == _text(message.get("content"))
    if not is_same or [call["id"] for call in came.get("tool_calls") or ()] != list(calls):
        return None
    return [_with_arguments(item, calls.get(item.get("call_id"))) for item in kept]


def _is_unknown(item: Wire) -> bool:
    """A thought that nobody has: not the provider, nor the item itself."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def _with_arguments(item: Wire, call: Wire | None) -> Wire:
    """A call as the caller has it now, who may have mended its arguments."""
    if call is None or item.get("type") != "function_call":
        return item
    arguments = (call.get("function") or {}).get("arguments")
    if arguments is None or _loaded(arguments) == _loaded(item.get("arguments")):
        return item
    return {**item, "arguments": arguments}


def _loaded(text: object) -> object:
    try:
        return jsonbytes.loads(str(text).encode())
    except ValueError:
        return text


def _answer(message: Wire) -> list[Wire]:
    """An answer of which only the words are left: parts are for those that have an id."""
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(content, list):
        content = "".join(map(_words, content))
    said = "".join(text for text in (content, refusal) if text)
    items: list[Wire] = [{"role": "assistant", "content": said}] if said else []
    return items + [_call(call) for call in message.get("tool_calls") or ()]


def _words(part: Any) -> str:
    return part if isinstance(part, str) else part.get("text") or part.get("refusal") or ""


def _call(call: Wire) -> Wire:
    custom = call.get("custom")
    if call.get("type") == "custom" and isinstance(custom, Mapping):
        return {"type": "custom_tool_call", "call_id": _identity(call["id"]), **custom}
    function = call.get("function") or {}
    return {
        "type": "function_call",
        "call_id": _identity(call.get("id")),
        "name": function.get("name"),
        "arguments": function.get("arguments") or "{}",
    }


def _result(message: Wire, customs: set[object]) -> Wire:
    identity = _identity(message.get("tool_call_id"))
    kind = "custom_tool_call_output" if identity in customs else "function_call_output"
    output = _content(message.get("content"))
    return {"type": kind, "call_id": identity, "output": "" if output is None else output}


def _content(content: Any) -> str | list[Any] | None:
    if not isinstance(content, list):
        return content  # type: ignore[no-any-return]  # a text, as most is
    return [_part(part) for part in content]


def _part(part: Any) -> Any:
    """A part of a message; one that is none of the chat API's, as it is."""
    if isinstance(part, str):
        return {"type": "input_text", "text": part}
    kind = part.get("type")
    if kind == "text":
        said = {"type": "input_text", "text": part.get("text")}
    elif kind == "image_url":
        said = _image(part.get("image_url"))
    elif kind == "file" and isinstance(part.get("file"), Mapping):
        said = _file(part["file"])
    else:
        return part
    mark = part.get("prompt_cache_breakpoint")
    return {**said, "prompt_cache_breakpoint": mark} if mark else said


def _image(image: Any) -> Wire:
    given = {"url": image} if isinstance(image, str) else image or {}
    detail = given.get("detail") or "auto"
    return {"type": "input_image", "image_url": given.get("url"), "detail": detail}


def _file(file: Mapping[str, Any]) -> Wire:
    """A file by its data, its id, or its address, which in LiteLLM's dialect stands in place of the id."""
    given = {name: value for name, value in file.items() if value is not None and name != "format"}
    found = given.get("file_id")
    if isinstance(found, str) and found.startswith(("http://", "https://")):
        del given["file_id"]
        given["file_url"] = found
    return {"type": "input_file", **given}


def _text(content: object) -> str:
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
