"""A whole reply as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from genai_integrations.calls.wire import Wire


def chunks_of(reply: Wire) -> Iterator[Wire]:
    """The reply as a stream: each answer in one piece, its end, the usage."""
    head = {name: value for name, value in reply.items() if name not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    for choice in reply["choices"]:
        begun = {name: value for name, value in choice.items() if name != "message"}
        yield {
            **head,
            "choices": [{**begun, "delta": _delta(choice["message"]), "finish_reason": None}],
        }
    for at, choice in enumerate(reply["choices"]):
        end = {"index": choice.get("index", at), "delta": {}}
        yield {**head, "choices": [{**end, "finish_reason": choice["finish_reason"]}]}
    yield {**head, "choices": [], "usage": reply.get("usage")}


def _delta(message: Wire) -> Wire:
    if not message.get("tool_calls"):
        return message
    calls = [{"index": at, **call} for at, call in enumerate(message["tool_calls"])]
    return {**message, "tool_calls": calls}
