"""`router_args["model_list"]`: LiteLLM's rows, checked when a client is made; no value of one is ever told."""

from __future__ import annotations

import json
import traceback

import pytest

from genai_integrations import Connection
from genai_integrations.calls.args import router_args
from genai_integrations.connections.connection import BrokenConnection
from genai_integrations.connections.credentials import (
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
    open_headers,
)
from genai_integrations.errors import ConfigurationError

SECRET = "sk-very-secret-9f8e"


def row(model="openai/gpt-4o", group="smart", **params):
    return {"model_name": group, "litellm_params": {"model": model, **params}}


def read(*rows):
    return router_args({"model_list": list(rows)}).model_list


def read_one(**params):
    ((found,),) = read(row(**params)).values()
    return found


def test_rows_of_one_name_are_a_group():
    """In their order; rows of other names do not disturb them."""
    groups = read(row("a/m"), row("o3", group="think"), row("b/m", weight=3))

    assert {name: [(row.number, row.model) for row in rows] for name, rows in groups.items()} == {
        "smart": [(1, "a/m"), (2, "b/m")],
        "think": [(1, "o3")],
    }


def test_a_row_says_how_it_is_routed_and_what_its_requests_have():
    """What is LiteLLM's router's is taken out; every other parameter is a default of the request."""
    found = read_one(
        weight=0.4, order=2, rpm=60, tpm=10_000, tags=["eu", "paid"], timeout=20, stream_timeout=5,
        region_name="eu-west-1", input_cost_per_token=1e-6, output_cost_per_token=2e-6,
        max_tokens=200, temperature=0, top_p=0.5, reasoning_effort="low", user="team-3",
    )  # fmt: skip

    assert (found.weight, found.order, found.rpm, found.tpm) == (0.4, 2, 60, 10_000)
    assert (found.tags, found.timeout, found.stream_timeout) == (("eu", "paid"), 20.0, 5.0)
    assert found.region == "eu-west-1"
    assert found.prices == {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    assert found.defaults == {
        "max_tokens": 200, "temperature": 0, "top_p": 0.5, "reasoning_effort": "low", "user": "team-3",
    }  # fmt: skip
    assert found.connection is None


def test_limits_may_stand_beside_the_parameters():
    """LiteLLM reads `rpm` and `tpm` there, too; what is said nearer to the model leads."""
    given = {**row(rpm=5), "rpm": 9, "tpm": 100}
    ((found,),) = read(given).values()

    assert (found.rpm, found.tpm) == (5, 100)


@pytest.mark.parametrize(
    ("params", "url", "key"),
    [
        ({"model": "openai/gpt-4o", "api_key": SECRET}, None, SECRET),
        ({"model": "gpt-4o", "api_key": SECRET}, None, SECRET),
        (
            {"model": "openai/qwen3", "api_key": SECRET, "api_base": "http://127.0.0.1:8000/v1/"},
            "http://127.0.0.1:8000/v1",
            SECRET,
        ),
        (
            {"model": "azure/my-4o", "api_key": SECRET, "api_base": "https://r.openai.azure.com"},
            "https://r.openai.azure.com/openai",
            SECRET,
        ),
        ({"model": "ollama/llama3.2", "api_base": "http://localhost:11434"}, "http://localhost:11434/v1", ""),
        ({"model": "hosted_vllm/m", "api_base": "http://10.0.0.1:8000/v1"}, "http://10.0.0.1:8000/v1", ""),
        ({"model": "cohere_chat/command-r", "api_key": SECRET, "api_base": "https://c.example/v1"},
         "https://c.example/v1", SECRET),
        ({"model": "m", "custom_llm_provider": "groq", "api_key": SECRET}, None, SECRET),
    ],
)  # fmt: skip
def test_a_key_or_an_address_makes_a_connection(params, url, key):
    """Addresses are read as those in the environment are: Azure's resource and Ollama's host get their paths."""
    ((found,),) = read({"model_name": "smart", "litellm_params": params}).values()

    assert isinstance(found.connection, Connection)
    assert found.connection.name == "smart#1"
    assert found.connection.base_url == url
    assert open_credential(found.connection).key.reveal() == key


def test_the_providers_prefix_is_not_part_of_the_model():
    """What is left is the provider's own id; a vendor's prefix of an aggregator stays."""
    assert read_one(model="azure/my-4o", api_key="k", api_base="https://a.example").model == "my-4o"
    assert read_one(model="openrouter/openai/gpt-4o", api_key="k").model == "openai/gpt-4o"
    assert read_one(model="gpt-4o", api_key="k").model == "gpt-4o"


def test_a_row_may_name_its_own_connection():
    """By `model_info`'s id, which is what LiteLLM calls a deployment by."""
    ((found,),) = read({**row(api_key="k"), "model_info": {"id": "seoul-1"}}).values()

    assert found.connection.name == "seoul-1"


@pytest.mark.parametrize(
    ("params", "credential", "region"),
    [
        ({"aws_region_name": "eu-west-1"}, AwsDefault, "eu-west-1"),
        ({"aws_region_name": "eu-west-1", "api_key": SECRET}, AwsBearer, "eu-west-1"),
        (
            {"aws_region_name": "us-east-1", "aws_access_key_id": "AKIA1", "aws_secret_access_key": SECRET},
            AwsKeyPair,
            "us-east-1",
        ),
        ({"aws_profile_name": "dev"}, AwsDefault, None),
    ],
)  # fmt: skip
def test_bedrock_proves_itself_in_each_of_its_ways(params, credential, region):
    """A key pair, a bearer token, a profile, or what the machine has."""
    found = read_one(model="bedrock/anthropic.claude-3-haiku-20240307-v1:0", **params)

    assert isinstance(open_credential(found.connection), credential)
    assert found.connection.region == region


def test_vertex_proves_itself_in_each_of_its_ways():
    """The machine's credentials, those for a project, or a service account's JSON."""
    account = json.dumps(
        {"type": "service_account", "project_id": "p", "private_key": SECRET,
         "client_email": "a@p.iam", "token_uri": "https://oauth2.googleapis.com/token"}
    )  # fmt: skip

    def credential(**params):
        found = read_one(model="vertex_ai/gemini-2.5-flash", **params).connection
        return open_credential(found), found.region

    assert credential(vertex_location="europe-west4") == (GoogleDefault(), "europe-west4")
    assert credential(vertex_project="mine") == (GoogleDefault("mine"), "global")
    opened, region = credential(vertex_credentials=account, vertex_location="us-central1")
    assert isinstance(opened, GoogleServiceAccount)
    assert (opened.project_id, region) == ("p", "us-central1")


def test_headers_of_a_row_are_its_connections():
    """An organisation is one, by OpenAI's name."""
    found = read_one(api_key="k", organization="org-1", extra_headers={"x-team": "search"})
    headers = {name: value.reveal() for name, value in open_headers(found.connection).items()}

    assert headers == {"OpenAI-Organization": "org-1", "x-team": "search"}


def test_values_are_taken_from_the_environment(monkeypatch):
    """`os.environ/NAME`, as LiteLLM writes it: keys, addresses, and any other text."""
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.setenv("MY_BASE", "https://llm.example/v1")
    monkeypatch.setenv("MY_MODEL", "openai/gpt-4o-mini")
    found = read_one(
        model="os.environ/MY_MODEL", api_key="os.environ/MY_KEY", api_base="os.environ/MY_BASE"
    )

    assert found.model == "gpt-4o-mini"
    assert found.connection.base_url == "https://llm.example/v1"
    assert open_credential(found.connection).key.reveal() == SECRET


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"api_key": "os.environ/NOT_THERE"}, "NOT_THERE is not set"),
        ({"api_base": "https://llm.example/v1"}, "write 'os.environ/OPENAI_API_KEY'"),
        ({"model": "azure/m", "api_key": SECRET}, "azure has no address of its own"),
        ({"model": "bedrock/m", "api_key": SECRET}, "has no aws_region_name"),
        ({"model": "bedrock/m", "aws_access_key_id": "A", "aws_region_name": "eu-west-1"}, "AWS_SECRET_ACCESS_KEY"),
        ({"model": "bedrock/m", "aws_region_name": "eu/../west"}, "the region"),
        ({"model": "my-own-model", "api_key": SECRET}, "write it, as in 'openai/my-own-model'"),
        ({"api_key": SECRET, "extra_headers": {"x": 1}}, "extra_headers"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_says_why_and_the_others_go_on(params, said):
    """As a stored connection that is broken does."""
    groups = read(row(**{"model": "openai/gpt-4o", **params}), row("seoul/gpt-4o"))
    broken, other = groups["smart"]

    assert isinstance(broken.connection, BrokenConnection)
    assert said in str(broken.connection.error)
    assert SECRET not in str(broken.connection.error)
    assert broken.connection.error.__traceback__ is None
    assert other.connection is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model_name": "smart"}, "must be a row like"),
        ({"model_name": "", "litellm_params": {"model": "m"}}, "a name such as 'smart', not an empty string"),
        ({"model_name": "smart", "litellm_params": "m"}, "a mapping, not str"),
        ({**row(), "model_info": ["id"]}, "a mapping, not list"),
        ({**row(), "params": {}}, "no 'params': a row has model_name, litellm_params, model_info, rpm, tpm"),
        ({"model_name": "smart", "litellm_params": {"weight": 1}}, "such as 'openai/gpt-4o', not NoneType"),
        (row("m", weight=-1), "a number, 0 or more"),
        (row("m", weight="3"), "a number, 0 or more"),
        (row("m", order=1.5), "a whole number"),
        (row("m", rpm=0), "a whole number above 0"),
        (row("m", tags="eu"), "a list of"),
        (row("m", timeout=0), "seconds above 0"),
        (row("m", region_name=""), "a region such as"),
        (row("m", api_key=1), "a string, not int"),
        (row("m", input_cost_per_token="free"), "a number, 0 or more"),
        (row("m", wieght=3), "did you mean 'weight'"),
        (row("m", api_bse="x"), "did you mean 'api_base'"),
        (row("*", group="a*b*"), "one '*' at most, not 'a*b*'"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_what_to_write(given, said):
    """When the client is made, in one line that names the row."""
    with pytest.raises(ConfigurationError) as caught:
        read(row("first"), given)

    assert said in str(caught.value)
    assert "model_list[1" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "max_retries",
        "num_retries",
        "drop_params",
        "itpm",
        "max_parallel_requests",
        "tag_regex",
        "mock_response",
        "azure_ad_token",
        "fallbacks",
        "stream",
        "messages",
        "langfuse_user_id",
        "headers",
        "cooldown_time",
    ],
)
def test_what_only_litellm_gives_a_meaning_to_is_named(name):
    """It would be sent as a parameter of the request, or be lost without a word; the message lists what a row takes."""
    with pytest.raises(
        ConfigurationError, match=f"'{name}', which is not supported in a row.*weight"
    ):
        read(row("m", **{name: "1"}))


