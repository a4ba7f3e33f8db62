"""What a model name means: the targets that serve it, in order, and why."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genai_integrations.connections.connection import (
    BrokenConnection,
    Connection,
    is_openais_own,
)
from genai_integrations.connections.providers import PROVIDERS, Provider, provider_named
from genai_integrations.errors import GenAIError, UnknownModelError
from genai_integrations.models import catalog
from genai_integrations.models.families import OPENROUTERS_ENDING, OWN_IDS, family_of
from genai_integrations.routing.deployments import Deployment, Target

if TYPE_CHECKING:
    from genai_integrations.calls.groups import Groups, Row
    from genai_integrations.routing.domains import Domain


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means.

    Attributes:
        name: The name as asked.
        meant: The name after aliases.
        targets: Who serves it, the first to try first.
        missing: Why others do not, one line each.
        restated: By the name of a target, how requests to it are said otherwise, as known beforehand or learnt.
        domains: By the name of a target, its provider, account and region.
        outages: The single outages that would take all of the targets down, one line each.
        error: What a call with it raises, where there are no targets.
    """

    name: str
    meant: str
    targets: tuple[Target, ...]
    missing: tuple[str, ...] = ()
    restated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    outages: tuple[str, ...] = ()
    error: GenAIError | None = None

    def explain(self) -> str:
        """The resolution as text, one target a line."""
        lines = [self._heading()]
        for at, target in enumerate(self.targets, 1):
            lines.append(f"  {at}. {target.name}  ({target.why})")
            lines += [f"       {said}" for said in self.restated.get(target.name, ())]
        if len(self.targets) > 1:
            # Of a single target everybody knows.
            lines += [f"  one outage takes it down: {shared}" for shared in self.outages]
        lines += [f"  not: {reason}" for reason in self.missing]
        return "\n".join(lines)

    def _heading(self) -> str:
        alias = f" (alias of {self.meant!r})" if self.meant != self.name else ""
        if self.targets:
            return f"{self.name!r}{alias} is served by:"
        nobody = f"No connection serves {self.name!r}{alias}"
        if self.error is None:
            return f"{nobody}."
        from genai_integrations.routing.unserved import explained_by

        told = str(self.error).removesuffix(explained_by(self.name))
        return f"N{told[1:]}" if told.startswith("no connection serves") else f"{nobody}: {told}"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        from genai_integrations.routing.views import resolution_bundle

        return resolution_bundle(self)


