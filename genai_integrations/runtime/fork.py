"""What a forked child does first: locks are made anew, and the parent's sockets are left to the parent.

Only the thread that forks goes on in the child. A lock that another thread held is never released there, work that
another thread did is never finished, and a socket is the parent's too: what one side reads, the other misses.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

_renewals: dict[weakref.WeakMethod[Callable[[], Any]], None] = {}
_abandoned: list[Any] = []


def after_fork_in_child(renew: Callable[[], Any]) -> None:
    """Have a method called in every forked child, as long as its object lives.

    Methods are called in the order in which they were given, before the child's own code goes on.

    Args:
        renew: A bound method; its object is held weakly, and must be hashable. It must take no lock and wait for
            nobody. What it returns is never freed in the child: a finaliser of the parent's
            socket or loop would say good-bye on the parent's connection, or warn.
    """
    _renewals[weakref.WeakMethod(renew, _forget)] = None


def _forget(method: weakref.WeakMethod[Callable[[], Any]]) -> None:
    _renewals.pop(method, None)


def _after_fork() -> None:
    for method in list(_renewals):
        renew = method()
        if renew is not None:
            _abandoned.append(renew())


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
