"""Structured logs: one JSON object a line, and one line a request. No prompt, no answer, no key.

A model's name is a caller's text, so it is logged only where it meant something. The text of an exception may quote a
request, so only its class is logged, with the places in the code.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

LogLevel = Literal["off", "error", "warning", "info", "debug"]
"""What is logged: from `info` on every request, at `warning` those that failed, at `error` those that failed here."""

REQUESTS = logging.getLogger("genai_integrations.gateway.requests")

_FAILED_HERE = 500
_FAILED = 400
_FIELDS = "genai_fields"


def log_request(fields: Callable[[], Mapping[str, Any]], status: int, *, is_api: bool) -> None:
    """Log a request that is over.

    Args:
        fields: Gives what is said of it; what is None is left out.
        status: HTTP's; it decides the level.
        is_api: Whether it was one for a model; what balancers and Prometheus ask all day is for `debug`.
    """
    level = logging.INFO if is_api else logging.DEBUG
    if status >= _FAILED_HERE:
        level = logging.ERROR
    elif status >= _FAILED:
        level = logging.WARNING
    if REQUESTS.isEnabledFor(level):
        # Made by hand: `log()` would look through the stack for the caller's line, which takes longer than all the rest.
        record = REQUESTS.makeRecord(REQUESTS.name, level, "", 0, "request", (), None)
        setattr(
            record, _FIELDS, {name: value for name, value in fields().items() if value is not None}
        )
        REQUESTS.handle(record)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: `time` (UTC), `level`, `logger`, `event`, and the fields of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(getattr(record, _FIELDS, {}))
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["at"] = [
                f"{row.filename}:{row.lineno} {row.name}"
                for row in traceback.extract_tb(error.__traceback__)
            ]
        return json.dumps(line, default=str)


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
