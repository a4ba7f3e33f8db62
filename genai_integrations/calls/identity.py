"""On whose behalf a call is made: what experiments, sticky orders and limits tell calls apart by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genai_integrations.calls.request import Request

_TRACE_NAMES: Mapping[str, str] = {
    "user": "langfuse_user_id",
    "session": "langfuse_session_id",
}
"""For what calls are told apart by, the parameter that says so in the record."""

MOST = 256
"""Characters of an identity that count; a longer one may be a whole document, given by mistake."""


def identity(request: Request, by: str) -> str | None:
    """Who, by the first place that says it; None if no place does.

    Looked for in this order, for `user`: the parameter `user`, then `langfuse_user_id`, then `user`, `user_id` and
    `langfuse_user_id` in `metadata`. A session is found in the same way, and any other name in `metadata` only.

    Args:
        request: What was asked.
        by: `user`, `session`, or a key of `metadata`.
    """
    for found in _said(request, by):
        if found is not None and found != "" and isinstance(found, (str, int)):
            return str(found)[:MOST]
    return None


def _said(request: Request, by: str) -> Iterator[object]:
    name = _TRACE_NAMES.get(by)
    if by == "user":
        yield request.user
    if name:
        yield request.trace.get(name)
    metadata = request.metadata
    yield metadata.get(by)
    if name:
        yield metadata.get(f"{by}_id")
        yield metadata.get(name)
