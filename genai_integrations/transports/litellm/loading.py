"""Imports that take long: once for each process, never on an event loop, and never longer than a caller can wait."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any

from genai_integrations.errors import RequestTimeoutError
from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.loading import loading
from genai_integrations.settings import without_downloads

_BUILT_LATE = (
    "Message",
    "Delta",
    "Choices",
    "StreamingChoices",
    "ModelResponse",
    "ModelResponseStream",
    "EmbeddingResponse",
)


@cache
def litellm_module() -> Any:
    """LiteLLM, imported quietly at its first use."""
    # What pydantic says of LiteLLM's own types is nobody's concern here.
    with without_downloads(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
        from litellm.anthropic_beta_headers_manager import get_provider_name
        from litellm.types import utils
        from litellm.types.llms.openai import ResponsesAPIResponse

        # These would be done at some later call: a file fetched, and types built with warnings.
        get_provider_name("anthropic")
        for name in _BUILT_LATE:
            getattr(utils, name).model_rebuild()
        ResponsesAPIResponse.model_rebuild()
    litellm.suppress_debug_info = True
    return litellm


class Loading:
    """Imports something once, in a thread, for all who wait for it. A failed import is tried again.

    Args:
        name: Of what is imported, for people.
        imports: Does it.

    Attributes:
        is_done: It is imported.
    """

    def __init__(self, name: str, imports: Callable[[], object]) -> None:
        self._name = name
        self._imports = imports
        self._result: Future[None] | None = None
        self._lock = threading.Lock()
        self.is_done = False
        after_fork_in_child(self._renew)

    def load(self, ends: float | None = None) -> None:
        """Have it imported.

        Args:
            ends: Moment of `time.monotonic` until which the caller can wait; None for as long as it takes. The
                import goes on, for those who come later.

        Raises:
            RequestTimeoutError: It was not done by then.
        """
        if not self.is_done:
            try:
                self._begun().result(_left(ends))
            except TimeoutError:
                raise self._late() from None

    async def aload(self, ends: float | None = None) -> None:
        """As `load`, without blocking the loop."""
        if not self.is_done:
            try:
                async with asyncio.timeout(_left(ends)):
                    await asyncio.wrap_future(self._begun())
            except TimeoutError:
                raise self._late() from None

    def _begun(self) -> Future[None]:
        with self._lock:
            result = self._result
            if result is None:
                self._result = result = Future()
                # A future that runs cannot be cancelled, whoever stops waiting for it.
                result.set_running_or_notify_cancel()
                # No daemon: the interpreter's end must not cut into an extension module's import.
                threading.Thread(target=self._run, args=(result,), name="genai-import").start()
            # Not what the attribute holds by now: an import that failed at once has let go of it.
            return result

    def _run(self, result: Future[None]) -> None:
        try:
            # A child that is forked in the middle would wait for ever on an import lock that nobody holds there.
            with loading():
                self._imports()
        except BaseException as error:  # noqa: BLE001  it goes on in whoever waits
            self._result = None
            result.set_exception(error)
        else:
            self.is_done = True
            result.set_result(None)

    def _late(self) -> RequestTimeoutError:
        return RequestTimeoutError(
            f"the deadline came while {self._name} was being imported, which happens once: call again"
        )

    def _renew(self) -> object:
        """In a forked child: the thread is not there."""
        held = self._lock, self._result
        self._lock = threading.Lock()
        self._result = None
        return held


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(ends - time.monotonic(), 0.0)


def _async_http() -> None:
    from genai_integrations.transports.http import async_http  # noqa: F401  the import is what is wanted


LITELLM = Loading("LiteLLM", litellm_module)
"""LiteLLM takes seconds."""

ASYNC_HTTP = Loading("aiohttp", _async_http)
"""aiohttp takes a tenth of one, in which an event loop would stand still."""
