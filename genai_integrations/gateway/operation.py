"""What a worker tells of itself: counts for the page, metrics for Prometheus, a line a request for the logs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genai_integrations.calls.route import Route
from genai_integrations.gateway.board import Board, Hour, Worker
from genai_integrations.gateway.logs import Line, level_of, log_requests
from genai_integrations.gateway.rates import Counts, Rates
from genai_integrations.gateway.refusals import Refused
from genai_integrations.gateway.threads import Threads
from genai_integrations.runtime.cancelling import end_task

if TYPE_CHECKING:
    from genai_integrations.client import GenAIClient
    from genai_integrations.gateway.callers import Caller
    from genai_integrations.gateway.metrics import Metrics

_log = logging.getLogger("genai_integrations.gateway")

TICK = 1.0
"""Seconds between two writings of what was counted."""

API = "/v1/"
"""How the routes begin by which models are asked for; the others are those of balancers, Prometheus and people."""

_MOST_ENDED = 10_000
"""Requests that are over and not written down; the oldest is forgotten where writing takes many seconds."""

_DEAR = 0.05
"""Seconds of a processor: what takes longer to sum up, as of a thousand projects, is shown for a while."""

_AT_MOST = 20
"""So that one part in twenty of a processor goes into it, however many look."""

_ROOM = 1 << 20
"""Bytes that a disk must have for the metrics of one moment: more than all workers write of them in a second."""

_AGAIN = 60.0
"""Seconds between two warnings of the same."""

NO_ROUTE = "none"
"""The route of a request that no row of the table of routes takes."""

BOARD_FILE = "board.sqlite"
"""Not `.db`: prometheus_client takes every file of that kind for its own."""

CLIENT_GONE = 499
"""The status of a request whose caller went away before there was an answer: nginx's word for it."""


@dataclass(slots=True)
class Told:
    """What becomes known of one request on its way; logs and metrics are made of it when it is over.

    Attributes:
        request_id: Its id.
        route: A row of the table of routes, such as `/v1/chat/completions`; never the path as it was asked for.
        caller: The caller's name; None before it is known.
        project: The caller's project.
        is_stream: Whether the answer is a stream of events.
        call: The route of the call that was made; None where none was.
        error: The code of the error that the answer tells of.
        status: HTTP's; 0 before the answer has begun.
        is_whole: Whether the answer was sent to its end.
        began: When the head was there, on the monotonic clock.
        ended: When it was over, in seconds since 1970.
        seconds: From its head to the end of its answer.
    """

    request_id: str = ""
    route: str = NO_ROUTE
    caller: str | None = None
    project: str | None = None
    is_stream: bool = False
    call: Route | None = None
    error: str | None = None
    status: int = 0
    is_whole: bool = False
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    seconds: float = 0.0


