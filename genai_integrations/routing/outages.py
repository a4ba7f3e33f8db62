"""Outages that are rehearsed: a request to what they name is not sent, and fails as a real one would.

Loaded with the first outage: most programs have none.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, get_args

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.providers import provider_named
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import (
    APIConnectionError,
    CallError,
    ConfigurationError,
    GenAIError,
    InvalidReplyError,
    RequestTimeoutError,
)
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.planning import Plans
from genai_integrations.runtime import given
from genai_integrations.transports.failures import status_error

if TYPE_CHECKING:
    from genai_integrations.routing.parts import Parts

_log = logging.getLogger("genai_integrations")

Failure = Literal["timeout", "refused", "broken", "empty", "html"]
"""How a request can fail where no status says it."""

_FAILURES: Mapping[str, tuple[type[CallError], str]] = {
    "timeout": (RequestTimeoutError, "no answer in time"),
    "refused": (APIConnectionError, "cannot connect: Connection refused"),
    "broken": (APIConnectionError, "the connection broke"),
    "empty": (InvalidReplyError, "the server answered 200 with nothing"),
    "html": (InvalidReplyError, "the server answered 200 with an HTML page"),
}

_REHEARSED = "rehearsed outage"
"""What every message begins with, so that nobody takes it for a real one."""

_USUAL = 503
_STATUSES = range(400, 600)


class Outage:
    """An outage of a connection, target, provider or model, for a `with` or an `async with` block.

    While it lasts, no request of the client is sent to what it names, in any thread or task: each fails as it says, and
    from there on everything happens as after a real failure, but that no rollout counts it whose state is shared. When the block ends, however it does, what calls have
    learnt of those targets is forgotten.

    Args:
        parts: What the client's calls share.
        name: What is out.
        status: HTTP status, 400 to 599; default 503.
        error: How it fails instead of with a status.
        retry_after: Seconds that the provider asks to wait, with a status.

    Raises:
        ConfigurationError: Something given cannot be.

    Attributes:
        name: What is out.
        failed: The targets of the requests that have failed by it, in order.
    """

    def __init__(
        self,
        parts: Parts,
        name: str,
        status: int | None = None,
        error: Failure | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.name = given.text("what is out", name, "seoul")
        self.failed: list[str] = []
        self._parts = parts
        self._hit: dict[str, Connection] = {}
        _check(status, error, retry_after)
        self._status = _USUAL if status is None else status
        self._error = error
        self._retry_after = retry_after

    def __repr__(self) -> str:
        return f"Outage({self.name!r}, {self._error or self._status})"

    def __enter__(self) -> Self:
        registry = self._parts.registry
        return self._begin(registry.peek() or registry.load())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    async def __aenter__(self) -> Self:
        registry = self._parts.registry
        return self._begin(registry.peek() or await registry.aload())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _begin(self, snapshot: Snapshot) -> Self:
        if not _connections(self.name, snapshot):
            # Raises for a name that means nothing, with the nearest ones.
            self._parts.planner.plans(snapshot).plan(self.name)
        self._parts.outages.append(self)
        return self

    def _end(self) -> None:
        with contextlib.suppress(ValueError):
            self._parts.outages.remove(self)
        for name, connection in list(self._hit.items()):
            self._parts.health.forget(name, connection)

    def failure(self, target: Target) -> CallError:
        """The error of one more request."""
        self.failed.append(target.name)
        self._hit[target.name] = target.connection
        self._parts.health.rehearsed.add(target.name)
        if self._error is not None:
            kind, words = _FAILURES[self._error]
            return kind(f"{_REHEARSED}: {words}")
        headers = {} if self._retry_after is None else {"retry-after": f"{self._retry_after:g}"}
        body = json.dumps({"error": {"message": _REHEARSED}}).encode()
        return status_error(self._status, headers, body)


def rehearsed(parts: Parts, target: Target) -> CallError | None:
    """The error of a request to a target that is out; None if it is not. Of two outages the inner one counts."""
    if parts.planner.latest is None:
        return None
    snapshot, plans = parts.planner.latest
    # A copy, since other threads begin and end theirs.
    for outage in reversed(parts.outages[:]):
        if _means(outage.name, target, snapshot, plans):
            return outage.failure(target)
    return None


def written(name: str, status: int | None, error: Failure | None, retry_after: float | None) -> str:
    """An outage as a line of `GENAI_OUTAGES`.

    Raises:
        ConfigurationError: As `Outage`.
    """
    _check(status, error, retry_after)
    told = {"name": name, "status": status, "error": error, "retry_after": retry_after}
    return json.dumps({key: value for key, value in told.items() if value is not None})


def read(text: str, parts: Parts) -> list[Outage]:
    """The outages in `GENAI_OUTAGES`, a JSON object a line. They last as long as the client.

    Raises:
        ConfigurationError: It says something else.
    """
    outages = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            outage = Outage(parts, **json.loads(line))
        except (ValueError, TypeError):
            raise ConfigurationError(
                f'GENAI_OUTAGES has {given.shown(line)}: it must be a line like {{"name": "seoul", "status": 429}}, '
                "which `genai outage` writes"
            ) from None
        _log.warning("a rehearsal: %s, because GENAI_OUTAGES says so", outage)
        outages.append(outage)
    return outages


def _means(name: str, target: Target, snapshot: Snapshot, plans: Plans) -> bool:
    """Whether a name means a target: its connection, its provider, itself, or a name that it serves."""
    if out := _connections(name, snapshot):
        return any(row.name == target.connection.name for row in out)
    if name == target.model:
        return True
    with contextlib.suppress(GenAIError):
        return any(row.name == target.name for row in plans.plan(name).targets)
    return False


def _connections(name: str, snapshot: Snapshot) -> Sequence[Connection]:
    """The connection of that name, else those of the provider of that name."""
    if name in snapshot.by_name:
        return (snapshot.by_name[name],)
    provider = provider_named(name)
    return [row for row in snapshot.connections if row.provider is provider]


def _check(status: object, error: object, retry_after: object) -> None:
    if error is not None and error not in get_args(Failure):
        raise ConfigurationError(
            f"error must be one of {', '.join(get_args(Failure))}, not {given.shown(error)}"
        )
    if error is not None and (status, retry_after) != (None, None):
        raise ConfigurationError("an outage has an error, or a status with retry_after, not both")
    if status is not None and (type(status) is not int or status not in _STATUSES):
        raise ConfigurationError(
            f"status must be an HTTP status from 400 to 599, not {given.shown(status)}"
        )
    is_number = isinstance(retry_after, (int, float)) and not isinstance(retry_after, bool)
    if retry_after is not None and not (is_number and 0 <= retry_after < math.inf):  # type: ignore[operator]  # a number
        raise ConfigurationError(
            f"retry_after must be a number of seconds, 0 or more, not {given.shown(retry_after)}"
        )
