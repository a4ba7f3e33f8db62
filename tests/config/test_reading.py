"""Configurations as arguments of a client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import jsonschema
import pytest
import yaml

from genai_integrations import GenAIClient
from genai_integrations.calls.args import ROUTER_ARGS
from genai_integrations.config.converting import converted
from genai_integrations.config.document import parsed
from genai_integrations.config.reading import SECTIONS, configuration_of
from genai_integrations.config.schema import schema
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain import ChatGenAI
from genai_integrations.llama_index import GenAI

HYBRID = (Path(__file__).parents[1] / "data/config/litellm-hybrid-config.yaml").read_text("utf-8")
QUESTION = [{"role": "user", "content": "Hi"}]

WHOLE = """\
connections:
  - name: seoul
    provider: openai
    api_key: os.environ/SEOUL_KEY
    api_base: {seoul}
    models: [gpt-4o]
  - name: usa
    provider: openai
    api_key: os.environ/USA_KEY
    api_base: {usa}
model_list:
  - model_name: team
    litellm_params: {{model: seoul/gpt-4o, weight: 3}}
  - model_name: team
    litellm_params: {{model: usa/gpt-4o, weight: 1, order: 1}}
router_settings:
  num_retries: 0
  timeout: 20
  model_group_alias: {{fast: team}}
"""


def read(text):
    return configuration_of(parsed(text, "genai.yaml"))


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a file, with the keys that it names in the environment."""
    monkeypatch.setenv("SEOUL_KEY", "sk-seoul")
    monkeypatch.setenv("USA_KEY", "sk-usa")

    def write(text):
        path = tmp_path / "genai.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


CHOOSING = """
connections:
  - {{name: seoul, provider: openai, api_key: os.environ/SEOUL_KEY, base_url: "{seoul}/v1"}}
router_settings:
  conditions:
    - if: {{user: {{$in: [ann, bob]}}}}
      then: auto
  auto: {{models: [gpt-4o, gpt-3.5-turbo], prefer: cheapest}}
  cascades:
    thrifty: {{models: [gpt-4o-mini, gpt-4o], accept: {{type: object}}}}
"""


@pytest.mark.parametrize("door", ["client", "async", "langchain", "llama_index", "environment"])
def test_a_client_as_the_file_says(written, provider, monkeypatch, door):
    """Its groups, keys and settings, through every door."""
    path = written(WHOLE.format(seoul=provider.url, usa=provider.url))
    client = GenAIClient.from_config(path)
    if door == "client":
        route = client.completion("fast", QUESTION).route
    elif door == "async":
        route = asyncio.run(client.acompletion("fast", QUESTION)).route
    elif door == "langchain":
        route = ChatGenAI("fast", client=client).invoke("Hi").response_metadata["route"]
    elif door == "llama_index":
        route = GenAI("fast", client=client).complete("Hi").raw.route
    else:
        monkeypatch.setenv("GENAI_CONFIG", str(path))
        monkeypatch.setattr("genai_integrations.client._default", [])
        route = ChatGenAI("fast").invoke("Hi").response_metadata["route"]

    served = route["served"] if isinstance(route, dict) else route.served
    assert served == "seoul/gpt-4o"
    assert provider.requests[-1].headers["authorization"] == "Bearer sk-seoul"


def test_rules_choices_and_cascades_in_a_file(written, provider):
    """As data: a rule leads to a choice, and a cascade's schema is one."""
    client = GenAIClient.from_config(written(CHOOSING.format(seoul=provider.url)))
    provider.replies["gpt-4o-mini"] = "kimchi"

    assert client.completion("gpt-4o", QUESTION, user="ann").route.served == "seoul/gpt-3.5-turbo"
    outcomes = [row.outcome for row in client.completion("thrifty", QUESTION).route.attempts]
    assert outcomes == ["RejectedAnswerError", "ok"]


