"""What runs around a call: an event loop, and an interpreter that is not about to end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Generator

from genai_integrations.errors import ConfigurationError


def require_event_loop() -> None:
    """See to it that asyncio's loop runs here: trio has one of its own.

    Raises:
        ConfigurationError: It does not.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "no event loop of asyncio runs here: under trio, call the method without the 'a' in a thread, as in "
            "await trio.to_thread.run_sync(lambda: client.completion(model, messages))"
        ) from None


@contextlib.contextmanager
def last_words() -> Generator[None]:
    """Say so where something fails because the interpreter is ending: nothing can be imported then.

    Raises:
        ConfigurationError: In place of what Python says.
    """
    try:
        yield
    except (ImportError, RuntimeError) as error:
        if not sys.is_finalizing() and threading.main_thread().is_alive():
            raise
        raise ConfigurationError(
            "the interpreter is ending, and what this call needs cannot be loaded any more: make the call, or "
            f"another one of its kind, before that ({type(error).__name__})"
        ) from None
