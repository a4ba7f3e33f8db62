"""Who may ask the gateway: what counts as a key, for how long Langfuse's word does, and how often one may be wrong."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import threading
from types import FunctionType, ModuleType

import pytest

from genai_integrations.errors import (
    ConfigurationError,
    CredentialError,
    CredentialStoreError,
)
from genai_integrations.gateway.keys.guesses import Guesses
from genai_integrations.gateway.keys.narrow import checked_terms, issued, read_key, text_of
from genai_integrations.gateway.keys.pairs import KeyPairs
from genai_integrations.gateway.keys.shown import Pair, Token, key_in, shown_key
from genai_integrations.gateway.keys.stores import key_store
from genai_integrations.gateway.keys.tokens import Tokens
from genai_integrations.gateway.refusals import Refused

PAIR = Pair("pk-lf-a", "sk-lf-a")
TOKEN = "sk-gw-" + "a" * 16 + "-" + "B" * 43


def _basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Langfuse:
    """Says of which project a pair is, as it is told to; counts."""

    def __init__(self, **projects):
        self.projects = projects
        self.asked = []
        self.is_away = False
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, public, secret):
        self.asked.append(public)
        assert self.gate.wait(20)
        if self.is_away:
            raise CredentialStoreError("it cannot be reached")
        if secret not in self.projects:
            raise CredentialError("refused")
        return self.projects[secret]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def langfuse():
    return Langfuse(**{"sk-lf-a": "project-a"})


@pytest.fixture
def pairs(langfuse, clock):
    made = KeyPairs(langfuse, guesses=Guesses(3, 60, clock), clock=clock)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer pk-lf-a:sk-lf-a"}, PAIR),
        ({"authorization": "bearer  pk-lf-a:sk-lf-a "}, PAIR),
        ({"authorization": _basic("pk-lf-a:sk-lf-a")}, PAIR),
        ({"x-api-key": "pk-lf-a:sk-lf-a"}, PAIR),
        ({"authorization": "Bearer any", "x-api-key": "pk-lf-a:sk-lf-a"}, PAIR),
        ({"authorization": f"Bearer {TOKEN}"}, Token("a" * 16, "B" * 43)),
        ({"x-api-key": TOKEN}, Token("a" * 16, "B" * 43)),
        ({"authorization": _basic(f"{TOKEN}:")}, Token("a" * 16, "B" * 43)),
        ({"authorization": _basic(f"team:{TOKEN}")}, Token("a" * 16, "B" * 43)),
        ({}, None),
        ({"authorization": ""}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer pk-lf-a"}, None),
        ({"authorization": "Bearer pk-lf-a:"}, None),
        ({"authorization": "Bearer pk-lf-a:sk:lf"}, None),
        ({"authorization": "Bearer pk lf:sk lf"}, None),
        ({"authorization": "Bearer pk-lf-ä:sk-lf-a"}, None),
        ({"authorization": "Bearer pk-lf-a:sk-lf-a\x00"}, None),
        ({"authorization": "Bearer pk-lf-a:sk-lf-a, Bearer pk-lf-b:sk-lf-b"}, None),
        ({"authorization": "Digest pk-lf-a:sk-lf-a"}, None),
        ({"authorization": "Basic !!!"}, None),
        ({"authorization": "Basic " + base64.b64encode(b"\xff:\xfe").decode()}, None),
        ({"authorization": f"Bearer pk:{'s' * 2000}"}, None),
        ({"x-api-key": "sk-gw-short"}, None),
        ({"x-api-key": "sk-gw-pk:sk"}, None),
    ],
)
def test_a_key_is_found_wherever_sdks_put_it(headers, key):
    """`Bearer`, `Basic` and `x-api-key` carry a pair or a key of the gateway's; what is neither is no key."""
    assert shown_key(headers) == key


def test_nothing_that_is_shown_shows_its_secret():
    """Neither a pair nor a token has its secret in its repr, nor has a key that was read."""
    key, token = issued(_terms(), PAIR)

    shown = f"{shown_key({'x-api-key': 'pk-lf-a:sk-lf-a'})!r} {key_in(text_of(token))!r} {key!r}"

    assert "sk-lf-a" not in shown
    assert token.secret not in shown


