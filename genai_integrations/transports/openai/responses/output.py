"""What the items of an output say, in the chat API's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire

KEPT = "output_items"
"""Under this name of `provider_specific_fields` a message keeps the output that it was, to be given back."""

BETWEEN_THOUGHTS = "\n\n"
"""Parts of a summary are paragraphs, each with a title."""


def said_in(item: Wire, length: int = 0, number: int = 0) -> Wire:
    """What one item says, as a delta; empty for what is nothing to read, such as a search.

    Args:
        item: The item, whole.
        length: Of the text before it, which citations are counted from.
        number: Of calls before it.
    """
    read = _READERS.get(str(item.get("type")))
    said = read(item, length, number) if read else {}
    return {name: value for name, value in said.items() if value}


def message_of(output: Iterable[Wire]) -> Wire:
    """All that an output says as one message; `logprobs` among it, which belong to the choice."""
    message: Wire = {}
    for item in output:
        text, calls = message.get("content") or "", message.get("tool_calls") or ()
        for name, value in said_in(item, len(text), len(calls)).items():
            before = message.get(name)
            if before and name == "reasoning_content":
                before += BETWEEN_THOUGHTS
            message[name] = before + value if before else value
    for call in message.get("tool_calls") or ():
        del call["index"]
    return message


def is_worth_keeping(output: Sequence[Wire]) -> bool:
    """Whether the message alone would not tell it: a thought, a built-in tool, several texts."""
    texts = [item for item in output if item.get("type") == "message"]
    calls = [item for item in output if item.get("type") in _CALLS]
    is_all = len(texts) + len(calls) == len(output)
    return not is_all or len(texts) > 1 or any(item.get("phase") for item in texts)


_CALLS = ("custom_tool_call", "function_call")


def _message(item: Wire, length: int, _number: int) -> Wire:
    text = refusal = ""
    notes: list[Wire] = []
    logprobs: list[Any] = []
    for part in dicts(item.get("content")):
        if isinstance(part.get("refusal"), str):
            refusal += part["refusal"]
        elif isinstance(part.get("text"), str):
            notes += (_note(note, length + len(text)) for note in dicts(part.get("annotations")))
            logprobs += dicts(part.get("logprobs"))
            text += part["text"]
    return {"content": text, "refusal": refusal, "annotations": notes, "logprobs": logprobs}


def _note(note: Wire, offset: int) -> Wire:
    """An annotation; a citation of a page in the form that the chat API has for it."""
    if note.get("type") != "url_citation":
        return note
    cited = {name: value for name, value in note.items() if name != "type"}
    for name in ("start_index", "end_index"):
        if offset and isinstance(cited.get(name), int):
            cited[name] += offset
    return {"type": "url_citation", "url_citation": cited}


def _reasoning(item: Wire, _length: int, _number: int) -> Wire:
    """The summary of a thought; open models tell the thought itself."""
    parts = dicts(item.get("summary")), dicts(item.get("content"))
    texts = [part["text"] for kind in parts for part in kind if isinstance(part.get("text"), str)]
    return {"reasoning_content": BETWEEN_THOUGHTS.join(texts)}


def _function(item: Wire, _length: int, number: int) -> Wire:
    function = {"name": item.get("name"), "arguments": item.get("arguments") or ""}
    call = {"index": number, "id": _identity(item), "type": "function", "function": function}
    return {"tool_calls": [call]}


def _custom(item: Wire, _length: int, number: int) -> Wire:
    custom = {"name": item.get("name"), "input": item.get("input") or ""}
    call = {"index": number, "id": _identity(item), "type": "custom", "custom": custom}
    return {"tool_calls": [call]}


def _identity(item: Wire) -> object:
    """Results name the call by `call_id`; `id` is the item's."""
    return item.get("call_id") or item.get("id")


def _image(item: Wire, _length: int, _number: int) -> Wire:
    data = item.get("result")
    if not isinstance(data, str) or not data:
        return {}
    url = f"data:image/{item.get('output_format') or 'png'};base64,{data}"
    return {"images": [{"type": "image_url", "image_url": {"url": url}}]}


_READERS: Mapping[str, Callable[[Wire, int, int], Wire]] = {
    "custom_tool_call": _custom,
    "function_call": _function,
    "image_generation_call": _image,
    "message": _message,
    "reasoning": _reasoning,
}


def dicts(rows: object) -> Iterator[Wire]:
    """The objects of a list; none of what is no list."""
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else iter(())
