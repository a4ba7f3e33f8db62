"""What is tried next, after how long a wait, and when a call gives up. No I/O, no real time."""

from __future__ import annotations

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContentFilteredError,
    ContextWindowExceededError,
    DecryptionError,
    InvalidReplyError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    UntrustedHostError,
)
from genai_integrations.routing.deployments import Plan

SERVER = ServerError("broke", status=500)
REPEATABLE = [
    APIConnectionError("gone"),
    InvalidReplyError("empty"),
    RateLimitError("busy", status=429),
    RequestTimeoutError("slow"),
    SERVER,
]


def limited(seconds):
    return RateLimitError("busy", status=429, retry_after=seconds)


def test_a_good_target_is_asked_once(drive, plan_of):
    """Success ends the call."""
    driver = drive()

    assert driver.run(plan_of("a", "b")) is None
    assert driver.log == [("first", "a/m")]


@pytest.mark.parametrize("retries", [0, 1, 2, 3])
@pytest.mark.parametrize("error", REPEATABLE, ids=lambda error: type(error).__name__)
def test_one_target_gets_one_try_and_the_retries(error, retries, drive, plan_of):
    """`num_retries=N` is 1+N attempts, and with a single target its own error is raised."""
    driver = drive({"a/m": error})

    raised = driver.run(plan_of("a"), num_retries=retries)

    assert driver.tried == ["a/m"] * (1 + retries)
    assert len(driver.waits) == retries
    assert raised is error


@pytest.mark.parametrize(
    "error",
    [AuthenticationError("no", status=401), NotFoundError("no", status=404), DecryptionError("no")],
    ids=lambda error: type(error).__name__,
)
def test_what_stays_wrong_goes_elsewhere_but_not_twice(error, drive, plan_of):
    """A wrong key or model leads to the next target, and is not tried again at the same one."""
    driver = drive({"a/m": error, "b/m": SERVER})

    raised = driver.run(plan_of("a", "b"), num_retries=4)

    assert driver.tried.count("a/m") == 1
    assert driver.tried.count("b/m") >= 4
    assert isinstance(raised, AllTargetsFailedError)


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("no", status=400),
        BadRequestError("no", status=422),
        ContextWindowExceededError("long", status=400),
        ContentFilteredError("filtered", status=400),
        ConfigurationError("wrong"),
    ],
)
def test_a_refusal_of_the_request_is_final(error, drive, plan_of, health):
    """It is raised as it is, at once, and says nothing against the target."""
    driver = drive({"a/m": error})

    assert driver.run(plan_of("a", "b", fallbacks=[["c"]]), num_retries=3) is error
    assert driver.tried == ["a/m"]
    assert health.free_at("a/m") == 0


def test_waits_grow_and_are_jittered(drive, plan_of):
    """Half a second, doubled each time up to eight, plus up to a quarter."""
    driver = drive({"a/m": SERVER})
    driver.run(plan_of("a"), num_retries=6)
    assert driver.waits == [0.5, 1, 2, 4, 8, 8]

    driver = drive({"a/m": SERVER})
    driver.run(plan_of("a"), num_retries=1, jitter=1.0)
    assert driver.waits == [0.625]


@pytest.mark.parametrize("asked", [0.02, 3.0, 59.0, 60.0])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_a_wait_is_what_the_provider_asks_for(asked, jitter, drive, plan_of):
    """`Retry-After` leads: never less, and up to a minute it is honoured whatever the jitter."""
    driver = drive({"a/m": [limited(asked), None]})

    assert driver.run(plan_of("a"), num_retries=1, jitter=jitter) is None
    assert asked - 1e-6 <= driver.waits[0] <= asked * 1.25 + 1e-6


def test_a_wait_of_over_a_minute_is_a_failure(drive, plan_of):
    """The provider's own error is raised at once, with the time it asked for."""
    driver = drive({"a/m": limited(61.0)})

    raised = driver.run(plan_of("a"), num_retries=3)

    assert raised.retry_after == 61.0
    assert not driver.waits


def test_retry_after_of_the_user_is_the_least_wait(drive, plan_of):
    """`router_args["retry_after"]` lengthens short waits and leaves long ones."""
    driver = drive({"a/m": [SERVER, limited(9), None]})

    driver.run(plan_of("a"), num_retries=2, retry_after=3)

    assert driver.waits == [3, 9]


def test_time_spent_elsewhere_counts_towards_the_wait(drive, plan_of):
    """A target that asked for ten seconds, eight of which went to another target, is waited for for two."""
    driver = drive({"a/m": [limited(10), None], "b/m": NotFoundError("no")}, takes={"b/m": 8.0})

    assert driver.run(plan_of("a", "b"), num_retries=2) is None
    assert driver.waits == pytest.approx([2.0])