class Operation:
    """The watcher of one worker.

    Args:
        run_dir: The folder that the workers of one gateway share; None where there is one worker in this process.

    Attributes:
        rates: What the clients have seen, until it is written down.
        viewers: By the project that they show, pages that are told of changes; None shows all.
    """

    def __init__(self, run_dir: Path | None = None) -> None:
        self.rates = Rates()
        self._run_dir = run_dir
        # When it was logged last that the disk does not take something.
        self._warned: dict[str, float] = {}
        self._board = Board() if run_dir is None else self._shared_board(run_dir)
        self._metrics: Metrics | None = None
        self._clients: weakref.WeakKeyDictionary[GenAIClient, str] = weakref.WeakKeyDictionary()
        # The same by number: it is asked for each request, and a weak reference takes its time.
        self._served: set[int] = set()
        self._cooling: dict[tuple[str, str], float] = {}
        self._requests = self._streams = 0
        # A request only goes in here. Its line and its figures are made by the writing thread, many at once.
        self._ended: deque[Told] = deque(maxlen=_MOST_ENDED)
        self._began = time.time()
        # One, because they come one after the other anyway: who loads pages all day fills no thread of the calls.
        self._thread = Threads("genai-gateway-figures", 1)
        # One writes at a time: what was counted is taken by one of them only.
        self._writing = threading.Lock()
        # New clients come on the event loop, which must not wait for a file; the writing thread looks through them.
        self._knowing = threading.Lock()
        self.viewers = Counter[str | None]()
        self._all: Hour | None = None
        self._all_until = 0.0

    def _shared_board(self, run_dir: Path) -> Board:
        """The file of all workers; where it cannot be opened this worker shows what it knows itself."""
        with self._on_disk("the page's figures"):
            # Who cleans up what is old in a folder for temporary files may have taken it.
            run_dir.mkdir(mode=0o700, exist_ok=True)
            return Board(str(run_dir / BOARD_FILE))
        return Board()

    @property
    def metrics(self) -> Metrics:
        """The metrics. The library takes a tenth of a second to load: the writing thread does it, beside the first calls."""
        if self._metrics is None:
            from genai_integrations.gateway.metrics import Metrics

            self._check_room()
            self._metrics = Metrics(self._run_dir)
        return self._metrics

    def _check_room(self) -> None:
        """Raise OSError where metrics may not be written: into a mapped file of a full disk, that kills the process."""
        if self._run_dir is not None:
            disk = os.statvfs(self._run_dir)
            if disk.f_bavail * disk.f_frsize < _ROOM:
                raise OSError(errno.ENOSPC, "no space left for metrics")

    def serves(self, caller: Caller) -> None:
        """A caller was admitted: whatever its client does from here on is counted."""
        if id(caller.client) not in self._served:
            self._serves_first(caller)

    def _serves_first(self, caller: Caller) -> None:
        client, owner = caller.client, owner_of(caller)
        with self._knowing:
            self._clients[client] = owner
        # Before another client can have its number.
        weakref.finalize(client, self._served.discard, id(client)).atexit = False
        self._served.add(id(client))
        client.observe(self.rates.observer(owner))

    def began(self) -> None:
        """A request has come."""
        self._requests += 1

    @contextlib.contextmanager
    def stream(self, told: Told) -> Generator[None]:
        """A stream of events is sent."""
        told.is_stream = True
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def ended(self, told: Told) -> None:
        """A request is over: answered, refused, or left by its caller."""
        told.ended = time.time()
        told.seconds = time.monotonic() - told.began
        told.status = told.status or CLIENT_GONE
        self._requests -= 1
        self._ended.append(told)

    def write(self) -> None:
        """Write down what was counted since this was done last. It takes milliseconds, so not on the event loop."""
        with self._writing:
            counts = self.rates.take()
            self._look({key.project for key in counts})
            ended = [self._ended.popleft() for _ in range(len(self._ended))]
            log_requests(map(_line, ended))
            # A disk that is full, or a folder that is gone, takes these figures and nothing else.
            with self._on_disk("metrics"):
                self._write_metrics(counts, ended)
            with self._on_disk("the page's figures"):
                worker = Worker(os.getpid(), self._began, self._requests, self._streams)
                self._board.write(worker, counts, self._cooling)

    def _write_metrics(self, counts: Counts, ended: Sequence[Told]) -> None:
        self._check_room()
        self.metrics.add(counts)
        self.metrics.under_way(self._requests, self._streams)
        for told in ended:
            self.metrics.ended(told.route, told.status, told.seconds)
        self.metrics.cooldowns(self._cooling)

    @contextlib.contextmanager
    def _on_disk(self, what: str) -> Generator[None]:
        """Log what a disk does not take, once a minute for as long as it goes on."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            now = time.monotonic()
            if now - self._warned.get(what, -_AGAIN) >= _AGAIN:
                self._warned[what] = now
                # Without its words, which may have a name in them that is somebody's own.
                _log.warning("%s cannot be written: %s", what, type(error).__name__)

    def _look(self, projects: set[str]) -> None:
        """Ask the clients that have made calls, or had cooldowns, which they have now."""
        cooling: dict[tuple[str, str], float] = {}
        asked = projects | {project for project, _ in self._cooling}
        with self._knowing:
            known = list(self._clients.items()) if asked else []
        for client, project in known:
            if project in asked:
                now = time.time()
                for target, left in client.cooldowns().items():
                    if self.rates.has(project, target):
                        cooling[project, target] = now + left
        self._cooling = cooling

    async def hour(self, project: str | None) -> Hour | None:
        """The last hour of a project, or of all, with what this worker knows up to now; None where it cannot be read."""
        if project is None and self._all is not None and time.monotonic() < self._all_until:
            return self._all
        await self._thread.run(self.write)
        try:
            return await self._thread.run(self._read, project)
        except sqlite3.Error:
            return None

    def _read(self, project: str | None) -> Hour:
        began = time.thread_time()
        hour = self._board.read(project)
        took = time.thread_time() - began
        if project is None and took > _DEAR:
            self._all, self._all_until = hour, time.monotonic() + took * _AT_MOST
        return hour

    async def render_metrics(self) -> bytes:
        """What Prometheus is told; what this worker knows is in it up to now.

        Raises:
            Refused: The files of the workers cannot be read.
        """
        await self._thread.run(self.write)
        try:
            return await self._thread.run(self._rendered)
        except (OSError, ValueError):
            raise Refused(503, "no_figures", "the run folder cannot be read or written") from None

    def _rendered(self) -> bytes:
        return self.metrics.render()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Write about once a second while the worker runs."""
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            try:
                await end_task(ticking)
                await self._thread.run(self._leave)
            finally:
                self._thread.close()

    async def _tick(self) -> None:
        while True:
            try:
                await self._thread.run(self.write)
            except Exception as error:  # noqa: BLE001  a mistake of ours, which must not be the last that is written
                _log.warning("figures cannot be written: %s", type(error).__name__)
            await asyncio.sleep(TICK)

    def _leave(self) -> None:
        self.write()
        self.metrics.leave()
        with contextlib.suppress(sqlite3.Error):
            self._board.leave(os.getpid())
        self._board.close()


def owner_of(caller: Caller) -> str:
    """Whose figures a caller's calls are: its project's, and where keys know no projects its own."""
    return caller.project or caller.name


def _line(told: Told) -> Line:
    level = level_of(told.status, is_api=told.route.startswith(API))
    return Line(told.ended, level, partial(_fields, told))


def _fields(told: Told) -> dict[str, object]:
    """What the log says of a request."""
    call = told.call
    asked = call.asked[:_LONGEST_NAME] if call is not None and call.attempts else None
    return {
        "request_id": told.request_id,
        "caller": told.caller,
        "project": told.project or None,
        "route": told.route,
        "status": told.status,
        "ms": round(told.seconds * 1000, 1),
        "stream": told.is_stream or None,
        "left": True if not told.is_whole else None,
        "model": asked,
        "target": None if call is None or not call.attempts else call.attempts[-1].target,
        "attempts": None if call is None else len(call.attempts),
        "cache": None if call is None else call.cache.status,
        "cost": None if call is None else call.cost,
        "trace_id": None if call is None else call.trace_id,
        "error": told.error or _broken(call),
    }


def _broken(call: Route | None) -> str | None:
    """Why a stream ended whose head had promised more; None where it did not."""
    if call is None or call.served is not None or not call.attempts:
        return None
    return call.attempts[-1].outcome or None


_LONGEST_NAME = 200
"""Letters of a model's name: a log line is not the place for what somebody made of it."""
