"""What the tests of routing share: a policy that is driven by hand, with a clock that only moves when told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from flow_support import Ready
from simulation import Clock

from genai_integrations import Connection, GenAIError, Secret
from genai_integrations.calls.args import router_args
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.connections.registry import ConnectionRegistry
from genai_integrations.connections.stores import GivenConnections
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.routing.health import Health
from genai_integrations.routing.names import Names
from genai_integrations.routing.parts import Parts
from genai_integrations.routing.planning import Planner, Plans
from genai_integrations.routing.policy import attempts
from genai_integrations.routing.steps import NewKey, Try, Wait


@dataclass
class Drive:
    """Runs the policy against scripted outcomes.

    Attributes:
        outcomes: For a target's name, its errors one after the other; None is success, and the last repeats.
        takes: Seconds that an attempt takes, by target.
        keys: New targets by name, for the policy's question after a 401.
        log: What the policy asked for.
    """

    clock: Clock
    health: Health
    outcomes: dict
    takes: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)
    log: list = field(default_factory=list)
    tries: list = field(default_factory=list)

    def run(self, plan, timeout=30.0, jitter=0.0, **args):
        checked = router_args(args)
        policy = attempts(
            plan,
            checked,
            self.health,
            timeout=timeout,
            ends=None if checked.deadline is None else self.clock() + checked.deadline,
            clock=self.clock,
            jitter=lambda: jitter,
        )
        outcome = None
        while True:
            try:
                step = policy.send(outcome)
            except StopIteration:
                return None
            except GenAIError as error:
                return error
            outcome = self._do(step)

    def _do(self, step):
        if isinstance(step, Wait):
            self.log.append(("wait", step.seconds))
            self.clock.now += step.seconds
            return None
        name = step.target.name
        if isinstance(step, NewKey):
            self.log.append(("new key", name))
            new = self.keys.get(name)
            new = new() if callable(new) else new
            return None if new is step.target else new
        assert isinstance(step, Try)
        assert len(self.tries) < 50, "the policy goes round in circles"
        self.log.append((step.reason, name))
        self.tries.append(step)
        self.clock.now += self.takes.get(name, 0.0)
        script = self.outcomes.get(name, [None])
        return script.pop(0) if len(script) > 1 else script[0]

    @property
    def tried(self):
        return [step.target.name for step in self.tries]

    @property
    def waits(self):
        return [value for kind, value in self.log if kind == "wait"]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(clock=clock)


@pytest.fixture
def drive(clock, health):
    """Make a driver with outcomes by target name."""

    def make(outcomes=None, *, health=health, **fields):
        scripts = {k: v if isinstance(v, list) else [v] for k, v in (outcomes or {}).items()}
        return Drive(clock, health, scripts, **fields)

    return make


@pytest.fixture
def target():
    """Make a target; `a` is short for the model `m` at the connection `a`."""

    def make(name, model="m", provider="openai"):
        connection = Connection(name, PROVIDERS[provider], Secret(f"sk-{name}"))
        return Target(Deployment(connection, model))

    return make


@pytest.fixture
def plan_of(target):
    """A plan of targets by connection name, with groups of fallbacks."""

    def make(*names, fallbacks=(), instead=None):
        groups = [[target(name) for name in group] for group in fallbacks]
        others = {
            kind: [[target(name) for name in group] for group in rows]
            for kind, rows in (instead or {}).items()
        }
        return Plan([target(name) for name in names], groups, others)

    return make


@pytest.fixture
def plans_of():
    """Plans for connections that list models: `plans_of({"a": ["m1"]}, fallbacks=...)`."""

    def make(listed, **args):
        rows = [
            Connection(
                name,
                PROVIDERS["openai"],
                Secret(f"sk-{name}"),
                custom_models=tuple(models),
                with_default_models=False,
            )
            for name, models in listed.items()
        ]
        checked = router_args(args)
        names = Names(rows, (), checked.model_group_alias)
        return Plans(names, checked, {row.name: row for row in rows})

    return make


@pytest.fixture
def parts():
    """The parts of a client whose connections are known, with the router's arguments as given."""

    def make(*names, known=True, answers=None, observers=(), ready=True, keys=None, **args):
        keys = keys or {}
        rows = [
            Connection(
                name, PROVIDERS["openai"], Secret(keys.get(name, "sk-1")), custom_models=("m",)
            )
            for name in names or ("a",)
        ]
        registry = ConnectionRegistry(GivenConnections(rows))
        if known:
            registry.load()
        checked = router_args(args)
        health, transport = Health(), Ready(ready)
        return Parts(registry, checked, Planner(checked), health, transport, observers, answers)

    return make
