"""Where a call goes when its first target fails, from the arguments of a client to the route of its reply."""

from __future__ import annotations

import logging

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    ContentFilteredError,
    ContextWindowExceededError,
    NotFoundError,
    UnknownModelError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider


@pytest.fixture
def route_of(make_client, connect, seoul, ask):
    """Ask a client of one connection `seoul` whose models fail as given; the models it went through."""

    def route_of(model, faults, **router_args):
        seoul.faults.update({name: Fault.status(500) for name in faults})
        client = make_client(seoul, num_retries=0, **router_args)
        return [(row.model, row.reason) for row in ask(client, model).route.attempts]

    return route_of


def test_fallbacks_come_in_order(route_of):
    """Each name in turn, until one answers."""
    tried = route_of("gpt-4o", ["gpt-4o", "o3"], fallbacks=[{"gpt-4o": ["o3", "gpt-4.1", "o1"]}])

    assert tried == [("gpt-4o", "first"), ("o3", "fallback"), ("gpt-4.1", "fallback")]


def test_fallbacks_of_fallbacks_are_followed(route_of):
    """A chain that a user wrote link by link works as a chain."""
    tried = route_of(
        "gpt-4o", ["gpt-4o", "o3"], fallbacks=[{"gpt-4o": ["o3"]}, {"o3": ["gpt-4.1"]}]
    )

    assert tried == [("gpt-4o", "first"), ("o3", "fallback"), ("gpt-4.1", "fallback")]


def test_a_circle_of_fallbacks_ends(make_client, seoul, ask):
    """Names that fall back to each other are tried once each."""
    seoul.faults["*"] = Fault.status(500)
    circle = [{"gpt-4o": ["o3"]}, {"o3": ["o1"]}, {"o1": ["gpt-4o", "o3", "o1"]}]
    client = make_client(seoul, num_retries=0, fallbacks=circle)

    with pytest.raises(AllTargetsFailedError):
        ask(client)

    assert [each.model for each in seoul.requests] == ["gpt-4o", "o3", "o1"]


@pytest.mark.parametrize("most", [0, 1, 2])
def test_max_fallbacks_bounds_the_names(most, make_client, seoul, ask):
    """No call goes through more names than allowed, nested ones included."""
    seoul.faults["*"] = Fault.status(500)
    chain = [{"gpt-4o": ["o3"]}, {"o3": ["o1", "gpt-4.1"]}]
    client = make_client(seoul, num_retries=0, fallbacks=chain, max_fallbacks=most)

    with pytest.raises(Exception, match="HTTP 500"):
        ask(client)

    assert [each.model for each in seoul.requests] == ["gpt-4o", "o3", "o1"][: 1 + most]


def test_the_star_stands_for_every_other_name(route_of):
    """A name of its own is preferred to `*`, which serves the rest."""
    fallbacks = [{"*": ["gpt-4.1"]}, {"gpt-4o": ["o3"]}]

    assert route_of("o1", ["o1"], fallbacks=fallbacks)[1:] == [("gpt-4.1", "fallback")]
    assert route_of("gpt-4o", ["gpt-4o"], fallbacks=fallbacks)[1:] == [("o3", "fallback")]


def test_default_fallbacks_are_for_names_without_a_rule(route_of):
    """They do not add to a rule, and do not apply to the fallbacks themselves."""
    rules = {"fallbacks": [{"gpt-4o": ["o3"]}], "default_fallbacks": ["gpt-4.1"]}

    assert route_of("o1", ["o1"], **rules)[1:] == [("gpt-4.1", "fallback")]
    assert route_of("gpt-4o", ["gpt-4o"], **rules)[1:] == [("o3", "fallback")]


@pytest.mark.parametrize("asked", ["gpt-4o", "openai/gpt-4o"])
def test_a_rule_counts_for_the_name_with_its_provider(asked, route_of):
    """As in LiteLLM, `openai/gpt-4o` follows the rule of `gpt-4o`."""
    assert route_of(asked, ["gpt-4o"], fallbacks=[{"gpt-4o": ["o3"]}])[1:] == [("o3", "fallback")]


def test_a_rule_for_a_name_is_not_one_for_a_connection(make_client, seoul, ask):
    """Who names a connection wants that one; a rule for it is written with its name."""
    seoul.faults["gpt-4o"] = Fault.status(500)
    client = make_client(seoul, num_retries=0, fallbacks=[{"gpt-4o": ["o3"]}])

    with pytest.raises(Exception, match="HTTP 500"):
        ask(client, "seoul/gpt-4o")

    assert [each.model for each in seoul.requests] == ["gpt-4o"]


