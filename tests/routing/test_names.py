"""What a model name means, against the recorded connections of a real Langfuse."""

from __future__ import annotations

import dataclasses

import pytest

from genai_integrations.calls.args import router_args
from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.providers import PROVIDERS, provider_named
from genai_integrations.connections.stored_providers import provider_of
from genai_integrations.errors import ConfigurationError, DecryptionError, UnknownModelError
from genai_integrations.models import catalog
from genai_integrations.models.families import FAMILIES
from genai_integrations.routing.names import (
    Names,
    Resolution,
    named_connection,
    without_provider,
)
from genai_integrations.runtime.secret import Secret


@pytest.fixture
def names(golden_connections):
    """The 15 recorded connections, the oldest first."""
    rows = sorted(golden_connections["llm_api_keys"], key=lambda row: row["created_at"])
    return Names(
        [_connection(row) for row in rows], aliases={"fast": "gpt-4o-mini", "loop": "loop"}
    )


def _connection(row):
    config = row["config"] or {}
    return Connection(
        row["provider"],
        provider_of(row["adapter"], row["provider"], row["base_url"]),
        Secret("unused"),
        row["base_url"],
        tuple(row["custom_models"]),
        row["with_default_models"],
        region=config.get("region") or config.get("location"),
    )


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        (
            "gpt-4o-mini",
            ["azure_test/gpt-4o-mini", "openai_prod/gpt-4o-mini", "openai_responses/gpt-4o-mini"],
        ),
        (
            "fast",
            ["azure_test/gpt-4o-mini", "openai_prod/gpt-4o-mini", "openai_responses/gpt-4o-mini"],
        ),
        ("azure/gpt-4o-mini", ["azure_test/gpt-4o-mini"]),
        ("azure_test/any-deployment", ["azure_test/any-deployment"]),
        ("azure/any-deployment", ["azure_test/any-deployment"]),
        ("gemini_seoul/gemini-2.5-pro", ["gemini_seoul/gemini-2.5-pro"]),
        (
            "gemini/gemini-2.5-flash",
            ["gemini_seoul/gemini-2.5-flash", "gemini_usa/gemini-2.5-flash"],
        ),
        (
            "GEMINI/gemini-2.5-flash",
            ["gemini_seoul/gemini-2.5-flash", "gemini_usa/gemini-2.5-flash"],
        ),
        ("vertex_ai/gemini-2.5-pro", ["vertex_seoul/gemini-2.5-pro", "vertex_adc/gemini-2.5-pro"]),
        ("bedrock/claude-3-sonnet", ["bedrock_test/anthropic.claude-3-sonnet-20240229-v1:0"]),
        (
            "bedrock/claude-3-sonnet-20240229",
            ["bedrock_test/anthropic.claude-3-sonnet-20240229-v1:0"],
        ),
        (
            "bedrock_token/claude-sonnet-4",
            ["bedrock_token/apac.anthropic.claude-sonnet-4-20250514-v1:0"],
        ),
        ("nova-pro", ["bedrock_test/amazon.nova-pro-v1:0"]),
        ("nova-lite", ["bedrock_role/us.amazon.nova-lite-v1:0"]),
        ("openrouter/auto", ["openrouter/openrouter/auto"]),
        ("openrouter/openrouter/auto", ["openrouter/openrouter/auto"]),
        ("openrouter/openai/gpt-4o:floor", ["openrouter/openai/gpt-4o:floor"]),
        ("openrouter/claude-sonnet-4.5", ["openrouter/anthropic/claude-sonnet-4.5"]),
        ("llama-3.3-70b-instruct", ["openrouter/meta-llama/llama-3.3-70b-instruct"]),
        ("meta-llama/llama-3.3-70b-instruct", ["openrouter/meta-llama/llama-3.3-70b-instruct"]),
        ("llama3.2", ["ollama_local/llama3.2"]),
        ("ollama/llama3.2", ["ollama_local/llama3.2"]),
        ("qwen3:8b", ["ollama_local/qwen3:8b"]),
    ],
)
def test_a_name_leads_to_its_targets(names, asked, served):
    """Connections that list a name come first, then its family's providers, then aggregators."""
    assert [target.name for target in names.targets(asked)] == served


