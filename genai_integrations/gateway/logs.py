"""Structured logs: one JSON object a line, and one line a request. No prompt, no answer, no key.

A model's name is a caller's text, so it is logged only where it meant something. The text of an exception may quote a
request, so only its class is logged, with the places in the code.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal, NamedTuple

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes

LogLevel = Literal["off", "error", "warning", "info", "debug"]
"""What is logged: from `info` on every request, at `warning` those that failed, at `error` those that failed here."""

REQUESTS = logging.getLogger("genai_integrations.gateway.requests")

_FAILED_HERE = 500
_FAILED = 400
_ROWS = "genai_rows"


class Line(NamedTuple):
    """A request that is over.

    Attributes:
        at: When it was, in seconds since 1970.
        level: Of `logging`.
        fields: Gives what is said of it; what is None is left out.
    """

    at: float
    level: int
    fields: Callable[[], Mapping[str, Any]]


def level_of(status: int, *, is_api: bool) -> int:
    """The level of a request's line.

    Args:
        status: HTTP's.
        is_api: Whether it was one for a model; what balancers and Prometheus ask all day is for `debug`.
    """
    if status >= _FAILED_HERE:
        return logging.ERROR
    if status >= _FAILED:
        return logging.WARNING
    return logging.INFO if is_api else logging.DEBUG


def log_requests(lines: Iterable[Line]) -> None:
    """Log requests that are over, in their order."""
    for level, same in groupby(lines, key=lambda line: line.level):
        if REQUESTS.isEnabledFor(level):
            # One record for all of them: a record and its way to the file take longer than a line. Made by hand, since
            # `log()` would look through the stack for the caller's line.
            record = REQUESTS.makeRecord(REQUESTS.name, level, "", 0, "request", (), None)
            setattr(record, _ROWS, [(line.at, line.fields()) for line in same])
            REQUESTS.handle(record)


class JsonLines(logging.Formatter):
    """Writes a line of JSON: `time` (UTC), `level`, `logger`, `event`, and the fields of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of requests that were logged together one for each."""
        said = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        rows = getattr(record, _ROWS, None)
        if rows is None:
            return _line(record.created, {**said, **_raised(record)})
        return "\n".join([_line(at, {**said, **fields}) for at, fields in rows])


def _line(at: float, fields: Mapping[str, Any]) -> str:
    time = f"{_second(int(at))}.{int(at % 1 * 1000):03d}Z"
    known = {name: value for name, value in fields.items() if value is not None}
    said = {"time": time, **known}
    try:
        line = jsonbytes.dumps(said)
    except ConfigurationError:
        # A provider may tell any cost. A line is written all the same.
        return json.dumps(said, default=str)
    # Some readers take other letters for the end of a line, so all but ASCII is escaped.
    return line.decode() if line.isascii() else json.dumps(said)


def _raised(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    rows = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "at": [f"{row.filename}:{row.lineno} {row.name}" for row in rows],
    }


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def log_config(level: LogLevel) -> dict[str, Any]:
    """What `logging.config.dictConfig` makes of a level: everything goes to stderr, as JSON.

    uvicorn's own lines about requests are off: they would have the paths as callers wrote them.
    """
    shown = "CRITICAL" if level == "off" else level.upper()
    handlers = [] if level == "off" else ["stderr"]
    own = {"handlers": handlers, "level": shown, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonLines"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stderr",
            },
            "nowhere": {"class": "logging.NullHandler"},
        },
        "loggers": {
            "genai_integrations": own,
            "uvicorn": own,
            "uvicorn.access": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False},
        },
    }
