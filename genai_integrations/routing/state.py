"""What a client knows beyond one call and may share with other processes: rollouts, cooldowns, usage.

An observer like any other, which is there only when an argument asks for it. Nothing here is done within a call but
to write into a mirror; see `routing.sharing`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.calls.variants import Rollout
from genai_integrations.connections.langfuse.scores import Scored
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.routing.health import Health
from genai_integrations.routing.sharing.cooldowns import Cooldowns
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.sharing.redis_store import RedisStore
from genai_integrations.routing.sharing.store import Store
from genai_integrations.routing.sharing.synchroniser import Exchange, Synchroniser
from genai_integrations.routing.variants.giving import Variants
from genai_integrations.routing.variants.track import Track
from genai_integrations.routing.variants.watching import Traced, Watch

_log = logging.getLogger("genai_integrations")

SCORES_EVERY = 10.0
"""Seconds between two looks at Langfuse's scores."""

INDEX = "rollouts"
"""The record of a project's rollouts, by which the command line finds them."""


ReadScores = Callable[[str, float], Iterable[Scored]]
"""Takes a score's name and a moment, seconds since 1970; gives the scores of that name since then. It may take time."""


def store_of(args: RouterArgs) -> Store | None:
    """Where the arguments say that state is kept; None for this process alone.

    Raises:
        ConfigurationError: They say two places, or one that cannot be.
    """
    url = args.redis_url or _address(args)
    if url and args.state_file:
        raise ConfigurationError(
            "router_args has a Redis server and a state_file: state is kept in one of them"
        )
    if url:
        try:
            return RedisStore(url)
        except ConfigurationError as error:
            raise ConfigurationError(f"router_args['redis_url']: {error}") from error.__cause__
    return FileStore(args.state_file) if args.state_file else None


def _address(args: RouterArgs) -> str:
    if not args.redis_host:
        return ""
    password = args.redis_password
    user = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{user}{args.redis_host}:{args.redis_port}/0"


def state_of(
    args: RouterArgs, health: Health, project: str, scores: ReadScores | None = None
) -> State | None:
    """The state of a client with these arguments; None if nothing asks for any.

    Raises:
        ConfigurationError: An argument cannot work.
    """
    store = store_of(args)
    if store is None and not args.rollouts and not args.experiments:
        return None
    return State(args, store, health, project, scores)


class State:
    """See the module. Safe for threads and after fork.

    Args:
        args: Has the experiments and rollouts.
        store: Where it is shared; None keeps it in memory.
        health: The targets' circuits, which are shared too.
        project: Tells tenants of one store apart.
        scores: Reads scores, None if they cannot be had.

    Attributes:
        tracks: The rollouts, by name.
        variants: Gives calls their variants.
    """

    def __init__(
        self,
        args: RouterArgs,
        store: Store | None,
        health: Health,
        project: str,
        scores: ReadScores | None = None,
    ) -> None:
        names = Names(project)
        self._names = names
        self._exchanges: list[Exchange] = []
        self.is_ready = store is None
        if store is not None:
            self._exchanges.append(Cooldowns(health, names).exchange)
        self._index = Mirror(names.key(INDEX))
        if args.rollouts:
            self._exchanges.append(self._index.exchange)
        self.tracks = {row.name: self._track(row) for row in args.rollouts}
        self.variants = Variants(args.experiments, self.tracks)
        self._traced = Traced()
        scored = [row for row in args.rollouts if row.score] if scores else []
        self._scores = (
            _Scores(scored, self.tracks, self._traced, scores) if scored and scores else None
        )
        chores = (self._scores.read_when_due,) if self._scores else ()
        self._is_needed = store is not None or bool(chores)
        self._synchroniser = Synchroniser(store, self._all, chores)

    def prepare(self) -> None:
        """Take over what is known elsewhere, so that the first call knows it; a store that is away does without."""
        self._synchroniser.exchange()
        self.is_ready = True

    def call_began(self, request: Request) -> Watch | None:
        """A call begins; it is watched if it is for a rollout."""
        if self._is_needed:
            self._synchroniser.touch()
        track = self.tracks.get(request.model)
        return None if track is None else Watch(track, self._traced)

    def rollout(self, name: str) -> Track:
        """A rollout, with what other processes know of it.

        Raises:
            ConfigurationError: There is none of this name.
        """
        track = self.tracks.get(name)
        if track is None:
            known = ", ".join(map(repr, self.tracks)) or "none"
            raise ConfigurationError(f"there is no rollout {name!r}; router_args has {known}")
        if not self.is_ready:
            self.prepare()
        elif self._is_needed:
            self._synchroniser.touch()
        return track

    def exchange(self) -> None:
        """Tell other processes what is new here, hear what is new there, and read scores, now."""
        if self._scores:
            self._scores.is_due = True
        self._synchroniser.exchange()

    def _track(self, rollout: Rollout) -> Track:
        mirror = Mirror(self._names.key("rollout", identity_of(rollout)))
        self._index.first(number_of(rollout), json.dumps(described(rollout)))
        self._exchanges.append(mirror.exchange)
        return Track(rollout, mirror, self.exchange)

    def _all(self) -> Sequence[Exchange]:
        return self._exchanges


def described(rollout: Rollout) -> dict[str, object]:
    """A rollout as plain values, of which one can be made again."""
    return dataclasses.asdict(rollout)


def identity_of(rollout: Rollout) -> str:
    """What makes a rollout another one: its models and limits. Other steps go on with what is known."""
    free = ("steps", "min_calls", "by")
    return json.dumps({key: value for key, value in described(rollout).items() if key not in free})


def number_of(rollout: Rollout) -> int:
    """Its place in the index."""
    hashed = hashlib.blake2b(identity_of(rollout).encode(errors="replace"), digest_size=6)
    return int.from_bytes(hashed.digest())


class _Scores:
    """Reads the scores that Langfuse has of this client's traces, and counts each once.

    Args:
        rollouts: Those with a score.
        tracks: By name.
        traced: Who answered in which trace.
        read: Reads scores.

    Attributes:
        is_due: Whether to look now.
    """

    def __init__(
        self,
        rollouts: Sequence[Rollout],
        tracks: dict[str, Track],
        traced: Traced,
        read: ReadScores,
    ) -> None:
        self._rollouts = rollouts
        self._tracks = tracks
        self._traced = traced
        self._read = read
        self._since = time.time() - _OVERLAP
        self._next_at = 0.0
        self._counted: dict[str, None] = {}
        self.is_due = False

    def read_when_due(self) -> None:
        """Look, if it is time. Whoever cannot be asked is asked the next time."""
        now = time.monotonic()
        if not self.is_due and now < self._next_at:
            return
        self.is_due, self._next_at = False, now + SCORES_EVERY
        began = time.time()
        try:
            for rollout in self._rollouts:
                track = self._tracks[rollout.name]
                if track.state == "running" and rollout.score:
                    for row in self._read(rollout.score, self._since):
                        self._count(track, row)
        except GenAIError as error:
            _log.warning("the scores of a rollout are not read now: %s", error)
        else:
            self._since = began - _OVERLAP

    def _count(self, track: Track, row: Scored) -> None:
        model = self._traced.model(row.trace_id, track.name)
        key = f"{track.name}\0{row.id}"
        if model is None or key in self._counted:
            return
        self._counted[key] = None
        while len(self._counted) > _MOST_SCORES:
            del self._counted[next(iter(self._counted))]
        track.scored(model, row.value)


_MOST_SCORES = 100_000
_OVERLAP = 300.0
"""Seconds that are read again: servers take a while to show a score, and clocks differ."""
