"""Work beside the calls: one thread for each place, only while calls are made, and no trouble ends it."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.sharing import beside as module
from genai_integrations.routing.sharing.beside import Beside


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Rounds follow at once."""
    monkeypatch.setattr(module, "PERIOD", 0.001)


def threads(place):
    """How many threads work for a place."""
    return sum(thread.name == f"genai-state {place}" for thread in threading.enumerate())


def wait_for(condition):
    """Wait until it is so, at most half a minute."""
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_a_place_has_one_thread_while_it_is_used():
    """However many clients have work for it; it ends when none has called for a minute, and a call starts it again."""
    done = []
    rows = [Beside("one", lambda number=number: done.append(number)) for number in range(3)]
    for row in rows:
        row.touch()
    wait_for(lambda: {0, 1, 2} <= set(done))
    running = threads("one")
    for row in rows:
        row._used = time.monotonic() - module.IDLE
    wait_for(lambda: not threads("one"))
    done.clear()
    rows[0].touch()
    wait_for(lambda: done)

    assert running == 1
    assert set(done) == {0}
    rows[0]._used = -module.IDLE
    wait_for(lambda: not threads("one"))


def test_trouble_is_logged_once_and_ends_nothing(caplog):
    """As long as it stays the same."""
    rounds = []

    def fail():
        rounds.append(1)
        raise ConfigurationError("the key is wrong")

    row = Beside("two", fail)
    row.touch()
    wait_for(lambda: len(rounds) > 5)
    row._used = -module.IDLE

    assert caplog.messages == ["background work for two fails: the key is wrong"]
    with pytest.raises(ConfigurationError):
        row.now()


def test_what_nobody_holds_is_done_no_more():
    """A client that is dropped is freed, though its thread runs."""
    done = []
    row = Beside("three", lambda: done.append(1))
    row.touch()
    wait_for(lambda: done)
    del row
    gc.collect()
    wait_for(lambda: not threads("three"))


def test_a_place_that_hangs_holds_no_other_up():
    """Each has a thread of its own."""
    hanging, done = threading.Event(), []
    one, two = Beside("four", lambda: hanging.wait(30)), Beside("five", lambda: done.append(1))
    one.touch()
    two.touch()
    wait_for(lambda: len(done) > 3)
    hanging.set()
    one._used = two._used = -module.IDLE
