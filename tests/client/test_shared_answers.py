"""`GenAIClient(cache=...)`: three places to keep answers, what a route tells of them, and whose they are."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from cached_support import at, renewed
from langchain_core.messages import AIMessageChunk
from redis.asyncio import Redis

from genai_integrations import GenAIClient
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
KEY = "a secret for kept answers"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def address(request, tmp_path):
    """A place of each kind."""
    if request.param == "redis":
        return request.getfixturevalue("redis_server").url
    return "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/answers.db"


@pytest.fixture
def keeping(connect, monkeypatch):
    """Make a client that keeps answers somewhere; it is closed with the test."""
    monkeypatch.setenv("GENAI_CACHE_KEY", KEY)
    clients = []

    def make(server, address, pair=(), connections=None, **router_args):
        made = GenAIClient(
            *pair,
            connections=connections or [connect(server)],
            cache=address,
            router_args=router_args,
        )
        clients.append(made)
        return made

    yield make
    for client in clients:
        client.close()


@pytest.mark.sample(6)
def test_a_route_tells_what_the_cache_did(keeping, seoul, ask, address):
    """Missed, hit with its age and what it saved, or not looked at."""
    client = keeping(seoul, address)
    first = ask(client)
    with at(client, 30):
        again = ask(client)
    anew = ask(client, cache={"refresh": True})

    assert first.route.cache.as_dict() == {"status": "MISS", "age": None, "saved": 0.0}
    assert (again.text, again.usage) == (first.text, first.usage)
    assert again.route.cache.status == "HIT"
    assert 30 <= again.route.cache.age < 60
    assert again.route.cache.saved == first.route.cost > 0
    assert again.route.cost == 0.0
    assert again.route.as_dict()["cache"]["saved"] == first.route.cost
    assert anew.route.cache.status == "BYPASS"
    assert [row.route.cached for row in (first, again, anew)] == [False, True, False]
    assert len(seoul.requests) == 2


def test_what_a_kept_answer_saved_is_by_the_prices_of_its_row(keeping, seoul):
    """As the first answer did cost."""
    own = {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3}
    row = {"model_name": "mine", "litellm_params": {"model": "gpt-4o", **own}}
    client = keeping(seoul, "memory", model_list=[row])
    first, again = (client.completion("mine", QUESTION).route for _ in range(2))

    assert again.cached
    assert again.cache.saved == first.cost > 1e-3


def test_without_a_cache_a_route_says_so(make_client, seoul, ask):
    """And has nothing more to tell."""
    route = ask(make_client(seoul)).route

    assert route.cache.status == "BYPASS"
    assert "cache" not in route.as_dict()


@pytest.mark.sample(6)
@pytest.mark.parametrize("control", [{"no_store": True}, {"no-store": True}])
def test_nothing_is_kept_where_a_call_says_so(control, keeping, seoul, ask, address):
    """In both spellings."""
    client = keeping(seoul, address)
    ask(client, cache=control)

    assert ask(client).route.cache.status == "MISS"


@pytest.mark.sample(6)
def test_a_call_says_for_how_long(keeping, seoul, ask, address):
    """Beyond that it is asked anew."""
    client = keeping(seoul, address)
    ask(client, cache={"ttl": 20})
    with at(client, 15):
        assert ask(client).route.cache.status == "HIT"
    with at(client, 21):
        assert ask(client).route.cache.status == "MISS"


@pytest.mark.sample(6)
def test_for_ever_is_a_time_too(keeping, seoul, ask, address, caplog):
    """However many seconds somebody thinks of: each store takes them."""
    client = keeping(seoul, address)
    ask(client, cache={"ttl": 1e308})

    assert ask(client).route.cache.status == "HIT"
    assert not caplog.records


@pytest.mark.sample(6)
def test_an_old_answer_is_given_while_a_new_one_is_fetched(keeping, seoul, ask, address):
    """Once, however many see that it is old."""
    client = keeping(seoul, address, cache_kwargs={"ttl": 10, "stale": 1000})
    first = ask(client)
    seoul.replies["*"] = "something new"

    with at(client, 100):
        old = [ask(client) for _ in range(1)]
        renewed(client)
        new = ask(client)

    assert [row.text for row in old] == [first.text]
    assert [row.route.cache.status for row in old] == ["STALE"]
    assert all(row.route.cached and row.route.cost == 0.0 for row in old)
    assert (new.text, new.route.cache.status) == ("something new", "HIT")
    assert len(seoul.requests) == 2


def test_who_keeps_nothing_renews_nothing(keeping, seoul, ask):
    """The old answer is given, and nobody is asked for one that would not be kept."""
    client = keeping(seoul, "memory", cache_kwargs={"ttl": 10, "stale": 1000})
    ask(client)

    with at(client, 100):
        assert ask(client, cache={"no_store": True}).route.cache.status == "STALE"
        renewed(client)

    assert len(seoul.requests) == 1


class Broken:
    """A store in which nothing works."""

    def get(self, *_):
        raise OSError

    def put(self, *_):
        raise OSError

    def clear(self):
        """Even so."""


@pytest.mark.sample(6)
def test_a_store_that_fails_costs_no_call(keeping, seoul, ask, address, caplog):
    """Neither the one by meaning, nor any other; the log tells of it."""
    client = keeping(seoul, address)
    client._router.answers.similar = Broken()

    assert [ask(client).route.cache.status for _ in range(2)] == ["MISS", "HIT"]
    assert "the store of answers failed, and the call goes on: OSError" in caplog.text
    client.clear_cache()


def test_many_who_see_an_old_answer_renew_it_once(keeping, seoul, ask):
    """While the renewal is under way, all get the old one."""
    client = keeping(seoul, "memory", cache_kwargs={"ttl": 10, "stale": 1000})
    ask(client)
    gate = threading.Event()
    seoul.replies["*"] = lambda body: gate.wait(20) and "something new"

    with at(client, 100):
        told = [ask(client) for _ in range(3)]
        gate.set()
        renewed(client)

    assert [row.route.cache.status for row in told] == ["STALE"] * 3
    assert len(seoul.requests) == 2


def test_a_renewal_that_fails_leaves_the_old_answer(keeping, seoul, ask, caplog):
    """It is told in the log, and tried again by the next who asks."""
    client = keeping(seoul, "memory", cache_kwargs={"ttl": 10, "stale": 1000}, num_retries=0)
    ask(client)
    seoul.faults["*"] = Fault.status(500)

    with at(client, 100):
        for _ in range(2):
            assert ask(client).route.cache.status == "STALE"
            renewed(client)

    assert len(seoul.requests) == 3
    assert "an old answer was given, because a newer one could not be fetched" in caplog.text


def test_a_streamed_answer_is_given_again_in_its_pieces(keeping, seoul, address):
    """As they came; a whole answer is put together from them."""
    client = keeping(seoul, address)
    seoul.replies["*"] = ["one ", "two ", "three"]
    streams = [list(client.completion("gpt-4o", QUESTION, True)) for _ in range(2)]

    assert [row.wire for row in streams[1]] == [row.wire for row in streams[0]]
    texts = [row.choices[0].delta.content for row in streams[1] if row.choices]
    assert [text for text in texts if text] == ["one ", "two ", "three"]
    assert client.completion("gpt-4o", QUESTION).choices[0].message.content == "one two three"
    assert len(seoul.requests) == 1


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_another_client_of_the_same_tenant_finds_it(kind, request, keeping, seoul, ask, tmp_path):
    """Another process would, too: nothing but the place and the key is shared."""
    address = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else request.getfixturevalue("redis_server").url  # fmt: skip
    ask(keeping(seoul, address))

    assert ask(keeping(seoul, address)).route.cache.status == "HIT"


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_an_event_loop_is_never_blocked(kind, request, keeping, seoul, tmp_path, monkeypatch):
    """Files and sockets are used in other threads."""
    address = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else request.getfixturevalue("redis_server").url  # fmt: skip
    client, used = keeping(seoul, address), []

    def noting(work):
        def noted(*args, **kwargs):
            used.append(threading.current_thread())
            return work(*args, **kwargs)

        return noted

    monkeypatch.setattr(sqlite3, "connect", noting(sqlite3.connect))
    monkeypatch.setattr("redis.asyncio.Redis.execute_command", noting(Redis.execute_command))
    replies = [asyncio.run(client.acompletion("gpt-4o", QUESTION)) for _ in range(2)]
    asyncio.run(client.aclear_cache())

    assert [row.route.cache.status for row in replies] == ["MISS", "HIT"]
    assert used
    assert threading.main_thread() not in used


def test_adapters_tell_of_the_cache_in_their_own_ways(keeping, seoul):
    """What a call wants is passed on, and what the cache did stands in the route."""
    client = keeping(seoul, "memory")
    chat, llm = ChatGenAI("gpt-4o", client=client), GenAI("gpt-4o", client=client)
    told = [
        chat.invoke("Hello!").response_metadata["route"]["cache"]["status"],
        llm.complete("Hello!").raw.route.cache.status,
        sum(chat.stream("Hello!"), AIMessageChunk("")).response_metadata["route"]["cache"]["status"],
        chat.invoke("Hello!", cache={"refresh": True}).response_metadata["route"]["cached"],
        llm.complete("Hello!", cache={"refresh": True}).raw.route.cache.status,
    ]  # fmt: skip

    assert told == ["MISS", "HIT", "HIT", False, "BYPASS"]


PAIR = ("pk-lf-1", "sk-lf-11111111-1111")


@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("pair", "key"),
    [
        (("pk-lf-2", "sk-lf-22222222-2222"), KEY),
        (("pk-lf-2", "sk-lf-22222222-2222"), None),
        (("pk-lf-1", "sk-lf-22222222-2222"), None),
        (("pk-lf-1", "sk-lf-11111111-1111", "https://other.example"), None),
        (PAIR, "another secret text"),
    ],
)
def test_another_tenant_finds_nothing(pair, key, keeping, seoul, ask, tmp_path, monkeypatch):
    """Another pair, another secret, another Langfuse, another cache key."""
    address = f"sqlite:///{tmp_path}/a.db"
    for value in (KEY, None):
        monkeypatch.setenv("GENAI_CACHE_KEY", value or "")
        ask(keeping(seoul, address, PAIR))
        assert ask(keeping(seoul, address, PAIR)).route.cache.status == "HIT"

    monkeypatch.setenv("GENAI_CACHE_KEY", key or "")
    assert ask(keeping(seoul, address, pair)).route.cache.status == "MISS"


class Project:
    """A store of connections that knows its project after the first load, as Langfuse's does."""

    project_id = None

    def __init__(self, row, project):
        self.row, self.project = row, project

    def load(self, names):
        self.project_id = self.project
        return [self.row]


