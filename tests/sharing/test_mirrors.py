"""What processes tell each other through a store: a real Redis server, and a file."""

from __future__ import annotations

import pytest

from genai_integrations.calls.args import router_args
from genai_integrations.routing.health import Health
from genai_integrations.routing.sharing.cooldowns import Cooldowns
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.sharing.redis_store import RedisStore
from genai_integrations.routing.sharing.store import Sent, StoreAway
from genai_integrations.routing.state import store_of


@pytest.fixture(params=["redis", "file"])
def store(request, tmp_path):
    """Each kind of store."""
    if request.param == "redis":
        return RedisStore(request.getfixturevalue("redis_server").url)
    return FileStore(str(tmp_path / "state.json"))


@pytest.fixture
def pair(store):
    """Two mirrors of one record, as two processes have them."""
    return Mirror("genai:{x}:a"), Mirror("genai:{x}:a")


class Losing:
    """A store whose answer gets lost the first time."""

    def __init__(self, store):
        self.store = store
        self.is_lost = True

    def exchange(self, key, sent):
        """Do it, and say nothing of it once."""
        found = self.store.exchange(key, sent)
        if self.is_lost:
            self.is_lost = False
            raise StoreAway
        return found


def test_amounts_add_up(pair, store):
    """What each has added the other sees after both have told and heard."""
    one, two = pair
    one.add({"calls": 2, "seconds": 0.125})
    two.add({"calls": 3})
    one.exchange(store)
    two.exchange(store)
    one.add({"calls": 10})

    assert two.totals() == {"calls": 5, "seconds": 0.125}
    assert one.totals() == {"calls": 12, "seconds": 0.125}
    one.exchange(store)
    two.exchange(store)
    assert one.totals() == two.totals() == {"calls": 15, "seconds": 0.125}


def test_the_first_text_of_a_number_counts(pair, store):
    """The other process takes it over, in place of its own."""
    one, two = pair
    one.first(0, "one")
    two.first(0, "two")
    two.first(1, "then")
    one.exchange(store)
    two.exchange(store)
    one.exchange(store)

    assert one.firsts() == two.firsts() == ("one", "then")


def test_a_message_whose_answer_got_lost_counts_once(pair, store):
    """It is sent again, and the store knows it."""
    one, two = pair
    one.add({"calls": 1})
    losing = Losing(store)
    with pytest.raises(StoreAway):
        one.exchange(losing)
    one.add({"calls": 1})
    one.exchange(losing)
    one.exchange(losing)
    two.exchange(store)

    assert one.totals() == two.totals() == {"calls": 2}


def test_what_a_store_has_lost_it_is_told_again(redis_server):
    """A Redis that comes back empty: whoever notices first tells all that it knew, the others what is new."""
    store, key = RedisStore(redis_server.url), "genai:{x}:a"
    one, two = Mirror(key), Mirror(key)
    for mirror in (one, two, one):
        mirror.add({"calls": 1})
        mirror.first(0, "began")
        mirror.exchange(store)
    two.exchange(store)
    store._link.ask(lambda redis: redis.flushall())
    two.add({"calls": 4})
    for mirror in (one, two, one, two):
        mirror.exchange(store)

    assert one.totals() == two.totals() == {"calls": 7}
    new = Mirror(key)
    new.exchange(store)
    assert (new.totals(), new.firsts()) == ({"calls": 7}, ("began",))


def test_while_the_store_is_away_nothing_is_lost(redis_server):
    """All is kept here, and told when it is back; what is kept is a sum for each field, so it does not grow."""
    store, mirror = RedisStore(redis_server.url), Mirror("genai:{x}:a")
    mirror.add({"calls": 1})
    mirror.exchange(store)
    redis_server.stop()
    for _ in range(3):
        mirror.add({"calls": 1})
        with pytest.raises(StoreAway):
            mirror.exchange(store)
    known = mirror.totals()
    redis_server.start()
    store._link._asked_again_at = 0.0
    for _ in range(2):
        mirror.exchange(store)
    other = Mirror("genai:{x}:a")
    other.exchange(store)

    assert known == other.totals() == {"calls": 4}


def test_records_are_apart_and_end(store):
    """Another key is another record; one with an end is forgotten after it."""
    store.exchange("genai:{x}:a", Sent("t1", {"n": 1}, {}))
    found = store.exchange("genai:{x}:b", Sent("t2", {}, {}, seconds=100))

    assert (found.is_new, found.amounts) == (True, {})


