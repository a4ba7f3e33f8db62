"""The link to a Redis server, against a real one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import redis_link as module
from genai_integrations.runtime.redis_link import RedisAway, RedisLink, redis_link


def test_all_who_name_a_server_share_its_link(redis_server):
    """One address, one link, for threads and for loops."""
    link = redis_link(redis_server.url)
    link.ask(lambda client: client.set("greeting", "hello"))

    async def read():
        return await link.aask(lambda client: client.get("greeting"))

    assert redis_link(redis_server.url) is link
    assert asyncio.run(read()) == b"hello"
    assert asyncio.run(read()) == b"hello"


def test_a_server_that_is_gone_is_asked_once_a_second(redis_server, monkeypatch):
    """The first failure costs the wait, those within a second fail at once; then it is found again."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    link = RedisLink(redis_server.url)
    redis_server.stop()
    with pytest.raises(RedisAway, match="does not answer: ConnectionError"):
        link.ask(lambda client: client.ping())
    redis_server.start()

    with pytest.raises(RedisAway, match="did not answer a moment ago"):
        link.ask(lambda client: client.ping())
    now[0] = 101.0

    assert link.ask(lambda client: client.ping()) is True


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_server_that_is_silent_is_asked_once(way, monkeypatch):
    """One that is slow would be as slow again."""
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = RedisLink(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        asked = {
            "sync": lambda: link.ask(lambda client: client.get("a")),
            "async": lambda: asyncio.run(link.aask(lambda client: client.get("a"))),
        }
        with pytest.raises(RedisAway, match="does not answer: TimeoutError"):
            asked[way]()
        silent.setblocking(False)
        silent.accept()[0].close()

        with pytest.raises(BlockingIOError):
            silent.accept()
    assert link.is_away


def test_a_server_that_refuses_is_not_away(redis_server):
    """It answers, so it is asked for other things at once."""
    link = RedisLink(redis_server.url)
    link.ask(lambda client: client.rpush("list", "a"))

    with pytest.raises(RedisAway, match="refuses: ResponseError"):
        link.ask(lambda client: client.get("list"))
    assert link.ask(lambda client: client.ping()) is True


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://host", "redis://", "redis://h:x"])
def test_what_is_no_address_is_refused(url):
    """At construction, and in one line that shows what one looks like."""
    with pytest.raises(ConfigurationError, match="redis://host:6379/0"):
        RedisLink(url)


def test_a_password_is_not_shown():
    """Nor the user's name."""
    link = RedisLink("rediss://ann:secret@cache.example:6380/2")

    assert repr(link) == "RedisLink('rediss://cache.example:6380/2')"
