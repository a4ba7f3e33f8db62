"""Models that a call may use: patterns bind the name that is asked for, and wherever the call may end up."""

from __future__ import annotations

import pytest

from genai_integrations.calls.allowed import may_use
from genai_integrations.errors import (
    BudgetExceededError,
    ConfigurationError,
    ContextWindowExceededError,
    GenAIError,
    UnknownModelError,
)
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("name", "patterns", "may"),
    [
        ("gpt-4o", ["gpt-4o"], True),
        ("gpt-4o-mini", ["gpt-4o"], False),
        ("gpt-4o-mini", ["gpt-4o*"], True),
        ("seoul/gpt-4o-mini", ["gpt-4o*"], True),
        ("openrouter/openai/gpt-4o", ["gpt-4o"], True),
        ("openrouter/openai/gpt-4o", ["openai/*"], True),
        ("seoul/gpt-4o", ["usa/*"], False),
        ("gpt-4o", ["usa/*"], False),
        ("GPT-4o", ["gpt-4o"], False),
        ("claude", ["gpt*", "cl*"], True),
        ("anything", [], False),
        ("", ["*"], True),
    ],
)
def test_a_pattern_fits_a_name_or_what_is_behind_a_slash(name, patterns, may):
    """`*` stands for anything."""
    assert may_use(name, patterns) is may


def test_a_name_that_may_not_be_used_is_refused(make_client, seoul, ask):
    """Before anything is sent."""
    client = make_client(seoul)

    with pytest.raises(UnknownModelError, match=r"may not use 'gpt-4o': it may use gpt-4o-mini"):
        ask(client, allowed_models=["gpt-4o-mini"])
    assert ask(client, "gpt-4o-mini", allowed_models=["gpt-4o-mini"]).text.startswith("seoul says")
    assert [row.model for row in seoul.requests] == ["gpt-4o-mini"]


def test_fallbacks_that_may_not_be_used_are_not_used(make_client, seoul, ask):
    """The call fails as it would without them; one that may be used serves."""
    seoul.faults["gpt-4o"] = Fault.status(503)
    client = make_client(seoul, fallbacks=[{"gpt-4o": ["gpt-4.1", "gpt-4o-mini"]}], num_retries=0)

    with pytest.raises(GenAIError):
        ask(client, allowed_models=["gpt-4o"])
    assert ask(client, allowed_models=["gpt-4o*"]).route.served == "seoul/gpt-4o-mini"
    assert "gpt-4.1" not in {row.model for row in seoul.requests}


def test_fallbacks_of_particular_errors_are_bound_too(make_client, seoul, ask):
    """A request that is too long does not get to a model that the call may not use."""
    seoul.faults["gpt-4o"] = Fault.context_window()
    client = make_client(seoul, context_window_fallbacks=[{"gpt-4o": ["gpt-4.1"]}])

    with pytest.raises(ContextWindowExceededError):
        ask(client, allowed_models=["gpt-4o"])
    assert ask(client, allowed_models=["gpt-4*"]).route.served == "seoul/gpt-4.1"


def test_an_alias_and_a_group_may_be_named(make_client, seoul, usa, ask):
    """Whoever may use a group may use what it means, and not what it falls back to."""
    rows = [
        {
            "model_name": "smart",
            "litellm_params": {
                "model": "openai/gpt-4o", "api_key": "sk-1", "api_base": f"{seoul.url}/v1"
            },
        },
        {
            "model_name": "local",
            "litellm_params": {
                "model": "openai/llama", "api_key": "sk-2", "api_base": f"{usa.url}/v1"
            },
        },
    ]  # fmt: skip
    client = make_client(
        model_list=rows,
        fallbacks=[{"smart": ["local"]}],
        model_group_alias={"best": "smart"},
        num_retries=0,
    )
    assert ask(client, "smart", allowed_models=["smart"]).text.startswith("seoul")
    assert ask(client, "best", allowed_models=["best"]).text.startswith("seoul")

    seoul.faults["*"] = Fault.status(503)
    with pytest.raises(GenAIError):
        ask(client, "smart", allowed_models=["smart"])
    assert ask(client, "smart", allowed_models=["smart", "local"]).text.startswith("usa")


def test_a_choice_is_made_among_those_that_may_be_used(make_client, seoul, ask):
    """`auto` chooses the cheapest that is left, and a cascade begins with the first that is."""
    client = make_client(
        seoul,
        auto={"models": ["gpt-4o-mini", "gpt-4o"], "prefer": "cheapest"},
        cascades={"thrifty": {"models": ["gpt-4o-mini", "gpt-4o"], "accept": lambda _reply: True}},
    )

    assert ask(client, "auto").route.served == "seoul/gpt-4o-mini"
    assert ask(client, "auto", allowed_models=["auto", "gpt-4o"]).route.served == "seoul/gpt-4o"
    assert ask(client, "thrifty", allowed_models=["gpt-4o"]).route.served == "seoul/gpt-4o"
    with pytest.raises(UnknownModelError):
        ask(client, "auto", allowed_models=["auto"])


def test_a_client_may_be_bound_as_a_whole(make_client, seoul):
    """`router_args` has it too; None is all."""
    client = make_client(seoul, allowed_models=["gpt-4o-mini"])

    with pytest.raises(UnknownModelError):
        client.completion("gpt-4o", HELLO)
    with pytest.raises(UnknownModelError):
        client.embedding("text-embedding-3-small", "hello")
    assert client.completion("gpt-4o", HELLO, allowed_models=None)
    with pytest.raises(ConfigurationError, match="list of names"):
        client.completion("gpt-4o", HELLO, allowed_models="gpt-4o")


@pytest.mark.parametrize(("key", "told"), [("other", False), ("ci", True)])
def test_a_budget_is_nothing_to_calls_of_others(make_client, seoul, caplog, key, told):
    """What they may cost is not worked out."""
    client = make_client(seoul)
    client.set_budget("key:ci", 1.0)
    client.completion(f"seoul/priceless-{key}", HELLO, metadata={"key": key})

    assert ("is not known, so budgets" in caplog.text) is told


def test_a_budget_is_added_to_a_client_that_has_none(make_client, seoul):
    """From then on it binds; what was spent of a name stays when its budget becomes another, or goes."""
    client = make_client(seoul)
    asked = {"max_tokens": 10, "metadata": {"key": "ci"}}
    client.completion("gpt-4o", HELLO, **asked)

    client.set_budget("key:ci", 0.0, "month")
    with pytest.raises(BudgetExceededError, match=r"the budget 'key:ci' of \$0 a month"):
        client.completion("gpt-4o", HELLO, **asked)
    assert client.completion("gpt-4o", HELLO, max_tokens=10)

    client.set_budget("key:ci", 1.0, "month")
    assert client.completion("gpt-4o", HELLO, **asked).route.cost
    client.set_budget("key:ci", 0.000_01, "month")
    with pytest.raises(BudgetExceededError):
        client.completion("gpt-4o", HELLO, **asked)
    with pytest.raises(ConfigurationError, match="US dollars"):
        client.set_budget("key:ci", -1)

    client.set_budget("key:ci", None)
    assert client.completion("gpt-4o", HELLO, **asked)
    client.set_budget("key:ci", 0.000_01, "month")
    with pytest.raises(BudgetExceededError):
        client.completion("gpt-4o", HELLO, **asked)