def test_claude_by_its_dotted_name_is_found_everywhere(names):
    """4.5 and 4-5 are one name; hosts and aggregators get their own ids."""
    served = [target.name for target in names.targets("claude-sonnet-4.5")]

    assert served[:2] == ["anthropic_prod/claude-sonnet-4.5", "anthropic_proxy/claude-sonnet-4.5"]
    assert "vertex_seoul/claude-sonnet-4-5" in served
    assert served[-1] == "openrouter/anthropic/claude-sonnet-4.5"


def test_openrouters_endings_mean_openrouter():
    """Neither OpenAI nor Ollama, whose tags look alike, has a model of such a name."""
    rows = [
        Connection(name, PROVIDERS[name], Secret("unused"))
        for name in ("openai", "ollama", "openrouter")
    ]

    assert [target.name for target in Names(rows).targets("gpt-4o:nitro")] == [
        "openrouter/openai/gpt-4o:nitro"
    ]


def test_a_connections_name_wins_over_a_providers():
    """A connection named `azure` that is none of Azure's is the one that is meant."""
    connection = Connection("azure", PROVIDERS["openai"], Secret("unused"))

    (target,) = Names([connection]).targets("azure/gpt-4o")

    assert target.connection is connection


def test_connections_keep_their_order():
    """Several connections that serve one name are tried in the order they were given."""
    rows = [Connection(name, PROVIDERS["openai"], Secret("unused")) for name in ("usa", "seoul")]

    assert [target.name for target in Names(rows).targets("gpt-4o")] == [
        "usa/gpt-4o",
        "seoul/gpt-4o",
    ]


def test_an_aggregator_without_a_list_gets_the_vendors_prefix():
    """OpenRouter by its key alone serves OpenAI's models under `openai/`."""
    rows = [Connection("openrouter", PROVIDERS["openrouter"], Secret("unused"))]

    (target,) = Names(rows).targets("gpt-4o-mini")

    assert target.model == "openai/gpt-4o-mini"


