"""What LiteLLM would write to the program's stderr while it translates: its log, and Python's word of lost coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")
"""LiteLLM's own; their handler writes to stderr, whatever the program's logging is."""


class Coroutines:
    """Those that LiteLLM makes in another thread for one call. One that is left when the call is over is closed."""

    def __init__(self) -> None:
        self._made: list[Coroutine[Any, Any, object]] = []
        self._is_over = False
        self._lock = threading.Lock()

    def add(self, made: Coroutine[Any, Any, object]) -> None:
        """One more, to be awaited by the call if that is not over yet."""
        with self._lock:
            if not self._is_over:
                self._made.append(made)
                return
        made.close()

    def close(self) -> None:
        """The call is over: nobody awaits what has not begun."""
        with self._lock:
            self._is_over = True
            made, self._made = self._made, []
        for each in made:
            if inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                each.close()


_current: ContextVar[Coroutines | None] = ContextVar("genai_integrations_translated", default=None)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """While LiteLLM works for us: its log is silent, and what a cancelled call leaves is closed.

    Holds for what runs in this context or in a copy of it; a program's own use of LiteLLM logs as ever.
    """
    coroutines = Coroutines()
    token = _current.set(coroutines)
    try:
        yield
    finally:
        coroutines.close()
        with contextlib.suppress(ValueError):  # a stream may be closed from another context
            _current.reset(token)


class KeepingExecutor(ThreadPoolExecutor):
    """The threads of LiteLLM's loop. LiteLLM makes its coroutines in them, and a call may be cancelled meanwhile."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """As every executor's."""
        coroutines = _current.get()
        if coroutines is None:
            return super().submit(fn, *args, **kwargs)

        def kept() -> _T:
            result = fn(*args, **kwargs)
            if asyncio.iscoroutine(result):
                coroutines.add(result)
            return result

        return super().submit(kept)


class _Silence(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - as every filter
        return _current.get() is None


_SILENCE = _Silence()


def silence() -> None:
    """Have LiteLLM's loggers heed `quiet`."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SILENCE)
