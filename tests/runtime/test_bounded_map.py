"""A map that forgets what was not used lately."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.runtime.bounded_map import BoundedMap

TIMEOUT = 30
KEYS = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.text(max_size=6)),
        st.tuples(st.just("get_or_put"), KEYS, st.text(max_size=6)),
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("remove"), KEYS),
        st.tuples(st.just("clear")),
    )
)


class Model:
    """The same by other means: rows of key, value and whether it was used, the one to look at first in front."""

    def __init__(self, most, most_weight):
        self.most, self.most_weight, self.rows = most, most_weight, []

    def get(self, key):
        for row in self.rows:
            if row[0] == key:
                row[2] = True
                return row[1]
        return None

    def put(self, key, value):
        self.remove(key)
        if len(value) > self.most_weight:
            return
        while self.rows and not self.has_room(value):
            key_, value_, was_used = self.rows.pop(0)
            if was_used:
                self.rows.append([key_, value_, False])
        self.rows.append([key, value, False])

    def has_room(self, value):
        weight = sum(len(row[1]) for row in self.rows)
        return len(self.rows) < self.most and weight + len(value) <= self.most_weight

    def get_or_put(self, key, value):
        known = self.get(key)
        if known is None:
            self.put(key, value)
            return value
        return known

    def remove(self, key):
        self.rows = [row for row in self.rows if row[0] != key]

    def clear(self):
        self.rows = []


@given(STEPS, st.integers(1, 4), st.integers(0, 12))
def test_it_forgets_what_was_not_used(steps, most, most_weight):
    """Within its bounds, after whatever was done to it."""
    kept, model = BoundedMap(most, most_weight=most_weight, weigh=len), Model(most, most_weight)
    for name, *arguments in steps:
        assert getattr(kept, name)(*arguments) == getattr(model, name)(*arguments)
        assert kept.values() == [row[1] for row in model.rows]
        assert len(kept) == len(model.rows) <= most
        assert kept.weight == sum(len(row[1]) for row in model.rows) <= most_weight


def test_without_weights_the_number_counts():
    """The oldest goes."""
    kept = BoundedMap(2)
    for key in "abc":
        kept.put(key, key.upper())

    assert kept.values() == ["B", "C"]


def test_what_is_used_stays():
    """However many others come and go unused; a new one is never the first to go."""
    kept = BoundedMap(3)
    kept.put("used", 0)
    for number in range(100):
        assert kept.get("used") == 0
        kept.put(number, number)
        assert number in kept.values()

    assert len(kept) == 3


def test_reading_takes_no_lock():
    """A thread that holds it stops nobody who only reads."""
    kept = BoundedMap(3)
    kept.put("a", 1)
    with kept._lock:
        assert (kept.get("a"), kept.get("b"), kept.get_or_put("a", 2), len(kept)) == (1, None, 1, 1)


def test_what_is_too_heavy_moves_nothing_out():
    """It is not kept itself, nor is what it was to replace."""
    kept = BoundedMap(10, most_weight=10, weigh=len)
    kept.put("a", "12345")
    kept.put("b", "12345")
    kept.put("b", "x" * 11)

    assert kept.values() == ["12345"]
    assert kept.weight == 5


def test_threads_agree_on_one_value():
    """All get the one that was there first."""
    kept, start, found = BoundedMap(10), threading.Barrier(20), []

    def ask():
        start.wait(TIMEOUT)
        found.append(kept.get_or_put("a", object()))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 20
    assert set(found) == {kept.get("a")}


def test_threads_do_not_disturb_each_other():
    """With all of them at work beyond the bounds, the books stay right."""
    kept, start = BoundedMap(20, most_weight=200, weigh=len), threading.Barrier(8)

    def work(seed):
        start.wait(TIMEOUT)
        for n in range(1000):
            key = (n * 7 + seed * 13) % 50
            kept.put(key, "x" * (key % 30))
            assert len(kept.get_or_put(key * 3 % 50, "y")) <= 30
            kept.remove(key * 5 % 50)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept) <= 20
    assert kept.weight == sum(map(len, kept.values())) <= 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("is_busy", [False, True])
def test_a_forked_child_goes_on(is_busy):
    """With what was there; or with nothing, if another thread was in the middle of a change."""
    kept = BoundedMap(10, most_weight=10, weigh=len)
    kept.put("a", "x")
    if is_busy:
        kept._lock.acquire()
        kept._entries = OrderedDict(a="half")
    child = os.fork()
    if child == 0:
        expected = ([], 0) if is_busy else (["x"], 1)
        is_right = (kept.values(), kept.weight) == expected
        kept.put("a", "y")
        os._exit(0 if is_right and kept.get("a") == "y" else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
