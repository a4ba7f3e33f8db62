"""Which model is asked: rules, what a request needs, a choice, a cascade; in all four ways to call."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import (
    AllTargetsFailedError,
    CapabilityError,
    ConfigurationError,
    ContextWindowExceededError,
    RejectedAnswerError,
    UnknownModelError,
)
from genai_integrations.testing.faults import Fault

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SEEN = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]}]
KOREAN = [{"role": "user", "content": "리스트를 정렬하려면 어떻게 하나요?"}]
SCHEMA = {
    "type": "object",
    "properties": {"dish": {"type": "string"}},
    "required": ["dish"],
    "additionalProperties": False,
}
FORM = {
    "type": "json_schema",
    "json_schema": {"name": "menu", "strict": True, "schema": SCHEMA},
}


def models(server):
    """The models that a server was asked for, in order."""
    return [request.model for request in server.requests]


# Rules.


def test_the_first_rule_that_holds_counts(make_client, seoul, ask):
    """A call goes to the name it leads to, with the reason in the route."""
    rules = [
        {"if": {"metadata.tier": "free", "language": "ko"}, "then": "gpt-4o-mini"},
        {"if": {"metadata.tier": "free"}, "then": "gpt-4.1-mini"},
    ]
    client = make_client(seoul, conditions=rules)

    assert ask(client, messages=KOREAN, metadata={"tier": "free"}).route.served == (
        "seoul/gpt-4o-mini"
    )
    route = ask(client, metadata={"tier": "free"}).route
    assert (route.asked, route.served) == ("gpt-4o", "seoul/gpt-4.1-mini")
    assert route.why == "conditions[1] leads to 'gpt-4.1-mini': metadata.tier is 'free'"
    assert ask(client, metadata={"tier": "paid"}).route.served == "seoul/gpt-4o"
    assert ask(client).route.why == "its provider serves the family"


def test_rules_see_the_whole_request(make_client, seoul, ask):
    """The model asked for, the user, the size, the needs, the parameters, and whether it streams."""
    rules = [
        {"if": {"model": "o3"}, "then": "seoul/by-model"},
        {"if": {"user": {"$regex": "^ann"}}, "then": "seoul/by-user"},
        {"if": {"input_tokens": {"$gt": 1000}}, "then": "seoul/by-size"},
        {"if": {"needs": "vision"}, "then": "seoul/by-need"},
        {"if": {"params.temperature": {"$gte": 1}}, "then": "seoul/by-parameter"},
    ]
    client = make_client(seoul, conditions=rules)
    long = [{"role": "user", "content": "word " * 1000}]

    served = [
        ask(client, "o3").route.served,
        ask(client, user="ann").route.served,
        ask(client, langfuse_user_id="anna").route.served,
        ask(client, messages=long).route.served,
        ask(client, messages=SEEN).route.served,
        ask(client, temperature=1.0).route.served,
        ask(client, temperature=0.5).route.served,
    ]

    assert [name.removeprefix("seoul/") for name in served] == [
        "by-model", "by-user", "by-user", "by-size", "by-need", "by-parameter", "gpt-4o"
    ]  # fmt: skip


def test_rules_leave_embeddings_and_test_calls_alone(make_client, seoul):
    """They are about chats; a connection's test call is for that connection."""
    client = make_client(seoul, conditions=[{"if": {}, "then": "o3"}])

    assert client.embedding("text-embedding-3-small", "Hi").route.served == (
        "seoul/text-embedding-3-small"
    )
    assert client.check("seoul").ok
    assert "o3" not in models(seoul)


def test_a_rule_that_leads_nowhere_says_so(make_client, connect, seoul, ask):
    """As any name that nobody serves."""
    only = connect(seoul, custom_models=("gpt-4o",), with_default_models=False)
    client = make_client(only, conditions=[{"if": {}, "then": "no-such-model"}])

    with pytest.raises(UnknownModelError, match="no-such-model"):
        ask(client)


# What a request needs.


