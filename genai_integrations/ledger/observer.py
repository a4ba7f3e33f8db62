"""Who tells the ledger of each call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genai_integrations.calls import checks
from genai_integrations.calls.request import Request
from genai_integrations.calls.route import OK, Attempt, Route
from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.ledger.book import Book, book_at
from genai_integrations.ledger.rows import Ended, text_of

MOST_CALLS = 1_000_000
"""Calls that a ledger keeps, unless it is told otherwise: some hundred megabytes."""

LEFT = "left"
"""The outcome of a stream that the caller left before its end."""


class Ledger:
    """An observer that records calls.

    Args:
        book: The file.
        texts: Whether questions and answers are written, too.

    Attributes:
        book: The file.
    """

    is_ready = True
    wants_times = True

    def __init__(self, book: Book, *, texts: bool = False) -> None:
        self.book = book
        self._texts = texts

    def prepare(self) -> None:
        """Nothing: the thread is made with the first call."""

    def call_began(self, request: Request) -> _Watch:
        """A call begins."""
        return _Watch(self.book, request, texts=self._texts)


class _Watch:
    """Watches one call."""

    __slots__ = ("_at", "_began", "_book", "_request", "_texts")

    def __init__(self, book: Book, request: Request, *, texts: bool) -> None:
        self._book = book
        self._request = request
        self._texts = texts
        self._at = time.time()
        self._began = time.monotonic()

    def attempt_began(self, attempt: Attempt) -> None:
        """Nothing: what counts is on the route at the end."""

    def attempt_ended(self, attempt: Attempt) -> None:
        """Nothing."""

    def first_content(self, route: Route) -> None:
        """Nothing."""

    def call_ended(self, route: Route, wire: Wire | None, error: BaseException | None) -> None:
        """The call is over."""
        request = self._request
        is_whole = error is None and route.served is not None
        outcome = OK if is_whole else LEFT
        if error is not None:
            outcome = type(error).__name__
        told = error.recorded() if isinstance(error, GenAIError) else None
        ended = Ended(
            self._at,
            (time.monotonic() - self._began) * 1000,
            request.operation,
            request.stream,
            route,
            outcome,
            told,
            _said(request),
        )
        if self._texts:
            # Now, because what a caller does to a reply later is not what was answered.
            ended.question = text_of(dict(request.body))
            ended.answer = None if wire is None else text_of(wire)
        self._book.put(ended)


def _said(request: Request) -> Mapping[str, str | None]:
    """Who asked, and with which prompt."""
    trace = request.trace
    prompt = trace.get("langfuse_prompt")
    name, version = getattr(prompt, "name", None), getattr(prompt, "version", None)
    if isinstance(prompt, Mapping):
        name, version = prompt.get("name"), prompt.get("version")
    user = getattr(request, "user", None) or trace.get("langfuse_user_id")
    session = trace.get("langfuse_session_id")
    return {
        "user": None if user is None else str(user),
        "session": None if session is None else str(session),
        "prompt": None if name is None else f"{name}@{version}",
    }


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """What `ledger=` says.

    Attributes:
        path: The file.
        texts: Whether questions and answers are written, too.
        most_calls: Calls kept; the oldest go first.
    """

    path: str
    texts: bool = False
    most_calls: int = MOST_CALLS


def ledger_of(given: object) -> Ledger:
    """The ledger that a program asked for: a path, or `{"path": ..., "texts": True, "most_calls": 10_000}`.

    Raises:
        ConfigurationError: It is neither, or the folder does not exist.
    """
    rows: Mapping[str, object] = given if isinstance(given, Mapping) else {"path": given}
    unknown = rows.keys() - {"path", "texts", "most_calls"}
    path = rows.get("path")
    if unknown or not isinstance(path, (str, Path)) or not str(path):
        raise ConfigurationError(
            'ledger must be a path, or a mapping like {"path": "calls.db", "texts": False, "most_calls": 100000}'
        )
    try:
        most = checks.above_zero("ledger.most_calls", rows.get("most_calls", MOST_CALLS))
        texts = checks.flag("ledger.texts", rows.get("texts", False))
    except ConfigurationError as error:
        raise checks.by_itself(error) from None
    return Ledger(book_at(path, most), texts=texts)
