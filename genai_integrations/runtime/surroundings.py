"""What runs around a call: an event loop, and an interpreter that is not about to end."""

from __future__ import annotations

import asyncio
import sys
import threading

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
            "no asyncio event loop is running here: under trio, call the method without the 'a' in a thread, as in "
            "await trio.to_thread.run_sync(lambda: client.completion(model, messages))"
        ) from None


def last_words(error: Exception) -> ConfigurationError | None:
    """What to say where something fails because the interpreter is ending: nothing can be imported then.

    Args:
        error: An `ImportError` or `RuntimeError`, as Python raises at that time.

    Returns:
        None if the interpreter is not ending.
    """
    if not sys.is_finalizing() and threading.main_thread().is_alive():
        return None
    return ConfigurationError(
        "the interpreter is ending, and what this call needs cannot be loaded any more: make the call, or "
        f"another one of its kind, before that ({type(error).__name__})"
    )
