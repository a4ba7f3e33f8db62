"""Groups of `model_list`: names like any other, with the weights, limits and defaults of their rows."""

from __future__ import annotations

import pytest

from genai_integrations import Connection
from genai_integrations.calls.args import router_args
from genai_integrations.calls.request import chat_request, embedding_request
from genai_integrations.connections.registry import Snapshot
from genai_integrations.errors import ConfigurationError, UnknownModelError
from genai_integrations.routing.groups import row_timeouts, with_defaults
from genai_integrations.routing.planning import Planner

SECRET = "sk-very-secret-9f8e"
SEOUL = Connection.of("seoul", "openai", "sk-seoul", custom_models=["gpt-4o", "gpt-4o-mini"])
USA = Connection.of("usa", "openai", "sk-usa", custom_models=["gpt-4o"])


def row(model, group="smart", **params):
    return {"model_name": group, "litellm_params": {"model": model, **params}}


def plans(*rows, connections=(SEOUL, USA), **args):
    checked = router_args({"model_list": list(rows), **args})
    return Planner(checked).plans(Snapshot.of(1, connections))


def resolved(name, *rows, **args):
    return plans(*rows, **args).resolve(name)


def served(name, *rows, **args):
    return [target.name for target in resolved(name, *rows, **args).targets]


def test_a_group_is_the_targets_of_its_rows():
    """In their order, each with what its row says."""
    first, second = resolved(
        "smart", row("usa/gpt-4o", weight=3, rpm=60, tpm=9000, tags=["paid"]), row("seoul/gpt-4o", weight=1)
    ).targets  # fmt: skip

    assert (first.name, second.name) == ("usa/gpt-4o", "seoul/gpt-4o")
    assert (first.deployment.weight, second.deployment.weight) == (3.0, 1.0)
    assert (first.deployment.rpm, first.deployment.tpm) == (60, 9000)
    assert first.deployment.tags == ("paid",)
    assert first.group == "smart"
    assert first.why == "row 1 of 'smart', weight 3: the connection is named"


def test_a_row_takes_every_kind_of_name():
    """A connection's, a provider's, a bare one, LiteLLM's prefix, an alias."""
    rows = [row("seoul/gpt-4o-mini"), row("azure/x"), row("gpt-4o"), row("gemini/g"), row("small")]
    others = [
        Connection.of("sky", "azure", "k", "https://sky.example/openai", custom_models=["x"]),
        Connection.of("star", "google-ai-studio", "k"),
        Connection.of("own", "openai", "k", custom_models=["tiny"]),
    ]
    found = served(
        "smart", *rows, connections=(SEOUL, *others), model_group_alias={"small": "tiny"}
    )

    assert found == ["seoul/gpt-4o-mini", "sky/x", "seoul/gpt-4o", "star/g", "own/tiny"]


def test_a_group_wins_over_the_bare_name_that_it_has():
    """LiteLLM's files call groups as the models in them; in a row the name means the connections."""
    assert served("gpt-4o", row("usa/gpt-4o", "gpt-4o")) == ["usa/gpt-4o"]
    assert served("gpt-4o", row("gpt-4o", "gpt-4o")) == ["seoul/gpt-4o", "usa/gpt-4o"]


def test_a_name_that_several_connections_serve_has_one_rows_share():
    """Two connections of one row share its weight."""
    targets = resolved("smart", row("gpt-4o", weight=6), row("seoul/gpt-4o-mini", weight=2)).targets

    assert {target.name: target.deployment.weight for target in targets} == {
        "seoul/gpt-4o": 3.0, "usa/gpt-4o": 3.0, "seoul/gpt-4o-mini": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("params", "weights"),
    [
        ([{}, {}, {}], [1.0, 1.0, 1.0]),
        ([{"weight": 2}, {}, {"weight": 1}], [2.0, 0.0, 1.0]),
        ([{"rpm": 600}, {"rpm": 60}, {}], [600.0, 60.0, 0.0]),
        ([{"tpm": 5}, {"rpm": 60, "tpm": 7}, {"rpm": 1}], [0.0, 60.0, 1.0]),
        ([{"weight": 0}, {"weight": 0}, {"weight": 0}], [1.0, 1.0, 1.0]),
        ([{"order": 1, "weight": 3}, {"order": 2}, {"order": 2}], [3.0, 1.0, 1.0]),
    ],
)
def test_weights_are_litellms(params, weights):
    """`weight`, else `rpm`, else `tpm`, among the rows of one order; a row without has no share where others have."""
    models = ["seoul/gpt-4o", "usa/gpt-4o", "seoul/gpt-4o-mini"]
    rows = [row(model, **said) for model, said in zip(models, params, strict=True)]

    assert [target.deployment.weight for target in resolved("smart", *rows).targets] == weights


