"""The circuits of calls in a hurry lie beside those of all. No I/O, no real time."""

from __future__ import annotations

from genai_integrations import Connection
from genai_integrations.routing.health import Health

SEOUL = Connection.of("seoul", "openai", "sk-1")


def test_a_time_out_within_the_clients_own_time_counts_for_all(clock):
    """As any failure does."""
    health = Health(cooldown_time=5, clock=clock)
    health.timed_out("a/m")

    assert health.free_at("a/m") == clock.now + 5


def test_calls_in_a_hurry_share_circuits_of_the_same_kind(clock):
    """As many failures are allowed, and they cool as long; what happens there is not known to the others."""
    health = Health(allowed_fails=1, cooldown_time=7, clock=clock)
    hurried = health.of_hurried()
    hurried.failed("a/m")
    assert hurried.free_at("a/m") == 0.0
    hurried.failed("a/m")

    assert hurried.free_at("a/m") == clock.now + 7
    assert health.of_hurried() is hurried
    assert health.free_at("a/m") == 0.0


def test_a_rehearsal_is_forgotten_by_calls_in_a_hurry_too(clock):
    """Whatever their patience was."""
    health = Health(clock=clock)
    health.of_hurried().failed("seoul/m within 1 and 1 s")

    health.forget("seoul/m", SEOUL)

    assert health.of_hurried().free_at("seoul/m within 1 and 1 s") == 0.0