def test_key_pairs_of_one_project_share_answers(keeping, connect, seoul, ask, tmp_path):
    """With one `GENAI_CACHE_KEY`; those of another project do not, though it is the same key."""
    address, row = f"sqlite:///{tmp_path}/a.db", connect(seoul)
    other = ("pk-lf-2", "sk-lf-22222222-2222")
    ask(keeping(seoul, address, PAIR, connections=Project(row, "one")))

    same = keeping(seoul, address, other, connections=Project(row, "one"))
    assert ask(same).route.cache.status == "HIT"
    foreign = keeping(seoul, address, other, connections=Project(row, "two"))
    assert ask(foreign).route.cache.status == "MISS"


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_tenant_may_forget_all(way, keeping, seoul, ask, address):
    """Also before its first call, and without a cache it is nothing to do."""
    client = keeping(seoul, address)
    ask(client)
    other = client if address == "memory" else keeping(seoul, address)

    if way == "sync":
        other.clear_cache()
    else:
        asyncio.run(other.aclear_cache())

    assert ask(client).route.cache.status == "MISS"
    GenAIClient(connections=[]).clear_cache()


def test_a_place_that_is_gone_costs_no_call(keeping, seoul, ask, redis_server):
    """It is as if nothing were kept."""
    client = keeping(seoul, redis_server.url)
    ask(client)
    redis_server.stop()

    assert ask(client).route.cache.status == "MISS"