def test_a_target_that_cannot_is_not_asked(make_client, connect, seoul, usa, ask):
    """Its fallback can, so that is asked at once, and the route says why."""
    client = make_client(seoul, fallbacks=[{"gpt-3.5-turbo": ["gpt-4o"]}])

    route = ask(client, "gpt-3.5-turbo", messages=SEEN).route

    assert route.served == "seoul/gpt-4o"
    assert route.why == "needs vision: 1 of 2 targets"
    assert models(seoul) == ["gpt-4o"]
    assert ask(client, "gpt-3.5-turbo").route.served == "seoul/gpt-3.5-turbo"


def test_what_nobody_can_is_refused_before_anybody_is_asked(make_client, seoul, ask):
    """The error says which need, and who lacks it."""
    client = make_client(seoul, fallbacks=[{"gpt-4": ["o1-mini"]}])

    with pytest.raises(CapabilityError) as caught:
        ask(client, "gpt-4", messages=SEEN)

    assert str(caught.value) == (
        "'gpt-4' is asked for vision, which none of its targets supports (seoul/gpt-4 lacks vision; seoul/o1-mini lacks "
        "vision): ask another model, add one to fallbacks, or correct router_args['capabilities']"
    )
    assert seoul.requests == []


def test_a_model_that_nobody_knows_is_asked(make_client, seoul, ask):
    """What is not known passes."""
    client = make_client(seoul)

    assert ask(client, "seoul/my-own-model", messages=SEEN).route.served == "seoul/my-own-model"


def test_a_program_knows_its_models_better(make_client, seoul, ask):
    """In both directions, by a model's id or a target's name; the target's name wins."""
    can = {"gpt-3.5-turbo": {"vision": True}, "mine": {"vision": False}}
    client = make_client(seoul, capabilities=can)

    assert ask(client, "seoul/gpt-3.5-turbo", messages=SEEN).route.served == "seoul/gpt-3.5-turbo"
    with pytest.raises(CapabilityError):
        ask(client, "seoul/mine", messages=SEEN)
    better = make_client(seoul, capabilities={**can, "seoul/mine": {}})
    assert ask(better, "seoul/mine").route.served == "seoul/mine"


def test_a_schema_is_said_otherwise_to_who_does_not_enforce_it(make_client, seoul, ask):
    """So a lone target is asked all the same; without leave to say it otherwise it is not."""
    seoul.replies["*"] = '{"dish": "kimchi"}'
    client = make_client(seoul)

    assert ask(client, "gpt-4", response_format=FORM).text == '{"dish": "kimchi"}'
    with pytest.raises(CapabilityError, match="json_schema"):
        ask(client, "gpt-4", response_format=FORM, drop_params=False)


def test_a_target_with_room_is_preferred(make_client, connect, seoul, usa, ask):
    """Among those of one name, by the estimate; a short request goes to the first."""
    long = [{"role": "user", "content": "word " * 8_000}]
    windows = {"seoul/small": {"max_input_tokens": 8000}}
    small = connect(seoul, custom_models=("small",), with_default_models=False)
    large = connect(usa, custom_models=("small",), with_default_models=False)
    client = make_client(small, large, capabilities=windows)

    assert ask(client, "small").route.served == "seoul/small"
    route = ask(client, "small", messages=long).route
    assert (route.served, route.why) == ("usa/small", "needs room: 1 of 2 targets")


def test_an_estimate_alone_refuses_nothing(make_client, seoul, ask):
    """The provider knows better than four bytes a token, unless that is far beyond doubt."""
    client = make_client(seoul, capabilities={"small": {"max_input_tokens": 8000}})
    long = [{"role": "user", "content": "word " * 8_000}]
    endless = [{"role": "user", "content": "word " * 30_000}]

    assert ask(client, "seoul/small", messages=long).route.served == "seoul/small"
    with pytest.raises(ContextWindowExceededError, match="about 37506 tokens"):
        ask(client, "seoul/small", messages=endless)
    assert models(seoul) == ["small"]