def test_a_row_with_a_key_is_a_connection_of_its_own():
    """It answers to the group and to its full name, not to the model's; nothing shows the key."""
    rows = [row("openai/gpt-4o", api_key=SECRET, api_base="https://llm.example/v1")]
    found = resolved("smart", *rows)
    (target,) = found.targets

    assert target.name == "smart#1/gpt-4o"
    assert target.connection.base_url == "https://llm.example/v1"
    assert served("smart#1/gpt-4o", *rows) == ["smart#1/gpt-4o"]
    assert served("gpt-4o", *rows) == ["seoul/gpt-4o", "usa/gpt-4o"]
    assert SECRET not in found.explain() + repr(found) + repr(target)


def test_two_rows_may_not_share_a_name():
    """Failures are counted by it."""
    same = [{**row("openai/gpt-4o", name, api_key="k"), "model_info": {"id": "x"}} for name in "ab"]

    with pytest.raises(ConfigurationError, match="another row's connection, 'x'"):
        plans(*same)


def test_a_rows_name_may_not_be_a_stored_connections():
    """Neither is asked for the other; the row says what to change."""
    rows = [{**row("openai/gpt-4o", api_key="k"), "model_info": {"id": "seoul"}}, row("usa/gpt-4o")]
    found = resolved("smart", *rows)

    assert [target.name for target in found.targets] == ["usa/gpt-4o"]
    assert found.missing == (
        "row 1 of 'smart': another connection is named 'seoul': give its model_info another id",
    )
    (target,) = resolved("seoul/gpt-4o", *rows).targets
    assert target.connection is SEOUL


def test_rows_are_told_in_the_order_in_which_they_are_asked():
    """By their `order`, which is told, too."""
    found = resolved("smart", row("usa/gpt-4o", order=2), row("seoul/gpt-4o", order=1))

    assert [target.why for target in found.targets] == [
        "row 2 of 'smart', order 1: the connection is named",
        "row 1 of 'smart', order 2: the connection is named",
    ]


def test_preferred_regions_are_told_first():
    """`resolve` has the order in which targets are asked; an `order` comes before it."""
    rows = [
        row("usa/gpt-4o", region_name="us-east-1"),
        row("seoul/gpt-4o", region_name="ap-northeast-2"),
        row("seoul/gpt-4o-mini", order=-1),
    ]

    assert served("smart", *rows, region_preference=["ap"]) == [
        "seoul/gpt-4o-mini", "seoul/gpt-4o", "usa/gpt-4o",
    ]  # fmt: skip


def test_a_group_needs_no_other_connection():
    """A client may have nothing but its rows."""
    assert served("smart", row("openai/gpt-4o", api_key="k"), connections=()) == ["smart#1/gpt-4o"]


def test_rows_that_nobody_serves_are_told(monkeypatch):
    """With the reason; the others serve the name."""
    monkeypatch.delenv("NOT_THERE", raising=False)
    found = resolved(
        "smart",
        row("tokyo/gpt-9"),
        row("usa/gpt-4o"),
        row("openai/gpt-4o", api_key="os.environ/NOT_THERE"),
        row("usa/gpt-4o", weight=2),
    )

    assert [target.name for target in found.targets] == ["usa/gpt-4o"]
    assert found.missing == (
        "row 1 of 'smart': no connection serves 'tokyo/gpt-9'",
        "row 3 of 'smart': NOT_THERE is not set, but 'smart' names it",
        "row 4 of 'smart': the same target as a row before it",
    )
    assert "not: row 1 of 'smart'" in found.explain()


def test_a_group_of_which_no_row_can_be_used_says_why():
    """In one line, with each row's reason."""
    with pytest.raises(UnknownModelError) as told:
        plans(row("tokyo/gpt-9"), row("gpt-0")).plan("smart")
    assert str(told.value) == (
        "no row of the group 'smart' can be used: row 1 of 'smart': no connection serves 'tokyo/gpt-9'; "
        "row 2 of 'smart': no connection serves 'gpt-0'"
    )


