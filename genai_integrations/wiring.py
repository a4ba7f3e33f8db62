"""What a client is wired of: each part as the program asked for it; what was not asked for is not loaded either."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from genai_integrations.calls.args import RouterArgs
from genai_integrations.connections.connection import Connection, ConnectionStore
from genai_integrations.connections.stores import GivenConnections
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import given
from genai_integrations.settings import Settings
from genai_integrations.transports.protocol import Transport

if TYPE_CHECKING:
    from genai_integrations.ledger.observer import Ledger
    from genai_integrations.limits.gate import Gate
    from genai_integrations.routing.remembering import Answers
    from genai_integrations.transports.tape import Replay


def store_of(
    connections: ConnectionStore | Iterable[Connection] | None,
) -> ConnectionStore | None:
    """The store of the connections that a program gave; None if it gave none."""
    if connections is None or hasattr(connections, "load"):
        return connections  # type: ignore[return-value]
    if not isinstance(connections, Iterable):
        raise given.wrong("connections", connections, "a store or a list of connections")
    return GivenConnections(tuple(connections))


def replayed(
    replay: str | PathLike[str] | Replay | None, record: object, transport: object
) -> Replay | None:
    """What answers from a tape; nothing is loaded for it where there is none."""
    if replay is None:
        return None
    if record is not None or transport is not None:
        raise ConfigurationError(
            "replay answers every call from a tape: leave record and transport out, or replay"
        )
    from genai_integrations.transports.tape import Replay

    return replay if isinstance(replay, Replay) else Replay(_path("replay", replay))


def recorded(transport: Transport, record: object) -> Transport:
    """The transport, which writes down what it does if that is wanted."""
    if record is None:
        return transport
    from genai_integrations.transports.tape import Recorder

    return Recorder(transport, _path("record", record))


def _path(what: str, value: object) -> str | PathLike[str]:
    if isinstance(value, PathLike) or (isinstance(value, str) and value):
        return value
    raise given.wrong(what, value, "the path of a file, such as 'calls.jsonl'")


def answers_of(
    cache: str | None,
    semantic_cache: object,
    args: RouterArgs,
    settings: Settings,
    store: ConnectionStore,
) -> Answers | None:
    """What keeps answers; nothing is loaded for it where none are kept."""
    has_exact = cache is not None or args.cache_responses
    if not has_exact and semantic_cache in (None, False):
        return None
    from genai_integrations.routing.remembering import Answers

    exact = similar = None
    if has_exact:
        from genai_integrations.cache.opening import MEMORY, opened_store

        tenant = partial(_tenant, settings, store)
        address = MEMORY if cache is None else cache
        exact = opened_store(address, args.cache_kwargs, settings, tenant)
    if semantic_cache not in (None, False):
        from genai_integrations.routing.similar_answers import opened_similar

        similar = opened_similar(semantic_cache)
    return Answers(exact, similar)


def _tenant(settings: Settings, store: ConnectionStore) -> str:
    """Whose answers are kept: the project's where the store knows it, else those of the key pair, if there is one."""
    project = getattr(store, "project_id", None) or settings.public_key
    return f"{settings.host} {project}" if project else ""


def connection_names(names: object) -> Sequence[str] | None:
    """Which connections of Langfuse are used, in this order; None for all."""
    if names is None or isinstance(names, str):
        return names
    return given.texts("llm_connection_names", names, "seoul")


def has_limits(args: RouterArgs, limits: object, budgets: object) -> bool:
    """Whether anything is bounded from the start."""
    rows = (row for group in args.model_list.values() for row in group)
    return bool(limits or budgets) or any(row.rpm or row.tpm for row in rows)


def gate_of(
    args: RouterArgs,
    limits: Mapping[str, Mapping[str, int]] | None,
    budgets: Mapping[str, Mapping[str, Any]] | None,
    **options: Any,
) -> Gate:
    """What keeps limits and budgets; nothing is loaded for it where there are none."""
    from genai_integrations.limits import setup

    return setup.gate_of(limits, budgets, redis_url=args.redis_address or None, **options)


def ledger_of(ledger: object) -> Ledger | None:
    """What records calls; nothing is loaded for it where that is not wanted."""
    if ledger is None:
        return None
    from genai_integrations.ledger import observer

    return observer.ledger_of(ledger)


def able(what: str, objects: object, method: str) -> tuple[Any, ...]:
    """The objects that a program gave, if each of them has the method."""
    rows = tuple(objects) if isinstance(objects, Iterable) else (None,)
    if not all(hasattr(row, method) for row in rows):
        raise given.wrong(what, objects, f"objects with {method}()")
    return rows
