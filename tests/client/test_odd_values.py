"""Whatever a program gives where something else is wanted: one error of ours, in one line, before anything is sent."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient, GenAIError
from genai_integrations.errors import ConfigurationError


def _deep():
    made = []
    for _ in range(3000):
        made = [made]
    return made


ODD = {
    "None": None,
    "number": -1,
    "fraction": 1.5,
    "NaN": float("nan"),
    "5000 digits": 10**5000,
    "True": True,
    "bytes": b"x\xff",
    "control characters": "a\n\x00\x1b[2Jb",
    "half a character": "\ud800",
    "200 kB": "x" * 200_000,
    "list": [[[["x"]]]],
    "long list": ["y" * 50_000] * 3,
    "deep list": _deep(),
    "dict": {1: object()},
    "set": {1, 2},
    "tuple": (1,),
    "object": object(),
    "class": int,
}
MESSAGES = [{"role": "user", "content": "hi"}]


def _asked(**changed):
    def do(client, url, name, value):
        wanted = {"model": "gpt-4o", "messages": MESSAGES, **changed, name: value}
        reply = client.completion(**wanted)
        return list(reply) if wanted.get("stream") is True else reply

    return do


def _in_message(client, url, name, value):
    client.completion("gpt-4o", [{"role": "user", "content": "hi", name: value}])


def _embedded(client, url, name, value):
    client.embedding(**{"model": "text-embedding-3-small", "input": "x", name: value})


def _connected(client, url, name, value):
    given = {"name": "n", "provider": "openai", "secret": "sk", "base_url": url, name: value}
    GenAIClient(connections=[Connection.of(**given)]).resolve("gpt-4o")


def _made(client, url, name, value):
    GenAIClient(**{"connections": [], name: value}).models()


def _routed(client, url, name, value):
    GenAIClient(connections=[], router_args={name: value}).models()


def _method(client, url, name, value):
    getattr(client, name)(value)


def _prompted(client, url, name, value):
    keyed = GenAIClient("pk", "sk", "http://127.0.0.1:9", connections=[])
    given = {"name": "x", "fallback": "Hi {{a}}", "variables": {"a": "b"}, name: value}
    keyed.get_prompt(**given)


PLACES = [
    (_asked(), "model messages tools stream_options extra_body extra_headers timeout deadline num_retries"),
    (_asked(), "stream_timeout fallback_on drop_params cache temperature response_format made_up"),
    (_asked(), "langfuse_prompt langfuse_tags langfuse_metadata langfuse_observation langfuse_user_id"),
    (_asked(stream=True), "tools stream_options extra_body"),
    (_in_message, "role content tool_calls name"),
    (_embedded, "model input dimensions"),
    (_connected, "name provider secret base_url custom_models region extra_headers dialect"),
    (_made, "public_key secret_key host llm_connection_names router_args connections allowed_hosts mask"),
    (_made, "sample_rate observers transport tracing trace_attempts"),
    (_routed, "fallbacks default_fallbacks context_window_fallbacks content_policy_fallbacks num_retries"),
    (_routed, "retry_after timeout stream_timeout deadline allowed_fails cooldown_time model_group_alias"),
    (_routed, "max_fallbacks routing_strategy fallback_on drop_params cache_responses cache_kwargs cache x"),
    (_routed, "model_list sticky_by region_preference"),
    (_method, "resolve profile check"),
    (_prompted, "name variables version label fallback allow_extra"),
]  # fmt: skip
CASES = [
    pytest.param(do, name, id=f"{do.__name__.strip('_')}-{name}-{at}")
    for at, (do, names) in enumerate(PLACES)
    for name in names.split()
]


@pytest.mark.sample(90)
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("do", "name"), CASES)
def test_an_odd_value(do, name, odd, provider):
    """Works, or is refused: by us before anything is sent, or by the provider whose parameter it is."""
    connection = Connection.of("c", "openai", "sk", f"{provider.url}/v1")
    client = GenAIClient(connections=[connection], router_args={"num_retries": 0})

    try:
        do(client, f"{provider.url}/v1", name, ODD[odd])
    except GenAIError as error:
        said = str(error)
        assert len(said) <= 1000
        assert said.isprintable()
        if isinstance(error, ConfigurationError):
            assert provider.requests == []


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        ("200 kB", "'" + "x" * 40 ),
        ("5000 digits", "not <int>"),
        ("deep list", "[[[[...]]]]"),
        ("control characters", r"'a\n\x00\x1b[2Jb'"),
        ("number", "not -1"),
    ],
)  # fmt: skip
def test_a_value_in_an_error(odd, shown):
    """Is cut, and in one line, so that the words around it are seen."""
    with pytest.raises(ConfigurationError) as caught:
        GenAIClient(connections=[], router_args={"cache": ODD[odd]})

    assert shown in str(caught.value)
    assert len(str(caught.value)) < 250
