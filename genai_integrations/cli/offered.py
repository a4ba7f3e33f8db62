"""What models the connections serve, as far as it is known without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from genai_integrations.cli.models import ABILITIES, EMBEDDING
from genai_integrations.client import GenAIClient
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.overview import overview
from genai_integrations.connections.providers import provider_named
from genai_integrations.models.catalog import ModelRow, bare, model_info, models_of

_Named = tuple[str, Connection, str]
"""The name of a model, who is asked under it, and its own id there."""

_MODES = ("chat", "responses", EMBEDDING)
"""Of the price map's models, those that a client can ask."""

_TUNED = "ft:"
"""The price map has what fine-tuned models cost under names that nobody's model has."""

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Offered:
    """One model that can be asked.

    Attributes:
        name: To write: the plain name where that leads there, else `connection/model`.
        connections: Who serves it, the first to be asked first.
        context: Tokens that a request may have at most; None where that is not known.
        input_usd: US dollars for a million tokens of a request; None where the price is not known.
        output_usd: The same of an answer.
        can: Words of `ABILITIES`, or `embedding`.
    """

    name: str
    connections: tuple[str, ...]
    context: int | None
    input_usd: float | None
    output_usd: float | None
    can: tuple[str, ...]

    @property
    def is_bare(self) -> bool:
        """Whether its name names no connection."""
        return not self.name.startswith(tuple(f"{name}/" for name in self.connections))


def offered(
    client: GenAIClient, *, search: str = "", owner: str | None = None, can: Sequence[str] = ()
) -> list[Offered]:
    """What can be asked, the plain names first.

    Args:
        client: Has the connections.
        search: Text that names must have.
        owner: A provider's or connection's name.
        can: Words of `ABILITIES`, all of which a model must have.
    """
    usable = _usable(client)
    found: dict[str, Offered] = {}
    for name, connection, model in (*_groups(client, usable), *_known(client, usable)):
        if name in found or search.lower() not in name.lower():
            continue
        info = model_info(connection.provider.name, model)
        served = _served(client, name, usable) or (connection.name,)
        if set(can) <= set(_abilities(info)) and _is_of(owner, connection, served):
            found[name] = Offered(name, served, *_figures(info), _abilities(info))
    return sorted(found.values(), key=lambda row: (not row.is_bare, row.name))


def names_offered(client: GenAIClient) -> list[str]:
    """The names of all that can be asked, each in both ways."""
    usable = _usable(client)
    rows = [*_groups(client, usable), *_known(client, usable)]
    return [
        *dict.fromkeys(name for name, _, _ in rows),
        *dict.fromkeys(f"{row.name}/{model}" for _, row, model in rows),
    ]


def _groups(client: GenAIClient, usable: Sequence[Connection]) -> Iterator[_Named]:
    """Aliases and groups, each with the model that is asked first."""
    listed = tuple(f"{row.name}/" for row in usable)
    for name in client.models():
        targets = () if name.startswith(listed) else client.resolve(name).targets
        if targets:
            yield name, targets[0].connection, targets[0].model


def _known(client: GenAIClient, usable: Iterable[Connection]) -> Iterator[_Named]:
    """Each connection's models: those that it lists, and those of its provider that the price map knows."""
    for row in usable:
        own = row.provider.name
        more = models_of(own) if row.with_default_models else ()
        for model in dict.fromkeys((*row.custom_models, *more)):
            info = model_info(own, model)
            if model in row.custom_models or (info and _can_be_asked(model, info)):
                yield _name(client, row, model), row, model


def _is_of(owner: str | None, connection: Connection, served: Sequence[str]) -> bool:
    return owner is None or owner in served or provider_named(owner) is connection.provider


def _can_be_asked(model: str, info: ModelRow) -> bool:
    """Whether a row of the price map is a model that a client can ask, and no price of something else."""
    is_model = "input_cost_per_token" in info or "max_input_tokens" in info
    return is_model and info.get("mode") in _MODES and not model.startswith(_TUNED)


def _name(client: GenAIClient, connection: Connection, model: str) -> str:
    """How a model is called: plainly, where that leads to it, or to the profile by which it is served."""
    own = bare(model)
    for name in dict.fromkeys((own, model)):
        targets = client.resolve(name).targets if "/" not in name else ()
        if any(row.connection is connection and bare(row.model) == own for row in targets):
            return name
    return f"{connection.name}/{model}"


def _served(client: GenAIClient, name: str, usable: Iterable[Connection]) -> tuple[str, ...]:
    """The connections that serve a name."""
    names = {row.name for row in usable}
    targets = client.resolve(name).targets
    return tuple(
        dict.fromkeys(row.connection.name for row in targets if row.connection.name in names)
    )


def _figures(info: ModelRow | None) -> tuple[int | None, float | None, float | None]:
    row = info or {}
    window = row.get("max_input_tokens") or row.get("max_tokens")
    return (
        window if isinstance(window, int) else None,
        _per_million(row.get("input_cost_per_token")),
        _per_million(row.get("output_cost_per_token")),
    )


def _per_million(price: object) -> float | None:
    return round(price * _MILLION, 4) if isinstance(price, int | float) else None


def _abilities(info: ModelRow | None) -> tuple[str, ...]:
    row = info or {}
    if row.get("mode") == EMBEDDING:
        return (EMBEDDING,)
    return tuple(word for word, flag in ABILITIES.items() if row.get(flag))


def _usable(client: GenAIClient) -> list[Connection]:
    """The connections whose keys can be had."""
    broken = {row.name for row in overview(client.connections) if row.error is not None}
    return [
        row for row in client.connections if isinstance(row, Connection) and row.name not in broken
    ]


def without_list(client: GenAIClient) -> list[str]:
    """Connections of which no model is known."""
    rows = _usable(client)
    return [row.name for row in rows if not row.custom_models and not models_of(row.provider.name)]