def test_arguments_of_the_program_win(written, provider):
    """Over those of the file."""
    path = written(WHOLE.format(seoul=provider.url, usa=provider.url))
    client = GenAIClient.from_config(path, router_args={"num_retries": 5})

    assert client.models() == ["seoul/gpt-4o"]
    assert [row.name for row in client.resolve("fast").targets] == ["usa/fast"]


def test_litellms_hybrid_file(monkeypatch):
    """Cloud first, the local model as its fallback, and `local` never leaves; nothing in it is without meaning."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant")
    found = read(HYBRID)
    client = GenAIClient(**found.arguments)

    assert [row.name for row in client.resolve("smart").targets] == [
        "smart#1/claude-sonnet-4-20250514",
        "smart#2/llama3.2",
        "local#1/llama3.2",
    ]
    assert [row.name for row in client.resolve("local").targets] == ["local#1/llama3.2"]
    assert [str(note) for note in found.notes] == [
        (
            "genai.yaml:7:5: a local row of 'smart' beside cloud rows comes last: give it a weight or an order if you "
            "want another order"
        )
    ]


@pytest.mark.parametrize("said", ["weight: 1", "order: 0"])
def test_a_local_row_that_says_otherwise(said):
    """Its own weight or order counts."""
    text = (
        "model_list:\n"
        "  - {model_name: m, litellm_params: {model: gpt-4o}}\n"
        f"  - {{model_name: m, litellm_params: {{model: ollama/llama3.2, {said}}}}}\n"
    )

    assert read(text).notes == ()


def test_what_has_no_meaning_here_is_named():
    """Each with its place; what means the same under another name is taken over."""
    found = read(
        """\
model_list:
  - model_name: m
    litellm_params: {model: gpt-4o, api_key: sk-literal, max_parallel_requests: 3}
    access_groups: [a]
litellm_settings:
  drop_params: true
  request_timeout: 30
  success_callback: [langfuse, s3]
  set_verbose: true
  cache: true
router_settings:
  routing_strategy: usage-based-routing
  enable_pre_call_checks: true
general_settings:
  master_key: sk-1234
environment_variables: {A: b}
"""
    )

    assert [str(note) for note in found.notes] == [
        "genai.yaml:3:37: api_key stands in the file itself: os.environ/NAME keeps it out",
        "genai.yaml:3:58: max_parallel_requests has no effect here",
        "genai.yaml:4:5: access_groups has no effect here",
        "genai.yaml:8:32: the callback 's3' has no effect here",
        "genai.yaml:9:3: litellm_settings.set_verbose has no effect here",
        "genai.yaml:13:3: enable_pre_call_checks has no effect here",
        "genai.yaml:15:3: general_settings.master_key has no effect here",
    ]
    router = found.arguments["router_args"]
    assert router["routing_strategy"] == "usage-based-routing-v2"
    assert (router["drop_params"], router["timeout"]) == (True, 30)
    assert found.arguments["cache"] == "memory"


def test_what_a_file_gives_for_variables_counts_in_it():
    """As LiteLLM sets them; the environment of the process stays as it is."""
    found = read("environment_variables: {HOST: h}\nlangfuse: {host: os.environ/HOST}\n")

    assert found.arguments == {"host": "h"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("router_setings: {}\n", "genai.yaml:1:1: there is no 'router_setings' here: did you mean 'router_settings'?"),
        (
            "router_settings:\n  num_retires: 2\n",
            "genai.yaml:2:3: there is no 'num_retires' here: did you mean 'num_retries'?",
        ),
        (
            "router_settings:\n  num_retries: many\n",
            "genai.yaml:2:3: num_retries must be a whole number, 0 or more, not 'many'",
        ),
        ("router_settings: [a]\n", "genai.yaml:1:1: router_settings must be a mapping, not a list"),
        (
            "router_settings:\n  cache_kwargs:\n    ttl: soon\n",
            "genai.yaml:3:5: cache_kwargs.ttl must be a number of seconds above 0, not 'soon'",
        ),
        (
            "model_list:\n  - model_name: m\n    litellm_params:\n      model: gpt-4o\n      weight: heavy\n",
            "genai.yaml:5:7: model_list[0].weight must be",
        ),
        (
            "router_settings:\n  conditions:\n    - if: {metadata.tier: {$gtt: 1}}\n      then: gpt-4o\n",
            "genai.yaml:3:28: conditions[0]['if']['metadata.tier']['$gtt'] is not an operator: did you mean '$gt'?",
        ),
        (
            "router_settings:\n  auto: {models: [gpt-4o], prefer: cheap}\n",
            "genai.yaml:2:28: auto.prefer must be one of cheapest, fastest, best, not 'cheap'",
        ),
        ("model_list: {}\n", "genai.yaml:1:1: model_list must be a list of rows"),
        ("langfuse: {secret_key: sk-lf-1}\n", "genai.yaml:1:12: secret_key does not belong in a file: write os.environ/NAME"),
        ("langfuse: {host: os.environ/NOWHERE}\n", "genai.yaml:1:12: NOWHERE is not set"),
        ("connections: [{name: a, provider: openia}]\n", "genai.yaml:1:25: no provider is named 'openia'"),
        ("connections: [{name: a, provider: openai, api_key: sk-1}]\n", "genai.yaml:1:43: api_key does not belong in a file"),
        ("connections: [{name: a, provider: openai, apikey: x}]\n", "genai.yaml:1:43: a connection has no 'apikey': did you mean 'api_key'?"),
        ("connections: [seoul, seoul]\n", "genai.yaml:1:22: there are two connections named 'seoul'"),
        ("connections: seoul\n", "genai.yaml:1:1: connections must be a list"),
        ("connections: [1]\n", "genai.yaml:1:15: a connection is a name, or has one"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(text, said):
    """File, line and column, and what is wrong; no secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(text)

    assert str(caught.value).startswith(said)
    assert "sk-" not in str(caught.value)