class Names:
    """Resolves names against one set of connections.

    Args:
        connections: In the order to prefer.
        broken: Stored connections that cannot be used.
        aliases: `model_group_alias`.
        groups: `model_list`.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        broken: Iterable[BrokenConnection] = (),
        aliases: Mapping[str, str] | None = None,
        groups: Groups | None = None,
    ) -> None:
        self._connections = connections
        self._groups = groups or {}
        self._has_gateway = any(row.provider.gateway for row in connections)
        # Those of rows answer to their own names, and to no model's.
        self._by_name = {connection.name: connection for connection in connections}
        self._broken = {row.name: row for row in broken}
        if groups:
            from genai_integrations.routing.groups import own_connections

            self._stored = self._by_name.keys() | self._broken.keys()
            self._by_name = own_connections(groups) | self._by_name
        self._aliases = aliases or {}
        self._known: dict[str, Resolution] = {}

    def resolve(self, name: str) -> Resolution:
        """What a name means; `targets` is empty when nobody serves it. Answers are remembered."""
        known = self._known.get(name)
        if known is None:
            meant = self._aliases.get(name, name)
            known = self._resolved(name, meant)
            if len(self._known) < _MOST_NAMES:
                self._known[name] = known
        return known

    def _resolved(self, name: str, meant: str) -> Resolution:
        rows = self._rows(meant) if self._groups else ()
        if rows:
            from genai_integrations.routing.groups import targets_of

            targets, missing = targets_of(rows, self._of_row, _own_id, self._stored)
            return Resolution(name, meant, tuple(targets), tuple(missing))
        found = tuple(_without_repeats(self._targets(meant)))
        return Resolution(name, meant, found, tuple(self._missing(found)))

    def _rows(self, meant: str) -> Sequence[Row]:
        """The rows of the group of that name; a pattern is no name of a connection's models."""
        if meant in self._groups or self._named(meant):
            return self._groups.get(meant, ())
        from genai_integrations.routing.groups import rows_by_pattern

        return rows_by_pattern(self._groups, meant)

    def _of_row(self, model: str) -> Iterable[Target]:
        """The targets of a row's model: a group is not looked for, since most are called as the model that they have."""
        return _without_repeats(self._targets(self._aliases.get(model, model)))

    def targets(self, name: str) -> tuple[Target, ...]:
        """The targets of a name.

        Raises:
            UnknownModelError: Nobody serves it; the message has the nearest names and the reasons.
            CredentialError: It names a connection that cannot be used.
        """
        resolution = self.resolve(name)
        if resolution.targets:
            return resolution.targets
        broken = named_connection(resolution.meant, self._broken)
        if broken is not None:
            # A copy: one error raised again and again would drag every traceback along.
            raise copy.copy(self._broken[broken].error)
        if self._groups and self._rows(resolution.meant):
            why = "; ".join(resolution.missing)
            raise UnknownModelError(f"no row of the group {resolution.meant!r} can be used: {why}")
        from genai_integrations.routing.unserved import explained_by, unserved

        usable, cannot = tuple(self._by_name.values()), self._broken.values()
        told = unserved(name, resolution.meant, usable, cannot, self.near(name))
        raise UnknownModelError(told + explained_by(name) if usable else told)

    def near(self, name: str) -> str:
        """A question that has the names nearest to one that does not exist; empty if none is near, or it does."""
        known = set(self._suggestions())
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) if name not in known else ()
        return f"did you mean {', '.join(map(repr, near))}?" if near else ""

    def offered(self) -> list[str]:
        """Every name that can be asked for as it is: groups but for patterns, aliases, and what connections list."""
        groups = (name for name in self._groups if "*" not in name)
        return list(dict.fromkeys((*groups, *self._aliases, *self.listed())))

    def listed(self) -> list[str]:
        """Every `connection/model` that is listed, in order."""
        return [f"{row.name}/{model}" for row in self._connections for model in row.custom_models]

    def _targets(self, name: str) -> Iterable[Target]:
        named = self._named(name)
        if name.startswith("models/") and not named and not self._has_gateway:
            # Google's APIs list their models so.
            name = name.removeprefix("models/")
            named = self._named(name)
        if named in self._by_name:
            connection = self._by_name[named]
            own = _own_id(connection, name[len(named) + 1 :])
            return [Target(Deployment(connection, own), "the connection is named")]
        prefix, slash, rest = name.partition("/")
        provider = provider_named(prefix) if slash and rest else None
        found = list(self._of_provider(provider, rest)) if provider else []
        # One that is named and cannot be used is not replaced by whoever may have a model of such a name.
        return found if found or named else self._of_bare_name(name)

    def _named(self, name: str) -> str:
        """The connection that a name begins with, also one that cannot be used; empty if there is none."""
        known = self._by_name.keys() | self._broken.keys() if self._broken else self._by_name
        return named_connection(name, known) or ""

    def _of_provider(self, provider: Provider, model: str) -> Iterable[Target]:
        """Connections of the provider: those that list the model, else those that do not say what they have."""
        mine = [row for row in self._connections if row.provider is provider]
        listing = [row for row in mine if _listed_id(row, model)]
        open_ended = [row for row in mine if row.with_default_models or not row.custom_models]
        for row in listing or open_ended or mine:
            yield Target(Deployment(row, _own_id(row, model)), f"a connection of {provider.name}")

    def _of_bare_name(self, name: str) -> Iterable[Target]:
        found = [
            Target(Deployment(row, own), why)
            for why, model_id in _STAGES
            for row in self._connections
            if (own := model_id(row, name))
        ]
        return found or self._of_open_server(name)

    def _of_open_server(self, name: str) -> Iterable[Target]:
        """Who may have what no table knows, if there is but one: with two, the user has to say which."""
        own = [row for row in self._connections if _is_own_server(row)]
        if not own and "/" in name:
            own = [row for row in self._connections if _hosts_others(row)]
        if len(own) == 1:
            target = Deployment(own[0], _own_id(own[0], name))
            yield Target(target, "it may have it, and no other has")

    def _missing(self, targets: Sequence[Target]) -> Iterable[str]:
        for row in self._broken.values():
            yield f"{row.name}: {row.error}"
        if targets:
            return
        for connection in self._connections:
            if connection.with_default_models:
                yield f"{connection.name}: {connection.provider.name} is not known to serve it"
            else:
                listed = ", ".join(connection.custom_models[:5]) or "nothing"
                yield f"{connection.name}: lists only {listed}"

    def _suggestions(self) -> list[str]:
        bare = [model for row in self._connections for model in row.custom_models]
        known: list[str] = []
        for provider in {row.provider.name for row in self._connections if row.with_default_models}:
            known += [model.rpartition("/")[2] for model in catalog.models_of(provider)]
        return [*bare, *self.listed(), *self._aliases, *self._groups, *known]


_MOST_NAMES = 2048
"""Names remembered; a program that makes names up cannot fill the memory."""


