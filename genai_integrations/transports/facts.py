"""What an answer says about a failure, wherever in it that stands."""

from __future__ import annotations

import ast
import contextlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.incoming import request_id
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.masked import scrub, scrubbed
from genai_integrations.runtime.plain import one_line
from genai_integrations.transports.waits import wait_asked

_INNER = (
    "error", "errors", "detail", "details", "innererror", "metadata", "raw", "cause", "base_resp",
    "response", "upstream_error", "body", "message", "msg", "error_message", "responseBody",
)  # fmt: skip
"""Where one error object lies inside another, as an object, a list or a text that holds JSON."""

_WORDS = (
    "code", "type", "status", "reason", "error", "error_code", "error_type", "errorCode", "__type",
    "status_code", "finish_reason",
)  # fmt: skip
"""Where servers put the word that a program can read."""

_MESSAGES = (
    "message", "msg", "error_message", "status_msg", "error_description", "Message", "errorMessage",
    "raw", "detail", "error", "title",
)  # fmt: skip
"""Where servers put the sentence for people, the more telling names first."""

_DEEPEST = 40
_MOST_OBJECTS = 64
_LONGEST_TEXT = 50_000
_LONGEST_WORD = 200
"""Bounds for an answer that is made to keep us busy."""

_SAID = {"true": True, "false": False}
_NOT_SHOWN = re.compile(r"<(script|style|!--).*?(</\1>|-->)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_REFUSALS = range(300, 600)
"""Numbers in an error object that are HTTP statuses."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer says about a failure. Nothing in it holds a secret that was named.

    Attributes:
        status: HTTP status; of an event of a stream the number in its error object, None without one.
        code: The innermost code that is a word, such as `unsupported_parameter`; as sent, None without one.
        type: The innermost type, such as `invalid_request_error`; as sent, None without one.
        param: The part of the request that is refused, such as `temperature` or `messages[0].role`.
        message: The innermost sentence, in one line; empty if there is none.
        words: Every code, type, status and reason, in small letters, those of the innermost object first.
        texts: Every sentence, in small letters, one to a line.
        retry_after: Seconds that the server asks to wait.
        should_retry: Whether it says that the same request may be sent again.
        request_id: Its id of the request.
        body: The error object, with JSON that stood in texts decoded; None without one.
    """

    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message: str = ""
    words: tuple[str, ...] = ()
    texts: str = ""
    retry_after: float | None = None
    should_retry: bool | None = None
    request_id: str | None = None
    body: dict[str, object] | None = None


def facts(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str] = (),
    now: float | None = None,
) -> Facts:
    """What an HTTP answer says about a failure.

    Args:
        status: HTTP status.
        headers: Answer's headers, with lower-case look-up.
        body: Answer's body, or its beginning.
        secrets: Texts that must not appear in the result.
        now: Seconds since 1970, to count dates from; None for the present.
    """
    secrets = tuple(secrets)
    try:
        value = jsonbytes.loads(body)
    except ValueError:
        value = _text_of_page(scrub(body, secrets)[:_LONGEST_TEXT].decode(errors="replace"))
    return facts_in(value, status, headers, secrets, now)


def facts_in(
    value: object,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    now: float | None = None,
) -> Facts:
    """What a decoded answer, an event of a stream or a text says about a failure. As `facts`."""
    headers = headers or {}
    opened = scrubbed(_opened(value, 0), secrets)
    objects = list(_objects(opened))
    words = tuple(word.lower() for row in objects for word in _words(row))
    sentences = [text[:_LONGEST_TEXT] for row in objects for text in _sentences(row)]
    if isinstance(value, str) and not sentences:
        sentences = [scrubbed(value, secrets)[:_LONGEST_TEXT]]
    detail = error_object(opened)
    if not sentences and objects:
        # Better than nothing: somebody may read out of it what is wrong.
        sentences = [json.dumps(opened, ensure_ascii=False, default=str)[:_LONGEST_TEXT]]
    return Facts(
        status=status or _status_in(objects),
        code=_first(objects, ("code", "error_code", "errorCode", "reason", "__type")),
        type=_first(objects, ("type", "error_type")),
        param=_param(objects),
        message=one_line(sentences[0]) if sentences else "",
        words=(*words, *_header_words(headers)),
        texts="\n".join(sentences).lower(),
        retry_after=wait_asked(status, headers, objects, sentences, now),
        should_retry=_SAID.get(headers.get("x-should-retry", "").strip().lower()),
        request_id=request_id(headers, secrets) or _first(objects, ("request_id",)),
        body=detail or None,
    )


