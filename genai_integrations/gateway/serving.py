"""The gateway as processes: a socket, and one or more workers of uvicorn behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gc
import socket
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import uvicorn

from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.app import Gateway, build_app
from genai_integrations.gateway.logs import LogLevel, log_config
from genai_integrations.gateway.operator import checked_token
from genai_integrations.gateway.options import GatewayOptions
from genai_integrations.gateway.protocol import BoundedProtocol
from genai_integrations.settings import operator_token, share_metrics, trusted_proxies

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
            f"cannot listen at {host} port {port}: {error.strerror or error}: choose another {option_of(error)}"
        ) from None
    made.set_inheritable(True)
    return made


def option_of(error: OSError) -> str:
    """Which option is wrong where an address cannot be listened at."""
    is_host = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
    return "--host" if is_host else "--port"


def serve(
    options: Options, listener: socket.socket, workers: int = 1, log_level: LogLevel = "info"
) -> None:
    """Serve until SIGTERM or Ctrl-C; what is under way then goes on to its end.

    Args:
        options: Makes them, in each worker.
        listener: From `listening`.
        workers: How many processes.
        log_level: What is logged.

    Raises:
        ConfigurationError: The operator's token is too short, or there is no place for files.
    """
    checked_token(operator_token())
    _raise_file_limit()
    with _run_folder() as folder:
        share_metrics(folder)
        application = partial(_application, options, folder)
        if workers > 1:
            from genai_integrations.gateway.supervising import Supervisor, supervised

            config = configured(partial(supervised, application), workers, log_level)
            Supervisor(config, sockets=[listener]).run()
        else:
            uvicorn.Server(configured(application, workers, log_level)).run(sockets=[listener])


@contextlib.contextmanager
def _run_folder() -> Generator[Path]:
    """A folder of this gateway's own, in which its workers sum up what they count; it goes with the gateway."""
    try:
        made = tempfile.TemporaryDirectory(prefix="genai-gateway-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConfigurationError(
            f"the workers' files cannot be written: {error.strerror}: set TMPDIR to a folder that can be written"
        ) from None
    with made as name:
        yield Path(name)


def configured(
    application: Callable[[], Gateway], workers: int = 1, log_level: LogLevel | None = None
) -> uvicorn.Config:
    """How uvicorn is to serve.

    Args:
        application: Makes it, in each worker.
        workers: How many processes.
        log_level: What is logged; None leaves logging as the program has it.

    Raises:
        ConfigurationError: What is said of proxies cannot be meant.
    """
    proxies = trusted_proxies()
    return uvicorn.Config(
        application,
        factory=True,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=workers,
        access_log=False,
        log_config=None if log_level is None else log_config(log_level),
        server_header=False,
        # Only so that whoever guesses keys is told from the others who come through the same proxy.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=KEEP_ALIVE,
        timeout_worker_healthcheck=_ANSWERS_WITHIN,
    )


def _application(options: Options, folder: Path) -> Gateway:
    token = checked_token(operator_token())
    made = build_app(dataclasses.replace(options(), run_dir=folder, operator_token=token))
    _spare_the_collector()
    return made


def _spare_the_collector() -> None:
    """Have the garbage collector look for cycles less often, and never among what was made at the start.

    A call makes hundreds of objects and leaves hardly a cycle: by its own measure it would look after every other call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


_OBJECTS = 20_000
"""More of them than were freed, before it looks: some MB."""


def _raise_file_limit() -> None:
    """Each connection is a file, and the usual soft limit is 1,024."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
