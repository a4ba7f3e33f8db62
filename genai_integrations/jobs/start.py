"""How a batch begins: what the caller gave is checked, before anything is sent."""

from __future__ import annotations

import math
import os
import re
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sized,
)
from typing import Any, Protocol

from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.jobs.allowance import Worst
from genai_integrations.jobs.batch import Options, batch_steps
from genai_integrations.jobs.drivers import Asks, Steps, arun, run
from genai_integrations.jobs.items import BatchItem
from genai_integrations.jobs.journal import BatchJournal
from genai_integrations.jobs.natives import Plans
from genai_integrations.jobs.progress import Listener
from genai_integrations.runtime import given


class Estimates(Protocol):
    """What a limit needs of a client."""

    @property
    def estimate(self) -> Callable[..., Any]:
        """What a request would cost; `.worst` is in US dollars, None if that is not known."""
        ...


def batch(
    client: Asks, requests: Iterable[object], options: Options, router: Plans
) -> Iterator[BatchItem]:
    """Run a batch in the caller's thread.

    Raises:
        ConfigurationError: The requests are none.
    """
    if not isinstance(requests, Iterable) or isinstance(requests, (str, bytes, dict)):
        raise given.wrong("requests", requests, "a list or a generator of dicts")
    return run(_steps(options, router), requests, client)


def abatch(
    client: Asks, requests: Any, options: Options, router: Plans
) -> AsyncIterator[BatchItem]:
    """As `batch`, in the running event loop."""
    if not isinstance(requests, (Iterable, AsyncIterable)) or isinstance(
        requests, (str, bytes, dict)
    ):
        raise given.wrong(
            "requests", requests, "a list, or a generator, asynchronous or not, of dicts"
        )
    return arun(_steps(options, router), requests, client)


def options_of(
    client: Estimates,
    requests: object,
    *,
    max_concurrency: int,
    ordered: bool,
    on_progress: Listener | None,
    journal: str | os.PathLike[str] | None,
    max_usd: float | None,
    deadline: str | float | None,
) -> Options:
    """What the caller gave, checked.

    Raises:
        ConfigurationError: Something cannot work.
    """
    if isinstance(max_concurrency, bool) or not isinstance(max_concurrency, int):
        raise given.wrong("max_concurrency", max_concurrency, "a number of calls such as 8")
    if max_concurrency < 1:
        raise ConfigurationError(f"max_concurrency must be at least 1, not {max_concurrency}")
    if on_progress is not None and not callable(on_progress):
        raise given.wrong("on_progress", on_progress, "a function of one argument")
    return Options(
        max_concurrency=max_concurrency,
        ordered=bool(ordered),
        on_progress=on_progress,
        journal=None if journal is None else BatchJournal(journal),
        max_usd=_dollars(max_usd),
        worst=_worst_of(client),
        deadline=_seconds(deadline),
        total=len(requests) if isinstance(requests, Sized) else None,
    )


def _worst_of(client: Estimates) -> Worst:
    def worst(request: Mapping[str, Any]) -> float | None:
        try:
            cost: float | None = client.estimate(**request).worst
        except (GenAIError, TypeError):
            # It cannot be sent either, and says so then.
            return None
        return cost

    return worst


def _steps(options: Options, router: Plans) -> Steps:
    if options.deadline is None:
        return batch_steps(options)
    from genai_integrations.jobs.native_batch import native_steps

    return native_steps(options, router)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(value: object) -> float | None:
    """A time such as `24h`, or seconds."""
    if value is None:
        return None
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhd])", value)):
        value = float(match[1]) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ConfigurationError(
            f'deadline must be a time such as "24h", "90m" or a number of seconds, not {given.shown(value)}'
        )
    return float(value)


def _dollars(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise given.wrong("max_usd", value, "a number of US dollars such as 2.5")
    if not value >= 0:
        raise ConfigurationError(f"max_usd must not be negative, not {value}")
    return float(value)