async def test_langfuse_is_asked_once_a_minute(pairs, langfuse, clock):
    """A pair's project is what Langfuse says; its word counts for 60 seconds, and not for longer."""
    found = [await pairs.project_of(PAIR) for _ in range(3)]
    clock.now += 44.9
    found.append(await pairs.project_of(PAIR))

    assert found == ["project-a"] * 4
    assert len(langfuse.asked) == 1

    clock.now += 15.2
    assert await pairs.project_of(PAIR) == "project-a"
    assert len(langfuse.asked) == 2


async def test_a_pair_is_confirmed_anew_before_the_minute_is_over(pairs, langfuse, clock):
    """From the 45th second on it happens behind the scenes, so that nobody waits."""
    await pairs.project_of(PAIR)
    clock.now += 46
    langfuse.gate.clear()

    assert await pairs.project_of(PAIR) == "project-a"

    flights = list(pairs._flights.values())
    langfuse.gate.set()
    await asyncio.gather(*flights)
    clock.now += 40
    assert await pairs.project_of(PAIR) == "project-a"
    assert len(langfuse.asked) == 2


async def test_a_revoked_pair_is_refused_within_a_minute(pairs, langfuse, clock):
    """Sixty seconds after Langfuse's last word for it nothing is answered, and it is not asked of again at once."""
    await pairs.project_of(PAIR)
    langfuse.projects.clear()
    clock.now += 60

    for _ in range(2):
        with pytest.raises(Refused) as caught:
            await pairs.project_of(PAIR)
        assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert len(langfuse.asked) == 2