def test_what_is_beyond_doubt_too_long_goes_to_its_fallbacks(make_client, seoul, ask):
    """`context_window_fallbacks`, without asking the target first."""
    client = make_client(
        seoul,
        capabilities={"small": {"max_input_tokens": 8000}},
        context_window_fallbacks=[{"seoul/small": ["gpt-4.1"]}],
    )
    endless = [{"role": "user", "content": "word " * 30_000}]

    assert ask(client, "seoul/small", messages=endless).route.served == "seoul/gpt-4.1"
    assert models(seoul) == ["gpt-4.1"]


# Auto.


def test_the_cheapest_is_chosen(make_client, seoul, ask):
    """By the price map; the others follow if it fails."""
    client = make_client(seoul, auto={"models": ["gpt-4o", "gpt-4o-mini"], "prefer": "cheapest"})

    route = ask(client, "auto").route
    assert route.served == "seoul/gpt-4o-mini"
    assert re.fullmatch(r"cheapest of 2: seoul/gpt-4o-mini \(\$0\.00018\d expected\)", route.why)
    assert (route.asked, route.attempts[0].reason) == ("auto", "first")

    seoul.faults["gpt-4o-mini"] = Fault.status(500)
    attempts = ask(client, "auto").route.attempts
    assert [(row.model, row.reason) for row in attempts] == [
        ("gpt-4o-mini", "first"),
        ("gpt-4o", "fallback"),
    ]


def test_a_choice_is_among_those_that_can(make_client, seoul, ask):
    """An image goes to the cheapest that sees, and a long request to the cheapest with room."""
    client = make_client(seoul, auto={"models": ["gpt-4o", "gpt-3.5-turbo", "gpt-4"]})
    long = [{"role": "user", "content": "word " * 20_000}]

    assert ask(client, "auto").route.served == "seoul/gpt-3.5-turbo"
    assert ask(client, "auto", messages=long).route.served == "seoul/gpt-4o"
    assert ask(client, "auto", response_format=FORM).route.served == "seoul/gpt-4o"
    route = ask(client, "auto", messages=SEEN).route
    assert route.served == "seoul/gpt-4o"
    assert route.why.startswith("cheapest of 1: seoul/gpt-4o ($0.00")


def test_who_hardly_can_comes_after_who_may(make_client, seoul, ask):
    """Sound goes to a model that is not known to be deaf; with no such model the provider decides."""
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    heard = [{"role": "user", "content": [{"type": "text", "text": "What is said?"}, sound]}]
    client = make_client(seoul, auto={"models": ["gpt-4o-mini", "gpt-4o-audio-preview"]})

    assert ask(client, "auto", messages=heard).route.served == "seoul/gpt-4o-audio-preview"
    assert ask(client, "gpt-4o", messages=heard).route.served == "seoul/gpt-4o"


def test_fallbacks_of_a_choice_follow_it(make_client, seoul, usa, ask):
    """Each target once, whichever list it is in first."""
    for server in (seoul, usa):
        server.faults["*"] = Fault.status(500)
    client = make_client(
        seoul,
        usa,
        num_retries=0,
        auto={"models": ["seoul/gpt-4o"]},
        fallbacks=[{"auto": ["gpt-4o", "o3"]}],
    )

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client, "auto")

    tried = [(row.target, row.reason) for row in caught.value.route.attempts]
    assert tried[:2] == [("seoul/gpt-4o", "first"), ("usa/gpt-4o", "fallback")]
    assert {name for name, _ in tried[2:]} == {"seoul/o3", "usa/o3"}


def test_a_choice_of_none_is_refused(make_client, seoul, ask):
    """When no model can do what is needed."""
    client = make_client(seoul, auto={"models": ["gpt-4", "gpt-3.5-turbo"]})

    with pytest.raises(CapabilityError, match="'auto' is asked for vision"):
        ask(client, "auto", messages=SEEN)