def test_cooldowns_are_shared_and_end_for_all(store):
    """A target that failed in one process cools down in the other; one that answered there is back here."""
    names, now = Names("pk"), [1000.0]
    one, two = (Health(cooldown_time=30, clock=lambda: now[0]) for _ in range(2))
    ours, theirs = (Cooldowns(row, names, clock=lambda: now[0]) for row in (one, two))
    one.failed("seoul/gpt-4o")
    ours.exchange(store)
    theirs.exchange(store)
    cooling = two.free_at("seoul/gpt-4o")
    now[0] += 1
    two.succeeded("seoul/gpt-4o", began=now[0])
    theirs.exchange(store)
    ours.exchange(store)

    assert 1001 < cooling <= 1030
    assert one.free_at("seoul/gpt-4o") == two.free_at("seoul/gpt-4o") == 0.0
    assert two.free_at("usa/gpt-4o") == 0.0


def test_what_a_process_has_seen_itself_it_knows_better(store):
    """What others said before is not taken over by one that has news of its own to tell."""
    names, now = Names("pk"), [1000.0]
    one, two = (Health(cooldown_time=30, clock=lambda: now[0]) for _ in range(2))
    ours, theirs = (Cooldowns(row, names, clock=lambda: now[0]) for row in (one, two))
    one.failed("a/m")
    ours.exchange(store)
    theirs.exchange(store)
    two.failed("a/m", 100)
    theirs.exchange(store)
    ours.exchange(store)

    assert 1031 < one.free_at("a/m") <= 1100 == two.free_at("a/m")


def test_the_memory_of_cooldowns_is_bounded():
    """Where nobody is told for long, the oldest are forgotten."""
    health = Health()
    health.share(str)
    for number in range(5000):
        health.failed(f"a/{number}")

    assert len(health.changed) == 4096


def test_nothing_in_the_store_says_whose_it_is(redis_server):
    """Targets, rollouts and tenants are hashes there, and two tenants never meet."""
    store, names = RedisStore(redis_server.url), Names("pk-lf-1234")
    health = Health(cooldown_time=30)
    cooldowns = Cooldowns(health, names)
    health.failed("seoul/gpt-4o")
    cooldowns.exchange(store)
    stored = store._link.ask(lambda redis: {key: redis.hgetall(key) for key in redis.scan_iter()})

    assert list(stored) == [names.key("cooldowns").encode()]
    assert not any(word in str(stored) for word in ("seoul", "gpt", "pk-lf"))
    assert names.key("cooldowns") != Names("pk-lf-5678").key("cooldowns")
    assert names.key("cooldowns") == "genai:{88922de194bd7f1dbdd96e7e}:cooldowns"


def test_a_file_without_a_byte_is_a_new_one(tmp_path):
    """`mktemp` makes such, and a machine that stopped may leave one."""
    (tmp_path / "state.json").touch()
    store, mirror = FileStore(str(tmp_path / "state.json")), Mirror("k")
    mirror.add({"calls": 1.0})
    mirror.exchange(store)

    again = Mirror("k")
    again.exchange(store)
    assert again.totals() == {"calls": 1.0}


def test_a_file_that_is_none_is_a_store_that_is_away(tmp_path):
    """Calls go on, as with a Redis that is away."""
    (tmp_path / "state.json").write_text("this is no JSON")
    with pytest.raises(StoreAway, match="JSONDecodeError"):
        Mirror("k").exchange(FileStore(str(tmp_path / "state.json")))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"redis_url": "redis://:x@h:1/2"}, "redis://:x@h:1/2"),
        ({"redis_host": "h"}, "redis://h:6379/0"),
        (
            {"redis_host": "h", "redis_port": 6380, "redis_password": "p@ss/w"},
            "redis://:p%40ss%2Fw@h:6380/0",
        ),
        ({}, None),
    ],
)
def test_a_server_may_be_named_as_litellm_does(given, url):
    """By its address, or by its parts; a password shows nowhere."""
    args = router_args(given)
    store = store_of(args)

    assert (store and store._link._url) == url
    assert not any(word in repr((args, store)) for word in ("p@ss", "p%40ss", ":x@"))
