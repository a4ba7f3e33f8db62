"""Assertions about the route of a call, for tests of fallbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from genai_integrations.calls.route import CACHE, OK, Route


def assert_route(answer: object) -> RouteAssertions:
    """Begin to say what the route of a call must be: `assert_route(reply).served_by("usa").rescued_from("seoul")`.

    Args:
        answer: What has a route: a reply or a stream of the client, an error, a LangChain message, a LlamaIndex
            response, or the route itself.

    Raises:
        TypeError: It has none.
    """
    return RouteAssertions(_record(answer))


class RouteAssertions:
    """What must be true of a route. Each raises `AssertionError` that shows the route, and returns this object.

    A name is a connection, `connection/model`, a provider, or the provider's id of a model.
    """

    def __init__(self, route: Mapping[str, Any]) -> None:
        self._attempts: list[Mapping[str, Any]] = list(route["attempts"])

    def served_by(self, name: str) -> Self:
        """The answer is from there."""
        last = self._attempts[-1] if self._attempts else None
        if last is None or last["outcome"] != OK:
            raise self._wrong(f"nobody answered, {name!r} should have")
        if not _is(last, name):
            raise self._wrong(f"served by {last['target']!r}, not by {name!r}")
        return self

    def rescued_from(self, name: str, error: str | None = None) -> Self:
        """It failed there, and another target answered.

        Args:
            name: Where it failed.
            error: The class of the error, such as `"RateLimitError"`; None for any.
        """
        failed = [row for row in self._attempts if _is(row, name) and row["outcome"] != OK]
        if not failed:
            raise self._wrong(f"nothing failed at {name!r}")
        if error is not None and error not in {row["outcome"] for row in failed}:
            raise self._wrong(f"{name!r} failed with {failed[-1]['outcome']}, not with {error}")
        last = self._attempts[-1]
        if last["outcome"] != OK:
            raise self._wrong(f"it failed at {name!r}, and nobody answered")
        if last["target"] in {row["target"] for row in failed}:
            raise self._wrong(f"{last['target']!r} itself answered in the end")
        return self

    def tried(self, *names: str) -> Self:
        """These and no others were asked, in this order."""
        same = len(names) == len(self._attempts)
        if not same or not all(map(_is, self._attempts, names)):
            raise self._wrong(f"the targets tried were not {', '.join(names) or 'nobody'}")
        return self

    def not_tried(self, name: str) -> Self:
        """It was not asked."""
        if any(_is(row, name) for row in self._attempts):
            raise self._wrong(f"{name!r} was asked")
        return self

    def not_cached(self) -> Self:
        """Somebody was asked."""
        if any(row["reason"] == CACHE for row in self._attempts):
            raise self._wrong("the answer was kept from an earlier call")
        return self

    def _wrong(self, what: str) -> AssertionError:
        told = " -> ".join(
            f"{row['target']} {row['outcome'] or 'running'}" for row in self._attempts
        )
        return AssertionError(f"{what}: {told or 'nobody was asked'}")


def _is(attempt: Mapping[str, Any], name: str) -> bool:
    return name in (attempt["target"], attempt["connection"], attempt["provider"], attempt["model"])


def _record(answer: object) -> Mapping[str, Any]:
    """The route in whatever has one, as plain values."""
    for place in (answer, getattr(answer, "raw", None)):
        route = place if isinstance(place, Route) else getattr(place, "route", None)
        if isinstance(route, Route):
            return route.as_dict()
    # LangChain's messages, and dumps of them.
    told = getattr(answer, "response_metadata", answer)
    if isinstance(told, Mapping):
        found = told.get("route", told)
        if isinstance(found, Mapping) and "attempts" in found:
            return found
    raise TypeError(
        f"{type(answer).__name__} has no route: give a reply, a stream, an error, or a framework's answer"
    )
