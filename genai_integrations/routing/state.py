"""What a client knows beyond one call and may share with other processes: rollouts, cooldowns, usage.

An observer like any other, which is there only when an argument asks for it. Nothing here is done within a call but
to write into a mirror; see `routing.sharing`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from urllib.parse import quote

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.calls.variants import Rollout
from genai_integrations.connections.langfuse.scores import LangfuseScores
from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.health import Health
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.sharing.cooldowns import Cooldowns
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.mirror import Mirror
from genai_integrations.routing.sharing.redis_store import RedisStore
from genai_integrations.routing.sharing.store import Store
from genai_integrations.routing.sharing.synchroniser import Exchange, Synchroniser
from genai_integrations.routing.sharing.usage import SharedUsage
from genai_integrations.routing.variants.giving import Variants
from genai_integrations.routing.variants.scores import Scores
from genai_integrations.routing.variants.track import Track
from genai_integrations.routing.variants.watching import Traced, Watch
from genai_integrations.settings import Settings

INDEX = "rollouts"
"""The record of a project's rollouts, by which the command line finds them."""


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


class State:
    """See the module. Safe for threads and after fork.

    Args:
        args: Has the experiments and rollouts, and where state is kept.
        health: The targets' circuits, which are shared too.
        measured: What was measured of targets, which is shared too.
        project: Tells tenants of one store apart.
        langfuse: Whose scores are read; None reads none.

    Attributes:
        is_ready: Whether it has taken over what is known elsewhere.
        tracks: The rollouts, by name.
        variants: Gives calls their variants.
    """

    def __init__(
        self,
        args: RouterArgs,
        health: Health,
        measured: Measured | None,
        project: str,
        langfuse: Settings | None,
    ) -> None:
        store, names = store_of(args), Names(project)
        self._names = names
        self._exchanges: list[Exchange] = []
        self.is_ready = store is None
        if store is not None:
            self._exchanges.append(Cooldowns(health, names).exchange)
            if measured is not None:
                measured.shared = SharedUsage(names)
                self._exchanges.append(measured.shared.exchange)
        self._index = Mirror(names.key(INDEX))
        if args.rollouts:
            self._exchanges.append(self._index.exchange)
        self.tracks = {row.name: self._track(row) for row in args.rollouts}
        self.variants = Variants(args.experiments, self.tracks)
        self._traced = Traced()
        scored = [track for track in self.tracks.values() if track.rollout.score]
        read = LangfuseScores(langfuse) if scored and langfuse else None
        self._scores = Scores(scored, self._traced, read) if read else None
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
            self._scores.hurry()
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
