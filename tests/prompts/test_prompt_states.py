"""What a prompt's cache does in each of its states, without a Langfuse."""

from __future__ import annotations

import asyncio
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from genai_integrations.errors import PromptError, PromptNotFoundError
from genai_integrations.prompts import cache as cache_module
from genai_integrations.prompts.cache import Key, PromptCache
from genai_integrations.prompts.template import Prompt

TIMEOUT = 30
KEY = Key("greeting", None, "production")
FALLBACK = Prompt.fallback("greeting", "fallback")


class Langfuse:
    """Has one version of every prompt, and can be made to fail, or to wait once it has looked up the version."""

    def __init__(self):
        self.version = 1
        self.error = None
        self.asked = []
        self.began = threading.Semaphore(0)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def fetch(self, key):
        self.asked.append(key)
        version, error = self.version, self.error
        self.began.release()
        assert self.may_go_on.wait(TIMEOUT)
        if error is not None:
            raise error
        return Prompt(key.name, version, (), {}, "text")


@pytest.fixture
def langfuse():
    langfuse = Langfuse()
    yield langfuse
    langfuse.may_go_on.set()


@pytest.fixture(params=["thread", "loop"])
def get(request):
    """The version that a cache gives, asked for by a thread or on an event loop."""

    def get(cache, key=KEY, fallback=None):
        if request.param == "thread":
            return cache.get(key, fallback).version
        return asyncio.run(cache.aget(key, fallback)).version

    return get


def test_what_was_asked_before_a_refresh_does_not_count_after_it(langfuse, get):
    """A renewal behind the scenes read the old version: after `refresh()` there is another fetch."""
    cache = PromptCache(langfuse.fetch, ttl=0)
    assert get(cache) == 1
    assert langfuse.began.acquire(timeout=TIMEOUT)
    langfuse.may_go_on.clear()
    assert get(cache) == 1  # stale, so it is renewed
    assert langfuse.began.acquire(timeout=TIMEOUT)

    langfuse.version = 2
    cache.expire()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(get, cache)
        langfuse.may_go_on.set()
        assert found.result(TIMEOUT) == 2
    assert len(langfuse.asked) == 3


def test_a_first_fetch_that_began_before_a_refresh(langfuse, get):
    """Whoever waits for it since before gets what it brings; whoever comes after the refresh waits for another."""
    cache = PromptCache(langfuse.fetch, ttl=60)
    langfuse.may_go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(get, cache)
        assert langfuse.began.acquire(timeout=TIMEOUT)
        langfuse.version = 2
        cache.expire()
        after = pool.submit(get, cache)
        langfuse.may_go_on.set()
        assert (before.result(TIMEOUT), after.result(TIMEOUT)) == (1, 2)
    assert get(cache) == 2
    assert len(langfuse.asked) == 2


def test_a_fallback_is_not_used_after_a_refresh_without_asking(langfuse, get):
    """That the prompt was not there before says nothing of now."""
    cache = PromptCache(langfuse.fetch, ttl=60)
    langfuse.error = PromptNotFoundError("none")
    assert get(cache, fallback=FALLBACK) == get(cache, fallback=FALLBACK) == 0
    assert len(langfuse.asked) == 1

    langfuse.error = None
    cache.expire()

    assert get(cache, fallback=FALLBACK) == 1


def test_an_expired_prompt_is_used_on_while_langfuse_is_away(langfuse, get, caplog):
    """After one failed fetch nobody waits again until the pause is over; the warning comes once."""
    cache = PromptCache(langfuse.fetch, ttl=60)
    assert get(cache) == 1
    langfuse.error = PromptError("away")
    cache.expire()

    assert [get(cache, fallback=FALLBACK) for _ in range(3)] == [1, 1, 1]
    assert len(langfuse.asked) == 2
    assert [row.getMessage() for row in caplog.records] == [
        "away; version 1 of 'greeting' stays in use"
    ]


def test_each_caller_raises_an_error_of_its_own(langfuse):
    """With a short traceback, also where one fetch failed for all of them."""
    cache = PromptCache(langfuse.fetch, ttl=60)
    langfuse.error = PromptError("away")
    langfuse.may_go_on.clear()

    async def main():
        asked = [asyncio.create_task(cache.aget(KEY)) for _ in range(20)]
        await asyncio.sleep(0)  # all of them have asked
        langfuse.may_go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    errors = asyncio.run(main())

    assert {(type(error), str(error)) for error in errors} == {(PromptError, "away")}
    assert len({id(error) for error in errors}) == 20
    assert max(len(traceback.extract_tb(error.__traceback__)) for error in errors) <= 4
    assert len(langfuse.asked) == 1


def test_many_prompts_are_renewed_by_one_thread(langfuse, monkeypatch):
    """However many are stale at once."""
    started = []

    class Thread(threading.Thread):
        def start(self):
            started.append(self)
            super().start()

    cache = PromptCache(langfuse.fetch, ttl=0)
    keys = [Key(f"p-{number}", None, "production") for number in range(20)]
    for key in keys:
        cache.get(key)
    langfuse.may_go_on.clear()
    langfuse.version = 2
    monkeypatch.setattr(threading, "Thread", Thread)
    assert {cache.get(key).version for key in keys} == {1}
    langfuse.may_go_on.set()
    (thread,) = started
    thread.join(TIMEOUT)

    assert sorted(langfuse.asked[20:]) == sorted(keys)


def test_made_up_names_do_not_fill_the_memory(langfuse, monkeypatch):
    """Neither those that are not there, nor fallbacks, nor pinned versions; those used last are known."""
    monkeypatch.setattr(cache_module, "_MOST_PROMPTS", 100)
    cache = PromptCache(langfuse.fetch, ttl=60)
    for version in range(1000):
        cache.get(Key("greeting", version, None))
    langfuse.error = PromptNotFoundError("none")
    for number in range(1000):
        cache.get(Key(f"made-up-{number}", None, "production"), FALLBACK)
        with pytest.raises(PromptNotFoundError):
            cache.get(Key(f"absent-{number}", None, "production"))

    assert len(cache._entries) == 100
    assert cache._due == {}
    asked = len(langfuse.asked)
    cache.get(Key("made-up-999", None, "production"), FALLBACK)
    assert len(langfuse.asked) == asked
