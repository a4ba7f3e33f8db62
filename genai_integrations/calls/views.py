"""Answers and routes in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from genai_integrations.calls.route import CACHE, CANCELLED, OK, Attempt, Route
from genai_integrations.calls.shapes import Embedding, Message, ReplyBody
from genai_integrations.calls.tool_calls import function_of
from genai_integrations.display import (
    Bundle,
    Cell,
    Html,
    bad,
    bundle,
    escape,
    filled,
    good,
    milliseconds,
    money,
    muted,
    table,
    text_table,
)
from genai_integrations.markdown import markdown

if TYPE_CHECKING:
    from genai_integrations.calls.reply import Reply

_COLOURS = {OK: good, CANCELLED: muted}
"""Who lost against another request beside it is not blamed."""

_ROUTE = ("target", "why", "outcome", "time", "first content", "tokens", "cost")


def route_bundle(route: Route) -> Bundle:
    """Every attempt in a row."""
    shown = text_table(*filled(_ROUTE, map(_attempt, route.attempts)))
    return bundle("\n".join(filter(None, (shown, _why(route)))), route_table(route))


def route_table(route: Route) -> Html:
    """Every attempt in a row, and below them why the first was the first, and what went wrong."""
    why = f"<div>{muted(_why(route))}</div>" if route.why else ""
    wrong = "".join(f"<div>{bad(row.error)}</div>" for row in route.attempts if row.error)
    return Html(table(*filled(_ROUTE, map(_attempt, route.attempts))) + why + wrong)


def _why(route: Route) -> str:
    return f"why first: {route.why}" if route.why else ""


def route_note(route: Route) -> str:
    """One line: tokens, cost, time, and who answered after whom."""
    last = route.attempts[-1] if route.attempts else None
    if last is None:
        return "nothing was sent"
    parts = [f"{tokens} tokens" for tokens in [_tokens(last)] if tokens]
    parts += [money(cost) for cost in [route.cost] if cost is not None]
    parts += [_time(last), " → ".join(map(_step, route.attempts))]
    return " · ".join(filter(None, parts))


def reply_bundle(reply: Reply) -> Bundle:
    """The answer, and below it how it was come by."""
    text, note = _said(cast("ReplyBody", reply.wire)), route_note(reply.route)
    more = ""
    if len(reply.route.attempts) > 1:
        more = f"<details><summary>{muted('route')}</summary>{route_table(reply.route)}</details>"
    html = f'{markdown(text)}<div class="genai-note">{escape(note)}</div>{more}'
    return bundle(f"{text}\n\n{note}", html)


def _attempt(row: Attempt) -> list[Cell]:
    said = (row.outcome or "running") + " (rehearsed)" * row.rehearsed
    outcome = _COLOURS.get(row.outcome, bad)(said)
    first = None if row.first_content_ms is None else milliseconds(row.first_content_ms)
    time, cost = milliseconds(row.ms), None if row.cost is None else money(row.cost)
    return [row.target, row.reason, outcome, time, first, _tokens(row) or None, cost]


def _tokens(row: Attempt) -> str:
    if row.prompt_tokens is None:
        return ""
    return f"{row.prompt_tokens} + {row.completion_tokens or 0}"


def _time(row: Attempt) -> str:
    first = row.first_content_ms
    return milliseconds(row.ms) + (f" (first {milliseconds(first)})" if first is not None else "")


def _step(row: Attempt) -> str:
    if row.reason == CACHE:
        return f"{row.target} cached"
    return row.target if row.outcome == OK else f"{row.target} {row.outcome}".rstrip()


def _said(wire: ReplyBody) -> str:
    choices = wire.get("choices")
    if choices is None:
        return _vectors(wire.get("data") or ())
    return "\n\n".join("\n".join(_parts(choice.get("message") or {})) for choice in choices)


def _parts(message: Message) -> Iterable[str]:
    for said in (message.get("content"), message.get("refusal")):
        if said:
            yield str(said)
    for call in message.get("tool_calls") or ():
        function = function_of(call)
        yield f"{function.get('name')}({function.get('arguments')})"


def _vectors(data: Iterable[Embedding]) -> str:
    vectors = [row.get("embedding") or () for row in data]
    sizes = sorted({len(vector) for vector in vectors})
    return f"{len(vectors)} embeddings of {' or '.join(map(str, sizes)) or 'no'} dimensions"
