"""Our three doors against servers that nobody here wrote."""

from __future__ import annotations

import pytest
from stranger_doors import DOORS
from stranger_probes import PROBES, TEXT
from stranger_servers import STRANGERS

from genai_integrations import Connection, errors

pytestmark = pytest.mark.slow

each_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
each_stranger = pytest.mark.parametrize("name", STRANGERS)


_ANSWERS = [
    pytest.param(name, probe, wanted, id=f"{name}-{probe}")
    for name, stranger in STRANGERS.items()
    for probe, wanted in stranger.answers.items()
]
_TEXTS = [
    pytest.param(name, way, stranger.answers[probe], id=f"{name}-{probe}")
    for name, stranger in STRANGERS.items()
    for probe, way in (("text", "text"), ("stream", "pieces"))
    if probe in stranger.answers
]
_FAILURES = [
    pytest.param(name, model, error, id=f"{name}-{model}")
    for name, stranger in STRANGERS.items()
    for model, error in stranger.failures.items()
]


@each_stranger
def test_no_probe_is_forgotten(name):
    """A server answers a probe, or there is a reason why it cannot."""
    stranger = STRANGERS[name]

    assert set(stranger.answers).isdisjoint(stranger.cannot)
    assert {*stranger.answers, *stranger.cannot} == set(PROBES)


@each_door
@pytest.mark.parametrize(("name", "probe", "wanted"), _ANSWERS)
def test_answers(door, name, probe, wanted, connect, make_client):
    """What the server answers arrives."""
    client = make_client(connect(name))
    PROBES[probe](door(client, "gpt-4o"), wanted)


@each_door
@pytest.mark.parametrize("way", ["text", "pieces"])
@pytest.mark.parametrize(("name", "model", "error"), _FAILURES)
def test_failures(door, way, name, model, error, connect, make_client):
    """What the server refuses is the error of our tree that says so, and nothing wider."""
    client = make_client(connect(name))
    with pytest.raises(error) as raised:
        getattr(door(client, f"{name}/{model}"), way)(TEXT)

    # LangChain's door raises a class that is LangChain's too.
    kinds = [kind for kind in type(raised.value).__mro__ if kind.__module__ == errors.__name__]
    assert kinds[0] is error


@each_door
@pytest.mark.parametrize("way", ["text", "pieces"])
@pytest.mark.parametrize("name", [name for name, row in STRANGERS.items() if row.checks_keys])
def test_a_wrong_key(door, way, name, connect, make_client):
    """The server refuses it, and that is what is raised."""
    wrong = Connection.of("locked", "openai", "sk-wrong", connect(name).base_url)
    with pytest.raises(errors.AuthenticationError):
        getattr(door(make_client(wrong), "gpt-4o"), way)(TEXT)


@each_door
@pytest.mark.parametrize(("name", "way", "wanted"), _TEXTS)
@pytest.mark.parametrize("is_alive", [True, False], ids=["alive", "dead"])
def test_fallback(door, name, way, wanted, is_alive, connect, nobody, make_client):
    """The first target answers and no other one is asked; is it dead, the second one answers."""
    server = connect(name)
    targets = [server, nobody] if is_alive else [nobody, server]
    model = door(make_client(*targets), "gpt-4o")

    assert wanted in "".join(getattr(model, way)(TEXT))
    assert model.served == STRANGERS[name].served
