"""Threads for work that somebody else waits for."""

from __future__ import annotations

import queue
import threading

from genai_integrations.runtime.side_threads import SideThreads


class Noted(list):
    """A list that says when something is put in."""

    def __init__(self):
        super().__init__()
        self.signal = queue.SimpleQueue()

    def append(self, item):
        super().append(item)
        self.signal.put(item)


def test_a_thread_is_used_again():
    """Work that comes after other work is over needs no new one."""
    threads = SideThreads("side", most=5)
    threads._idle = Noted()
    seen = set()

    for _ in range(3):
        assert threads.start(lambda: seen.add(threading.get_ident()))
        threads._idle.signal.get()

    assert len(seen) == 1
    assert len(threads._places) == 4


def test_there_are_no_more_than_allowed():
    """Then the caller has to do it."""
    threads, go_on = SideThreads("side", most=2), threading.Event()

    assert [threads.start(go_on.wait) for _ in range(3)] == [True, True, False]

    go_on.set()


def test_one_without_work_ends():
    """And leaves its place to another."""
    threads, done = SideThreads("side", most=1, idle=0.001), threading.Event()
    found = []

    def work():
        found.append(threading.current_thread())
        done.set()

    threads.start(work)
    done.wait()
    found[0].join()

    assert len(threads._places) == 1
    assert threads.start(done.wait)
