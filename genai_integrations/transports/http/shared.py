"""What all clients of a process share to reach providers: connections.

A client is cheap, and a process may have thousands of them: none has a pool or a thread of its own, so closing one
never touches another's calls. Nothing here knows a key. What is open closes at the interpreter's end, and a forked
child starts with none of it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from genai_integrations.runtime.fork import after_fork_in_child
from genai_integrations.runtime.loading import Loading, loading

if TYPE_CHECKING:
    from genai_integrations.transports.http.async_http import AsyncHttp
    from genai_integrations.transports.http.sync_http import SyncHttp


class Shared:
    """Makes each part once, when it is first asked for.

    The two HTTP clients are imported only then: a program has the one or the other.
    """

    def __init__(self) -> None:
        self._sync_http: SyncHttp | None = None
        self._async_http: AsyncHttp | None = None
        self._lock = threading.Lock()
        after_fork_in_child(self._renew)

    @property
    def sync_http(self) -> SyncHttp:
        """HTTP for threads."""
        with loading():
            from genai_integrations.transports.http.sync_http import SyncHttp

        with self._lock:
            self._sync_http = self._sync_http or SyncHttp()
        return self._sync_http

    @property
    def async_http(self) -> AsyncHttp:
        """HTTP for event loops."""
        from genai_integrations.transports.http.async_http import AsyncHttp

        with self._lock:
            self._async_http = self._async_http or AsyncHttp()
        return self._async_http

    def _renew(self) -> object:
        # The parts see to themselves.
        lock, self._lock = self._lock, threading.Lock()
        return lock


SHARED = Shared()
"""The process's own."""


def _async_http() -> None:
    from genai_integrations.transports.http import async_http  # noqa: F401  the import is what is wanted


ASYNC_HTTP = Loading("HTTP for event loops", _async_http)
"""It takes some hundredths of a second, in which an event loop would stand still."""

SYNC_HTTP = "genai_integrations.transports.http.sync_http"
"""The module that brings urllib3, which takes a tenth of a second, too."""
