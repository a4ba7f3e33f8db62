"""Redis servers: one pool of connections for each address and process, and a pause after one has not answered.

What a Redis server shares is never needed to answer a call. So whoever asks one bounds the wait, and goes on without
it: while the server is away each look-up fails at once, and one a second tries whether it is back.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.background import BackgroundLoop
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.loading import loading

if TYPE_CHECKING:
    import redis
    import redis.asyncio

T = TypeVar("T")

CONNECT_TIMEOUT = 0.5
"""Seconds: a server that shares state is near, and a call must not wait for one that is gone."""

ANSWER_TIMEOUT = 1.0
"""Seconds for one answer."""

PAUSE = 1.0
"""Seconds after a failure in which the server is not asked again."""

SCHEMES = ("redis", "rediss", "unix")
"""What an address may begin with: plain, with TLS, and a socket of this machine."""

_LOOP = BackgroundLoop("genai-redis")
"""Where all that is awaited is done, whoever awaits it: a connection outlives the loops of a program that has many."""


class RedisAway(Exception):  # noqa: N818  a state of affairs that callers expect, not an error that a user sees
    """The server does not answer now; it is told which one, without its password."""


class RedisLink:
    """One Redis server. Safe for threads, for several event loops and after fork.

    Args:
        url: `redis://host:6379/0`, `rediss://user:password@host`, `unix:///run/redis.sock`.

    Attributes:
        where: The address without user and password, for messages.

    Raises:
        ConfigurationError: It is no such address, or the `redis` package is missing.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
        except ValueError:
            parts, host = urlsplit(""), ""
        if parts.scheme not in SCHEMES or not host:
            raise ConfigurationError(
                "the address of a Redis server must be like redis://host:6379/0 "
                f"(or begin with {' or '.join(f'{row}://' for row in SCHEMES[1:])})"
            )
        self.where = f"{parts.scheme}://{host}"
        self._url = url
        self._lock = threading.Lock()
        self._asked_again_at = 0.0
        self._client: redis.Redis | None = None
        self._aclient: redis.asyncio.Redis | None = None
        self._end: weakref.finalize[..., RedisLink] | None = None
        _redis()
        after_fork_in_child(self._renew)

    def __repr__(self) -> str:
        return f"RedisLink({self.where!r})"

    @property
    def is_away(self) -> bool:
        """Whether it failed less than a moment ago."""
        return time.monotonic() < self._asked_again_at

    def ask(self, work: Callable[[redis.Redis], T]) -> T:
        """Do something with the server, in about a second an answer at most.

        Raises:
            RedisAway: It does not answer, or did not a moment ago, or refuses.
        """
        self._require()
        try:
            return work(self._sync())
        except (_redis().exceptions.RedisError, OSError) as error:
            raise self._failed(error) from error

    async def aask(self, work: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
        """As `ask`, without blocking the event loop. The work is awaited in a loop of its own."""
        self._require()
        try:
            return await _LOOP.arun(self._awaited(work))
        except (_redis().exceptions.RedisError, OSError) as error:
            raise self._failed(error) from error

    async def _awaited(self, work: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
        if self._aclient is None:
            with loading():
                import redis.asyncio

            client = self._aclient = redis.asyncio.Redis.from_url(
                self._url, **_options(is_async=True)
            )
            # It has the client until then: one that is garbage together with the link would complain that it is open.
            self._end = weakref.finalize(self, _close, client)
            self._end.atexit = False
        return await work(self._aclient)

    def _require(self) -> None:
        if self.is_away:
            raise RedisAway(f"{self.where} did not answer a moment ago")

    def _failed(self, error: Exception) -> RedisAway:
        if isinstance(error, _redis().exceptions.ResponseError):
            # It answers, and does not do this: for a value of another kind, say, or because it is full.
            return RedisAway(f"{self.where} refuses: {type(error).__name__}")
        self._asked_again_at = time.monotonic() + PAUSE
        return RedisAway(f"{self.where} does not answer: {type(error).__name__}")

    def _sync(self) -> redis.Redis:
        with self._lock:
            if self._client is None:
                # Its pool notices a fork by itself.
                self._client = _redis().Redis.from_url(self._url, **_options())
            return self._client

    def _renew(self) -> object:
        """After a fork, in the child: sockets are the parent's."""
        old = (self._lock, self._client, self._aclient)
        self._lock = threading.Lock()
        self._client = self._aclient = None
        if self._end is not None:
            self._end.detach()
        return old


def _close(client: redis.asyncio.Redis) -> None:
    _LOOP.spawn(client.aclose())


_links: BoundedMap[str, RedisLink] = BoundedMap(64)


def redis_link(url: str) -> RedisLink:
    """The link to the server at this address; all who name the same one share it. Raises as `RedisLink` does."""
    link = _links.get(url)
    if link is None:
        link = RedisLink(url)
        _links.put(url, link)
    return link


def _options(*, is_async: bool = False) -> dict[str, Any]:
    if is_async:
        from redis.asyncio.retry import Retry as AsyncRetry
        from redis.backoff import NoBackoff

        retry: Any = AsyncRetry(NoBackoff(), 1, (_redis().exceptions.ConnectionError,))
    else:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        retry = Retry(NoBackoff(), 1, (_redis().exceptions.ConnectionError,))
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        # Once more at once, for a connection that had gone while it lay idle; but one that is slow would be as slow again.
        "retry": retry,
    }


def _redis() -> Any:
    try:
        with loading():
            import redis
    except ImportError as error:
        raise ConfigurationError(
            f"a redis:// address takes the redis package: {to_install_extra('redis')}"
        ) from error
    return redis
