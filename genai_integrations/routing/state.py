"""What a client knows beyond one call and may share with other processes: rollouts, cooldowns, usage.

An observer like any other, which is there only when an argument asks for it. Nothing here is done within a call but
to write into a mirror; see `routing.sharing`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from genai_integrations.calls.args import RouterArgs
from genai_integrations.calls.request import Request
from genai_integrations.calls.variants import Rollout
from genai_integrations.connections.langfuse.scores import LangfuseScores
from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.health import Health
from genai_integrations.routing.measured import Measured
from genai_integrations.routing.sharing.beside import Beside
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
    url = args.redis_address
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
        self._is_shared = store is not None
        self._rehearsed = health.rehearsed if self._is_shared else None
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
        self.variants = Variants(args, self.tracks)
        self._synchroniser = None if store is None else Synchroniser(store, self._exchanges)
        self._traced = Traced(self._scores_may_be_there)
        scored = [track for track in self.tracks.values() if track.rollout.score]
        self._scores: Scores | None = None
        self._reading: Beside | None = None
        if scored and langfuse:
            self._scores = Scores(scored, self._traced, LangfuseScores(langfuse))
            # Langfuse may hang for longer than others are to wait for what is shared.
            self._reading = Beside(f"scores of {langfuse.host}", self._scores.read_when_due)

    def prepare(self) -> None:
        """Take over what is known elsewhere, so that the first call knows it; a store that is away does without."""
        if self._synchroniser is not None:
            self._synchroniser.exchange()
        self.is_ready = True

    def call_began(self, request: Request) -> Watch | None:  # noqa: ARG002  the protocol's
        """A call begins; it is watched where there are rollouts, for a rule may lead to one."""
        self._touch()
        return Watch(self.tracks, self._traced, self._rehearsed) if self.tracks else None

    def rollout(self, name: str) -> Track:
        """A rollout, with what other processes know of it.

        Raises:
            ConfigurationError: There is none of this name.
        """
        track = self.latest().get(name)
        if track is None:
            known = ", ".join(map(repr, self.tracks)) or "none"
            raise ConfigurationError(f"there is no rollout {name!r}; router_args has {known}")
        return track

    def latest(self) -> Mapping[str, Track]:
        """The rollouts by name, with what other processes know of them."""
        if not self.is_ready:
            self.prepare()
        self._touch()
        if self._traced:
            self._scores_may_be_there()
        return self.tracks

    def exchange(self) -> None:
        """Tell other processes what is new here, and hear what is new there, now."""
        if self._synchroniser is not None:
            self._synchroniser.exchange()

    def refresh(self) -> None:
        """As `exchange`, and read Langfuse's scores."""
        if self._scores is not None and self._traced:
            self._scores.read()
        self.exchange()

    def _touch(self) -> None:
        if self._synchroniser is not None:
            self._synchroniser.touch()

    def _scores_may_be_there(self) -> None:
        if self._reading is not None:
            self._reading.touch()

    def _track(self, rollout: Rollout) -> Track:
        mirror = Mirror(self._names.key("rollout", identity_of(rollout)))
        self._index.first(number_of(rollout), json.dumps(described(rollout)))
        self._exchanges.append(mirror.exchange)
        return Track(rollout, mirror, self.refresh, is_shared=self._is_shared)


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


def stored_rollouts(store: Store, project: str) -> list[Track]:
    """The rollouts of a project that a store knows, as far as they are; by name, a later description last.

    Raises:
        StoreAway: It does not answer.
    """
    names = Names(project)
    index = Mirror(names.key(INDEX))
    index.exchange(store)
    tracks = [_stored(store, names, json.loads(text)) for text in index.firsts()]
    return sorted(tracks, key=lambda track: (track.name, track.audit[0].at))


def _stored(store: Store, names: Names, row: dict[str, Any]) -> Track:
    rollout = Rollout(**row)
    mirror = Mirror(names.key("rollout", identity_of(rollout)))
    mirror.exchange(store)
    return Track(rollout, mirror, lambda: mirror.exchange(store), is_shared=True)
