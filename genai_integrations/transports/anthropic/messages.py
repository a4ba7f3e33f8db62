"""A conversation in OpenAI's shape, as Anthropic's turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genai_integrations.calls.tool_calls import arguments_in
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.anthropic.content import blocks, marked, text_block, thoughts
from genai_integrations.transports.anthropic.replies import CONTENT
from genai_integrations.transports.anthropic.tools import ToolNames, spelt

_SYSTEM = ("system", "developer")
_RESULTS = ("tool", "function")
_NOTE = "This is an instruction by whoever runs this conversation, not by the user:"
_NOTHING = "(no text)"
"""In place of a user's message without a word: left out, the answer before it would be one to continue."""

_SERVERS_CALL = "srvtoolu_"
_SERVERS_RESULTS = ("web_search_results", "tool_results")
"""Where LiteLLM keeps what Anthropic's own tools returned; it shows their calls among the caller's."""


def conversation(
    messages: Sequence[Mapping[str, Any]],
    names: ToolNames,
    words: Iterable[str] = (),
    *,
    takes_later_system: bool,
) -> tuple[list[Wire], list[Wire]]:
    """The system's blocks, and the turns: neighbours of one role are one turn.

    What the system says in the midst of it comes behind the user's turn that it stands at, where newer models take it;
    for others it is part of that turn.

    Args:
        messages: In OpenAI's shape.
        names: The names of the tools.
        words: What the system says beside.
        takes_later_system: Whether the model takes the role `system` among the turns.

    Raises:
        ConfigurationError: A part of one has no form there.
    """
    turns = _Turns(takes_later_system=takes_later_system)
    system: list[Wire] = []
    for message in messages:
        role = message.get("role")
        if role in _SYSTEM:
            said = _of_message(message)
            if turns.found:
                turns.later += said
            else:
                system += said
        elif role == "assistant":
            turns.settle()
            turns.add("assistant", _answer(message, names))
        elif role in _RESULTS:
            turns.add("user", [_result(message)])
        else:
            turns.add("user", _of_message(message) or [text_block(_NOTHING)])
    turns.settle()
    if not turns.found:
        # A prompt may be nothing but a system's message, and the API wants a user's.
        turns.add("user", system)
        system = []
    system += [text_block(text) for text in words]
    return system, [_ordered(turn) for turn in _ended(turns.found)]


class _Turns:
    """The turns as far as they go.

    Attributes:
        found: Each with its role and its blocks.
        later: What the system has said since the last answer.
    """

    def __init__(self, *, takes_later_system: bool) -> None:
        self.found: list[Wire] = []
        self.later: list[Wire] = []
        self._takes_later_system = takes_later_system

    def add(self, role: str, content: list[Wire]) -> None:
        """Go on with the last turn, or with the next."""
        if not content:
            return
        if self.found and self.found[-1]["role"] == role:
            self.found[-1]["content"] += content
        else:
            self.found.append({"role": role, "content": list(content)})

    def settle(self) -> None:
        """The user's turn is over: what the system said meanwhile."""
        said, self.later = self.later, []
        if not said:
            return
        if self._takes_later_system and self.found[-1]["role"] == "user":
            self.found.append({"role": "system", "content": said})
        else:
            self.add("user", [text_block(_NOTE), *said])


def _of_message(message: Mapping[str, Any]) -> list[Wire]:
    found = blocks(message.get("content"))
    if found and message.get("cache_control"):
        found[-1] = marked(found[-1], message)
    return found


def _result(message: Mapping[str, Any]) -> Wire:
    """What a tool returned. OpenAI has no word for one that failed: `is_error`, or LangChain's `status`."""
    identity = message.get("tool_call_id") or message.get("name")
    result: Wire = {"type": "tool_result", "tool_use_id": spelt(str(identity))}
    content = message.get("content")
    if isinstance(content, str):
        result["content"] = content
    elif said := blocks(content):
        result["content"] = said
    if message.get("is_error") or message.get("status") == "error":
        result["is_error"] = True
    return marked(result, message)