def error_object(data: object) -> dict[str, object]:
    """The outermost error object of an answer, whatever the server wrapped it in; empty if there is none."""
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return {}
    inner = data.get("error", data)
    if isinstance(inner, str):
        return {**data, "message": data.get("message") or inner}
    return inner if isinstance(inner, dict) else {}


def _opened(value: object, depth: int, name: str = "error") -> Any:
    """The value with every text that holds an error object decoded in its place: its escapes hide no secret then."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        inner = embedded(value) if name in _INNER else None
        return value if inner is None else _opened(inner, depth + 1)
    if isinstance(value, dict):
        return {key: _opened(item, depth + 1, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, depth + 1, name) for item in value[:_MOST_OBJECTS]]
    return value


def embedded(text: str) -> dict[str, object] | None:
    """The error object that a text holds, as JSON or as Python's repr; None if it holds none.

    Gateways write what they were told after words of their own: `litellm.BadRequestError: OpenAIException - {...}`.
    """
    begin, end = text.find("{"), text.rfind("}") + 1
    if begin < 0 or end <= begin or end - begin > _LONGEST_TEXT:
        return None
    value = _decoded(text[begin:end])
    if isinstance(value, dict) and not _ERROR_KEYS.isdisjoint(value):
        return value
    return None


_ERROR_KEYS = frozenset(("error", "errors", "message", "detail", "msg", "Message"))


def _decoded(text: str) -> object:
    # The second form is what the repr of bytes makes of JSON.
    for form in (text, text.replace("\\n", " ").replace('\\"', '"')):
        with contextlib.suppress(ValueError, RecursionError):
            return json.JSONDecoder().raw_decode(form)[0]
    with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ast.literal_eval(text)
    return None


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects that say something of the failure, the innermost first."""
    found: list[tuple[int, dict[str, Any]]] = []
    queue = [(0, value)]
    while queue and len(found) < _MOST_OBJECTS:
        depth, item = queue.pop(0)
        if isinstance(item, dict):
            found.append((depth, item))
            queue += [(depth + 1, item[name]) for name in _INNER if name in item]
        elif isinstance(item, list):
            queue += [(depth, each) for each in item]
    return (item for _, item in sorted(found, key=lambda row: -row[0]))


def _words(row: Mapping[str, Any]) -> Iterator[str]:
    for name in _WORDS:
        value = row.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            # AWS writes `namespace#ValidationException`.
            yield str(value).rpartition("#")[2]


def _header_words(headers: Mapping[str, str]) -> Iterator[str]:
    """AWS names the error in a header: `ThrottlingException:http://...`."""
    if name := headers.get("x-amzn-errortype"):
        yield name.partition(":")[0].lower()


def _sentences(row: Mapping[str, Any]) -> Iterator[str]:
    place = _place(row)
    for name in _MESSAGES:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            yield f"{place}: {value}" if place else value


def _place(row: Mapping[str, Any]) -> str | None:
    """Where in the request it is, as FastAPI and pydantic say it: `["body", "messages", 0, "role"]`."""
    place = row.get("loc")
    if isinstance(place, list) and place:
        return ".".join(str(part) for part in place if part != "body")
    return None


def _first(objects: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    """The innermost word under one of these names; a number is a status, and says less."""
    found = (row.get(name) for row in objects for name in names)
    words = (word for word in found if isinstance(word, str) and not _is_number(word))
    return next((one_line(word, _LONGEST_WORD) for word in words), None)


def _is_number(word: str) -> bool:
    return not word or word.isdecimal()


def _param(objects: Sequence[Mapping[str, Any]]) -> str | None:
    for row in objects:
        if isinstance(row.get("param"), str) and row["param"]:
            return str(row["param"])
        if place := _place(row):
            return place
    return None


def _status_in(objects: Sequence[Mapping[str, Any]]) -> int | None:
    """The HTTP status in an error object; the outermost is of the server that we asked."""
    for row in reversed(objects):
        for name in ("status", "code", "status_code"):
            text = str(row.get(name))
            if text.isdecimal() and len(text) == 3 and int(text) in _REFUSALS:
                return int(text)
    return None


def _text_of_page(text: str) -> str:
    """The words of a page, or of a plain text."""
    if "<" not in text:
        return text
    return html.unescape(_TAG.sub(" ", _NOT_SHOWN.sub(" ", text)))
