"""What the tests of kept answers share: an answer that comes when it is told to, and who waits for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager

PATIENCE = 20.0


class Gate:
    """A scripted reply that is held back until so many calls wait for it.

    Args:
        client: Whose calls.
        waiting: How many calls must wait for the one that asks.
    """

    def __init__(self, client, waiting):
        self._flights = client._router.answers.flights
        self._waiting = waiting
        self.reply = "the answer"

    def __call__(self, body):
        look_again = threading.Event()
        for _ in range(round(PATIENCE / 0.002)):
            if sum(row.followers for row in list(self._flights._flights.values())) >= self._waiting:
                break
            look_again.wait(0.002)
        return self.reply


def renewed(client):
    """Wait until nothing is renewed any more."""
    for thread in threading.enumerate():
        if thread.name == client._router.answers.flights._name:
            thread.join(PATIENCE)


@contextmanager
def at(client, seconds):
    """Let so many seconds pass for what the client keeps, in memory or sealed."""
    store = client._router.answers.exact
    holder = getattr(store, "_sealing", store)
    before = holder._clock
    holder._clock = lambda: before() + seconds
    yield
    holder._clock = before
