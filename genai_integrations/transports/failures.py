"""The border where what others say about a failure becomes one of our errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple

from genai_integrations.calls.incoming import request_id
from genai_integrations.errors import (
    APIConnectionError,
    BadRequestError,
    CallError,
    GenAIError,
    InvalidReplyError,
    ServerError,
)
from genai_integrations.runtime.masked import scrubbed
from genai_integrations.runtime.network import without_frames
from genai_integrations.runtime.plain import one_line
from genai_integrations.transports.facts import Facts, facts, facts_in
from genai_integrations.transports.meanings import (
    BY_FOREIGN_CLASS,
    BY_HUNDRED,
    BY_SENTENCE,
    BY_STATUS,
    BY_WORD,
    FAILED_FINISHES,
    OVERRULING,
    VAGUE,
    WEAK,
    sentences,
)

_LITELLMS_PREFIX = re.compile(
    r"^(?:litellm\.\w+: )*(?:\w+(?:Exception|Error)\b(?: \w+)?(?: - |: ))*"
)


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str] = (),
    now: float | None = None,
) -> CallError:
    """The error for an HTTP answer that is not what was asked for.

    Args:
        status: HTTP status.
        headers: Answer's headers, with lower-case look-up.
        body: Answer's body, or its beginning.
        secrets: Texts that must not appear in the error.
        now: Seconds since 1970, to count dates from; None for the present.
    """
    said = facts(status, headers, body, secrets, now)
    kind = kind_of_status(status)
    reason = reason_of(said)
    if reason is not None and (
        status in VAGUE or (status >= 400 and issubclass(reason, OVERRULING))
    ):
        kind = reason
    message = said.message
    if 300 <= status < 400:
        message = "the server answered with a redirect, which is never followed with a key"
    return _error(kind, said, message or f"no reason given by the server for HTTP {status}")


def event_error(data: object, secrets: Sequence[str] = ()) -> CallError:
    """The error for an error object in a good answer, or that came as an event of a stream."""
    said = facts_in(data, secrets=secrets)
    by_status = kind_of_status(said.status) if said.status else None
    kind = reason_of(said) or by_status or ServerError
    return _error(kind, said, said.message or "the server ended the stream with an error")


def failure_in(wire: Mapping[str, Any], secrets: Sequence[str] = ()) -> CallError | None:
    """The error for a reply or chunk whose choice says that it failed; None for a good one."""
    for choice in wire.get("choices") or ():
        finish = choice.get("finish_reason")
        if "error" not in choice and (not isinstance(finish, str) or finish not in FAILED_FINISHES):
            continue
        if choice.get("error"):
            return event_error({"error": choice["error"]}, secrets)
        if isinstance(finish, str) and finish in FAILED_FINISHES:
            native = str(choice.get("native_finish_reason") or finish)
            kind = FAILED_FINISHES.get(native) or FAILED_FINISHES[finish]
            return kind(f"the provider ended its answer with {native!r}")
    return None


def foreign_error(error: Exception, status: int | None, secrets: Iterable[str]) -> CallError:
    """The error for an exception of LiteLLM's, where the wire itself showed none.

    Args:
        error: What LiteLLM raised.
        status: HTTP status that really came; with 200, whatever LiteLLM makes of it is an invalid reply,
            unless it read an error object in the answer.
        secrets: Texts that must not appear in the error.
    """
    told = getattr(error, "original_exception", None) or error
    code = getattr(told, "status_code", None)
    names = (kind.__name__ for kind in type(told).__mro__)
    by_name = next((BY_FOREIGN_CLASS[name] for name in names if name in BY_FOREIGN_CLASS), None)
    text = str(getattr(told, "message", told))
    said = facts_in(text, secrets=tuple(secrets))
    kind = by_name or (kind_of_status(code) if isinstance(code, int) else ServerError)
    reason = reason_of(said)
    if reason is not None and reason is not BadRequestError:
        kind = reason
    if status == 200 and kind in (APIConnectionError, BadRequestError):
        return InvalidReplyError("the server's answer cannot be understood")
    message = _LITELLMS_PREFIX.sub("", said.message) or type(told).__name__
    return kind(message, status=code if by_name is None else status, retry_after=said.retry_after)


class Answered(Protocol):
    """An answer, of which the head is known."""

    @property
    def headers(self) -> Mapping[str, str]:
        """With lower-case look-up."""
        ...


_T = TypeVar("_T")
_Asked = TypeVarTuple("_Asked")


def written(write: Callable[[*_Asked], _T], *asked: *_Asked) -> _T:
    """What a dialect writes of a request: its body, or its headers.

    Raises:
        BadRequestError: It cannot, mostly because a part has a wrong type. The target has not been asked, so nothing is
            said of it.
    """
    try:
        return write(*asked)
    except GenAIError:
        raise
    except Exception as error:
        raise unwritable(error) from error


def unwritable(error: Exception) -> BadRequestError:
    """The error for a request that a dialect fails to write."""
    return BadRequestError(
        f"the request cannot be written in its form ({type(error).__name__}): check its parts and their types"
    )


def leaving(error: Exception, secrets: Sequence[str], answer: Answered | None) -> GenAIError:
    """What leaves an attempt: an error of ours, whatever was raised in it, without frames and without what is secret.

    Here what anybody wrote into an error on its way is cleaned once more: a status line, a header, the size of a chunk
    may hold the key that the server was sent.

    Args:
        error: What was raised. It is changed in place if it is ours.
        secrets: Texts that must not appear in it.
        answer: What came, if anything did: its head has the provider's id of the request.
    """
    if not isinstance(error, GenAIError):
        # Not its text: nobody knows what it quotes.
        error = InvalidReplyError(f"the answer cannot be read: {type(error).__name__}")
    if answer is not None and isinstance(error, CallError):
        error.request_id = request_id(answer.headers, secrets) or error.request_id
    error.args = tuple(_clean(part, secrets) for part in error.args)
    if isinstance(error, CallError):
        error.message = _clean(error.message, secrets)
        for name in ("code", "param", "request_id", "body"):
            setattr(error, name, scrubbed(getattr(error, name), secrets))
    return without_frames(error)


def _clean(text: object, secrets: Sequence[str]) -> Any:
    return one_line(scrubbed(text, secrets)) if isinstance(text, str) else text


def kind_of_status(status: int) -> type[CallError]:
    """The class of error for an HTTP status."""
    return BY_STATUS.get(status) or BY_HUNDRED.get(status // 100, ServerError)


def reason_of(said: Facts) -> type[CallError] | None:
    """The class that the words say, or the sentences where the words say nothing of their own; None if neither does."""
    by_word = None
    for word in said.words:
        kind = BY_WORD.get(word)
        if kind is not None and kind not in WEAK:
            return kind
        by_word = by_word or kind
    found = sentences().search(said.texts)
    if found is not None and found.lastgroup is not None:
        return _KINDS[int(found.lastgroup[1:])]
    return by_word


_KINDS = tuple(BY_SENTENCE.values())


def _error(kind: type[CallError], said: Facts, message: str) -> CallError:
    return kind(
        one_line(message),
        status=said.status,
        retry_after=said.retry_after,
        should_retry=said.should_retry,
        request_id=said.request_id,
        code=said.code,
        param=said.param,
        body=said.body,
    )