@pytest.mark.parametrize(
    ("region", "model"),
    [
        ("us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("eu-central-1", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("ap-northeast-1", "jp.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_a_bedrock_id_fits_the_region(region, model):
    """An id that is not listed comes from the price map, as the region's inference profile."""
    rows = [Connection("aws", PROVIDERS["bedrock"], Secret("unused"), region=region)]

    assert Names(rows).targets("claude-sonnet-4-5")[0].model == model


def test_a_whole_id_stays_as_it_is():
    """Though an inference profile of another region has a longer form of it, and comes first."""
    rows = [Connection("aws", PROVIDERS["bedrock"], Secret("unused"), region="us-east-1")]

    assert Names(rows).targets("aws/moonshotai.kimi-k3")[0].model == "moonshotai.kimi-k3"


def test_a_name_nobody_serves_says_what_is_near(names):
    """The error has the nearest names and tells how to learn more."""
    with pytest.raises(UnknownModelError, match="did you mean") as caught:
        names.targets("gpt4o-mini")

    assert "'gpt-4o-mini'" in str(caught.value)
    assert "genai resolve gpt4o-mini" in str(caught.value)


MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4o-x"]


def test_three_names_are_near_at_most():
    """As a question; none for a name that exists, or that is like no other."""
    names = Names([Connection.of("seoul", "openai", "sk-1", custom_models=MODELS)])

    assert names.near("gpt4o-mini") == (
        "did you mean 'gpt-4o-mini', 'seoul/gpt-4o-mini', 'gpt-4o-x'?"
    )
    assert names.near("gpt-4o") == names.near("zzzz") == ""


def test_what_can_be_asked_for_is_listed():
    """Groups but for patterns, aliases, then what connections list, each once."""
    rows = [
        {"model_name": name, "litellm_params": {"model": "seoul/gpt-4o"}}
        for name in ("smart", "seoul/gpt-4o", "gpt-*")
    ]
    names = Names(
        [Connection.of("seoul", "openai", "sk-1", custom_models=["gpt-4o", "gpt-4.1"])],
        aliases={"fast": "gpt-4o"},
        groups=router_args({"model_list": rows}).model_list,
    )

    assert names.listed() == ["seoul/gpt-4o", "seoul/gpt-4.1"]
    assert names.offered() == ["smart", "seoul/gpt-4o", "fast", "seoul/gpt-4.1"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("seoul/gpt-4o", "the connection is named"),
        ("openai/gpt-4o", "a connection of openai"),
        ("gpt-4o", "lists it"),
    ],
)
def test_a_target_says_how_its_name_was_meant(asked, why):
    """For whoever reads the route."""
    names = Names([Connection.of("seoul", "openai", "sk-1", custom_models=MODELS)])

    assert [target.why for target in names.targets(asked)] == [why]


@pytest.mark.parametrize("asked", ["openai/", "/gpt-4o"])
def test_half_a_name_is_no_name(asked):
    """A provider without a model, and a model of no provider."""
    names = Names([Connection.of("seoul", "openai", "sk-1", custom_models=MODELS)])

    with pytest.raises(UnknownModelError, match=f"no connection serves '{asked}'"):
        names.targets(asked)


def test_of_a_provider_those_that_list_nothing_are_asked_for_what_nobody_lists():
    """Not those that list other models, unless they have the provider's own beside them."""
    rows = [
        Connection(name, PROVIDERS["openai"], Secret("unused"), None, models, with_defaults)
        for name, models, with_defaults in [
            ("listing", ("gpt-4o",), False),
            ("both", ("gpt-4o",), True),
            ("open", (), True),
            ("bare", (), False),
        ]
    ]

    assert [row.name for row in Names(rows).targets("openai/gpt-9")] == [
        *("both/gpt-9", "open/gpt-9", "bare/gpt-9"),
    ]


def test_each_connection_says_why_it_does_not_serve_a_name():
    """What it lists, up to five; that its provider is not known to have it; what is wrong with it."""
    rows = [
        Connection("lab", PROVIDERS["openai"], Secret("unused"), None, tuple("abcdef"), False),
        Connection("none", PROVIDERS["openai"], Secret("unused"), None, (), False),
        Connection("usa", PROVIDERS["anthropic"], Secret("unused")),
    ]
    broken = BrokenConnection("seoul", DecryptionError("connection 'seoul' is damaged"))

    assert Names(rows, [broken]).resolve("zzz").missing == (
        "seoul: connection 'seoul' is damaged",
        "lab: lists only a, b, c, d, e",
        "none: lists only nothing",
        "usa: anthropic is not known to serve it",
    )


def test_a_family_without_a_connection_says_what_it_takes(names):
    """The error names the providers of the family."""
    with pytest.raises(UnknownModelError, match="It needs a connection to xai"):
        names.targets("grok-4")


def test_resolve_explains_who_serves_a_name_and_why(names):
    """In the order in which they are tried, numbered from one; an alias is told."""
    lines = names.resolve("fast").explain().splitlines()

    assert lines[0] == "'fast' (alias of 'gpt-4o-mini') is served by:"
    assert lines[1] == "  1. azure_test/gpt-4o-mini  (lists it)"
    assert lines[3].startswith("  3. openai_responses/gpt-4o-mini  (")


def test_a_resolution_is_told_line_by_line():
    """Targets with how they are asked, the outages that take all of them down, and who does not serve it."""
    names = Names([Connection.of(name, "openai", "sk-1") for name in ("seoul", "usa")])
    found = dataclasses.replace(
        names.resolve("gpt-4o"),
        restated={"usa/gpt-4o": ("without seed", "max_tokens as max_completion_tokens")},
        outages=("OpenAI", "sk-1"),
        missing=("lab: lists only llama3.2",),
    )

    assert found.explain() == (
        "'gpt-4o' is served by:\n"
        "  1. seoul/gpt-4o  (its provider serves the family)\n"
        "  2. usa/gpt-4o  (its provider serves the family)\n"
        "       without seed\n"
        "       max_tokens as max_completion_tokens\n"
        "  one outage takes it down: OpenAI\n"
        "  one outage takes it down: sk-1\n"
        "  not: lab: lists only llama3.2"
    )
    alone = dataclasses.replace(found, targets=found.targets[:1], missing=())
    assert (
        alone.explain()
        == "'gpt-4o' is served by:\n  1. seoul/gpt-4o  (its provider serves the family)"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "No connection serves 'o9' (alias of 'o9-mini')."),
        (
            UnknownModelError(
                "no connection serves 'o9': did you mean 'o1'? `genai resolve o9` explains."
            ),
            "No connection serves 'o9': did you mean 'o1'?",
        ),
        (
            DecryptionError("connection 'seoul' is damaged"),
            "No connection serves 'o9' (alias of 'o9-mini'): connection 'seoul' is damaged",
        ),
    ],
)
def test_a_name_without_targets_is_told_with_what_a_call_raises(error, told):
    """Without the line that says what tells more: this does."""
    assert Resolution("o9", "o9-mini", (), error=error).explain() == told