def test_a_mistake_that_the_client_finds_has_its_place_too(written):
    """An argument that only the client checks."""
    path = written("router_settings:\n  num_retries: 1\nallowed_hosts: 5\n")

    with pytest.raises(ConfigurationError, match=r"genai\.yaml:3:1: allowed_hosts"):
        GenAIClient.from_config(path)


def test_stored_connections_and_own_ones_in_one_order(written, provider, monkeypatch):
    """A name is looked up where connections are stored; here, in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    path = written(
        "connections:\n"
        f"  - {{name: mine, provider: openai, api_key: os.environ/SEOUL_KEY, api_base: {provider.url}}}\n"
        "  - openai\n"
        "  - {name: broken, provider: openai, api_key: os.environ/NOWHERE}\n"
    )
    client = GenAIClient.from_config(path)

    assert [row.name for row in client.connections] == ["mine", "openai", "broken"]
    assert [row.name for row in client.resolve("gpt-4o").targets] == [
        "mine/gpt-4o",
        "openai/gpt-4o",
    ]
    assert "broken: NOWHERE is not set" in client.resolve("gpt-4o").missing


def test_the_schema_knows_what_the_reader_knows():
    """Each section, each argument with its meaning; what reads well fits it."""
    made = schema()
    router = made["properties"]["router_settings"]["properties"]

    assert set(made["properties"]) == set(SECTIONS)
    assert set(router) == ROUTER_ARGS - {"model_list"}
    assert all(row["description"] for row in router.values())
    validate = jsonschema.Draft202012Validator(made)
    assert validate.is_valid(yaml.safe_load(HYBRID))
    assert validate.is_valid(yaml.safe_load(WHOLE.format(seoul="http://a", usa="http://b")))
    assert not validate.is_valid({"router_settings": {"num_retires": 2}})
    assert not validate.is_valid(
        {"connections": [{"name": "a", "provider": "openai", "api_key": "sk-1"}]}
    )


def test_litellms_file_written_anew(monkeypatch):
    """It means the same, variables stay named, and what was left out is told."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant")
    text = HYBRID + "general_settings: {master_key: sk-1}\nlitellm_settings: {drop_params: true}\n"
    made = converted(parsed(text, "litellm.yaml"))

    assert "# litellm.yaml:21:20: general_settings.master_key has no effect here" in made
    assert "sk-ant" not in made
    again = read(made)
    assert again.notes == ()
    assert again.arguments == {
        **read(text).arguments,
        "router_args": {**read(text).arguments["router_args"]},
    }