def test_groups_are_named_in_fallbacks_and_aliases():
    """A group is a name like any other."""
    rows = [row("usa/gpt-4o"), row("seoul/gpt-4o-mini", "backup")]
    found = resolved(
        "fast", *rows, fallbacks=[{"fast": ["backup"]}], model_group_alias={"fast": "smart"}
    )

    assert [target.name for target in found.targets] == ["usa/gpt-4o", "seoul/gpt-4o-mini"]
    assert found.targets[1].why == "fallback 'backup': row 1 of 'backup': the connection is named"


def test_a_slip_in_a_groups_name_is_pointed_out():
    """The nearest names have groups among them."""
    with pytest.raises(UnknownModelError, match="did you mean 'research-team'"):
        plans(row("usa/gpt-4o", "research-team")).plan("reserch-team")


def test_a_connection_of_a_groups_name_is_still_reached():
    """The group takes its own name only."""
    assert served("seoul/gpt-4o-mini", row("usa/gpt-4o", "seoul")) == ["seoul/gpt-4o-mini"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/o3", ["openai/*#1/o3"]),
        ("claude-sonnet-4-5", ["star/claude-sonnet-4-5"]),
        ("claude-haiku-4-5", ["star/claude-haiku-4-5", "seoul/gpt-4o-mini"]),
        ("my-claude", ["seoul/gpt-4o"]),
        ("anything", ["seoul/gpt-4o"]),
        ("seoul/o3", ["seoul/o3"]),
        ("usa/gpt-4o", ["usa/gpt-4o"]),
    ],
)
def test_a_star_stands_for_any_name(name, found):
    """As in LiteLLM: in `model` for the same; the longest pattern counts, a name itself before any, and a connection's
    own names before patterns."""
    rows = [
        row("openai/*", "openai/*", api_key="k"),
        row("star/claude-*", "claude-*"),
        row("star/claude-haiku-*", "claude-haiku-*"),
        row("seoul/gpt-4o-mini", "claude-haiku-*"),
        row("seoul/gpt-4o", "*"),
        row("usa/gpt-4o", "usa/gpt-4o"),
    ]
    star = Connection.of("star", "anthropic", "k")

    assert served(name, *rows, connections=(SEOUL, USA, star)) == found


def test_a_pattern_of_which_no_row_can_be_used_says_why():
    """As any group does."""
    with pytest.raises(UnknownModelError, match="no connection serves 'tokyo/x'"):
        plans(row("tokyo/*", "lab-*")).plan("lab-x")


ASKED = [{"role": "user", "content": "hi"}]


def asked(stream=False, **params):
    return chat_request("smart", ASKED, params, router_args({}), stream=stream)


def test_a_rows_parameters_are_below_the_calls():
    """What the call says leads; what neither says is not sent."""
    request = with_defaults(asked(temperature=1.0), {"temperature": 0.0, "max_tokens": 64})

    assert request.body == {"messages": ASKED, "temperature": 1.0, "max_tokens": 64}


def test_the_two_names_of_one_limit_do_not_meet():
    """OpenAI refuses `max_tokens` beside `max_completion_tokens`."""
    request = with_defaults(asked(max_completion_tokens=5), {"max_tokens": 64, "seed": 1})

    assert request.body == {"messages": ASKED, "max_completion_tokens": 5, "seed": 1}


def test_a_request_to_a_target_without_defaults_stays_the_same_object():
    """Nothing is copied for those who have no such row."""
    request = asked()

    assert with_defaults(request, {}) is request


@pytest.mark.parametrize(
    ("stream", "params", "seconds"),
    [
        (False, {}, [20.0, None, 30.0]),
        (True, {}, [5.0, None, 30.0]),
        (False, {"num_retries": 1}, [20.0, None, 30.0]),
    ],
)
def test_a_rows_time_out_holds(stream, params, seconds):
    """That of streams for streams, where there is one."""
    rows = [
        row("seoul/gpt-4o", timeout=20, stream_timeout=5),
        row("usa/gpt-4o"),
        row("seoul/gpt-4o-mini", timeout=30),
    ]
    limit = row_timeouts(asked(stream, **params))

    assert [limit(target) for target in resolved("smart", *rows).targets] == seconds


@pytest.mark.parametrize("params", [{"timeout": 600}, {"stream_timeout": 600}])
def test_a_calls_own_time_out_leads(params):
    """Even where it is the same as the client's."""
    assert row_timeouts(asked(**params)) is None
    assert row_timeouts(embedding_request("smart", "hi", params, router_args({}))) is None