def test_resolve_explains_why_not(names):
    """Each connection says why it does not serve the name."""
    text = names.resolve("no-such-model").explain()

    assert text.startswith("No connection serves 'no-such-model'.")
    assert "azure_test: lists only gpt-4o-mini, gpt-4o" in text


def test_a_broken_connection_raises_its_own_error():
    """Who asks for a connection that cannot be used is told why."""
    broken = BrokenConnection("seoul", DecryptionError("connection 'seoul' is damaged"))

    with pytest.raises(DecryptionError, match="'seoul' is damaged"):
        Names([], [broken]).targets("seoul/gpt-4o")


def test_names_made_up_by_callers_do_not_fill_the_memory(monkeypatch):
    """Only so many answers are remembered."""
    monkeypatch.setattr("genai_integrations.routing.names._MOST_NAMES", 3)
    names = Names([Connection("seoul", PROVIDERS["openai"], Secret("unused"))])
    for number in range(10):
        names.resolve(f"seoul/{number}")

    assert len(names._known) == 3


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("openai", "openai"),
        ("azure", "azure"),
        ("anthropic", "anthropic"),
        ("gemini", "google-ai-studio"),
        ("vertex_ai", "vertex"),
        ("bedrock", "bedrock"),
        ("openrouter", "openrouter"),
        ("ollama", "ollama"),
        ("mistral", "mistral"),
        ("groq", "groq"),
        ("xai", "xai"),
        ("deepseek", "deepseek"),
        ("together_ai", "together"),
        ("fireworks_ai", "fireworks"),
        ("hosted_vllm", "vllm"),
        ("cohere_chat", "cohere"),
        ("perplexity", "perplexity"),
    ],
)
def test_a_prefix_of_litellms_means_its_provider(prefix, name):
    """And so does the name that we have for it."""
    assert provider_named(prefix).name == name
    assert provider_named(name).name == name


def test_families_name_known_providers():
    """The rows of data agree with each other."""
    for family in FAMILIES:
        for name in (*family.providers, *family.hosts):
            assert name in PROVIDERS


@pytest.mark.parametrize(
    ("name", "base_url", "provider"),
    [
        ("anything", "https://openrouter.ai/api/v1", "openrouter"),
        ("anything", "http://10.0.0.1:11434/v1", "ollama"),
        ("anything", "https://api.groq.com/openai/v1", "groq"),
        ("Portkey-eu", "https://gateway.example.com/v1", "portkey"),
        ("anything", "https://evil.example.com/openrouter.ai/", "openai"),
        ("anything", None, "openai"),
    ],
)
def test_an_openai_connection_is_whom_its_host_says(name, base_url, provider):
    """The host of the base URL decides, then the connection's name."""
    assert provider_of("openai", name, base_url).name == provider


def test_an_unknown_adapter_is_named():
    """A row of a later Langfuse says which adapter is not known."""
    with pytest.raises(ConfigurationError, match="unknown adapter 'mistral'"):
        provider_of("mistral", "m", None)


def test_the_price_map_is_found_without_litellm():
    """The catalog has limits and prices of well-known models."""
    assert catalog.model_info("openai", "gpt-4o-mini")["max_input_tokens"] == 128000
    assert catalog.model_info("azure", "gpt-4o-mini")["litellm_provider"] == "azure"
    assert catalog.model_info("openai", "no-such-model") is None