async def test_many_ask_with_a_new_pair_and_langfuse_is_asked_once(pairs, langfuse):
    """One flight for each pair, and one who leaves does not end it for the others."""
    langfuse.gate.clear()
    waiting = [asyncio.create_task(pairs.project_of(PAIR)) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    langfuse.gate.set()

    found = await asyncio.gather(*waiting, return_exceptions=True)

    assert found[1:] == ["project-a"] * 49
    assert langfuse.asked == ["pk-lf-a"]


async def test_while_langfuse_is_away_known_pairs_work_for_a_quarter_of_an_hour(
    pairs, langfuse, clock
):
    """Then, and for pairs that nobody knows, the gateway says that it cannot tell: never that a key is wrong."""
    await pairs.project_of(PAIR)
    langfuse.is_away = True
    clock.now += 899

    assert await pairs.project_of(PAIR) == "project-a"
    for pair in (PAIR, Pair("pk-lf-b", "sk-lf-b")):
        clock.now += 1
        with pytest.raises(Refused) as caught:
            await pairs.project_of(pair)
        assert (caught.value.status, caught.value.retry_after) == (503, 5.0)

    langfuse.is_away = False
    clock.now += 5
    assert await pairs.project_of(PAIR) == "project-a"


async def test_while_langfuse_is_away_it_is_left_alone_for_moments(pairs, langfuse, clock):
    """Requests with a known pair do not each wait for a server that does not answer."""
    await pairs.project_of(PAIR)
    langfuse.is_away = True
    clock.now += 70

    for _ in range(10):
        await pairs.project_of(PAIR)

    assert len(langfuse.asked) == 2


async def test_while_langfuse_hangs_a_known_pair_waits_for_a_moment_only(
    pairs, langfuse, clock, monkeypatch
):
    """Once in five seconds, however long the question is under way."""
    await pairs.project_of(PAIR)
    langfuse.gate.clear()
    clock.now += 70
    monkeypatch.setattr("genai_integrations.gateway.keys.pairs._PATIENCE", 0.01)
    waited = []

    real = asyncio.timeout
    monkeypatch.setattr(
        "asyncio.timeout", lambda seconds: (waited.append(seconds), real(seconds))[1]
    )
    for seconds in (0.0, 1.0, 2.0, 4.0, 5.0, 6.0):
        clock.now = 1070.0 + seconds
        assert await pairs.project_of(PAIR) == "project-a"

    flights = list(pairs._flights.values())
    langfuse.gate.set()
    await asyncio.gather(*flights)
    assert waited == [0.01, 0.01]
    assert len(langfuse.asked) == 2


async def test_guesses_are_counted_by_address(pairs, langfuse, clock):
    """After three wrong keys an address waits; others do not, and keys that are known work from there all the same."""
    await pairs.project_of(PAIR, "192.0.2.1")
    statuses = [await _status(pairs, f"sk-lf-{n}", "192.0.2.1") for n in range(5)]

    assert statuses == [401, 401, 401, 429, 429]
    assert len(langfuse.asked) == 4
    assert await _status(pairs, "sk-lf-9", "192.0.2.2") == 401
    assert await pairs.project_of(PAIR, "192.0.2.1") == "project-a"
    clock.now += 20
    assert await _status(pairs, "sk-lf-8", "192.0.2.1") == 401
    assert await _status(pairs, "sk-lf-7", "192.0.2.1") == 429


async def _status(pairs, secret, address):
    with pytest.raises(Refused) as caught:
        await pairs.project_of(Pair("pk-lf-a", secret), address)
    assert (caught.value.retry_after is not None) == (caught.value.status == 429)
    return caught.value.status


def test_who_has_a_network_of_addresses_is_one(clock):
    """Of IPv6 a /64 counts as one address; an IPv4 address counts as itself in whichever form."""
    guesses = Guesses(1, 60, clock)
    guesses.wrong("2001:db8:1:2::1")
    guesses.wrong("::ffff:192.0.2.7")

    assert guesses.wait("2001:db8:1:2:ffff::9") == 60.0
    assert guesses.wait("2001:db8:1:3::1") == 0.0
    assert guesses.wait("192.0.2.7") == 60.0
    assert guesses.wait("") == 0.0


def test_made_up_addresses_do_not_fill_the_memory(clock):
    """However many addresses are wrong, so many are remembered."""
    guesses = Guesses(3, 60, clock)

    for number in range(20_000):
        guesses.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(guesses._empty_at) == 8192


async def test_a_pair_of_two_projects_is_of_the_one_whose_secret_it_has(pairs, langfuse):
    """Langfuse does not compare public keys; so nor do we, and the public key of another project opens nothing of it."""
    langfuse.projects["sk-lf-b"] = "project-b"

    assert await pairs.project_of(Pair("pk-lf-a", "sk-lf-b")) == "project-b"
    assert await pairs.project_of(PAIR) == "project-a"


async def test_no_key_stays_in_memory(pairs, langfuse):
    """What is kept of a pair is an HMAC with a key of this process; two processes have different ones."""
    await pairs.project_of(Pair("pk-lf-a", "sk-lf-a"))
    with pytest.raises(Refused):
        await pairs.project_of(Pair("pk-lf-a", "sk-lf-wrong"))

    texts = _texts_below([pairs._known, pairs._refused, pairs._guesses, pairs._flights])

    assert "project-a" in texts
    assert not [text for text in texts if "sk-lf-" in text]
    assert pairs.mark(PAIR) != KeyPairs(langfuse).mark(PAIR)


def _texts_below(roots):
    """Every text and every bytes that the garbage collector can reach from there, but for code."""
    seen, waiting, texts = set(), list(roots), set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, (type, ModuleType, FunctionType)):
            continue
        seen.add(id(found))
        if isinstance(found, (str, bytes)):
            texts.add(found if isinstance(found, str) else found.decode("latin-1"))
        waiting += gc.get_referents(found)
    return texts


# --- narrow keys


def _terms(name="search", project="project-a", **fields):
    fields = {"models": None, "budget": None, "expires": None, "created": 1.0, **fields}
    return checked_terms(name, project, **fields)


