"""Experiments and rollouts through the client: who answers, what the route says, and what is counted."""

from __future__ import annotations

import asyncio
import json

import pytest

from genai_integrations import Connection, Experiment, GenAIClient, Rollout
from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    ConfigurationError,
    StreamInterruptedError,
)
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def connection(provider):
    """The connection of all targets."""
    return Connection.of("home", "openai", "sk-example", f"{provider.url}/v1")


@pytest.fixture
def make(connection):
    """Make a client with these arguments."""

    def make(**router_args):
        given = {"num_retries": 0, **router_args}
        return GenAIClient(connections=[connection], router_args=given)

    return make


@pytest.fixture
def rolling(make):
    """A client with a rollout that gives every call to the new model."""

    def rolling(**fields):
        given = {"old": "gpt-4o", "new": "gpt-5", "steps": [1.0], "min_calls": 50, **fields}
        return make(rollouts=[Rollout("smart", **given)])

    return rolling


def test_a_caller_gets_the_same_variant_each_time(make, provider):
    """By `user`; the route has the variant and says why, in the record too."""
    client = make(experiments=[Experiment("ab", {"gpt-4o": 0.5, "gpt-4o-mini": 0.5})])
    routes = {
        user: {client.completion("ab", HELLO, user=user).route.served for _ in range(3)}
        for user in ("ann", "bob", "cho", "dan", "eve")
    }
    route = client.completion("ab", HELLO, user="ann").route

    assert routes == {
        "ann": {"home/gpt-4o-mini"},
        "bob": {"home/gpt-4o"},
        "cho": {"home/gpt-4o-mini"},
        "dan": {"home/gpt-4o"},
        "eve": {"home/gpt-4o"},
    }
    assert route.why == "experiment 'ab': 'gpt-4o-mini', which gets 50 %, by user"
    assert route.as_dict()["variant"] == {
        "of": "ab",
        "assigned": "gpt-4o-mini",
        "served": "gpt-4o-mini",
        "by": "user",
    }
    assert provider.requests[-1].body["model"] == "gpt-4o-mini"


def test_a_plain_name_has_no_variant(make):
    """Nor a key in its record."""
    client = make(experiments=[Experiment("ab", {"gpt-4o": 1})])
    route = client.completion("gpt-4o", HELLO).route

    assert route.variant is None
    assert "variant" not in route.as_dict()


def test_a_call_that_does_not_say_who_asks_is_assigned_at_random(make):
    """And says so, with what was looked for."""
    client = make(experiments=[Experiment("ab", {"gpt-4o": 1}, by="tenant")])
    route = client.completion("ab", HELLO, user="ann").route
    told = client.completion("ab", HELLO, metadata={"tenant": "acme"}).route

    assert (route.variant.by, told.variant.by) == ("random", "tenant")
    assert (
        route.why
        == "experiment 'ab': 'gpt-4o', which gets 100 %, at random, because no tenant is given"
    )


@pytest.mark.parametrize(
    "fault",
    [Fault.status(500), Fault.status(401), Fault.status(400), Fault.status(404), Fault.empty()],
)
def test_where_the_new_model_fails_the_old_one_answers_at_once(rolling, provider, fault):
    """Whatever is wrong, the request's own fault too, for the old model may take it; each counts against the new one."""
    provider.faults["gpt-5"] = fault
    client = rolling()
    reply = client.completion("smart", HELLO, user="ann")
    variant, rollout = reply.route.variant, client.rollout("smart")

    assert (variant.assigned, variant.served) == ("gpt-5", "gpt-4o")
    assert [row.target for row in reply.route.attempts] == ["home/gpt-5", "home/gpt-4o"]
    assert (rollout.new.calls, rollout.new.failed, rollout.old.calls) == (1, 1, 0)


def test_while_the_new_model_cools_down_the_old_one_answers(rolling, provider):
    """It is not asked, and that counts as its failure; with that it is rolled back."""
    provider.faults["gpt-5"] = Fault.status(503)
    client = rolling()
    for _ in range(3):
        reply = client.completion("smart", HELLO)
    models = [request.body["model"] for request in provider.requests]

    assert models == ["gpt-5", "gpt-4o", "gpt-4o", "gpt-4o"]
    assert client.rollout("smart").state == "rolled_back"
    assert client.rollout("smart").new.failed == 2
    assert reply.route.variant.assigned == "gpt-4o"