@pytest.mark.parametrize(
    ("asked", "fallbacks"),
    [("fast", [{"fast": ["gpt-4.1"]}]), ("o1", [{"o1": ["fast", "gpt-4.1"]}])],
)
def test_aliases_may_stand_on_both_sides_of_a_rule(asked, fallbacks, route_of):
    """An alias has rules of its own, and may be gone to."""
    tried = route_of(
        asked, ["gpt-4o", "o1"], fallbacks=fallbacks, model_group_alias={"fast": "gpt-4o"}
    )

    assert ("gpt-4o" in [model for model, _ in tried], tried[-1]) == (True, ("gpt-4.1", "fallback"))


def test_litellms_long_form_of_an_alias_works(route_of):
    """`{"model": ..., "hidden": ...}` means the same."""
    alias = {"fast": {"model": "gpt-4o", "hidden": True}}

    assert route_of("fast", [], model_group_alias=alias) == [("gpt-4o", "first")]


def test_a_fallback_to_another_connection_keeps_its_model(make_client, seoul, usa, ask):
    """`usa/o3` is that connection and that model, whoever else serves it."""
    seoul.faults["*"] = Fault.status(500)
    client = make_client(seoul, usa, fallbacks=[{"seoul/gpt-4o": ["usa/o3"]}])

    assert ask(client, "seoul/gpt-4o").route.served == "usa/o3"


def test_a_too_long_request_goes_to_its_own_fallbacks(make_client, seoul, ask):
    """`context_window_fallbacks` are used for that error, in place of the general ones."""
    seoul.faults["gpt-4o"] = Fault.context_window()
    client = make_client(
        seoul,
        fallbacks=[{"gpt-4o": ["o3"]}],
        context_window_fallbacks=[{"gpt-4o": ["gpt-4.1"]}],
    )

    reply = ask(client)

    assert [each.outcome for each in reply.route.attempts] == ["ContextWindowExceededError", "ok"]
    assert reply.route.served == "seoul/gpt-4.1"


def test_general_fallbacks_do_not_take_too_long_requests(make_client, seoul, ask):
    """Without a rule for it the error is raised at once."""
    seoul.faults["gpt-4o"] = Fault.context_window()
    client = make_client(seoul, fallbacks=[{"gpt-4o": ["o3"]}], default_fallbacks=["o1"])

    with pytest.raises(ContextWindowExceededError) as caught:
        ask(client)

    assert len(seoul.requests) == 1
    assert caught.value.route.attempts[0].outcome == "ContextWindowExceededError"


def test_other_errors_do_not_use_those_fallbacks(make_client, seoul, ask):
    """A failing server goes to the general fallbacks."""
    seoul.faults["gpt-4o"] = Fault.status(500)
    client = make_client(
        seoul,
        fallbacks=[{"gpt-4o": ["o3"]}],
        context_window_fallbacks=[{"gpt-4o": ["gpt-4.1"]}],
        content_policy_fallbacks=[{"gpt-4o": ["gpt-4.1"]}],
    )

    assert ask(client).route.served == "seoul/o3"


def test_a_too_long_request_that_fits_nowhere_says_so(make_client, seoul, ask):
    """The error holds each target's, of the kind that the caller can act on."""
    seoul.faults["*"] = Fault.context_window()
    client = make_client(seoul, context_window_fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client)

    assert [type(each) for each in caught.value.attempts] == [ContextWindowExceededError] * 2
    assert [each.model for each in caught.value.route.attempts] == ["gpt-4o", "gpt-4.1"]


FILTERED = {"refused": Fault.content_filter(), "stopped": Fault.content_filter_stop()}