@pytest.fixture(params=["sqlite", "redis"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return key_store(f"sqlite:///{tmp_path}/keys/gateway.db")
    return key_store(request.getfixturevalue("redis_server").url)


def test_keys_are_kept_listed_and_forgotten(store):
    """A project has each name once; it sees its own keys only, and one that is revoked is gone."""
    one, token = issued(_terms("search", models=["gpt-4o*"], budget={"usd": 5}, expires=9e9), PAIR)
    other, _ = issued(_terms("search", "project-b"), PAIR)

    assert [store.add(key) for key in (one, other)] == [True, True]
    assert store.add(issued(_terms("search"), PAIR)[0]) is False
    assert [key.id for key in store.of("project-a")] == [one.id]
    assert store.get(one.id) == one
    assert store.get(one.id).pair(token.secret) == PAIR
    assert (one.terms.models, one.terms.usd, one.terms.per) == (("gpt-4o*",), 5.0, "month")

    store.remove(one)

    assert store.get(one.id) is None
    assert store.of("project-a") == []
    assert [key.id for key in store.of("project-b")] == [other.id]


def test_a_stored_key_is_of_no_use_to_who_reads_it(store):
    """What is stored holds neither the key nor the pair; and no term can be changed there, nor a part of another key be put in."""
    key, token = issued(_terms(models=["gpt-4o-mini"], expires=2e9), PAIR)
    other, other_token = issued(_terms("other"), PAIR)
    text = key.as_text()

    assert token.secret not in text
    assert "sk-lf-a" not in text
    for change in (
        {"models": None},
        {"project": "project-b"},
        {"expires": None},
        {"usd": 1e6},
        {"id": other.id},
        {"sealed": json.loads(other.as_text())["sealed"]},
        {"sealed": ""},
    ):
        changed = read_key(json.dumps({**json.loads(text), **change}))
        assert changed.pair(token.secret) is None
    assert key.pair(other_token.secret) is None
    assert read_key("{}") is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "no/slash"}, "a key's name is up to 64 letters"),
        ({"models": []}, "1 to 100 patterns"),
        ({"models": ["two words"]}, "a pattern of models is a name"),
        ({"budget": {"usd": -1}}, "US dollars"),
        ({"budget": {"usd": 1, "per": "week"}}, "day"),
        ({"expires": 0.5}, "in the future"),
    ],
)
def test_terms_that_cannot_be_are_told(fields, said):
    """Whoever asks for such a key hears what to write."""
    with pytest.raises(ConfigurationError, match=said):
        _terms(**fields)


@pytest.mark.parametrize("address", ["", "keys.db", "sqlite:///", "postgres://host", "redis:/"])
def test_a_store_has_an_address(address):
    """Of a file or a Redis server."""
    with pytest.raises(ConfigurationError, match="sqlite:///keys"):
        key_store(address)


class Shelf:
    """A store in memory that may be away."""

    def __init__(self, *keys):
        self.keys = {key.id: key for key in keys}
        self.is_away = False
        self.asked = 0

    def get(self, key_id):
        self.asked += 1
        if self.is_away:
            raise CredentialStoreError("it is away")
        return self.keys.get(key_id)


async def test_a_narrow_key_is_read_twice_a_minute(clock):
    """So one that is revoked is refused within it; while the store is away, what was read counts for a stated time."""
    key, token = issued(_terms(), PAIR)
    shelf = Shelf(key)
    tokens = Tokens(shelf, Guesses(clock=clock), clock=clock, wall=clock)

    assert await tokens.of(token) == (key.terms, PAIR)
    clock.now += 29
    assert await tokens.of(token) == (key.terms, PAIR)
    assert shelf.asked == 1

    shelf.is_away = True
    clock.now += 870
    assert await tokens.of(token) == (key.terms, PAIR)
    clock.now += 1
    with pytest.raises(Refused) as caught:
        await tokens.of(token)
    assert caught.value.status == 503

    shelf.is_away = False
    clock.now += 5
    await tokens.of(token)
    shelf.keys.clear()
    clock.now += 30
    with pytest.raises(Refused) as caught:
        await tokens.of(token)
    assert caught.value.status == 401


async def test_a_narrow_key_that_is_wrong_or_over_is_refused(clock):
    """An id without its secret opens nothing, guesses are counted, and an expired key is nothing."""
    key, token = issued(_terms(expires=1500.0), PAIR)
    tokens = Tokens(Shelf(key), Guesses(2, 60, clock), clock=clock, wall=clock)
    wrong = Token(token.id, "C" * 43)

    statuses = []
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await tokens.of(wrong, "192.0.2.1")
        statuses.append(caught.value.status)

    assert statuses == [401, 401, 429]
    assert (await tokens.of(token, "192.0.2.2"))[1] == PAIR
    clock.now = 1500.0
    with pytest.raises(Refused) as caught:
        await tokens.of(token)
    assert caught.value.status == 401
    gc.collect()