def test_the_cheapest_is_so_for_the_request(make_client, seoul, ask):
    """A row's own price counts, and a long prompt where input is cheap costs less than where output is."""
    rows = [
        {"model_name": name, "litellm_params": {"model": f"seoul/{name}", **prices}}
        for name, prices in {
            "reads": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-4},
            "writes": {"input_cost_per_token": 1e-5, "output_cost_per_token": 1e-6},
        }.items()
    ]
    client = make_client(seoul, model_list=rows, auto={"models": ["reads", "writes"]})
    long = [{"role": "user", "content": "word " * 8_000}]

    assert ask(client, "auto").route.served.endswith("/writes")
    assert ask(client, "auto", messages=long).route.served.endswith("/reads")


def test_a_model_without_a_price_comes_last(make_client, seoul, ask):
    """Nobody knows that it is cheap."""
    client = make_client(seoul, auto={"models": ["seoul/mine", "gpt-4o"]})

    assert ask(client, "auto").route.served == "seoul/gpt-4o"


def test_the_fastest_is_found_by_asking_each_once(make_client, seoul, usa, ask):
    """Those that were never measured come first, in their order; then the one that answers soonest."""
    auto = {"models": ["usa/one", "seoul/two"], "prefer": "fastest"}
    client = make_client(seoul, usa, auto=auto)

    routes = [ask(client, "auto").route for _ in range(3)]

    assert [row.served for row in routes[:2]] == ["usa/one", "seoul/two"]
    assert routes[0].why == "fastest of 2: usa/one (not measured yet)"
    assert re.fullmatch(rf"fastest of 2: {routes[2].served} \(\S+ s expected\)", routes[2].why)


def test_the_best_is_chosen_by_scores(make_client, seoul, ask):
    """The program's own, such as those of compare()."""
    quality = {"gpt-4o": 0.93, "gpt-4o-mini": 0.71, "other": 1}
    auto = {"models": ["gpt-4o-mini", "gpt-4o"], "prefer": "best", "quality": quality}

    route = ask(make_client(seoul, auto=auto), "auto").route

    assert route.served == "seoul/gpt-4o"
    assert route.why == "best of 2: seoul/gpt-4o (quality 0.93)"


def test_two_places_of_the_chosen_model_are_tried_in_turn(make_client, seoul, usa, ask):
    """Connections that serve it at one price are equals: the second is its failover."""
    seoul.faults["gpt-4o-mini"] = Fault.status(500)
    client = make_client(seoul, usa, auto={"models": ["gpt-4o", "gpt-4o-mini"]})

    attempts = ask(client, "auto").route.attempts

    assert [(row.target, row.reason) for row in attempts] == [
        ("seoul/gpt-4o-mini", "first"),
        ("usa/gpt-4o-mini", "failover"),
    ]


def test_a_model_that_nobody_serves_is_left_out_of_the_choice(
    make_client, connect, seoul, ask, caplog
):
    """With a warning; when nobody serves any, that is said."""
    only = connect(seoul, custom_models=("gpt-4o",), with_default_models=False)
    client = make_client(only, auto={"models": ["claude-sonnet-4-5", "gpt-4o"]})

    assert ask(client, "auto").route.why.startswith("cheapest of 1: seoul/gpt-4o")
    assert "'claude-sonnet-4-5' is left out of 'auto'" in caplog.text
    with pytest.raises(UnknownModelError, match="no connection serves any model of 'auto'"):
        ask(make_client(only, auto={"models": ["claude-sonnet-4-5"]}), "auto")


def test_auto_without_its_argument_says_which():
    """A name that many know deserves a word."""
    client = GenAIClient(connections=[Connection.of("seoul", "openai", "sk-1")])

    with pytest.raises(UnknownModelError, match=r"router_args\['auto'\] says what it chooses from"):
        client.completion("auto", KOREAN)


