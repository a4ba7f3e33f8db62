"""Features that meet in one call keep what each of them promises."""

from __future__ import annotations

import pytest

from genai_integrations import Experiment, GenAIClient, Rollout
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
EACH_OTHERS = [{"seoul/gpt-4o": ["usa/gpt-4o"]}, {"usa/gpt-4o": ["seoul/gpt-4o"]}]
"""Either target stands in for the other, so both names lead to the same targets."""


@pytest.fixture
def make(connect, seoul, usa):
    """Make a client of both regions that keeps answers."""
    clients = []

    def make(**router_args):
        connections = [connect(seoul), connect(usa)]
        client = GenAIClient(connections=connections, router_args=router_args, cache="memory")
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_kept_answer_is_given_to_the_same_variant_only(make):
    """Also where each variant falls back to the other one, so that both may be answered by the same targets."""
    variants = {"seoul/gpt-4o": 0.5, "usa/gpt-4o": 0.5}
    client = make(experiments=[Experiment("ab", variants)], fallbacks=EACH_OTHERS)

    routes = [client.completion("ab", QUESTION, langfuse_user_id=str(n)).route for n in range(12)]

    assert {row.variant.assigned for row in routes} == {"seoul/gpt-4o", "usa/gpt-4o"}
    assert all(row.variant.assigned == row.variant.served for row in routes)
    assert sum(not row.cached for row in routes) == 2


def test_a_kept_answer_is_given_where_the_same_condition_leads(make):
    """Who is led to another model does not get the kept answer of the first."""
    rules = [{"if": {"user": "ann"}, "then": "usa/gpt-4o"}]
    client = make(conditions=rules, fallbacks=EACH_OTHERS)

    bob, ann, again = (
        client.completion("seoul/gpt-4o", QUESTION, langfuse_user_id=user).route
        for user in ("bob", "ann", "ann")
    )

    assert (bob.served, ann.served, again.served) == ("seoul/gpt-4o", "usa/gpt-4o", "usa/gpt-4o")
    assert (ann.cached, again.cached) == (False, True)


def test_what_is_kept_of_a_stream_that_began_anew_is_the_whole_answer(make, seoul):
    """And not the pieces of the one that broke."""
    seoul.faults["*"] = Fault.cut(2)
    client = make(stream_recovery="restart")
    assert "usa says" in text_of(client.completion("gpt-4o", QUESTION, stream=True))

    kept = client.completion("gpt-4o", QUESTION, stream=True)

    assert text_of(kept) == "usa says: one two three four"
    assert kept.route.cached


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_rehearsal_says_nothing_of_a_new_model_where_that_would_stay(is_kept, make, tmp_path):
    """Its failures are made up; where nothing is shared, one may watch how a rollout goes back."""
    rollout = Rollout(
        "smart",
        old="usa/gpt-4o",
        new="seoul/gpt-4o",
        steps=[1.0],
        min_calls=50,
        max_error_rate=0.05,
    )
    place = {"state_file": str(tmp_path / "state.json")} if is_kept else {}
    client = make(rollouts=[rollout], num_retries=0, **place)

    with client.outage("seoul"):
        for number in range(20):
            question = [{"role": "user", "content": str(number)}]
            assert client.completion("smart", question).route.served == "usa/gpt-4o"

    assert client.rollout("smart").state == ("running" if is_kept else "rolled_back")
    assert (client.rollout("smart").new.calls == 0) is is_kept


def test_a_reader_of_anothers_stream_begins_anew_too(make, seoul):
    """Two calls read one stream, and it breaks: each gets a whole answer, for each had asked for that."""
    seoul.faults["*"] = Fault.cut(2)
    client = make(stream_recovery="restart")
    first = client.completion("gpt-4o", QUESTION, stream=True)
    second = client.completion("gpt-4o", QUESTION, stream=True)
    assert second.route.cached

    texts = [text_of(stream) for stream in (first, second)]

    assert [text.removeprefix("seoul says:") for text in texts] == [
        "usa says: one two three four",
        "usa says: one two three four",
    ]
    assert [row.reason for row in second.route.attempts] == ["cache", "restart"]
    assert (second.route.served, second.route.cached) == ("usa/gpt-4o", False)


def test_a_cascades_last_model_streams_anew_and_no_other_is_asked_again(make, seoul, usa):
    """What the program has rejected it would reject again."""
    usa.faults["*"] = Fault.cut(2)
    row = {"models": ["seoul/gpt-4o", "usa/gpt-4o"], "accept": lambda reply: False}
    client = make(cascades={"thrifty": row}, stream_recovery="restart")
    stream = client.completion("thrifty", QUESTION, stream=True)
    chunks = iter(stream)
    next(chunks)
    usa.faults.clear()
    text_of(chunks)

    assert [(row.target, row.reason, row.outcome) for row in stream.route.attempts] == [
        ("seoul/gpt-4o", "first", "RejectedAnswerError"),
        ("usa/gpt-4o", "fallback", "StreamInterruptedError"),
        ("usa/gpt-4o", "restart", "ok"),
    ]


@pytest.mark.parametrize(
    "variants",
    [
        {"experiments": [Experiment("ab", {"seoul/gpt-4o": 1})]},
        {"rollouts": [Rollout("ab", old="seoul/gpt-4o", new="seoul/gpt-5")]},
    ],
    ids=["experiment", "rollout"],
)
def test_the_name_of_an_experiment_has_fallbacks_of_its_own(variants, make, seoul):
    """Behind those of its models; `resolve` says the same."""
    seoul.faults["*"] = Fault.status(500)
    client = make(**variants, fallbacks=[{"ab": ["usa/gpt-4o"]}], num_retries=0)

    assert client.completion("ab", QUESTION).route.served == "usa/gpt-4o"
    assert [row.why for row in client.resolve("ab").targets][-1] == (
        "fallback 'usa/gpt-4o': the connection is named"
    )
