"""Answers to requests that were said otherwise, as answers to what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genai_integrations.calls.json_text import json_in
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import InvalidReplyError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.remedies.misfits import misfit
from genai_integrations.transports.remedies.remedy import Remedy
from genai_integrations.transports.remedies.restatements import schema_wanted
from genai_integrations.transports.remedies.rows import AS_TOOL, ONLY_IN_WORDS, WEAKENS_SCHEMA

_CUT_SHORT = frozenset(("length", "content_filter"))
"""Reasons after which a text need not be whole: the caller is told by them."""


def turned_round(
    remedies: Sequence[Remedy], wanted: Wire, *, stream: bool
) -> Callable[[Wire], Wire] | None:
    """What has to be done to an answer, or to each chunk of one; None if nothing has.

    Args:
        remedies: How the request was said.
        wanted: The request as the caller wrote it.
        stream: Whether chunks come. Their end is checked here; a whole answer is judged (`routing.judging`).
    """
    names = {remedy.name for remedy in remedies}
    turn = tool_as_text if AS_TOOL.name in names else None
    schema = schema_wanted(wanted) if names & WEAKENS_SCHEMA else None
    is_talk = ONLY_IN_WORDS.name in names
    if not stream or schema is None:
        return talk_as_json if is_talk else turn
    watch = _SchemaWatch(schema, json_in if is_talk else str)
    return watch.passes if turn is None else lambda chunk: watch.passes(tool_as_text(chunk))


def tool_as_text(wire: Wire) -> Wire:
    """The arguments of the call that stands for a schema, as the text that was asked for; changed in place."""
    for choice in wire.get("choices") or ():
        said = choice.get("message") or choice.get("delta")
        calls = said.pop("tool_calls", None) if said else None
        if calls:
            given = (calls[0].get("function") or {}).get("arguments")
            is_text = isinstance(given, str) or given is None
            said["content"] = given if is_text else jsonbytes.dumps(given).decode()
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return wire


def talk_as_json(wire: Wire) -> Wire:
    """The JSON of an answer that says more than that, as the whole text; changed in place."""
    for choice in wire["choices"]:
        content = choice["message"].get("content")
        if isinstance(content, str):
            choice["message"]["content"] = json_in(content)
    return wire


def not_fitting(reason: str) -> InvalidReplyError:
    """The error for an answer that does not fit its schema."""
    error = InvalidReplyError(
        f"the answer does not fit its JSON schema, which this model does not enforce: {reason}"
    )
    error.is_of_request = True
    return error


def wholly_said(choice: Wire) -> bool:
    """Whether a choice has come to an end at which its text is whole."""
    reason = choice.get("finish_reason")
    return bool(reason) and reason not in _CUT_SHORT


class _SchemaWatch:
    """Reads the text of a stream along, and raises at an end that does not fit.

    Args:
        schema: What it has to fit.
        read: Finds the JSON in the text.
    """

    def __init__(self, schema: Mapping[str, Any], read: Callable[[str], str] = str) -> None:
        self._schema = schema
        self._read = read
        self._texts: dict[object, str] = {}

    def passes(self, chunk: Wire) -> Wire:
        """The chunk as it is.

        Raises:
            InvalidReplyError: It ends a text that does not fit.
        """
        for choice in chunk.get("choices") or ():
            at = choice.get("index", 0)
            content = (choice.get("delta") or {}).get("content")
            if isinstance(content, str):
                self._texts[at] = self._texts.get(at, "") + content
            text = self._texts.get(at)
            if text and wholly_said(choice) and (reason := misfit(self._read(text), self._schema)):
                raise not_fitting(reason)
        return chunk


def merged(replies: Sequence[Wire]) -> Wire:
    """The vectors of several requests as one reply, in order, with the usage of all."""
    rows = [row for reply in replies for row in reply["data"]]
    data = [{**row, "index": index} for index, row in enumerate(rows)]
    usages = [reply.get("usage") or {} for reply in replies]
    names = dict.fromkeys(name for usage in usages for name in usage)
    usage = {name: _sum([row.get(name) for row in usages]) for name in names}
    reply = {**replies[0], "data": data}
    return {**reply, "usage": usage} if usage else reply


def _sum(values: Sequence[Any]) -> Any:
    counts = [value for value in values if isinstance(value, (int, float))]
    return sum(counts) if counts else values[0]