def test_auto_may_be_an_alias_a_rule_and_a_fallback(make_client, seoul, ask):
    """It is a name as any other."""
    seoul.faults["o3"] = Fault.status(500)
    client = make_client(
        seoul,
        num_retries=0,
        auto={"models": ["gpt-4o", "gpt-4o-mini"]},
        model_group_alias={"smart": "auto"},
        conditions=[{"if": {"language": "ko"}, "then": "auto"}],
        fallbacks=[{"o3": ["auto"]}],
    )

    assert ask(client, "smart").route.served == "seoul/gpt-4o-mini"
    route = ask(client, messages=KOREAN).route
    assert route.why.startswith(
        "conditions[0] leads to 'auto': language is 'ko'; cheapest of 2: seoul/gpt-4o-mini ($"
    )
    assert ask(client, "o3").route.served == "seoul/gpt-4o-mini"


def test_resolve_explains_a_choice_and_a_cascade(make_client, seoul):
    """In the order in which they would be asked, with the reasons."""
    client = make_client(
        seoul,
        auto={"models": ["gpt-4o", "gpt-4o-mini"]},
        cascades={"thrifty": {"models": ["gpt-4o-mini", "gpt-4o"], "accept": bool}},
        fallbacks=[{"auto": ["o3"]}],
    )

    found = client.resolve("auto")
    assert [(row.name, row.why) for row in found.targets] == [
        ("seoul/gpt-4o-mini", "cheapest of 2: $0.00033 for 1000 tokens"),
        ("seoul/gpt-4o", "cheapest of 2: $0.0055 for 1000 tokens"),
        ("seoul/o3", "fallback 'o3': its provider serves the family"),
    ]
    assert [row.why for row in client.resolve("thrifty").targets] == [
        "its answer is judged",
        "the last, whose answer is given",
    ]


# Cascades.


def cascade(accept, *names):
    """Arguments of a cascade."""
    return {"thrifty": {"models": list(names or ("gpt-4o-mini", "gpt-4o")), "accept": accept}}


def test_an_accepted_answer_is_given(make_client, seoul, ask):
    """Nobody else is asked."""
    client = make_client(
        seoul, cascades=cascade(lambda reply: "one" in reply.choices[0].message.content)
    )

    answer = ask(client, "thrifty")

    assert answer.text == "seoul says: one two three four"
    assert answer.route.why == "the cascade 'thrifty': gpt-4o-mini then gpt-4o"
    assert [row.outcome for row in answer.route.attempts] == ["ok"]
    assert models(seoul) == ["gpt-4o-mini"]


def test_a_rejected_answer_is_an_attempt_that_is_paid_for(make_client, seoul, ask):
    """The next model is asked; both costs are in the route, and the chunks are those of one answer."""
    seoul.replies["gpt-4o-mini"] = "I do not know."
    client = make_client(
        seoul, cascades=cascade(lambda reply: "not" not in reply.choices[0].message.content)
    )

    answer = ask(client, "thrifty")
    first, last = answer.route.attempts

    assert answer.text == "seoul says: one two three four"
    assert (first.outcome, last.outcome) == ("RejectedAnswerError", "ok")
    assert isinstance(first.error, RejectedAnswerError)
    assert str(first.error) == "seoul/gpt-4o-mini: the cascade 'thrifty' did not accept the answer"
    assert 0 < first.cost < last.cost
    assert answer.route.cost == pytest.approx(first.cost + last.cost)
    assert answer.route.served == "seoul/gpt-4o"


def test_the_last_answer_is_given_whatever_it_says(make_client, seoul, ask):
    """And is not judged."""
    judged = []
    client = make_client(seoul, cascades=cascade(lambda reply: bool(judged.append(reply.model))))

    assert ask(client, "thrifty").route.served == "seoul/gpt-4o"
    assert judged == ["gpt-4o-mini"]


def test_a_schema_may_be_what_is_accepted(make_client, seoul, ask):
    """An answer that is no JSON, or does not fit, is rejected with where it does not."""
    seoul.replies.update({"a": "kimchi", "b": '{"dish": 3}', "c": '{"dish": "kimchi"}', "d": "-"})
    names = [f"seoul/{name}" for name in "abcd"]
    client = make_client(seoul, cascades=cascade(SCHEMA, *names))

    answer = ask(client, "thrifty")

    assert answer.text == '{"dish": "kimchi"}'
    assert [
        row.error and row.error.message.rpartition(": ")[2] for row in answer.route.attempts
    ] == [
        "it is not JSON",
        "$.dish breaks 'type'",
        None,
    ]


