"""Answers by the exact question: what is the same question, how long it is known, and how many there may be."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import pytest

from genai_integrations.cache.kept import Kept
from genai_integrations.cache.memory import MemoryAnswers

BODY = {
    "messages": [{"role": "user", "content": "Hello!"}],
    "temperature": 1,
    "tools": [{"type": "function", "function": {"name": "add", "parameters": {"a": 1}}}],
}
ANSWER = {"choices": [{"message": {"content": "Hi!"}}]}


@dataclass
class Clock:
    """Seconds that pass only on purpose."""

    now: float = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    """A cache whose answers are old after ten seconds."""
    return MemoryAnswers(ttl=10, clock=clock)


def entry(cache, key):
    """What is kept under a key, without its times."""
    found = cache.get(key)
    return found and found.entry


def turned(value):
    """The same value with the keys of every object the other way round, lists as tuples, and `1` as `1.0`."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return tuple(turned(item) for item in value)
    return float(value) if type(value) is int else value


def test_what_is_kept_is_given_again(cache):
    """As often as it is asked for."""
    key = cache.key(BODY)
    assert cache.get(key) is None

    cache.put(key, ANSWER)

    assert entry(cache, key) == entry(cache, key) == ANSWER
    assert len(cache) == 1


def test_every_answer_is_the_callers_own(cache):
    """Neither what a caller does to the one kept nor to the one given changes another."""
    key, kept = cache.key(BODY), {"choices": [1]}
    cache.put(key, kept)
    kept["choices"].append(2)
    entry(cache, key)["choices"].append(3)

    assert entry(cache, key) == {"choices": [1]}


def test_the_same_question_has_one_key(cache):
    """Whatever the order of its keys, and however its numbers are written."""
    assert cache.key(turned(BODY)) == cache.key(BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 1.1},
        {"temperature": True},
        {"temperature": "1"},
        {"messages": [{"role": "system", "content": "Hello!"}]},
        {"messages": [{"role": "user", "content": "Hello"}]},
        {"messages": [*BODY["messages"], *BODY["messages"]]},
        {"tools": []},
        {"tools": [{"type": "function", "function": {"name": "add", "parameters": {"a": 2}}}]},
        {"seed": 0},
    ],
    ids=str,
)
def test_another_question_has_another_key(cache, change):
    """However small the difference, and however deep."""
    assert cache.key({**BODY, **change}) != cache.key(BODY)


def nested():
    value: list = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [b"x", print, float("nan"), float("inf"), {1, 2}, object(), {1: 2}, {1: 2, "a": 3}, 2**70, "\ud800", nested()],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_json_does_not_know_has_no_key(cache, value):
    """It is no error: such a question is asked each time."""
    assert cache.key({**BODY, "extra": value}) is None


def test_another_cache_has_other_keys(cache):
    """A key tells nothing about a question to anyone else."""
    assert MemoryAnswers().key(BODY) != cache.key(BODY)


KEYS = {"early": b"\xff" * 32, "late": b"\x00" * 32, "short": b"\x00" * 31 + b"1"}


def test_answers_grow_old(cache, clock):
    """After the cache's time, or after their own; a key takes up to a tenth off, so that they do not all end at once."""
    for name, ttl in (("early", None), ("late", None), ("short", 1)):
        cache.put(KEYS[name], ANSWER, ttl)

    clock.now += 8.9
    assert [bool(cache.get(KEYS[name])) for name in KEYS] == [True, True, False]
    clock.now += 1.0
    assert [bool(cache.get(KEYS[name])) for name in KEYS] == [False, True, False]
    clock.now += 0.1
    assert cache.get(KEYS["late"]) is None
    assert len(cache) == 0


def test_an_old_answer_is_stale_for_a_while(clock):
    """It says so, and how old it is."""
    cache = MemoryAnswers(ttl=10, stale=5, clock=clock)
    cache.put(KEYS["late"], ANSWER)

    clock.now += 9.5
    assert cache.get(KEYS["late"]) == Kept(ANSWER, 9.5, False)
    clock.now += 1
    assert cache.get(KEYS["late"]) == Kept(ANSWER, 10.5, True)
    clock.now += 4.5
    assert cache.get(KEYS["late"]) is None


def test_all_can_be_forgotten(cache):
    """At once."""
    cache.put(KEYS["late"], ANSWER)
    cache.clear()

    assert cache.get(KEYS["late"]) is None


def test_the_one_not_used_for_longest_goes():
    """When there are more than there may be."""
    cache = MemoryAnswers(max_size_in_memory=2)
    first, second, third = (cache.key({"n": n}) for n in range(3))
    cache.put(first, ANSWER)
    cache.put(second, ANSWER)
    cache.get(first)
    cache.put(third, ANSWER)

    assert [bool(cache.get(key)) for key in (first, second, third)] == [True, False, True]


def test_all_together_stay_below_the_bytes():
    """Old ones make room, but not for one that could never fit; and one kept anew counts once."""
    cache = MemoryAnswers(max_bytes=100)
    first, second = cache.key({"n": 1}), cache.key({"n": 2})
    for _ in range(5):
        cache.put(first, {"text": "x" * 60})
    assert repr(cache) == "MemoryAnswers(1 answers, 71 bytes)"

    cache.put(second, {"text": "y" * 60})
    assert cache.get(first) is None
    assert cache.get(second)

    cache.put(first, {"text": "z" * 200})
    assert cache.get(first) is None
    assert repr(cache) == "MemoryAnswers(1 answers, 71 bytes)"


def test_an_answer_that_is_no_json_is_not_kept(cache):
    """Nor is that an error."""
    cache.put(cache.key(BODY), {"choices": object()})

    assert len(cache) == 0


def test_threads_do_not_disturb_each_other():
    """With all of them reading and writing beyond the bounds, the books stay right."""
    cache = MemoryAnswers(max_size_in_memory=20, max_bytes=1000)
    keys = [cache.key({"n": n}) for n in range(50)]
    start, wrong = threading.Barrier(8), []

    def work(seed):
        start.wait()
        for n in range(500):
            at = (n * 7 + seed * 13) % len(keys)
            cache.put(keys[at], {"n": at, "text": "x" * (at % 30)})
            found = entry(cache, keys[at * 3 % len(keys)])
            if found is not None and found["n"] != at * 3 % len(keys):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert len(cache) <= 20
    assert cache._answers.weight == sum(len(row.data) for row in cache._answers.values()) <= 1000


@pytest.mark.parametrize("busy", [False, True])
def test_a_forked_child_goes_on(cache, busy):
    """With what was kept; or anew, if another thread was just at work and is not there any more."""
    key = cache.key(BODY)
    cache.put(key, ANSWER)
    if busy:
        cache._answers._lock.acquire()
    child = os.fork()
    if child == 0:
        good = entry(cache, key) == (None if busy else ANSWER)
        cache.put(key, ANSWER)
        os._exit(0 if good and entry(cache, key) == ANSWER else 7)
    if busy:
        cache._answers._lock.release()
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert entry(cache, key) == ANSWER


def test_its_repr_tells_no_answer(cache):
    """Only how many there are."""
    cache.put(cache.key(BODY), {"text": "secret"})

    assert repr(cache) == "MemoryAnswers(1 answers, 17 bytes)"
