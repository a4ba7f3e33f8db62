"""How long a target that failed is left alone, and what counts as a failure. No I/O, no real time."""

from __future__ import annotations

from genai_integrations.errors import ServerError
from genai_integrations.routing.health import LONGEST_COOLDOWN, WINDOW, Health

SERVER = ServerError("broke", status=500)


def test_a_failed_target_is_tried_last_while_it_cools(drive, plan_of, clock):
    """Another call goes to the healthy one first; after the cooldown the order is the old one again."""
    drive({"a/m": SERVER}).run(plan_of("a", "b"))

    driver = drive()
    driver.run(plan_of("a", "b"))
    assert driver.tried == ["b/m"]

    clock.now += 5.1
    driver = drive()
    driver.run(plan_of("a", "b"))
    assert driver.tried == ["a/m"]


def test_with_all_cooling_the_one_free_first_is_tried(drive, plan_of, clock, health):
    """Nobody is refused only because everything has failed lately."""
    health.failed("a/m", 30.0)
    health.failed("b/m", 10.0)
    driver = drive({"b/m": SERVER, "a/m": SERVER})

    driver.run(plan_of("a", "b"), num_retries=0)

    assert driver.tried == ["b/m", "a/m"]


def test_a_healthy_fallback_is_preferred_to_a_cooling_target(drive, plan_of, health):
    """The name asked for cools; the fallback answers at once."""
    health.failed("a/m")
    driver = drive()

    driver.run(plan_of("a", fallbacks=[["b"]]))

    assert driver.log == [("fallback", "b/m")]


def test_some_failures_may_be_allowed(clock, drive, plan_of):
    """A target cools down with the failure after `allowed_fails`, counted within a minute."""
    health = Health(allowed_fails=2, cooldown_time=5, clock=clock)
    for _ in range(2):
        health.failed("a/m")
    assert health.free_at("a/m") == 0

    health.failed("a/m")
    assert health.free_at("a/m") == clock.now + 5


def test_old_failures_are_forgotten(clock):
    """Failures more than a minute apart do not add up."""
    health = Health(allowed_fails=1, clock=clock)
    for _ in range(5):
        health.failed("a/m")
        assert health.free_at("a/m") == 0
        clock.now += WINDOW


def test_a_success_clears_the_record(clock, drive, plan_of):
    """A target that answers has no past."""
    health = Health(allowed_fails=1, clock=clock)
    driver = drive({"a/m": [SERVER, None]}, health=health)
    driver.run(plan_of("a"), num_retries=1)

    health.failed("a/m")

    assert health.free_at("a/m") == 0


def test_a_target_that_says_when_to_come_back_is_left_alone_until_then(clock):
    """Whatever failures are allowed; but not for hours."""
    health = Health(allowed_fails=9, cooldown_time=5, clock=clock)
    health.failed("a/m", 40.0)
    health.failed("b/m", 7200.0)

    assert health.free_at("a/m") == clock.now + 40
    assert health.free_at("b/m") == clock.now + LONGEST_COOLDOWN


def test_a_short_retry_after_does_not_shorten_a_longer_rest(clock):
    """A second failure never makes a target free earlier than it had said."""
    health = Health(cooldown_time=5, clock=clock)
    health.failed("a/m", 100.0)
    health.failed("a/m")

    assert health.free_at("a/m") == clock.now + 100


def test_no_cooldown_is_possible(clock, drive, plan_of):
    """`cooldown_time=0` leaves nobody alone."""
    health = Health(cooldown_time=0, clock=clock)
    drive({"a/m": SERVER}, health=health).run(plan_of("a", "b"))
    driver = drive(health=health)

    driver.run(plan_of("a", "b"))

    assert driver.tried == ["a/m"]
