"""Answers on a real Redis server."""

from __future__ import annotations

import asyncio

import pytest

from genai_integrations.cache.redis import RedisAnswers
from genai_integrations.runtime.redis_link import RedisLink

ENTRY = {"reply": {"choices": [{"message": {"content": "Hi!"}}]}, "by": ["a/m", "a", "openai", "m"]}


class BySync:
    """The store as a thread uses it."""

    def __init__(self, store):
        self.store = store

    def get(self, question):
        found = self.store.get(self.store.key(question))
        return found and found.entry

    def put(self, question, entry=ENTRY):
        self.store.put(self.store.key(question), entry)

    def clear(self):
        self.store.clear()


class ByAsync(BySync):
    """As an event loop does."""

    def get(self, question):
        found = asyncio.run(self.store.aget(self.store.key(question)))
        return found and found.entry

    def put(self, question, entry=ENTRY):
        asyncio.run(self.store.aput(self.store.key(question), entry))

    def clear(self):
        asyncio.run(self.store.aclear())


@pytest.fixture(params=[BySync, ByAsync])
def store_of(request, redis_server, sealing_of):
    """Make a store of a tenant, over a link of its own."""

    def make(tenant="project-1", **options):
        link = RedisLink(redis_server.url)
        return request.param(RedisAnswers(link, sealing_of(tenant), **options))

    return make


def test_what_is_kept_is_found_by_another_store(store_of, redis_server):
    """Of the same tenant; the server sees neither question nor answer, and forgets it in time."""
    store = store_of()
    assert store.get({"a": 1}) is None
    store.put({"a": 1})

    assert store.get({"a": 1}) == store_of().get({"a": 1}) == ENTRY
    link = RedisLink(redis_server.url)
    (name,) = link.ask(lambda db: db.keys("*"))
    assert name.startswith(b"genai:answers:1:")
    assert b"Hi!" not in link.ask(lambda db: db.get(name))
    assert 530_000 < link.ask(lambda db: db.pttl(name)) <= 600_000


def test_tenants_do_not_meet_on_one_server(store_of):
    """Neither when they look, nor when one forgets all, however much that is."""
    mine, other = store_of(), store_of("project-2")
    for n in range(20):
        mine.put({"n": n})
    assert other.get({"n": 1}) is None
    other.put({"n": 1}, {**ENTRY, "n": 2})

    mine.clear()

    assert mine.get({"n": 1}) is None
    assert other.get({"n": 1}) == {**ENTRY, "n": 2}


def test_what_was_written_by_others_is_no_answer(store_of, redis_server):
    """Changed, moved, of another kind, or no answer at all."""
    store = store_of()
    store.put({"a": 1})
    link = RedisLink(redis_server.url)
    (name,) = link.ask(lambda db: db.keys("*"))
    moved = store.store._name(store.store.key({"a": 2}))
    good = link.ask(lambda db: db.get(name))

    for poison in (good[:-1] + bytes([good[-1] ^ 1]), b"", b"{}", b"\x02" + good[1:]):
        link.ask(lambda db, poison=poison: db.set(name, poison))
        assert store.get({"a": 1}) is None
    link.ask(lambda db: db.set(moved, good))
    assert store.get({"a": 2}) is None
    link.ask(lambda db: db.delete(name))
    link.ask(lambda db: db.rpush(name, b"1"))
    assert store.get({"a": 1}) is None
    store.put({"a": 3})
    assert store.get({"a": 3}) == ENTRY


def test_a_full_server_keeps_nothing_more(store_of, redis_server):
    """What is there is still found."""
    store = store_of()
    store.put({"a": 1})
    RedisLink(redis_server.url).ask(lambda db: db.config_set("maxmemory", 1))

    store.put({"a": 2})

    assert (store.get({"a": 1}), store.get({"a": 2})) == (ENTRY, None)


def test_an_answer_that_is_too_large_is_not_kept(store_of):
    """The server's memory is others' too."""
    store = store_of(max_bytes=1000)
    store.put({"a": 1}, {**ENTRY, "text": "x" * 1000})

    assert store.get({"a": 1}) is None


def test_a_server_that_is_away_has_nothing(store_of, redis_server):
    """Nothing fails, and it is asked once a second at most."""
    store = store_of()
    store.put({"a": 1})
    redis_server.stop()

    assert store.get({"a": 1}) is None
    assert store.store._link.is_away
    store.put({"a": 1})
    store.clear()
    assert store.get({"a": 1}) is None


def test_its_repr_shows_no_password(sealing_of):
    link = RedisLink("redis://ann:secret@cache.example:6380/2")

    assert repr(RedisAnswers(link, sealing_of())) == "RedisAnswers('redis://cache.example:6380/2')"