def _answer(message: Mapping[str, Any], names: ToolNames) -> list[Wire]:
    """The blocks of an answer: as they came if they were kept, else thoughts, words and calls, in this order."""
    given = message.get("provider_specific_fields")
    kept = given if isinstance(given, Mapping) else {}
    whole = kept.get(CONTENT)
    if isinstance(whole, (list, tuple)) and _is_of(whole, message):
        return [_sent(block) for block in whole]
    said = _of_message(message) or blocks(message.get("refusal"))
    if not any(block["type"] in ("thinking", "redacted_thinking") for block in said):
        said = [*thoughts(message.get("thinking_blocks")), *said]
    compacted = [dict(block) for block in kept.get("compaction_blocks") or ()]
    return [*compacted, *said, *_calls(message, kept, names)]


def _is_of(whole: Iterable[Any], message: Mapping[str, Any]) -> bool:
    """Whether kept blocks are still those of the message, whose words or calls may have been changed."""
    rows = [block for block in whole if isinstance(block, Mapping)]
    text = "".join(row.get("text") or "" for row in rows if row.get("type") == "text")
    ids = [row.get("id") for row in rows if row.get("type") == "tool_use"]
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    return text == (content or "") and ids == [
        call.get("id") for call in message.get("tool_calls") or ()
    ]


def _sent(block: Mapping[str, Any]) -> Wire:
    """A block of an answer as one of a request, which has no nulls but where they say something."""
    return {name: value for name, value in block.items() if value is not None or name == "content"}


def _calls(message: Mapping[str, Any], kept: Mapping[str, Any], names: ToolNames) -> list[Wire]:
    found: list[Wire] = []
    seen: set[str] = set()
    for call in message.get("tool_calls") or ():
        identity = str(call.get("id"))
        if identity in seen:
            continue
        seen.add(identity)
        function = call.get("function") or call.get("custom") or {}
        used: Wire = {
            "id": spelt(identity),
            "name": function.get("name") or "",
            "input": _input(function),
        }
        if identity.startswith(_SERVERS_CALL):
            results = [row for name in _SERVERS_RESULTS for row in kept.get(name) or ()]
            own = [row for row in results if row.get("tool_use_id") == identity]
            found += [{"type": "server_tool_use", **used}, *own] if own else []
        else:
            used["name"] = names.sent(used["name"])
            found.append(marked({"type": "tool_use", **used}, call))
    if legacy := message.get("function_call"):
        # Its result has no id either: the name stands for both.
        used = {
            "id": spelt(legacy["name"]),
            "name": names.sent(legacy["name"]),
            "input": _input(legacy),
        }
        found.append({"type": "tool_use", **used})
    return found


def _input(function: Mapping[str, Any]) -> Wire:
    """The arguments of a call as an object; the text of those that are none stays to be read."""
    given = function.get("arguments", function.get("input"))
    if isinstance(given, Mapping):
        return dict(given)
    return arguments_in(str(given or ""))


def _ended(turns: list[Wire]) -> list[Wire]:
    """The API refuses white space at the end of an answer that is to go on."""
    last = turns[-1] if turns else {}
    if last.get("role") == "assistant" and last["content"][-1].get("type") == "text":
        *before, text = last["content"]
        return [
            *turns[:-1],
            {**last, "content": [*before, {**text, "text": text["text"].rstrip()}]},
        ]
    return turns


def _ordered(turn: Wire) -> Wire:
    """The results of calls come first in a user's turn."""
    results = [block for block in turn["content"] if block.get("type") == "tool_result"]
    if turn["role"] != "user" or not results or turn["content"][: len(results)] == results:
        return turn
    others = [block for block in turn["content"] if block.get("type") != "tool_result"]
    return {**turn, "content": [*results, *others]}
