"""The gateway as processes: a socket, and one or more workers of uvicorn behind it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from functools import partial

import uvicorn

from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.app import Gateway, build_app
from genai_integrations.gateway.options import GatewayOptions
from genai_integrations.gateway.protocol import BoundedProtocol

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than nginx's 60, or nginx would use one that just closes."""

BACKLOG = 4096
_ANSWERS_WITHIN = 30
"""Seconds in which a worker must answer the supervisor, or it is started anew; a loaded machine takes its time."""

Options = Callable[[], GatewayOptions]
"""Makes the options in each worker. It is pickled on its way there."""


def listening(host: str, port: int) -> socket.socket:
    """The socket that every worker takes connections from.

    Raises:
        ConfigurationError: The address cannot be listened at.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host} port {port}: {error.strerror or error}: choose another --port"
        ) from None
    made.set_inheritable(True)
    return made


def serve(options: Options, listener: socket.socket, workers: int = 1) -> None:
    """Serve until SIGTERM or Ctrl-C; what is under way then goes on to its end.

    Args:
        options: Makes them, in each worker.
        listener: From `listening`.
        workers: How many processes.
    """
    _raise_file_limit()
    config = configured(partial(_application, options), workers)
    if workers > 1:
        from uvicorn.supervisors import Multiprocess

        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


def configured(application: Callable[[], Gateway], workers: int = 1) -> uvicorn.Config:
    """How uvicorn is to serve.

    Args:
        application: Makes it, in each worker.
        workers: How many processes.
    """
    return uvicorn.Config(
        application,
        factory=True,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=workers,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_worker_healthcheck=_ANSWERS_WITHIN,
    )


def _application(options: Options) -> Gateway:
    return build_app(options())


def _raise_file_limit() -> None:
    """Each connection is a file, and the usual soft limit is 1,024."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
