"""Who gets which variant."""

from __future__ import annotations

import random

import pytest

from genai_integrations.routing.variants.assignment import assigned, at_random

EVEN = {"gpt-4o": 0.5, "claude": 0.5}
USERS = [f"user-{number}" for number in range(20_000)]


def shares_of(name, shares):
    """For each variant the share of the users who get it."""
    found = [assigned(name, user, shares) for user in USERS]
    return {variant: found.count(variant) / len(found) for variant in shares}


def moved(before, after):
    """The users who get another variant, as pairs of old and new."""
    pairs = [(assigned("x", user, before), assigned("x", user, after)) for user in USERS]
    return [pair for pair in pairs if pair[0] != pair[1]]


def test_a_caller_gets_the_same_in_every_process_and_version():
    """These stay as they are: who changes them gives every user of every running experiment another model."""
    users = ("ann", "bob", "cho", "dan", "eve", "fay", "김")

    assert [assigned("ab", user, EVEN) for user in users] == [
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
    ]
    assert [assigned("other", user, EVEN) for user in users] == [
        "claude",
        "gpt-4o",
        "claude",
        "gpt-4o",
        "gpt-4o",
        "gpt-4o",
        "claude",
    ]


@pytest.mark.parametrize(
    "shares",
    [{"a": 0.01, "b": 0.99}, {"a": 0.6, "b": 0.4}, {"a": 1, "b": 2, "c": 7}, {"a": 0, "b": 3}],
)
def test_each_variant_gets_its_share(shares):
    """Relative to the sum, within five standard deviations."""
    total = sum(shares.values())
    for variant, found in shares_of("x", shares).items():
        expected = shares[variant] / total
        assert abs(found - expected) <= 5 * (expected * (1 - expected) / len(USERS)) ** 0.5


def test_a_share_that_grows_only_takes_callers_over():
    """A tenth more is a tenth of all callers, and they all come to it: nobody else changes."""
    pairs = moved({"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4})

    assert set(pairs) == {("b", "a")}
    assert 0.09 < len(pairs) / len(USERS) < 0.11


def test_a_new_variant_takes_from_all_and_moves_nobody_else():
    """From each of the others in proportion."""
    pairs = moved({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})

    assert set(pairs) == {("a", "c"), ("b", "c")}
    assert 0.48 < len(pairs) / len(USERS) < 0.52


def test_experiments_split_callers_independently():
    """Half of those who get one variant here get it there."""
    same = [assigned("x", user, EVEN) == assigned("y", user, EVEN) for user in USERS]

    assert 0.48 < sum(same) / len(same) < 0.52


def test_who_is_not_known_is_assigned_by_the_shares():
    """Anew for each call."""
    random.seed(7)
    found = [at_random({"a": 0.9, "b": 0.1, "c": 0}) for _ in range(5000)]

    assert 0.88 < found.count("a") / 5000 < 0.92
    assert "c" not in found


@pytest.mark.parametrize("who", ["", "x" * 100_000, "\ud800", "\0"])
def test_odd_callers_have_a_place(who):
    """Whatever a program takes for a user."""
    assert assigned("\ud800" * 200, who, EVEN) in EVEN
