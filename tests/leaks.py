"""Looks for secrets in everything that a program may show, log or write."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path

from genai_integrations.errors import CallError

_TESTS = str(Path(__file__).parent)
_UNPICKLED = (TypeError, AttributeError, pickle.PicklingError)


def sought(*secrets):
    """A check that none of these is in any of the texts it is given; a failure shows where it is."""

    def assert_hidden(*texts):
        for text in texts:
            for secret in secrets:
                at = text.find(secret)
                assert at < 0, text[max(at - 400, 0) : at + 100]

    return assert_hidden


def shown(value):
    """Every way in which an object may end up on a screen, in a log or in a file."""
    yield repr(value)
    yield f"{value} {value!s} {[value]}"
    yield repr(copy.copy(value))
    yield repr(copy.deepcopy(value))
    yield json.dumps(value, default=repr)
    yield from _inside(value, set())
    for serialise in (pickle.dumps, vars):
        with contextlib.suppress(*_UNPICKLED):
            yield repr(serialise(value))


def everything_of(error):
    """Tracebacks with locals, reprs and pickles of an error and of all that it carries along."""
    seen = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield _traceback_of(each)
        yield f"{each!r} {each} {vars(each)!r}"
        with contextlib.suppress(*_UNPICKLED):
            yield repr(pickle.dumps(each))
        waiting += [each.__cause__, each.__context__, *getattr(each, "attempts", ())]
        if isinstance(each, CallError):
            yield from shown(each.route)
            yield json.dumps(each.route and each.route.as_dict())
            yield json.dumps(each.body, default=repr)
            waiting += [row.error for row in each.route.attempts] if each.route else []


@contextlib.contextmanager
def loudest(caplog, *names):
    """Every logger there is, and those of these names, at its most talkative, and heard."""
    loggers = [logging.getLogger(name) for name in {"", *logging.root.manager.loggerDict, *names}]
    before = [(logger, logger.level) for logger in loggers]
    deaf = [logger for logger in loggers if not logger.propagate]
    for logger in loggers:
        logger.level = logging.DEBUG
    _forget_levels()
    for logger in deaf:
        logger.addHandler(caplog.handler)
    caplog.handler.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for logger, level in before:
            logger.level = level
        _forget_levels()
        for logger in deaf:
            logger.removeHandler(caplog.handler)


def _forget_levels():
    """Have all loggers look their levels up again; `setLevel` would have all do so for each of them."""
    logging.root.setLevel(logging.root.level)


def heard(caplog):
    """All that was logged, with every field of each record."""
    return [caplog.text, *(repr(vars(row)) for row in caplog.records)]


def _traceback_of(error):
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The frames of the tests know the secrets, of course.
    frames = [row for row in report.stack if not row.filename.startswith(_TESTS)]
    report.stack = traceback.StackSummary.from_list(frames)
    return "".join(report.format(chain=False))


def _inside(value, seen):
    """The repr of each thing that an object of ours holds, as a debugger shows them."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = list(value)
    elif type(value).__module__.startswith("genai_integrations"):
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        held = [getattr(value, name) for name in slots if name[:2] != "__" and hasattr(value, name)]
        parts = [*getattr(value, "__dict__", {}).values(), *held]
    else:
        return
    for part in parts:
        if part is os.environ:
            continue
        yield repr(part)
        yield from _inside(part, seen)