def test_calls_that_find_the_new_model_cooling_take_it_back(rolling, provider):
    """It was asked once, and would answer again; but it did not answer those calls, and its limit says how many it may
    leave."""
    provider.faults["gpt-5"] = Fault.status(503, times=1)
    client = rolling(max_error_rate=0.2)
    routes = [client.completion("smart", HELLO).route for _ in range(6)]

    assert [route.variant.assigned for route in routes] == ["gpt-5"] * 4 + ["gpt-4o"] * 2
    assert {route.variant.served for route in routes} == {"gpt-4o"}
    assert [request.body["model"] for request in provider.requests].count("gpt-5") == 1
    assert client.rollout("smart").audit[-1].why.startswith("the error rate is 100 %, above 20 %")


def test_a_request_that_neither_takes_is_refused_as_without_a_rollout(rolling, provider):
    """With the old model's own error, and nothing is counted: it says nothing of the new one."""
    provider.faults["*"] = Fault.status(400)
    client = rolling()
    with pytest.raises(BadRequestError) as caught:
        client.completion("smart", HELLO)

    assert caught.value.model == "gpt-4o"
    assert client.rollout("smart").new.calls == 0


def test_an_outage_of_all_counts_for_none(rolling, provider):
    """Neither of the two could answer."""
    provider.faults["*"] = Fault.status(500)
    client = rolling()
    with pytest.raises(AllTargetsFailedError):
        client.completion("smart", HELLO)

    assert client.rollout("smart").new.calls == 0


def test_a_new_model_that_nobody_serves_is_a_failure_too(provider):
    """The old one answers, and the rollout goes back; it says why."""
    row = Connection.of("home", "anthropic", "sk-example", provider.url)
    rollout = Rollout("smart", old="claude-sonnet-4-5", new="gpt-5", steps=[1.0])
    client = GenAIClient(connections=[row], router_args={"rollouts": [rollout]})
    route = client.completion("smart", HELLO).route
    client.completion("smart", HELLO)

    assert (
        route.why
        == "rollout 'smart': 'gpt-5', which gets 100 %, at random, because no user is given; no connection serves 'gpt-5'"
    )
    assert route.variant.served == "claude-sonnet-4-5"
    assert client.rollout("smart").new.failed == 2


def test_a_rollout_may_have_the_old_models_name(make, provider):
    """So that no call has to change."""
    client = make(rollouts=[Rollout("gpt-4o", old="gpt-4o", new="gpt-5", steps=[1.0], min_calls=2)])
    served = [client.completion("gpt-4o", HELLO).route.served for _ in range(3)]
    client.rollout("gpt-4o").roll_back("it is Friday")

    assert served == ["home/gpt-5"] * 3
    assert client.completion("gpt-4o", HELLO).route.served == "home/gpt-4o"


def test_streams_count_too(rolling, provider):
    """By the time to their first content; one that breaks off counts as a failure."""
    client = rolling()
    whole = client.completion("smart", HELLO, True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in whole if chunk.choices)
    rollout = client.rollout("smart")

    assert text == "provider says: Hello!"
    assert whole.route.variant.served == "gpt-5"
    assert (rollout.new.calls, rollout.new.failed) == (1, 0)
    assert 0 < rollout.new.latency < 60


def test_the_async_client_counts_alike(rolling):
    """One driver more, no logic more."""
    client = rolling()
    reply = asyncio.run(client.acompletion("smart", HELLO, user="ann"))

    assert reply.route.variant.served == "gpt-5"
    assert client.rollout("smart").new.calls == 1


def test_a_rule_may_lead_to_a_rollout(make):
    """The reasons of both are told, and the call is counted."""
    client = make(
        rollouts=[Rollout("smart", old="gpt-4o", new="gpt-5", steps=[1.0])],
        conditions=[{"if": {"metadata.tier": "free"}, "then": "smart"}],
    )
    route = client.completion("gpt-4o", HELLO, user="ann", metadata={"tier": "free"}).route

    assert route.served == "home/gpt-5"
    assert route.why.endswith("rollout 'smart': 'gpt-5', which gets 100 %, by user")
    assert client.rollout("smart").new.calls == 1


