"""The store of answers by meaning: partitions, times, sizes, threads, forks; its index and its detector."""

from __future__ import annotations

import multiprocessing
import threading

import numpy as np
import pytest

from genai_integrations.cache.semantic.comparing import Told, Verified
from genai_integrations.cache.semantic.embedders import Vectorizer
from genai_integrations.cache.semantic.index import Shelf
from genai_integrations.cache.semantic.sensitive import looks_sensitive
from genai_integrations.cache.semantic.store import Limits, SemanticStore

HERE, THERE = b"here", b"there"


def letters(texts):
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return [[1.0, *map(text.lower().count, alphabet)] for text in texts]


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


def store(clock=None, **limits):
    limits = Limits(**{"threshold": -1.0, **limits})
    return SemanticStore(Vectorizer(lambda: letters), Verified(), limits, clock or Clock())


def test_an_answer_is_the_callers_own():
    """What a caller does to it changes no other, and the store not at all."""
    kept, entry = store(), {"reply": {"choices": []}}
    kept.put(HERE, "How do I cancel an order?", entry, None)
    entry["reply"]["choices"].append("changed")
    found = kept.get(HERE, "How can I cancel orders?")

    assert found.entry == {"reply": {"choices": []}}
    found.entry.clear()
    assert kept.get(HERE, "How can I cancel orders?").entry == {"reply": {"choices": []}}


def test_a_partition_sees_no_other():
    """However same the question is."""
    kept = store()
    kept.put(HERE, "How do I cancel an order?", {}, None)

    assert kept.get(THERE, "How do I cancel an order?") is None


def test_an_answer_ends_with_its_time():
    """The store's own, or the call's; the age is told."""
    clock = Clock()
    kept = store(clock, ttl=10.0)
    kept.put(HERE, "How do I cancel an order?", {}, None)
    kept.put(HERE, "How do I track an order?", {}, 100.0)
    clock.now = 9.0
    assert kept.get(HERE, "How do I cancel an order?").age == 9.0
    clock.now = 10.0

    assert kept.get(HERE, "How do I cancel an order?") is None
    assert kept.get(HERE, "How do I track an order?").age == 10.0
    assert len(kept) == 1


def test_a_newer_answer_takes_the_place_of_the_same_question():
    """And a full store forgets what was longest of no use."""
    kept = store(max_entries=2)
    for name in ("an order", "a parcel", "an order"):
        kept.put(HERE, f"How do I track {name}?", {"name": name}, None)
    assert len(kept) == 2
    kept.get(HERE, "How can I track parcels?")
    kept.put(HERE, "How do I track a taxi?", {}, None)

    assert kept.get(HERE, "How do I track an order?") is None
    assert kept.get(HERE, "How do I track a parcel?").entry == {"name": "a parcel"}
    kept.clear()
    assert len(kept) == 0
    assert kept.get(HERE, "How do I track a parcel?") is None


def test_what_is_no_json_or_too_large_is_not_kept():
    """Without an error."""
    kept = store()
    kept.put(HERE, "How do I cancel an order?", {"reply": object()}, None)
    kept.put(HERE, "How do I cancel an order?", {"reply": "x" * 300_000}, None)

    assert len(kept) == 0


def test_a_verifier_of_the_users_must_say_true():
    """Whatever else it gives is no."""
    said = []
    limits = Limits(threshold=-1.0)
    kept = SemanticStore(Vectorizer(lambda: letters), Told(lambda *_: said.pop()), limits)
    kept.put(HERE, "one", {}, None)
    said[:] = [True, 1, "yes", None]

    assert [kept.get(HERE, "two") is not None for _ in range(4)] == [False, False, False, True]


def test_threads_share_it():
    """Eight threads put and look up; nothing is lost, nothing is mixed."""
    kept, wrong = store(), []
    names = ["order", "parcel", "letter", "ticket", "refund", "train", "hotel", "flight"]

    def use(name):
        for turn in range(30):
            kept.put(
                HERE, f"How do I track item {turn} of a {name}?", {"name": f"{name}{turn}"}, None
            )
            found = kept.get(HERE, f"How can I track item {turn} of {name}s?")
            if found is None or found.entry != {"name": f"{name}{turn}"}:
                wrong.append((name, turn))

    threads = [threading.Thread(target=use, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(kept) == 240


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_uses_it():
    """A lock that was held when it was forked is not waited for."""
    kept = store()
    kept.put(HERE, "How do I cancel an order?", {}, None)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()

    def child():
        kept.put(HERE, "How do I track an order?", {"from": "child"}, None)
        answers.put(kept.get(HERE, "How can I track orders?").entry)

    with kept._lock:
        process = fork.Process(target=child)
        process.start()
    assert answers.get(timeout=30) == {"from": "child"}
    process.join(30)
    assert kept.get(HERE, "How do I track an order?") is None


def unit(rows, width=8):
    found = np.random.default_rng(rows).standard_normal((rows, width), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("few", [1000, 30, 0], ids=["exact", "grown", "graph"])
def test_the_index_finds_the_nearest(few):
    """Exact or by the graph, before and after some are gone: what is nearest is found, and nothing that is gone."""
    vectors, shelf = unit(60), Shelf(8, few)
    for name, vector in enumerate(vectors):
        shelf.add(name, vector)
    for name in range(0, 60, 3):
        shelf.remove(name)

    assert len(shelf) == 40
    for name, vector in enumerate(vectors):
        found = shelf.nearest(vector, 5, -1.0)
        assert len(found) == 5
        assert all(at % 3 for at in found)
        assert (found[0] == name) == bool(name % 3)
    assert shelf.nearest(vectors[1], 5, 0.999) == [1]
    assert Shelf(8).nearest(vectors[0], 5, -1.0) == []


@pytest.mark.parametrize(
    "text",
    [
        "write to kim.lee@example.co.kr",
        "call 010-1234-5678",
        "call 01012345678",
        "call +82 10 1234 5678",
        "call (415) 555-2671",
        "my card is 4111 1111 1111 1111",
        "pay with 5500000000000004",
        "주민번호 900101-1234567",
        "social security number 078-05-1120",
        "IBAN DE89 3704 0044 0532 0130 00",
        "host 192.168.0.12",
        "key sk-proj-abcdefghijkl1234",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "my password is hunter2",
        "비밀번호는 hunter22 입니다",
        "My name is Kim",
        "I am 34 years old",
        "I was diagnosed with asthma",
        "제 이름은 김철수입니다",
        "내 주소는 서울시 강남구",
        "저는 34살입니다",
    ],
)
def test_what_belongs_to_somebody_is_seen(text):
    """Addresses, numbers, keys, and who the asker is."""
    assert looks_sensitive(text)


@pytest.mark.parametrize("part", ["a", "a-", "1 ", "_-", "+1 ", "eyJ", "-1"])
def test_a_long_answer_is_looked_through_in_time(part):
    """However it repeats itself: the test ends."""
    looks_sensitive(part * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "비밀번호를 어떻게 재설정하나요?",
        "내 주소는 어디에서 바꾸나요?",
        "What is new in Python 3.12.1?",
        "What is 1234567890123 in words?",
        "Which HTTP status is 301?",
        "2024-05-17에 무슨 일이 있었나요?",
        "What does error 0x80070057 mean?",
        "10,000,000 원은 몇 달러인가요?",
    ],
)
def test_what_belongs_to_nobody_is_not(text):
    """Questions with numbers and with words of privacy."""
    assert not looks_sensitive(text)