def test_the_retry_goes_where_the_wait_is_shortest(drive, plan_of):
    """Of two busy targets, the one that is free first is asked again."""
    driver = drive({"a/m": [limited(20), None], "b/m": [limited(5), None]})

    assert driver.run(plan_of("a", "b"), num_retries=2) is None
    assert driver.tried == ["a/m", "b/m", "b/m"]
    assert driver.waits == [5]


def test_retries_take_turns(drive, plan_of):
    """Among targets that look alike none is asked over and over while the others rest."""
    driver = drive({"a/m": SERVER, "b/m": SERVER})

    driver.run(plan_of("a", "b"), num_retries=3)

    assert driver.log == [
        ("first", "a/m"),
        ("failover", "b/m"),
        ("wait", 0.5),
        ("retry", "a/m"),
        ("wait", 1.0),
        ("retry", "b/m"),
    ]


def test_attempts_shrink_to_the_deadline(drive, plan_of):
    """No attempt may last longer than what is left of the whole."""
    driver = drive({"a/m": RequestTimeoutError("slow"), "b/m": [None]}, takes={"a/m": 7.0})

    driver.run(plan_of("a", "b"), deadline=10, timeout=8)

    assert [step.timeout for step in driver.tries] == [8, 3]


def test_nothing_is_sent_after_the_deadline(drive, plan_of):
    """With the time used up, the last error is raised, not another attempt made."""
    slow = RequestTimeoutError("slow")
    driver = drive({"a/m": slow}, takes={"a/m": 10.0})

    assert driver.run(plan_of("a", "b"), deadline=10, timeout=30) is slow
    assert driver.tried == ["a/m"]


def test_no_wait_passes_the_deadline(drive, plan_of):
    """A wait that would end after it is not begun."""
    driver = drive({"a/m": limited(4)}, takes={"a/m": 1.0})

    raised = driver.run(plan_of("a"), deadline=8, num_retries=9)

    assert isinstance(raised, RateLimitError)
    assert driver.waits == [4]


def test_no_wait_ends_with_the_deadline(drive, plan_of):
    """An attempt that would begin just then has no time."""
    driver = drive({"a/m": limited(4)})

    assert isinstance(driver.run(plan_of("a"), deadline=4), RateLimitError)
    assert driver.waits == []


def test_targets_then_fallbacks_in_order(drive, plan_of):
    """All that serve the name, then each fallback's, each target once."""
    driver = drive(dict.fromkeys(("a/m", "b/m", "c/m", "d/m"), SERVER))

    driver.run(plan_of("a", "b", fallbacks=[["c", "a"], ["d"]]), num_retries=0)

    assert driver.log == [
        ("first", "a/m"),
        ("failover", "b/m"),
        ("fallback", "c/m"),
        ("fallback", "d/m"),
    ]


def test_a_refused_key_is_read_again_once(drive, plan_of, target):
    """After a 401 the store is asked for a new key, and the same target tried with it."""
    new = target("a")
    refused = AuthenticationError("no", status=401)
    driver = drive({"a/m": [refused, None]}, keys={"a/m": new})

    assert driver.run(plan_of("a", "b")) is None
    assert driver.log == [("first", "a/m"), ("new key", "a/m"), ("new key", "a/m")]
    assert driver.tries[1].target is new


def test_a_new_key_that_is_refused_too_leads_on(drive, plan_of, target):
    """The store has no other one."""
    refused = AuthenticationError("no", status=401)
    driver = drive({"a/m": refused}, keys={"a/m": target("a")})

    assert driver.run(plan_of("a", "b"), num_retries=5) is None
    assert driver.tried == ["a/m", "a/m", "b/m"]


def test_keys_that_are_always_new_and_always_wrong_come_to_an_end(drive, plan_of, target):
    """Three new ones: a key may be changed while one that was new is on its way, but a store may be broken, too."""
    refused = AuthenticationError("no", status=401)
    driver = drive({"a/m": refused}, keys={"a/m": lambda: target("a")})

    assert driver.run(plan_of("a", "b"), num_retries=5) is None
    assert driver.tried == ["a/m", "a/m", "a/m", "a/m", "b/m"]


def test_a_retry_has_the_new_key(drive, plan_of, target):
    """The old one is not tried again; when the new one is refused later, the store is asked anew."""
    new = target("a")
    refused = AuthenticationError("no", status=401)
    driver = drive({"a/m": [refused, SERVER, refused]}, keys={"a/m": new})

    assert driver.run(plan_of("a"), num_retries=2) is refused
    assert driver.log == [
        ("first", "a/m"),
        ("new key", "a/m"),
        ("new key", "a/m"),
        ("wait", 0.5),
        ("retry", "a/m"),
        ("new key", "a/m"),
    ]
    assert driver.tries[2].target is new


