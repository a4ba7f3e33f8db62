"""The ways in which a provider can fail, as values."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from genai_integrations.testing.hostile import HOSTILE

Kind = Literal[
    "error",
    "html",
    "empty",
    "wrong_json",
    "redirect",
    "filter_stop",
    "hang",
    "stall",
    "drip",
    "error_event",
    "cut",
    "truncated",
    "no_answer",
    "stale",
    "hostile",
]
"""What goes wrong; the constructors of `Fault` say what each means."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. Make it with one of the class methods.

    The faults of streams count content pieces: the parts of text, reasoning or tool calls that a stream
    carries, not its opening chunk. A request that does not stream gets the nearest fault that a single
    answer can have.

    Attributes:
        kind: What goes wrong.
        times: How many requests fail before the model works again; None means all of them.
        http_status: Status of an error.
        code: The provider's own code of the error.
        message: What the error says; None for the provider's usual words.
        headers: Sent with the error.
        after: How many content pieces arrive first.
        event: What a slow answer waits for.
        step: The event lets one piece pass, not all of them.
        reset: The connection is reset instead of closed.
        url: Where a redirect points to.
        way: The name of a hostile answer.
    """

    kind: Kind
    times: int | None = None
    http_status: int = 200
    code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 0
    event: threading.Event | None = None
    step: bool = False
    reset: bool = False
    url: str = ""
    way: str = ""

    @classmethod
    def status(
        cls,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> Fault:
        """An error with that status and the provider's usual body for it."""
        return cls(
            "error", times, http_status=status, code=code, message=message, headers=headers or {}
        )

    @classmethod
    def rate_limited(
        cls,
        retry_after: float | None = 1,
        *,
        milliseconds: float | None = None,
        times: int | None = None,
    ) -> Fault:
        """429, with `Retry-After` in seconds and, if given, `retry-after-ms`; None leaves a header out."""
        headers = {}
        if retry_after is not None:
            headers["retry-after"] = f"{retry_after:g}"
        if milliseconds is not None:
            headers["retry-after-ms"] = f"{milliseconds:g}"
        return cls.status(429, headers=headers, times=times)

    @classmethod
    def out_of_quota(cls, *, times: int | None = None) -> Fault:
        """429 because nothing is left to spend, which waiting does not cure."""
        return cls.status(429, code="insufficient_quota", times=times)

    @classmethod
    def unauthorized(cls, *, times: int | None = None) -> Fault:
        """401: the key is wrong."""
        return cls.status(401, times=times)

    @classmethod
    def forbidden(cls, *, times: int | None = None) -> Fault:
        """403: the key may not do this."""
        return cls.status(403, times=times)

    @classmethod
    def model_not_found(cls, *, times: int | None = None) -> Fault:
        """404: no such model, or no access to it."""
        return cls.status(404, times=times)

    @classmethod
    def bad_request(cls, message: str | None = None, *, times: int | None = None) -> Fault:
        """400: the request is wrong."""
        return cls.status(400, message=message, times=times)

    @classmethod
    def unprocessable(cls, *, times: int | None = None) -> Fault:
        """422: the request is wrong in another way."""
        return cls.status(422, times=times)

    @classmethod
    def context_window(cls, *, times: int | None = None) -> Fault:
        """400: the messages are longer than the model's context."""
        return cls.status(400, code="context_length_exceeded", times=times)

    @classmethod
    def content_filter(cls, *, times: int | None = None) -> Fault:
        """400: the filter refused the prompt, in the shape that Azure gives it."""
        return cls.status(400, code="content_filter", times=times)

    @classmethod
    def content_filter_stop(cls, *, times: int | None = None) -> Fault:
        """200, but the filter stopped the answer half-way."""
        return cls("filter_stop", times)

    @classmethod
    def hang(cls, *, times: int | None = None) -> Fault:
        """No answer at all, until the client goes away or the server closes."""
        return cls("hang", times)

    @classmethod
    def stall(cls, after: int = 0, *, times: int | None = None) -> Fault:
        """A stream that opens, brings some content, and then hangs. Without streaming: hangs."""
        return cls("stall", times, after=after)

    @classmethod
    def drip(
        cls, event: threading.Event, after: int = 0, *, step: bool = False, times: int | None = None
    ) -> Fault:
        """Every content piece from the `after`th on waits until the event is set.

        With `step`, the server clears the event again after each piece, so that setting it lets exactly one
        pass. Without streaming, the whole answer waits for the event.
        """
        return cls("drip", times, after=after, event=event, step=step)

    @classmethod
    def html(cls, *, times: int | None = None) -> Fault:
        """200 with a web page, as from a proxy or a captive portal."""
        return cls("html", times)

    @classmethod
    def empty(cls, *, times: int | None = None) -> Fault:
        """200 with nothing in it."""
        return cls("empty", times)

    @classmethod
    def wrong_json(cls, *, times: int | None = None) -> Fault:
        """200 with JSON that is no answer to the question."""
        return cls("wrong_json", times)

    @classmethod
    def redirect(cls, url: str = "", *, times: int | None = None) -> Fault:
        """307 to that address; by default to `/elsewhere` on the same server, where requests are recorded."""
        return cls("redirect", times, url=url)

    @classmethod
    def error_event(cls, after: int = 2, *, times: int | None = None) -> Fault:
        """A stream that brings some content and then an error. Without streaming: 500."""
        return cls("error_event", times, after=after)

    @classmethod
    def cut(cls, after: int = 2, *, times: int | None = None) -> Fault:
        """A stream whose connection closes in the middle. Without streaming: a body shorter than announced."""
        return cls("cut", times, after=after)

    @classmethod
    def truncated(cls, after: int = 2, *, times: int | None = None) -> Fault:
        """A stream that ends in good order, but too early. Without streaming: half of the JSON."""
        return cls("truncated", times, after=after)

    @classmethod
    def no_answer(cls, *, reset: bool = False, times: int | None = None) -> Fault:
        """The connection is closed, or reset, once the request has been read."""
        return cls("no_answer", times, reset=reset)

    @classmethod
    def stale(cls, *, times: int | None = None) -> Fault:
        """A good answer, after which the connection closes although it was kept alive."""
        return cls("stale", times)

    @classmethod
    def hostile(cls, way: str, *, times: int | None = None) -> Fault:
        """Bytes that no provider should send: a key of `genai_integrations.testing.hostile.HOSTILE`.

        Raises:
            KeyError: There is no such way.
        """
        if way not in HOSTILE:
            raise KeyError(way)
        return cls("hostile", times, way=way)