def test_a_new_model_may_be_a_choice_or_a_cascade(make, provider):
    """Any of its models stands for it, and behind all of them is the old one."""
    provider.faults |= {"gpt-5": Fault.status(500), "gpt-5-mini": Fault.status(500)}
    client = make(
        cascades={"thrifty": {"models": ["gpt-5-mini", "gpt-5"], "accept": lambda _: False}},
        rollouts=[Rollout("smart", old="gpt-4o", new="thrifty", steps=[1.0])],
    )
    failed = client.completion("smart", HELLO, user="ann").route
    provider.faults.clear()
    client = make(
        cascades={"thrifty": {"models": ["gpt-4.1-mini", "gpt-4.1"], "accept": lambda _: False}},
        rollouts=[Rollout("smart", old="gpt-4o", new="thrifty", steps=[1.0])],
    )
    served = client.completion("smart", HELLO, user="ann").route

    assert [row.model for row in failed.attempts] == ["gpt-5-mini", "gpt-5", "gpt-4o"]
    assert (failed.variant.assigned, failed.variant.served) == ("thrifty", "gpt-4o")
    assert [row.model for row in served.attempts] == ["gpt-4.1-mini", "gpt-4.1"]
    assert (served.variant.assigned, served.variant.served) == ("thrifty", "thrifty")
    assert client.rollout("smart").new.failed == 0


def test_a_request_that_the_new_model_cannot_do_goes_to_the_old_one(make):
    """It is known beforehand, so nobody is asked in vain; the new model has not answered it."""
    client = make(rollouts=[Rollout("smart", old="gpt-4o", new="gpt-3.5-turbo", steps=[1.0])])
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    route = client.completion("smart", [{"role": "user", "content": [part]}], user="ann").route

    assert [row.model for row in route.attempts] == ["gpt-4o"]
    assert (route.variant.assigned, route.variant.served) == ("gpt-3.5-turbo", "gpt-4o")
    assert client.rollout("smart").new.failed == 1


def test_embeddings_have_variants(make):
    """The same names."""
    small = "text-embedding-3-small"
    client = make(experiments=[Experiment("vectors", {small: 1})])

    assert client.embedding("vectors", ["a"], user="ann").route.variant.served == small


def test_costs_are_counted_where_they_are_limited(rolling):
    """The scripted tokens of a model whose price is known."""
    client = rolling(new="gpt-4o-mini", max_cost=1e-9)
    for _ in range(3):
        client.completion("smart", HELLO)
    rollout = client.rollout("smart")

    assert rollout.state == "rolled_back"
    assert "the mean cost is" in rollout.audit[-1].why


def test_scores_come_with_replies(rolling):
    """Of whole replies and of streams."""
    client = rolling(score="quality")
    client.rollout("smart").score(client.completion("smart", HELLO), 0.5)
    stream = client.completion("smart", HELLO, True)
    list(stream)
    client.rollout("smart").score(stream, True)

    assert (client.rollout("smart").new.scores, client.rollout("smart").new.score) == (2, 0.75)