def test_a_rejected_answer_moves_to_the_next_model_not_to_the_next_place(
    make_client, seoul, usa, ask
):
    """The same model elsewhere would say the same; a place that fails is another matter, and is avoided from then on."""
    client = make_client(seoul, usa, cascades=cascade(lambda reply: False))

    assert [row.target for row in ask(client, "thrifty").route.attempts] == [
        "seoul/gpt-4o-mini",
        "seoul/gpt-4o",
    ]
    seoul.faults["gpt-4o-mini"] = Fault.status(500)
    assert [row.target for row in ask(client, "thrifty").route.attempts] == [
        "seoul/gpt-4o-mini",
        "usa/gpt-4o-mini",
        "usa/gpt-4o",
    ]


def test_a_rejected_answer_says_nothing_against_its_target(make_client, seoul, ask):
    """It is asked first again by the next call, and no retry is spent on it."""
    client = make_client(
        seoul, num_retries=0, allowed_fails=0, cascades=cascade(lambda reply: False)
    )

    for _ in range(3):
        assert len(ask(client, "thrifty").route.attempts) == 2
    assert models(seoul) == ["gpt-4o-mini", "gpt-4o"] * 3


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        (lambda reply: reply.nothing, "raised AttributeError"),
        (lambda reply: None, "must give True or False, not NoneType"),
        (lambda reply: "yes", "must give True or False, not str"),
    ],
)
def test_an_accept_that_cannot_judge_ends_the_call(accept, told, make_client, seoul, ask):
    """It is a defect of the program: asking the dearer model each time would hide it."""
    client = make_client(seoul, cascades=cascade(accept))

    with pytest.raises(ConfigurationError, match=told) as caught:
        ask(client, "thrifty")

    assert "\n" not in str(caught.value)
    assert models(seoul) == ["gpt-4o-mini"]


def test_a_cascade_of_failures_raises_what_each_said(make_client, seoul, ask):
    """A rejected answer is not given in place of an error."""
    seoul.faults["gpt-4o"] = Fault.status(500)
    client = make_client(seoul, num_retries=0, cascades=cascade(lambda reply: False))

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client, "thrifty")

    assert [type(row).__name__ for row in caught.value.attempts] == [
        "RejectedAnswerError",
        "ServerError",
    ]


def test_a_cascade_leaves_out_who_cannot(make_client, seoul, ask):
    """The last that is left is the last."""
    judged = []
    names = ("gpt-3.5-turbo", "gpt-4o-mini", "gpt-4")
    client = make_client(
        seoul, cascades=cascade(lambda reply: bool(judged.append(reply.model)), *names)
    )

    assert ask(client, "thrifty", messages=SEEN).route.served == "seoul/gpt-4o-mini"
    assert judged == []


def test_an_accept_may_take_its_time(make_client, seoul):
    """An event loop goes on meanwhile: the function runs in a thread of its own."""
    goes_on = threading.Event()

    def accept(_reply):
        loop.call_soon_threadsafe(goes_on.set)
        return goes_on.wait(10)

    client = make_client(seoul, cascades=cascade(accept))

    async def both():
        nonlocal loop
        loop = asyncio.get_running_loop()
        return await client.acompletion("thrifty", KOREAN)

    loop = None

    assert asyncio.run(both()).route.served == "seoul/gpt-4o-mini"


def test_a_kept_answer_of_a_cascade_is_given_again(make_client, seoul, ask):
    """With the cache, the second call asks nobody."""
    client = make_client(seoul, cache_responses=True, cascades=cascade(lambda reply: True))

    first, again = ask(client, "thrifty"), ask(client, "thrifty")

    assert first.text == again.text
    assert again.route.cached
    assert len(seoul.requests) == 1