def _named(name, provider, models=(), *, with_default_models=True):
    secret = Secret("unused")
    return Connection(
        name,
        PROVIDERS[provider],
        secret,
        custom_models=models,
        with_default_models=with_default_models,
    )


def test_of_a_providers_connections_those_that_list_the_model_are_asked():
    """Else those that do not say what they have, else all: the provider was named, so one of them must know it."""
    listing = _named("a", "openai", ("gpt-x",), with_default_models=False)
    other = _named("b", "openai", ("gpt-y",), with_default_models=False)
    silent = _named("c", "openai")

    def asked(*rows):
        return [target.name for target in Names(rows).targets("openai/gpt-x")]

    assert asked(other, silent, listing) == ["a/gpt-x"]
    assert asked(other, silent) == ["c/gpt-x"]
    assert asked(other) == ["b/gpt-x"]


def test_a_vendors_own_connection_comes_before_an_aggregator_that_lists_the_model():
    """The aggregator's list has the vendor's name in front, so the bare name is not what it lists."""
    rows = [_named("router", "openrouter", ("openai/gpt-4o",)), _named("own", "openai")]

    assert [target.name for target in Names(rows).targets("gpt-4o")] == [
        "own/gpt-4o",
        "router/openai/gpt-4o",
    ]


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("claude-sonnet-4-5", ["router/anthropic/claude-sonnet-4-5"]),
        ("anthropic/claude-sonnet-4-5", ["router/anthropic/claude-sonnet-4-5"]),
        ("someone/claude-sonnet-4-5", []),
    ],
)
def test_an_aggregator_serves_a_model_under_its_vendors_name_only(asked, served):
    """A name with another vendor in front is another model."""
    names = Names([_named("router", "openrouter")])

    assert [target.name for target in names.resolve(asked).targets] == served


def test_a_connections_name_with_nothing_behind_it_is_no_model():
    """`seoul/` asks for nothing."""
    with pytest.raises(UnknownModelError):
        Names([_named("seoul", "openai")]).targets("seoul/")


def test_a_broken_connections_error_is_raised_anew_each_time():
    """One object raised by many callers would collect all their tracebacks."""
    kept = DecryptionError("connection 'seoul' is damaged")
    names = Names([], [BrokenConnection("seoul", kept)])

    with pytest.raises(DecryptionError) as caught:
        names.targets("seoul/gpt-4o")

    assert caught.value is not kept
    assert kept.__traceback__ is None


@pytest.mark.parametrize(
    ("name", "bare"),
    [("openai/gpt-4o", "gpt-4o"), ("seoul/gpt-4o", "seoul/gpt-4o"), ("gpt-4o", "gpt-4o")],
)
def test_a_rule_for_a_model_counts_with_a_provider_in_front(name, bare):
    """Not with a connection: who names that wants that one."""
    assert without_provider(name, {"seoul"}) == bare
    assert without_provider("openai/gpt-4o", {"openai"}) == "openai/gpt-4o"


def test_a_connections_name_may_hold_slashes():
    """The longest known connection is meant, whole or broken, and a rule without a provider leaves it alone."""
    rows = [
        Connection.of(name, "openai", "sk-a", "https://a.example/v1", custom_models=["gpt-4o"])
        for name in ("team", "team/seoul", "models/eu", "openai/eu")
    ]
    broken = BrokenConnection("team/usa", DecryptionError("connection 'team/usa' is damaged"))
    names = Names(rows, [broken])
    served = {
        "team/seoul/gpt-4o": "team/seoul",
        "team/seoul/org/model": "team/seoul",
        "team/tokyo/gpt-4o": "team",
        "models/eu/gpt-4o": "models/eu",
        "models/team/seoul/gpt-4o": "team/seoul",
        "openai/eu/gpt-4o": "openai/eu",
    }

    for asked, connection in served.items():
        (target,) = names.targets(asked)
        assert (asked, target.connection.name) == (asked, connection)
    assert names.targets("team/seoul/org/model")[0].model == "org/model"
    for listed in names.listed():
        assert [target.name for target in names.targets(listed)] == [listed]
    with pytest.raises(DecryptionError, match="team/usa"):
        names.targets("team/usa/gpt-4o")
    assert without_provider("openai/eu/gpt-4o", {"openai/eu": rows[3]}) == "openai/eu/gpt-4o"
    assert without_provider("openai/gpt-4o", {"openai/eu": rows[3]}) == "gpt-4o"