@pytest.mark.parametrize("how", FILTERED)
def test_a_filtered_request_goes_to_its_own_fallbacks(how, make_client, seoul, ask):
    """Whether the provider refuses with 400, or answers 200 with `finish_reason: content_filter`."""
    seoul.faults["gpt-4o"] = FILTERED[how]
    # One piece is cut to none, so that a stream too is stopped before its first content.
    seoul.replies["gpt-4o"] = "No."
    client = make_client(seoul, content_policy_fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    reply = ask(client)

    assert [each.outcome for each in reply.route.attempts] == ["ContentFilteredError", "ok"]
    assert reply.text == "seoul says: one two three four"


def test_a_filtered_answer_without_a_rule_is_an_answer(make_client, seoul, ask):
    """The text up to the stop is the user's, with the finish reason that says so."""
    seoul.faults["gpt-4o"] = Fault.content_filter_stop()
    client = make_client(seoul, fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    reply = ask(client)

    assert [each.outcome for each in reply.route.attempts] == ["ok"]
    assert "four" not in reply.text


def test_a_filtered_request_without_a_rule_is_raised(make_client, seoul, ask):
    """A 400 of the filter is a refusal of the request."""
    seoul.faults["gpt-4o"] = Fault.content_filter()
    client = make_client(seoul, fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    with pytest.raises(ContentFilteredError):
        ask(client)

    assert len(seoul.requests) == 1


def test_a_stop_after_the_first_content_stays(make_client, seoul):
    """What the user has seen is not taken back: the chunks end with the filter's finish reason."""
    seoul.faults["gpt-4o"] = Fault.content_filter_stop()
    client = make_client(seoul, content_policy_fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    with client.completion("gpt-4o", [{"role": "user", "content": "a b c d"}], True) as stream:
        reasons = [chunk.choices[0].finish_reason for chunk in stream if chunk.choices]

    assert reasons[-1] == "content_filter"
    assert len(seoul.requests) == 1


def test_a_fallback_nobody_serves_is_left_out_with_a_warning(make_client, seoul, usa, ask, caplog):
    """A typing error in a fallback costs that fallback, not the call; the log says which."""
    for region in (seoul, usa):
        region.faults["gpt-4o"] = Fault.status(500)
    client = make_client(
        seoul, usa, num_retries=0, fallbacks=[{"gpt-4o": ["no-such-model", "tokyo/gpt-4o", "o3"]}]
    )

    with caplog.at_level(logging.WARNING, logger="genai_integrations"):
        assert ask(client).route.served == "seoul/o3"

    warnings = [row.getMessage() for row in caplog.records if row.name == "genai_integrations"]
    assert [text.partition(" is left out")[0] for text in warnings] == [
        "the fallback 'no-such-model'",
        "the fallback 'tokyo/gpt-4o'",
    ]
    assert all("\n" not in text for text in warnings)


def test_a_name_nobody_serves_does_not_reach_its_fallbacks(make_client, seoul, usa, ask):
    """The name itself must mean something: a typing error is not papered over."""
    client = make_client(seoul, usa, fallbacks=[{"no-such-model": ["gpt-4o"]}])

    with pytest.raises(UnknownModelError):
        ask(client, "no-such-model")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("gtp-4o-mini", (
            "own/gtp-4o-mini: The model `gtp-4o-mini` does not exist or you do not have access to it; "
            "did you mean 'gpt-4o-mini', "
        )),
        ("zzz", "own/zzz: The model `zzz` does not exist or you do not have access to it. (HTTP 404)"),
        ("gpt-4o", "own/gpt-4o: The model `gpt-4o` does not exist or you do not have access to it. (HTTP 404)"),
    ],
)  # fmt: skip
def test_a_model_that_the_only_server_has_not(model, message, make_client, connect, ask):
    """It is asked for every name; a typing error is told with the nearest names, a model that exists elsewhere is none."""
    with ScriptedProvider("own", models=["mine"]) as own:
        with pytest.raises(NotFoundError) as caught:
            ask(make_client(own, num_retries=0), model)

        assert len(own.requests) == 1
    assert str(caught.value).startswith(message)


def test_resolve_shows_the_fallbacks_behind_the_targets(make_client, seoul, usa):
    """What a call would do can be read without making one."""
    client = make_client(
        seoul, usa, fallbacks=[{"gpt-4o": ["usa/o3", "no-such-model"]}], max_fallbacks=5
    )

    resolution = client.resolve("gpt-4o")

    assert [each.name for each in resolution.targets] == ["seoul/gpt-4o", "usa/gpt-4o", "usa/o3"]
    assert "fallback 'usa/o3'" in resolution.explain()
    assert "fallback 'no-such-model': no connection serves it" in resolution.explain()


@pytest.mark.parametrize(
    ("given", "goes_on"),
    [([400], True), ([BadRequestError], True), ([429], False), (None, False)],
)
def test_fallback_on_of_a_call_wins(given, goes_on, make_client, seoul, usa, ask):
    """`fallback_on` may be set for one call, over the client's."""
    seoul.faults["*"] = Fault.bad_request()
    client = make_client(seoul, usa, fallback_on=[503])

    if goes_on:
        assert ask(client, fallback_on=given).route.served == "usa/gpt-4o"
    else:
        with pytest.raises(BadRequestError):
            ask(client, fallback_on=given)
        assert not usa.requests


def test_what_routes_does_not_reach_the_provider(make_client, seoul, ask):
    """The arguments of a call that route it are ours; the provider sees the others."""
    ours = {"timeout": 9, "stream_timeout": 8, "deadline": 30, "num_retries": 0}
    client = make_client(seoul)

    ask(client, temperature=0.5, user=None, fallback_on=[500], **ours)

    body = seoul.requests[0].body
    assert body["temperature"] == 0.5
    assert set(body) <= {"model", "messages", "temperature", "stream", "stream_options"}
