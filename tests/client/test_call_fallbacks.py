"""LiteLLM's per-call arguments: each works as it does there, or says what to write here."""

from __future__ import annotations

import pytest

from genai_integrations.errors import (
    AllTargetsFailedError,
    ConfigurationError,
    ServerError,
    UnknownModelError,
)
from genai_integrations.testing.faults import Fault

DOWN = Fault.status(503)


def served(answer):
    """Who was asked, in order."""
    return [row.target for row in answer.route.attempts]


def test_a_call_names_its_own_fallbacks(ask, make_client, seoul):
    """They stand in place of the client's, for this call only."""
    seoul.faults |= {"gpt-4o": DOWN, "gpt-4o-mini": DOWN}
    client = make_client(seoul, num_retries=0, fallbacks=[{"gpt-4o": ["gpt-4o-mini", "o3"]}])
    given = ask(client, fallbacks=["gpt-4.1"])
    assert served(given) == ["seoul/gpt-4o", "seoul/gpt-4.1"]
    assert served(ask(client))[-1] == "seoul/o3"


def test_a_fallback_may_have_parameters_of_its_own(ask, make_client, seoul):
    """As in `litellm.completion`: what it says leads there, and nowhere else."""
    seoul.faults |= {"gpt-4o": DOWN}
    client = make_client(seoul, num_retries=0)
    ask(
        client,
        temperature=1.0,
        seed=7,
        fallbacks=[{"model": "gpt-4.1", "temperature": 0, "max_tokens": 5}],
    )
    first, second = seoul.requests[-2:]
    assert (first.body["temperature"], "max_tokens" in first.body) == (1.0, False)
    assert second.body["model"] == "gpt-4.1"
    assert (second.body["temperature"], second.body["seed"]) == (0, 7)
    assert second.body["max_tokens"] == 5


def test_a_routers_table_works_in_a_call_too(ask, make_client, seoul):
    """The model is looked up in it, and its fallback's fallbacks are followed."""
    seoul.faults |= {"gpt-4o": DOWN, "gpt-4.1": DOWN}
    table = [{"gpt-4o": ["gpt-4.1"]}, {"gpt-4.1": ["o3"]}, {"o1": ["o4-mini"]}]
    answer = ask(make_client(seoul, num_retries=0), fallbacks=table)
    assert served(answer) == ["seoul/gpt-4o", "seoul/gpt-4.1", "seoul/o3"]


@pytest.mark.parametrize("given", [{"disable_fallbacks": True}, {"fallbacks": []}])
def test_a_call_may_go_nowhere_else(ask, make_client, seoul, given):
    """`disable_fallbacks=True` takes away those of the client."""
    seoul.faults |= {"gpt-4o": DOWN}
    client = make_client(seoul, num_retries=0, fallbacks=[{"gpt-4o": ["gpt-4o-mini"]}])
    with pytest.raises((ServerError, AllTargetsFailedError)):
        ask(client, **given)
    assert {row.body["model"] for row in seoul.requests} == {"gpt-4o"}


def test_a_call_names_where_a_long_request_goes(ask, make_client, seoul):
    """`context_window_fallbacks` and `content_policy_fallbacks`, each for its own error."""
    seoul.faults |= {"gpt-4o": Fault.context_window()}
    client = make_client(seoul, num_retries=0)
    answer = ask(client, context_window_fallbacks=["gpt-4.1"], content_policy_fallbacks=["o3"])
    assert served(answer) == ["seoul/gpt-4o", "seoul/gpt-4.1"]


WRONG = [
    ({"fallbacks": "gpt-4o"}, "fallbacks must be a list such as"),
    ({"fallbacks": [3]}, "fallbacks must be a list such as"),
    ({"fallbacks": ["o3", {"gpt-4o": ["o1"]}]}, "fallbacks must be a list such as"),
    ({"fallbacks": [{"model": ""}]}, "fallbacks must be a list such as"),
    ({"fallbacks": [{"model": "o3", "timeout": 3}]}, "timeout cannot differ for 'o3'"),
    ({"fallbacks": [{"model": "o3", "messages": []}]}, "messages cannot differ for 'o3'"),
    ({"fallbacks": [{"model": "o3", "api_key": "sk-x"}]}, "a call may not set api_key"),
    ({"fallbacks": [{"model": "gpt-4o", "temperature": 0}]}, "has no effect"),
    ({"fallbacks": ["o3"], "disable_fallbacks": True}, "given together with disable_fallbacks"),
    ({"disable_fallbacks": "yes"}, "disable_fallbacks must be True or False"),
    ({"mock_response": "Hello"}, "mock_response is an argument of LiteLLM .*testing"),
    ({"max_retries": 3}, "use num_retries"),
    ({"request_timeout": 3}, "use timeout"),
    ({"context_window_fallback_dict": {"a": "b"}}, "use context_window_fallbacks"),
    ({"caching": True}, "use cache="),
    ({"additional_drop_params": ["seed"]}, "left out, unless drop_params"),
    ({"litellm_session_id": "s"}, "langfuse_session_id"),
    ({"langfuse_secret_key": "sk"}, "GenAIClient"),
    ({"prompt_id": "p"}, "langfuse_prompt"),
    ({"api_key": "sk-x"}, "a call may not set api_key"),
    ({"custom_llm_provider": "openai"}, "a call may not set custom_llm_provider"),
    ({"cooldown_time": 3}, "cooldown_time belongs to router_args of the client"),
]


def test_what_cannot_be_meant_says_so(make_client, seoul):
    """Before anything is sent, and without the value of a key."""
    client = make_client(seoul)
    for given, said in WRONG:
        with pytest.raises(ConfigurationError, match=said) as caught:
            client.completion("gpt-4o", [{"role": "user", "content": "hi"}], **given)
        assert "sk-x" not in str(caught.value)
    assert seoul.requests == []


def test_a_fallback_that_nobody_serves_is_named(make_client, connect, seoul):
    """A call that names it means it; only those of the client may be gone without a word to the caller."""
    client = make_client(connect(seoul, provider="anthropic"))
    with pytest.raises(UnknownModelError, match="gpt-4o"):
        client.completion(
            "claude-sonnet-4-5", [{"role": "user", "content": "hi"}], fallbacks=["gpt-4o"]
        )


def test_kept_answers_are_told_apart_by_what_fallbacks_say(connect, seoul):
    """An answer at another temperature is another answer."""
    from genai_integrations import GenAIClient

    seoul.faults |= {"gpt-4o": DOWN}
    client = GenAIClient(
        connections=[connect(seoul)], cache="memory", router_args={"num_retries": 0}
    )
    rows = [{"model": "o3", "seed": 1}], [{"model": "o3", "seed": 2}], [{"model": "o3", "seed": 1}]
    with client:
        found = [
            client.completion("gpt-4o", [{"role": "user", "content": "hi"}], fallbacks=row)
            for row in rows
        ]
    assert [row.route.cached for row in found] == [False, False, True]
