"""Where a call can go: a deployment, and a target, which is a deployment with the reason why a name means it."""

from __future__ import annotations

from dataclasses import dataclass, field

from genai_integrations.connections.connection import Connection


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a connection, with what routing needs to know of it.

    Attributes:
        connection: Whose key and address to use.
        model: The provider's own model id there.
        weight: Share of the calls that it gets where calls are shuffled, relative to its neighbours' weights.
        order: Deployments of a smaller order are tried before those of a larger one, whatever the strategy.
        name: `connection/model`, the name that means exactly this deployment.
    """

    connection: Connection
    model: str
    weight: float = 1.0
    order: int = 0
    name: str = field(init=False)

    def __post_init__(self) -> None:
        # Written once: a call reads it several times.
        object.__setattr__(self, "name", f"{self.connection.name}/{self.model}")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A deployment that serves a name, and why it does.

    Attributes:
        deployment: Where the call goes.
        why: The reason, for people.
        connection: The deployment's.
        model: The deployment's.
        name: The deployment's.
    """

    deployment: Deployment
    why: str = ""
    connection: Connection = field(init=False)
    model: str = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        # As above: these are read for every attempt, and targets are made once for each name.
        object.__setattr__(self, "connection", self.deployment.connection)
        object.__setattr__(self, "model", self.deployment.model)
        object.__setattr__(self, "name", self.deployment.name)