_BY_NAME = {
    "context": Fault.context_window(),
    "cut": Fault.cut(),
    "empty": Fault.empty(),
    "error-event": Fault.error_event(),
    "filter": Fault.content_filter(),
    "filter-stop": Fault.content_filter_stop(),
    "hang": Fault.hang(),
    "html": Fault.html(),
    "json": Fault.wrong_json(),
    "no-answer": Fault.no_answer(),
    "quota": Fault.out_of_quota(),
    "redirect": Fault.redirect(),
    "reset": Fault.no_answer(reset=True),
    "stale": Fault.stale(),
    "stall": Fault.stall(),
    "truncated": Fault.truncated(),
    "429": Fault.rate_limited(),
}

_NAME = re.compile(r"fault-(?:(?P<status>[45]\d\d)|(?P<name>[a-z-]+?)(?:-(?P<after>\d+))?)")


def fault_named(model: str) -> Fault | None:
    """The fault that a model's name asks for, as `fault-500` or `vendor/fault-cut-0`; None if it asks for none.

    The names are `fault-` and a status, or one of: context, cut, empty, error-event, filter, filter-stop,
    hang, html, json, no-answer, quota, redirect, reset, stale, stall, truncated. A number at the end of
    cut, error-event, stall and truncated is the count of content pieces that arrive first.
    """
    match = _NAME.fullmatch(model.rpartition("/")[2])
    if match is None:
        return None
    if match["status"]:
        return _BY_NAME.get(match["status"]) or Fault.status(int(match["status"]))
    fault = _BY_NAME.get(match["name"])
    if fault is None or match["after"] is None:
        return fault
    return Fault(fault.kind, after=int(match["after"]))