def test_a_poisoned_file_costs_no_call(keeping, seoul, ask, tmp_path):
    """Nobody is given what was put there."""
    path = tmp_path / "a.db"
    client = keeping(seoul, f"sqlite:///{path}")
    first = ask(client)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE answers_1 SET value = substr(value, 1, length(value) - 1) || x'00'")
    db.close()

    again = ask(client)

    assert (again.text, again.route.cache.status) == (first.text, "MISS")


def test_targets_in_another_order_are_the_same_question(keeping, connect, seoul, usa, ask):
    """A strategy that shuffles them does not ask anew for each order."""
    turns = [lambda targets: targets, lambda targets: targets[::-1]]
    rows = [connect(seoul), connect(usa)]
    client = keeping(
        seoul, "memory", connections=rows, routing_strategy=lambda _, targets: turns.pop(0)(targets)
    )

    assert [ask(client).route.cache.status for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize(
    ("cache", "told"),
    [
        ("disk", "cache must be 'memory', 'sqlite:///answers.db' or 'redis://host:6379/0'"),
        ("sqlite:///", "cache must be"),
        ("sqlite:///:memory:", "cache must be"),
        ("mysql://u:secret@host/db", "not another address"),
        (True, "not True"),
        (7, "not 7"),
        ("redis://", "the address of a Redis server must be like"),
    ],
)
def test_what_is_no_place_is_told_when_the_client_is_made(cache, told, keeping, seoul):
    """In one line that shows what one looks like, and no password."""
    with pytest.raises(ConfigurationError, match=told) as error:
        keeping(seoul, cache)

    assert "secret" not in str(error.value)


@pytest.mark.parametrize("cache", ["sqlite:///a.db", "redis://localhost:1"])
def test_nothing_is_kept_outside_without_a_key(cache, connect, seoul, monkeypatch):
    """The error says which variable to set; a short key is no key."""
    with pytest.raises(ConfigurationError, match="set GENAI_CACHE_KEY"):
        GenAIClient(connections=[connect(seoul)], cache=cache)
    monkeypatch.setenv("GENAI_CACHE_KEY", "short")
    with pytest.raises(ConfigurationError, match="at least 16 characters"):
        GenAIClient(connections=[connect(seoul)], cache=cache)


@pytest.mark.parametrize(
    ("control", "told"),
    [
        ({"ttl": 0}, "cache.ttl"),
        ({"refresh": 1}, "cache.refresh"),
        ({"max-age": 1}, "only the keys ttl, refresh, no_store, semantic"),
        ("refresh", "a mapping"),
    ],
)
def test_a_wrong_wish_is_told(control, told, keeping, seoul):
    """Before anybody is asked."""
    with pytest.raises(ConfigurationError, match=told):
        keeping(seoul, "memory").completion("gpt-4o", QUESTION, cache=control)