@pytest.mark.slow
def test_every_parameter_of_litellms_rows_is_known():
    """Those of the installed version: routing, a connection, a price, or without a meaning here; none is sent by mistake."""
    from litellm.types.router import LiteLLM_Params, LiteLLMParamsTypedDict

    names = {*LiteLLM_Params.model_fields, *LiteLLMParamsTypedDict.__annotations__}
    sent = []
    for name in sorted(names - {"model", "model_info"}):
        try:
            found = read_one(model="openai/gpt-4o", **{name: None}).defaults
            ((row_,),) = read(row("openai/gpt-4o", **{name: _SAMPLES.get(name, 1)})).values()
        except ConfigurationError:
            continue
        sent += [name] if name in {**found, **row_.defaults} else []

    assert len(names) > 200
    assert sent == []


_SAMPLES = {"tags": ["a"], "extra_headers": {"x-a": "b"}}


def test_no_secret_shows_anywhere():
    """Not in the repr of the arguments, nor in an error, nor in the locals of its traceback's frames of ours."""
    args = router_args({"model_list": [row(api_key=SECRET, extra_headers={"x-key": SECRET})]})
    assert SECRET not in repr(args)

    with pytest.raises(ConfigurationError) as caught:
        read(row(api_key={"key": SECRET}))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
