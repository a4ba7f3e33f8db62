"""Which calls may have an answer to a question that says the same, and which answers are kept for that."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.questions import QuestionKeys
from genai_integrations.cache.semantic.opening import opened
from genai_integrations.cache.semantic.options import SemanticOptions, semantic_options
from genai_integrations.calls.request import Request
from genai_integrations.calls.wire import Wire
from genai_integrations.routing.deployments import Plan
from genai_integrations.routing.kept_answers import question_of

_NEVER = frozenset(
    (
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "modalities",
        "audio",
        "web_search_options",
    )
)
"""Parameters of calls whose answers depend on more than the words, or are more than words."""

_REFUSAL = re.compile(
    r"^\W*(?:i['\u2019]?m|i am) (?:sorry|unable|not able)|^\W*sorry\b|^\W*i (?:can['\u2019]?t|cannot|won['\u2019]?t)\b"
    r"|^\W*(?:죄송|미안)|(?:도와드릴|답변드릴|제공할)\s*수\s*없",
    re.IGNORECASE,
)
"""How models refuse in words."""


class SimilarStore:
    """Keeps answers by the last message of the user, within all else that an answer depends on.

    Args:
        options: How they are found and kept.
    """

    def __init__(self, options: SemanticOptions) -> None:
        self._options = options
        self._store = opened(options)
        self._keys = QuestionKeys(secrets.token_bytes(32))

    def get(self, request: Request, plan: Plan) -> Kept | None:
        """An answer to a question that says the same, None if there is none."""
        asked = self._asked(request, plan)
        return None if asked is None else self._store.get(*asked)

    def put(self, request: Request, plan: Plan, entry: Wire) -> None:
        """Keep an answer, if it is one that may be given to others."""
        text = _answer(entry["reply"])
        if text is None or self._options.detector(text):
            return
        asked = self._asked(request, plan)
        if asked is not None:
            self._store.put(*asked, entry, request.args.cache.ttl)

    def clear(self) -> None:
        """Forget every answer."""
        self._store.clear()

    def _asked(self, request: Request, plan: Plan) -> tuple[bytes, str] | None:
        """The partition and the question; None for a call that has nothing to do with this."""
        wanted = request.args.cache.semantic
        if not (self._options.always if wanted is None else wanted):
            return None
        text = _question(request)
        if text is None or self._options.detector(text):
            return None
        whole = question_of(request, plan)
        *turns, last = whole["body"]["messages"]
        rest = {name: value for name, value in last.items() if name != "content"}
        whole["body"] = {**whole["body"], "messages": [*turns, rest]}
        key = self._keys.key(whole)
        return None if key is None else (key, text)


def opened_similar(semantic_cache: object) -> SimilarStore | None:
    """What `GenAIClient(semantic_cache=...)` means.

    Raises:
        ConfigurationError: It cannot work.
    """
    options = semantic_options(semantic_cache)
    return None if options is None else SimilarStore(options)


def _question(request: Request) -> str | None:
    """The last message of the user, where the answer depends on words alone and is always the same."""
    body = request.body
    if request.operation != "chat/completions" or not _NEVER.isdisjoint(body):
        return None
    # Who sets no temperature leaves it to the provider, and has asked for kept answers.
    if body.get("temperature") or body.get("n") not in (None, 1):
        return None
    messages = body["messages"]
    if messages[-1].get("role") != "user" or not all(map(_is_text, messages)):
        return None
    return _text(messages[-1])


def _is_text(message: Mapping[str, Any]) -> bool:
    if message.get("role") in ("tool", "function") or message.get("tool_calls"):
        return False
    return _text(message) is not None


def _text(message: Mapping[str, Any]) -> str | None:
    """What a message says, if it is nothing but words."""
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], Mapping):
        content = content[0].get("text") if content[0].get("type") == "text" else None
    return content if isinstance(content, str) else None


def _answer(reply: Wire) -> str | None:
    """What a reply says, if it came to its own end and is no refusal."""
    choices: list[Any] = reply.get("choices") or []
    if len(choices) != 1 or choices[0].get("finish_reason") != "stop":
        return None
    message = choices[0].get("message") or {}
    text = message.get("content")
    if message.get("tool_calls") or message.get("refusal") or not isinstance(text, str):
        return None
    return None if not text.strip() or _REFUSAL.search(text[:200]) else text