def named_connection(name: str, connections: Container[str]) -> str | None:
    """The connection that `connection/model` names: names of both may hold slashes, and the longest known one is meant.

    Langfuse's API takes such names, and its pages forbid a colon only.
    """
    at = len(name) - 1
    while (at := name.rfind("/", 0, at)) > 0:
        if name[:at] in connections:
            return name[:at]
    return None


def without_provider(name: str, connections: Container[str]) -> str:
    """The name without a leading provider, so that a rule for `gpt-4o` counts for `openai/gpt-4o` too.

    It does not count for `seoul/gpt-4o`: who names a connection wants that one.
    """
    prefix, slash, rest = name.partition("/")
    if not slash or named_connection(name, connections) is not None:
        return name
    return rest if provider_named(prefix) else name


def _own_id(connection: Connection, model: str) -> str:
    if connection.provider.gateway:
        return model
    return _listed_id(connection, model) or _default_id(connection, model)


def _listed_id(connection: Connection, model: str) -> str | None:
    """The listed id that the user means: the exact one, else one of which it is a shorter form."""
    if model in connection.custom_models:
        return model
    wanted = catalog.comparable(model)
    return next((own for own in connection.custom_models if wanted in catalog.forms(own)), None)


def _default_id(connection: Connection, model: str) -> str:
    """The provider's id of a model that the connection does not list."""
    provider = connection.provider.name
    own = OWN_IDS.get((provider, model))
    if own:
        return own
    if provider not in _HOSTS:
        return _under_its_vendor(provider, model)
    profile = catalog.profile_of(model, connection.region) if provider == "bedrock" else None
    if profile:
        return profile
    found = catalog.hosted_ids(provider, model, connection.region)
    return model if not found or model in found else found[0]


def _under_its_vendor(provider: str, model: str) -> str:
    """`openai/gpt-oss-120b` for `gpt-oss-120b` on Groq: some providers' own ids name the vendor."""
    known = catalog.models_of(provider)
    model = model.removeprefix("models/")
    if "/" in model or model in known:
        return model
    return next((own for own in known if own.endswith(f"/{model}")), model)


def _hosts_others(row: Connection) -> bool:
    """Whether the provider's ids name other vendors, as those of Groq and Together do."""
    if not row.with_default_models or row.provider.dialect != "openai":
        return False
    return any("/" in own for own in catalog.models_of(row.provider.name))


def _is_own_server(row: Connection) -> bool:
    """Whether it is a server of the user's own, or a proxy: its models are in no table."""
    if not row.with_default_models or row.provider.dialect != "openai":
        return False
    if row.provider.name == "openai":
        return not is_openais_own(row.base_url)
    return row.provider.base_url is None or row.provider.name == "ollama"


_OLLAMA_TAG = re.compile(r"(?!ft:|.*-v\d+:\d+$)[\w.-]+:[\w.-]+")
"""A name with a tag (`gemma3:4b`), which is neither a fine-tuned model of OpenAI's nor an id of Bedrock's."""

_HOSTS = frozenset(name for name, row in PROVIDERS.items() if row.catalog)
"""Providers that host other vendors' models under ids of their own."""


def _listing(row: Connection, name: str) -> str | None:
    if row.provider.gateway and row.with_default_models:
        return name
    if row.provider.aggregator and name not in row.custom_models:
        return None
    return _listed_id(row, name)


def _family_member(row: Connection, name: str) -> str | None:
    if not row.with_default_models or OPENROUTERS_ENDING.search(name):
        return None
    if name in catalog.models_of(row.provider.name):
        return _default_id(row, name)
    if row.provider.name == "ollama" and _OLLAMA_TAG.fullmatch(name):
        return name
    family = family_of(name)
    if not family or "/" in name:
        return None
    if row.provider.name in family.hosts:
        return next(iter(catalog.hosted_ids(row.provider.name, name, row.region)), None)
    return _default_id(row, name) if row.provider.name in family.providers else None


def _under_vendor(row: Connection, name: str) -> str | None:
    if not row.provider.aggregator:
        return None
    listed = _listed_id(row, name)
    vendor, _, bare = name.rpartition("/")
    family = family_of(bare)
    if listed or not family or not row.with_default_models:
        return listed
    return f"{family.vendor}/{bare}" if vendor in ("", family.vendor) else None


_STAGES: tuple[tuple[str, Callable[[Connection, str], str | None]], ...] = (
    ("lists it", _listing),
    ("its provider serves the family", _family_member),
    ("an aggregator, under the vendor's name", _under_vendor),
)
"""Who serves a bare name: the earlier stage is tried first."""


def _without_repeats(targets: Iterable[Target]) -> Iterable[Target]:
    seen = set()
    for target in targets:
        if target.name not in seen:
            seen.add(target.name)
            yield target