def test_names_of_the_price_map_are_near_without_their_vendors():
    """As users write them; of providers that a connection is there for."""
    names = Names([Connection.of("fast", "groq", "sk-1")])

    assert names.near("gpt-oss-120") == (
        "did you mean 'gpt-oss-120b', 'gpt-oss-20b', 'gpt-oss-safeguard-20b'?"
    )
    assert Names([Connection.of("seoul", "anthropic", "sk-1")]).near("gpt-oss-120") == ""


def test_connections_and_models_may_have_names_of_one_letter():
    """What stands before the last slash that fits."""
    assert named_connection("a/m", {"a"}) == "a"
    assert named_connection("a/b/m", {"a", "a/b"}) == "a/b"
    assert named_connection("a/", {"a"}) is None
    assert named_connection("m", {"m"}) is None


def test_a_gateway_is_asked_for_whatever_is_named():
    """It knows what a name means; with its connection in front and without."""
    names = Names([Connection.of("gw", "genai-gateway", "sk-1", "https://gateway.example")])

    assert [target.name for target in names.targets("gw/gpt-4o")] == ["gw/gpt-4o"]
    (target,) = names.targets("team/special")
    assert (target.name, target.why) == ("gw/team/special", "lists it")


def test_googles_prefix_is_a_gateways_to_read():
    """Beside other connections, too; without a gateway it means nothing."""
    google = Connection.of("google", "google-ai-studio", "sk-1")
    gateway = Connection.of("gw", "genai-gateway", "sk-2", "https://gateway.example")

    alone = Names([google]).targets("models/gemini-2.5-pro")
    beside = Names([google, gateway]).targets("models/gemini-2.5-pro")

    assert [target.name for target in alone] == ["google/gemini-2.5-pro"]
    assert [target.name for target in beside] == ["gw/models/gemini-2.5-pro"]


def test_a_resolution_is_shown_as_text_and_as_html(names):
    """In notebooks."""
    shown = names.resolve("fast")._repr_mimebundle_()

    assert shown["text/plain"] == names.resolve("fast").explain()
    assert "azure_test/gpt-4o-mini" in shown["text/html"]


def test_the_nearest_region_of_a_hosted_model_is_asked():
    """The profile of the connection's region comes before the ids of others."""
    aws = Connection("aws", PROVIDERS["bedrock"], Secret("unused"), region="us-east-1")

    assert Names([aws]).targets("aws/nova-pro")[0].model == "us.amazon.nova-pro-v1:0"


def test_an_id_that_a_provider_has_stays_as_it_is():
    """Though it has the same under a vendor's name, too."""
    names = Names([Connection.of("fire", "fireworks", "sk-1")])

    assert names.targets("fire/deepseek-v4-flash")[0].model == "deepseek-v4-flash"


@pytest.mark.parametrize("provider", ["anthropic", "vertex"])
def test_who_hosts_no_others_is_not_asked_for_their_models(provider):
    """A name with a slash that no table knows may be served where ids name other vendors, and OpenAI's API is spoken."""
    row = Connection("one", PROVIDERS[provider], Secret("unused"))

    assert Names([row]).resolve("acme/thing").targets == ()


def test_a_name_with_a_tag_is_ollamas():
    """Another server of the user's own is not asked."""
    rows = [
        Connection.of("lab", "ollama", "unused", "http://localhost:11434/v1"),
        Connection.of("own", "openai", "unused", "http://localhost:8000/v1"),
    ]

    (target,) = Names(rows).targets("acme:8b")
    assert (target.name, target.why) == ("lab/acme:8b", "its provider serves the family")


def test_the_only_server_that_may_have_a_model_is_asked():
    """With the reason; of two the user has to say which."""
    one, other = (
        Connection.of(name, "openai", "unused", f"http://localhost:{port}/v1")
        for name, port in (("one", 8000), ("other", 8001))
    )

    (target,) = Names([one]).targets("acme")
    assert (target.name, target.why) == ("one/acme", "it may have it, and no other has")
    assert Names([one, other]).resolve("acme").targets == ()