def test_resolve_names_the_targets_of_all_variants(make):
    """The one that gets more calls first, and which variant each is of."""
    client = make(
        experiments=[Experiment("ab", {"gpt-4o": 0.5, "gpt-4o-mini": 0.5})],
        rollouts=[Rollout("smart", old="gpt-4o", new="gpt-5", steps=[0.1])],
    )
    targets = [(row.name, row.why[:17]) for row in client.resolve("smart").targets]

    assert targets == [("home/gpt-4o", "variant 'gpt-4o':"), ("home/gpt-5", "variant 'gpt-5': ")]
    assert [row.name for row in client.resolve("ab").targets] == ["home/gpt-4o", "home/gpt-4o-mini"]
    assert client.profile("smart").known


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {
                "experiments": [Experiment("x", {"a": 1})],
                "rollouts": [Rollout("x", old="a", new="b")],
            },
            "'x' is the name of an experiment and of a rollout",
        ),
        (
            {
                "experiments": [Experiment("x", {"y": 1})],
                "rollouts": [Rollout("y", old="a", new="b")],
            },
            "'x' gives calls to 'y', which is an experiment or a rollout",
        ),
        (
            {
                "rollouts": [Rollout("y", old="a", new="b")],
                "fallbacks": [{"gpt-4o": ["gpt-4o-mini", "y"]}],
            },
            "router_args['fallbacks'] leads to 'y', which is an experiment or a rollout: name a model",
        ),
        (
            {
                "experiments": [Experiment("y", {"a": 1})],
                "model_group_alias": {"fast": "y"},
            },
            "router_args['model_group_alias'] leads to 'y'",
        ),
        (
            {"redis_url": "redis://localhost", "state_file": "x.json"},
            "router_args has a Redis server and a state_file",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(make, args, said):
    """When the client is made."""
    with pytest.raises(ConfigurationError) as caught:
        make(**args)
    assert str(caught.value).startswith(said)


def test_an_unknown_rollout_is_refused(make):
    """With the names that there are."""
    with pytest.raises(
        ConfigurationError, match="there is no rollout 'x': router_args has no roll"
    ):
        make().rollout("x")
    with pytest.raises(ConfigurationError, match="there is no rollout 'x'; router_args has 'y'"):
        make(rollouts=[Rollout("y", old="a", new="b")]).rollout("x")


def test_a_stream_that_breaks_off_is_a_failure_of_the_new_model(rolling, provider):
    """The caller has part of its answer, so nobody else can give the rest."""
    provider.faults["gpt-5"] = Fault.cut(after=2)
    client = rolling()
    with pytest.raises(StreamInterruptedError):
        list(client.completion("smart", HELLO, True))

    assert (client.rollout("smart").new.calls, client.rollout("smart").new.failed) == (1, 1)


def test_a_stream_that_the_caller_leaves_is_an_answer(rolling):
    """It had its first content."""
    client = rolling()
    with client.completion("smart", HELLO, True) as stream:
        next(stream)

    assert (client.rollout("smart").new.calls, client.rollout("smart").new.failed) == (1, 0)


def test_the_fallbacks_of_the_old_model_hold(make, provider):
    """Behind the old model, as without a rollout; and a fallback that has the rollout's name means the model."""
    provider.faults |= {"gpt-5": Fault.status(500), "gpt-4o": Fault.status(500)}
    client = make(
        rollouts=[Rollout("gpt-4o", old="gpt-4o", new="gpt-5", steps=[1.0])],
        fallbacks=[{"gpt-4o": ["gpt-4o-mini"]}, {"other": ["gpt-4o"]}],
    )
    route = client.completion("gpt-4o", HELLO).route

    assert [row.model for row in route.attempts] == ["gpt-5", "gpt-4o", "gpt-4o-mini"]
    assert (route.variant.assigned, route.variant.served) == ("gpt-5", "home/gpt-4o-mini")
    assert client.rollout("gpt-4o").new.failed == 1


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("with_sdk", [False, True])
def test_langfuse_is_told_the_variant_and_tells_scores(connection, langfuse, with_sdk):
    """As metadata of the generation, a key each; and a score of its trace counts, once, for the model that answered."""
    rollout = Rollout("smart", old="gpt-4o", new="gpt-5", steps=[1.0], score="quality")
    client = GenAIClient(
        langfuse.public_key,
        langfuse.secret_key,
        langfuse.host,
        connections=[connection],
        router_args={"rollouts": [rollout]},
    )
    if with_sdk:
        client.langfuse.auth_check()
    route = client.completion("smart", HELLO, user="ann", metadata={"tier": "free"}).route
    client.flush()
    told = langfuse.spans[-1]["attributes"]
    start = "langfuse.observation.metadata."
    langfuse.scores += [
        {"id": "1", "name": "quality", "traceId": route.trace_id, "value": 0.25},
        {"id": "2", "name": "other", "traceId": route.trace_id, "value": 0.75},
        {"id": "3", "name": "quality", "traceId": "of-nobody", "value": 0.75},
    ]
    track = client.rollout("smart")
    track.refresh()
    track.refresh()

    assert route.trace_id == langfuse.spans[-1]["trace_id"]
    assert {
        name: json.loads(told[start + name])
        for name in ("variant_of", "variant", "variant_served", "tier")
    } == {
        "variant_of": "smart",
        "variant": "gpt-5",
        "variant_served": "gpt-5",
        "tier": "free",
    }
    assert (track.new.scores, track.new.score) == (1, 0.25)
