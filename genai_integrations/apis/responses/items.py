"""Input items of the Responses API as messages in OpenAI's older shape: a chat has calls in the message that makes them.

Source: OpenAI, "API reference", "Create a model response".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from genai_integrations.apis.carried import opened, returned
from genai_integrations.apis.given import (
    needed,
    objects,
    optional,
    within,
    wrong,
)
from genai_integrations.apis.responses.replies import OURS
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.openai.responses.output import KEPT

_ROLES = ("user", "assistant", "system", "developer")
_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")


def messages_of(body: Wire) -> list[Wire]:
    """The conversation, the instructions at its begin.

    Raises:
        ConfigurationError: Something in it is none of the API's, or stands for what is not kept here.
    """
    messages: list[Wire] = []
    if instructions := optional(body, "instructions", str):
        messages.append({"role": "system", "content": instructions})
    given = body.get("input")
    if given is None and "langfuse_prompt" in body:
        return messages
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    answer: list[Wire] = []
    for number, item in enumerate(objects(given, "input")):
        at = within("input", number)
        if _is_of_answer(item, at):
            answer.append(item)
            continue
        messages += _answered(answer)
        answer = []
        messages.append(_message(item, at))
    messages += _answered(answer)
    if not messages and "langfuse_prompt" not in body:
        raise wrong("input", "is empty: send a text, or items")
    return messages


def is_openais_own(body: Wire) -> bool:
    """Whether OpenAI would take the items as they are: those that were made here of another's answer it does not know.

    Args:
        body: Whose input has been read already.
    """
    if "langfuse_prompt" in body:
        return False
    given = body["input"]
    return isinstance(given, str) or all(_is_openais(item) for item in given)


_LONGEST_ID = 64


def _is_openais(item: Wire) -> bool:
    if OURS in str(item.get("id")) or opened(item.get("encrypted_content")) is not None:
        return False
    return len(str(item.get("call_id"))) <= _LONGEST_ID


def _kind_of(item: Wire, at: str) -> str:
    """The type of an item; a message need not say it."""
    return optional(item, "type", str, at) or "message"


def _is_of_answer(item: Wire, at: str) -> bool:
    """Whether an item is a part of what the model said."""
    kind = _kind_of(item, at)
    if kind == "message":
        return needed(item, "role", str, at) == "assistant" and _checked(item, at)
    if kind in _CALLS:
        needed(item, "call_id", str, at)
        needed(item, "name", str, at)
        needed(item, "input" if kind == "custom_tool_call" else "arguments", str, at)
        return True
    if kind == "reasoning":
        optional(item, "summary", list, at)
        return True
    if kind not in _RESULTS:
        raise wrong(
            at,
            f"items of the type {kind[:40]!r} are not served here: send messages, function calls and their outputs",
        )
    return False


def _checked(item: Wire, at: str) -> bool:
    content = item.get("content")
    if not isinstance(content, str):
        place = within(at, "content")
        for number, part in enumerate(objects(content, place)):
            _words(part, within(place, number))
    return True


def _answered(items: list[Wire]) -> list[Wire]:
    """One message of what the model said between two turns of the user's or of tools; none if it said nothing."""
    if not items:
        return []
    texts: list[str] = []
    message: Wire = {"role": "assistant", "content": None}
    calls = [_call(item) for item in items if item.get("type") in _CALLS]
    if calls:
        message["tool_calls"] = calls
    for item in items:
        if item.get("type") == "reasoning":
            _think(item, message)
        elif item.get("type") not in _CALLS:
            texts.append(_text(item["content"]))
    message["content"] = "".join(texts) or None
    if all(map(_is_openais, items)) and any(item.get("type") == "reasoning" for item in items):
        # As it came, for who can read it: thoughts go back with what they led to.
        message.setdefault("provider_specific_fields", {})[KEPT] = items
    return [message]


def _think(item: Wire, message: Wire) -> None:
    """What of a thought goes into the message: its summary, and what its provider wants back."""
    parts = [*(item.get("summary") or ()), *_rows(item.get("content"))]
    texts = [part["text"] for part in parts if isinstance(part, dict) and _is_text(part)]
    if texts:
        before = message.get("reasoning_content")
        message["reasoning_content"] = "\n\n".join([*([before] if before else ()), *texts])
    if kept := opened(item.get("encrypted_content")):
        returned(kept, message)


def _is_text(part: Wire) -> bool:
    return isinstance(part.get("text"), str)


def _rows(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "".join(_words(part, "input") for part in _rows(content) if isinstance(part, dict))


def _words(part: Wire, at: str) -> str:
    """A part of an answer."""
    kind = needed(part, "type", str, at)
    return needed(part, "refusal" if kind == "refusal" else "text", str, at)


def _call(item: Wire) -> Wire:
    name = item["name"]
    if item["type"] == "custom_tool_call":
        custom = {"name": name, "input": item["input"]}
        return {"id": item["call_id"], "type": "custom", "custom": custom}
    function = {"name": name, "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def _message(item: Wire, at: str) -> Wire:
    """What the user, the system or a tool says."""
    if item.get("type") in _RESULTS:
        said = _content(item.get("output"), within(at, "output"))
        return {"role": "tool", "tool_call_id": needed(item, "call_id", str, at), "content": said}
    role = needed(item, "role", str, at)
    if role not in _ROLES:
        raise wrong(within(at, "role"), f"must be one of {', '.join(_ROLES)}")
    return {"role": role, "content": _content(item.get("content"), within(at, "content"))}


def _content(content: object, at: str) -> str | list[Wire]:
    """A text, or parts; one text alone as the text, since servers that copied the chat API do not all take lists."""
    if isinstance(content, str):
        return content
    parts = [_part(part, within(at, n)) for n, part in enumerate(objects(content, at))]
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return str(parts[0]["text"])
    return parts or ""


def _part(part: Wire, at: str) -> Wire:
    convert = _PARTS.get(needed(part, "type", str, at))
    if convert is None:
        raise wrong(within(at, "type"), f"must be one of {', '.join(_PARTS)}")
    return convert(part, at)


def _input_text(part: Wire, at: str) -> Wire:
    return {"type": "text", "text": needed(part, "text", str, at)}


def _input_image(part: Wire, at: str) -> Wire:
    if identity := optional(part, "file_id", str, at):
        return {"type": "file", "file": {"file_id": identity, "format": "image/*"}}
    image: Wire = {"url": needed(part, "image_url", str, at)}
    if detail := optional(part, "detail", str, at):
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _input_file(part: Wire, at: str) -> Wire:
    file = {
        name: value
        for name in ("file_data", "filename", "file_id")
        if (value := optional(part, name, str, at))
    }
    if url := optional(part, "file_url", str, at):
        file = {**file, "file_id": url}
    if not file.keys() & {"file_data", "file_id"}:
        raise wrong(at, "a file needs file_data, file_id or file_url")
    return {"type": "file", "file": file}


def _input_audio(part: Wire, at: str) -> Wire:
    return {"type": "input_audio", "input_audio": needed(part, "input_audio", dict, at)}


_PARTS: Mapping[str, Callable[[Wire, str], Wire]] = {
    "input_audio": _input_audio,
    "input_file": _input_file,
    "input_image": _input_image,
    "input_text": _input_text,
    "output_text": _input_text,
    "text": _input_text,
}
