"""What a forked child does first: locks are made anew, and the parent's sockets are left to the parent.

Only the thread that forks goes on in the child. A lock that another thread held is never released there, work that
another thread did is never finished, and a socket is the parent's too: what one side reads, the other misses.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import MethodType
from typing import cast


class _Renewal(weakref.ref[object]):
    """A method to call, and its object; small, because each of a process's thousands of clients has several."""

    __slots__ = ("renew",)

    renew: Callable[[object], object]

    # As an object, not as what it refers to.
    __hash__ = object.__hash__
    __eq__ = object.__eq__


_renewals: dict[_Renewal, None] = {}
_abandoned: list[object] = []


def after_fork_in_child(method: Callable[[], object]) -> None:
    """Have a method called in every forked child, as long as its object lives.

    Methods are called in the order in which they were given, before the child's own code goes on.

    Args:
        method: A bound one; its object is held weakly. It must take no lock and wait for nobody. What it returns is
            never freed in the child: a finaliser of the parent's socket or loop would say good-bye on the
            parent's connection, or warn.
    """
    bound = cast(MethodType, method)
    renewal = _Renewal(bound.__self__, _forget)
    renewal.renew = bound.__func__
    _renewals[renewal] = None


# Bound as a default, because at the interpreter's end the module's own names are gone before some owners.
def _forget(renewal: _Renewal, renewals: dict[_Renewal, None] = _renewals) -> None:
    renewals.pop(renewal, None)


def _after_fork() -> None:
    for renewal in list(_renewals):
        living = renewal()
        if living is not None:
            _abandoned.append(renewal.renew(living))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
