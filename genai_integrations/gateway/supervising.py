"""The process above several workers."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn.supervisors import Multiprocess

if TYPE_CHECKING:
    from genai_integrations.gateway.app import Gateway

_log = logging.getLogger("genai_integrations.gateway")


class Supervisor(Multiprocess):
    """Starts the workers, replaces one that is gone, and passes SIGTERM on to them."""

    def terminate_all(self) -> None:
        """Have the workers end, in their own time."""
        super().terminate_all()
        # They have their own copies. While this one is open, the kernel takes connections that nobody will accept, and
        # a balancer waits for an answer instead of asking another gateway.
        for listener in self.sockets:
            listener.close()


def supervised(application: Callable[[], Gateway]) -> Gateway:
    """A worker's application. The worker ends, as on SIGTERM, when its supervisor is gone.

    Nobody would replace it or tell it to end, and it would keep the port from the next gateway.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        loop = asyncio.get_running_loop()
        loop.add_reader(supervisor.sentinel, _end_alone, loop, supervisor.sentinel)
    return application()


def _end_alone(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    loop.remove_reader(sentinel)
    _log.error("the supervisor is gone: this worker ends")
    signal.raise_signal(signal.SIGTERM)
