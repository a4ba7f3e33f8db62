"""The process above several workers."""

from __future__ import annotations

from uvicorn.supervisors import Multiprocess


class Supervisor(Multiprocess):
    """Starts the workers, replaces one that is gone, and passes SIGTERM on to them."""

    def terminate_all(self) -> None:
        """Have the workers end, in their own time."""
        super().terminate_all()
        # They have their own copies. While this one is open, the kernel takes connections that nobody will accept, and
        # a balancer waits for an answer instead of asking another gateway.
        for listener in self.sockets:
            listener.close()