_REDIS = """
model_list:
  - model_name: small
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/KEY}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: os.environ/CACHE, password: os.environ/PASSWORD}
environment_variables: {CACHE: cache.example, PASSWORD: "p@ss/word#1"}
"""


def test_any_password_is_a_part_of_an_address():
    """As one of `redis-py`, where it is quoted."""
    found = configuration_of(parsed(_REDIS, "genai.yaml"))

    assert found.arguments["cache"] == "redis://:p%40ss%2Fword%231@cache.example:6379"


@pytest.mark.parametrize(
    ("params", "address", "notes"),
    [
        ("type: redis, host: h, port: '6380', password: p, ssl: true", "rediss://:p@h:6380", []),
        ("type: redis, host: h, username: u, password: p, db: 2", "redis://u:p@h:6379/2", []),
        ("type: redis, host: h, ssl: 'false'", "redis://h:6379", []),
        ("type: redis, url: 'rediss://h:1/0'", "rediss://h:1/0", []),
        ("type: redis, host: h, namespace: n", "redis://h:6379", ["cache_params.namespace has no effect here"]),
        ("type: local", "memory", []),
        ("mode: default_off", None, ["a cache for single calls (mode: default_off) has no effect here; for one that"]),
        ("type: redis", None, ["a cache of the type 'redis' has no effect here"]),
        ("type: s3, s3_bucket_name: b", None, ["a cache of the type 's3' has no effect here"]),
    ],
)  # fmt: skip
def test_litellms_cache_is_the_one_that_the_file_means(params, address, notes):
    """With TLS where it says so, and what is not kept as it says is named."""
    found = read(f"litellm_settings: {{cache: true, cache_params: {{{params}}}}}\n")

    assert found.arguments.get("cache") == address
    assert [str(note).split(": ", 1)[1][: len(wanted)] for note, wanted in zip(found.notes, notes, strict=True)] == notes  # fmt: skip


def test_litellms_cache_keeps_answers_as_long_as_it_says():
    """`ttl` is that of `cache_kwargs`; one that cannot be is told with its place."""
    text = "litellm_settings: {{cache: true, cache_params: {{ttl: {}}}}}\n"

    assert read(text.format(60)).arguments["router_args"] == {"cache_kwargs": {"ttl": 60}}
    with pytest.raises(ConfigurationError, match=r"1:48: .*ttl"):
        read(text.format(-5))


def test_an_address_of_variables_is_not_converted():
    """No address can be written of names that stand for its parts; it is said once what to write instead."""
    text = converted(parsed(_REDIS, "genai.yaml"))

    assert "\ncache:" not in text
    assert text.count("write `cache: os.environ/REDIS_URL`, and set REDIS_URL") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("models: small", "models must be a list such as [gpt-4o], not 'small'"),
        ("models: [1]", "models must be a list such as [gpt-4o], not [1]"),
        ("api_base: 5", "api_base must be a string: write it in quotes"),
        ("api_version: 2024-10-21", "api_version must be a string: write it in quotes"),
        ("api_key: 12345", "api_key must be a string: write it in quotes"),
    ],
)
def test_what_a_connection_says_is_of_its_kind(line, words):
    """A text is no list of letters, and an unquoted date or number no text."""
    text = f"connections:\n  - name: seoul\n    provider: openai\n    {line}\n"

    with pytest.raises(ConfigurationError) as caught:
        configuration_of(parsed(text, "genai.yaml"))

    assert str(caught.value) == f"genai.yaml:4:5: {words}"
