"""A call as it stands on a tape."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import orjson

from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.tape.masking import masker

VERSION = 1


class Call(TypedDict):
    """What identifies a call: who is asked for what. Neither headers nor addresses are among it."""

    connection: str
    provider: str
    dialect: str | None
    model: str
    operation: str
    body: Wire


def call_of(call: WireCall, mask: Callable[[Any], Any] | None = None) -> Call:
    """The call, without secrets.

    Args:
        call: What is asked.
        mask: Takes them out; default the connection's own.

    Raises:
        ConfigurationError: It cannot be written as JSON.
    """
    mask = mask or masker(call.connection)
    body = {name: value for name, value in call.body.items() if name != "model"}
    plain = jsonbytes.loads(jsonbytes.dumps(body))
    return {
        "connection": call.connection.name,
        "provider": call.connection.provider.name,
        "dialect": call.connection.dialect,
        "model": call.model,
        "operation": call.operation,
        "body": mask(plain),
    }


def mark_of(call: Call) -> bytes:
    """The same for the same call, in whatever order its keys are, and whether a number is `1` or `1.0`."""
    asked = _whole_numbers(
        {name: call[name] for name in ("connection", "model", "operation", "body")}
    )
    try:
        return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers beyond 64 bits, such as the bounds of a schema.
        return json.dumps(asked, sort_keys=True).encode()


def line_of(row: dict[str, Any]) -> bytes:
    """A line of a tape, with its end.

    Raises:
        ConfigurationError: It cannot be written as JSON.
    """
    return jsonbytes.dumps({"tape": VERSION, **row}) + b"\n"


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return value


def decoded(line: bytes, where: str) -> dict[str, Any] | None:
    """A line of a tape; None if it was not written to its end.

    Args:
        line: Without its end.
        where: For messages.

    Raises:
        ConfigurationError: It is of another version, or somebody has taken out what belongs to it.
    """
    try:
        row = jsonbytes.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or "tape" not in row:
        return None
    if row["tape"] != VERSION:
        raise ConfigurationError(
            f"{where} is of version {row['tape']} of tapes, and this release reads version {VERSION}: record it again"
        )
    call = row.get("call")
    is_whole = isinstance(call, Mapping) and call.keys() >= _OF_CALL and _ENDS & row.keys()
    if not is_whole or not isinstance(row.get("ms"), (int, float)):
        raise ConfigurationError(
            f"{where} is not a line of a tape: record it again, or take it out"
        )
    return row


_OF_CALL = Call.__required_keys__
_ENDS = frozenset(("reply", "chunks", "error"))
"""What came of a call: one of them is there."""