def test_a_new_key_is_not_tried_after_the_deadline(drive, plan_of, target):
    """What is raised then is the provider's refusal, not a time-out that hides it."""
    refused = AuthenticationError("no", status=401)
    driver = drive({"a/m": refused}, keys={"a/m": target("a")}, takes={"a/m": 9.0})

    assert driver.run(plan_of("a"), deadline=8) is refused
    assert driver.tried == ["a/m"]


@pytest.mark.parametrize("kind", [ContextWindowExceededError, ContentFilteredError])
def test_some_refusals_have_fallbacks_of_their_own(kind, drive, plan_of, health):
    """They go only there, not to the usual targets, and the target that refused is not blamed."""
    driver = drive({"a/m": kind("no", status=400)})
    plan = plan_of("a", "b", fallbacks=[["c"]], instead={kind: [["d"], ["e"]]})

    assert driver.run(plan) is None
    assert driver.log == [("first", "a/m"), ("fallback", "d/m")]
    assert health.free_at("a/m") == 0


def test_the_other_refusal_has_none(drive, plan_of):
    """Fallbacks for long requests do not serve filtered ones."""
    error = ContentFilteredError("filtered", status=400)
    driver = drive({"a/m": error})

    raised = driver.run(plan_of("a", "b", instead={ContextWindowExceededError: [["d"]]}))

    assert raised is error


@pytest.mark.parametrize("groups", [[["d", "e"]], [["d"], ["e"]], [["a", "d"], ["e", "a"]]])
def test_a_long_request_that_no_window_fits_ends(groups, drive, plan_of):
    """Each of its fallbacks is asked once; the last error says why."""
    error = ContextWindowExceededError("long", status=400)
    driver = drive(dict.fromkeys(("a/m", "d/m", "e/m"), error))
    plan = plan_of("a", "b", instead={ContextWindowExceededError: groups})

    raised = driver.run(plan, num_retries=5)

    assert driver.tried == ["a/m", "d/m", "e/m"]
    assert isinstance(raised, ContextWindowExceededError | AllTargetsFailedError)


@pytest.mark.parametrize(
    ("chosen", "error", "goes_on"),
    [
        ([429], limited(None), True),
        ([429], SERVER, False),
        ([RateLimitError, 500], SERVER, True),
        ([BadRequestError], BadRequestError("no", status=400), True),
        ([400], ContextWindowExceededError("long", status=400), True),
        ([ServerError], NotFoundError("no", status=404), False),
        ([ServerError], UntrustedHostError("no"), True),
    ],
)
def test_the_user_may_choose_what_leads_on(chosen, error, goes_on, drive, plan_of):
    """`fallback_on` takes the place of the usual set."""
    driver = drive({"a/m": error})

    raised = driver.run(plan_of("a", "b"), fallback_on=chosen, num_retries=0)

    assert driver.tried == (["a/m", "b/m"] if goes_on else ["a/m"])
    assert raised is (None if goes_on else error)


def test_what_does_not_lead_on_is_not_repeated_either(drive, plan_of):
    """An error outside `fallback_on` is raised at once."""
    driver = drive({"a/m": SERVER})

    assert driver.run(plan_of("a"), fallback_on=[429], num_retries=3) is SERVER
    assert driver.tried == ["a/m"]


def test_a_refused_request_says_nothing_against_a_target(drive, plan_of, health):
    """With 400 in `fallback_on` one user's bad request must not make others go elsewhere."""
    driver = drive({"a/m": BadRequestError("no", status=400)})

    driver.run(plan_of("a", "b"), fallback_on=[400])

    assert health.free_at("a/m") == 0


def test_a_target_without_a_usable_key_costs_no_retry(drive, plan_of):
    """Nothing was sent, so the number of requests asked for is still sent elsewhere."""
    driver = drive({"a/m": DecryptionError("no"), "b/m": SERVER})

    driver.run(plan_of("a", "b"), num_retries=2)

    assert driver.tried.count("b/m") == 3


class Unread(list):
    """Targets of which only the first may be looked at."""

    def __iter__(self):
        raise AssertionError("the others were looked at")


def test_a_call_that_succeeds_looks_at_one_target(drive, plan_of):
    """However many there are, and fall-backs behind them: most calls have no use for the others."""
    plan = plan_of("a", "b", fallbacks=[["c"]])
    unread = Plan(Unread(plan.targets), Unread(plan.fallbacks))
    run = drive()

    assert run.run(unread) is None
    assert run.log == [("first", "a/m")]


def test_the_first_target_is_not_asked_again_in_the_list_of_all(drive, plan_of):
    """After its failure the others are looked at, and it is known what it said."""
    run = drive({"a/m": ServerError("down", status=500)})

    assert run.run(plan_of("a", "b", fallbacks=[["a", "c"]])) is None
    assert run.log == [("first", "a/m"), ("failover", "b/m")]
