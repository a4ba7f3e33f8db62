"""How long a server asks to be left alone, in whatever words it says so."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
"""Headers, and the first of the two in the body of an error too."""

_FIELDS = (
    "retryDelay", "retry_after", "retryAfter", "retry_after_seconds", "resets_in_seconds",
    "quotaResetDelay", "estimated_time",
)  # fmt: skip
"""In an error object: Google's `RetryInfo`, Cloudflare, OpenAI's plans, Hugging Face while a model loads."""

_RESETS = (
    ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ("x-ratelimit-reset-requests-day", "x-ratelimit-remaining-requests-day"),
    ("x-ratelimit-reset-tokens-minute", "x-ratelimit-remaining-tokens-minute"),
    ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"),
    ("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"),
    ("anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"),
    ("anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"),
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
    ("ratelimit-reset", "ratelimit-remaining"),
)
"""Headers that say when a budget is full again, and what is left of it: they come with good answers, too."""

_RATE_LIMITED = 429

_UNITS = {
    "ms": 0.001, "millisecond": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0,
    "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_PART = r"\d+(?:\.\d+)?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)\b"
_DURATION = rf"{_PART}(?:[\s,]*(?:and\s+)?{_PART})*"
# In `6m0s` no word ends between the parts.
_DURATION = _DURATION.replace(r"\b", r"(?![a-z])")
_NAMED = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_ALL_DURATION = re.compile(_DURATION)
_ASKED = re.compile(
    rf"(?:try(?:ing)? again|retry(?:ing)?|wait|resets?|available):?\s(?:[a-z]+\s){{0,4}}?({_DURATION})"
)
_DATE = re.compile(
    r"(?:again|access|resets?|available|retry)\s(?:[a-z]+\s){0,3}?"
    r"(\d{4}-\d\d-\d\d)(?:t|\sat\s|\s)(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s?(z|utc|[+-]\d\d:\d\d)?"
)

_EPOCH = 1e9
_EPOCH_MS = 1e12
"""Numbers this large are no seconds to wait, but moments since 1970."""


def wait_asked(
    status: int | None,
    headers: Mapping[str, str],
    objects: Sequence[Mapping[str, Any]],
    sentences: Sequence[str],
    now: float | None = None,
) -> float | None:
    """Seconds that a server asks to wait; None if it does not say.

    Args:
        status: HTTP status.
        headers: Of its answer, with lower-case look-up.
        objects: Of its error, the innermost first.
        sentences: What it says to people.
        now: Seconds since 1970; None for the present.
    """
    now = time.time() if now is None else now
    asked = retry_after(headers, now)
    if asked is None:
        asked = next(_in_fields(objects, now), None)
    if asked is None:
        asked = next(_in_words(sentences, now), None)
    if asked is None and status == _RATE_LIMITED:
        inner = [row["headers"] for row in objects if isinstance(row.get("headers"), dict)]
        asked = next(
            (at for row in (headers, *inner) if (at := _reset(row, now)) is not None), None
        )
    # So many digits that it is no number any more says nothing.
    return asked if asked is not None and math.isfinite(asked) else None


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that the server asks to wait, from any of the three headers in use; None if it does not say."""
    for name in _MILLISECONDS:
        milliseconds = _number(headers.get(name))
        if milliseconds:
            # Azure sends 0 beside `retry-after: 1`.
            return milliseconds / 1000
    return _seconds(headers.get("retry-after"), time.time() if now is None else now)


def _in_fields(objects: Sequence[Mapping[str, Any]], now: float) -> Iterator[float]:
    for row in objects:
        # The headers of an answer that a gateway got, in its own error.
        inner = row.get("headers")
        if isinstance(inner, dict):
            lowered = {str(name).lower(): str(value) for name, value in inner.items()}
            if (seconds := retry_after(lowered, now)) is not None:
                yield seconds
        for name in _FIELDS:
            if (seconds := _seconds(_text(row.get(name)), now)) is not None:
                yield seconds
        if (milliseconds := _number(_text(row.get("retry_after_ms")))) is not None:
            yield milliseconds / 1000


def _in_words(sentences: Sequence[str], now: float) -> Iterator[float]:
    for sentence in sentences:
        text = sentence.lower()
        if found := _ASKED.search(text):
            yield _duration(found[1])
        if found := _DATE.search(text):
            zone = (found[3] or "z").replace("utc", "z").replace("z", "+00:00")
            moment = _iso(f"{found[1]}T{found[2]}{zone}")
            if moment is not None:
                yield max(0.0, moment - now)


def _reset(headers: Mapping[str, Any], now: float) -> float | None:
    """When all budgets that are used up are full again."""
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    waits = [
        seconds
        for reset, remaining in _RESETS
        if _number(lowered.get(remaining, "0")) == 0
        and (seconds := _seconds(lowered.get(reset), now)) is not None
    ]
    return max(waits, default=None)


def _seconds(text: str | None, now: float) -> float | None:
    """Seconds from now: a number, a duration such as `6m0s`, a moment since 1970, or a date of either form."""
    if text is None:
        return None
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number < _EPOCH:
            return number
        return max(0.0, (number / 1000 if number >= _EPOCH_MS else number) - now)
    if _ALL_DURATION.fullmatch(text.lower()):
        return _duration(text.lower())
    moment = _iso(text) if text[:4].isdecimal() else _http_date(text)
    return None if moment is None else max(0.0, moment - now)


def _duration(text: str) -> float:
    """Seconds of `6m0s`, `542ms`, `1 hour and 5 minutes`."""
    parts = _NAMED.findall(text)
    return round(
        sum(float(n) * _UNITS.get(unit, _UNITS.get(unit.rstrip("s"), 0)) for n, unit in parts), 6
    )


def _text(value: object) -> str | None:
    is_one = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return str(value) if is_one else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def _iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _http_date(text: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        # The standard library's parser raises each of these for one odd text or another.
        return None
