"""What a forked child does first."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from genai_integrations.runtime.fork import _renewals, after_fork_in_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


class Owner:
    """Notes that it was told, and gives up something that must not be freed."""

    told: list[str]

    def __init__(self, name, told):
        self.name, self.told, self.socket = name, told, Socket(told)
        after_fork_in_child(self.renew)
        after_fork_in_child(self.renew_more)

    def renew(self):
        self.told.append(self.name)
        socket, self.socket = self.socket, None
        return socket

    def renew_more(self):
        self.told.append(f"{self.name}, too")


class Socket:
    """Says good-bye when it is freed."""

    def __init__(self, told):
        self.told = told

    def __del__(self):
        self.told.append("good-bye")


def told_in_child(told):
    """What was noted in a child when its own code went on."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        gc.collect()
        os.write(writer, "|".join(told).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return [part for part in text.split("|") if part]


def test_every_owner_is_told_in_order():
    """Each method of each object, in the child only, and what it gives up is not freed there."""
    told = []
    owners = [Owner("first", told), Owner("second", told)]

    assert told_in_child(told) == ["first", "first, too", "second", "second, too"]
    assert told == []
    assert all(owner.socket is not None for owner in owners)


def test_an_owner_that_is_gone_is_not_told():
    """It is not kept alive, and leaves nothing behind."""
    told = []
    gc.collect()
    before = len(_renewals)
    owner = Owner("first", told)
    assert len(_renewals) == before + 2
    del owner
    gc.collect()

    assert len(_renewals) <= before
    assert told_in_child(told) == ["good-bye"]


PROGRAM = """
from genai_integrations.runtime.bounded_map import BoundedMap
from genai_integrations.runtime.single_flight import SingleFlight

class Holder:
    pass

holder = Holder()
holder.itself, holder.map, holder.flight = holder, BoundedMap(3), SingleFlight("x")
kept = SingleFlight("y")
"""


def test_the_end_of_the_interpreter_is_silent():
    """Owners that end after the module's names are gone say nothing."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM],
        capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
