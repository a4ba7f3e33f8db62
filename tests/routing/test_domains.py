"""What targets share, and where the next attempt goes after a failure."""

from __future__ import annotations

import json

import pytest

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OutOfCreditError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from genai_integrations.routing.accounts import Accounts
from genai_integrations.routing.deployments import Deployment, Plan, Target
from genai_integrations.routing.domains import Domain, domain_of, single_outages


def connected(name, provider="openai", key=None, base_url=None, **fields):
    """A target at a new connection."""
    secret = Secret(key or f"sk-{name}")
    connection = Connection(name, PROVIDERS[provider], secret, base_url, **fields)
    return Target(Deployment(connection, "m"))


A = connected("a")
B = connected("b")
SAME_KEY = connected("c", key="sk-a")
AZURE = connected("z", "azure", base_url="https://z.openai.azure.com")
PROXY = connected("p", base_url="https://proxy.example/v1")
SAME_KEY_PROXY = connected("q", key="sk-a", base_url="https://proxy.example/v1")
OSLO = connected("oslo", "bedrock", region="eu-north-1")
SEOUL = connected("seoul", "bedrock", region="ap-northeast-2")

ORDERS = [
    # A place that is down: another provider, address or region is asked before another account there.
    (ServerError("x", status=500), [A, B, AZURE], ["a/m", "z/m", "b/m"]),
    (RequestTimeoutError("x"), [A, B, PROXY], ["a/m", "p/m", "b/m"]),
    (ServerError("x", status=503), [OSLO, SEOUL], ["oslo/m", "seoul/m"]),
    # An account that is used up or refused: another account at the same place will do.
    (RateLimitError("x", status=429), [A, SAME_KEY, B, AZURE], ["a/m", "b/m", "z/m", "c/m"]),
    (AuthenticationError("x", status=401), [A, SAME_KEY_PROXY, B], ["a/m", "b/m", "q/m"]),
    (OutOfCreditError("x", status=402), [A, SAME_KEY, B], ["a/m", "b/m", "c/m"]),
    # Of equals the user's order holds, and what has to do with neither changes nothing.
    (ServerError("x", status=500), [A, AZURE, B], ["a/m", "z/m", "b/m"]),
    (ServerError("x", status=500), [A, B, SAME_KEY], ["a/m", "b/m", "c/m"]),
    (NotFoundError("x", status=404), [A, B, AZURE], ["a/m", "b/m", "z/m"]),
]


@pytest.mark.parametrize(("error", "targets", "order"), ORDERS)
def test_the_next_attempt_goes_where_the_same_cause_does_not_reach(error, targets, order, drive):
    """Among the targets of one name."""
    run = drive({target.name: error for target in targets})

    run.run(Plan(targets), num_retries=0)

    assert run.tried == order


def test_what_failed_before_the_last_failure_counts_too(drive):
    """After two places failed, neither is preferred to a third."""
    error = ServerError("x", status=500)
    run = drive({row.name: error for row in (A, B, AZURE, PROXY)})

    run.run(Plan([A, B, AZURE, PROXY]), num_retries=0)

    assert run.tried == ["a/m", "z/m", "p/m", "b/m"]


def test_the_order_of_a_list_is_kept(drive):
    """Another name is another model: it comes when all of its name have failed. So does a larger `order`."""
    error = ServerError("x", status=500)
    last = Target(Deployment(AZURE.connection, "m", order=1))
    run = drive({row.name: error for row in (A, B, AZURE, PROXY)})

    run.run(Plan([A, B, last], [[PROXY]]), num_retries=0)

    assert run.tried == ["a/m", "b/m", "z/m", "p/m"]


def test_a_target_that_is_left_alone_is_not_preferred(drive, health):
    """Another place that is known to be down is no better."""
    health.failed("z/m")
    run = drive({"a/m": ServerError("x", status=500)})

    run.run(Plan([A, B, AZURE]), num_retries=0)

    assert run.tried == ["a/m", "b/m"]


def test_a_refused_request_is_not_sent_around(drive):
    """It is raised at once, as ever."""
    run = drive({"a/m": BadRequestError("x", status=400)})

    assert isinstance(run.run(Plan([A, B, AZURE])), BadRequestError)
    assert run.tried == ["a/m"]


def test_a_domain_says_where_a_connection_leads_and_not_with_which_key():
    """The account is a hash that another client has otherwise."""
    found = domain_of(SAME_KEY_PROXY.connection, accounts := Accounts())

    assert (found.provider, found.region, found.host) == ("openai", None, "proxy.example")
    assert found.account == domain_of(A.connection, accounts).account
    assert found.account != domain_of(B.connection, accounts).account
    assert found.account != domain_of(A.connection, Accounts()).account
    assert "sk-" not in repr(found)


def test_two_keys_of_one_google_project_are_one_account():
    """A quota belongs to the project."""
    accounts = Accounts()
    keys = [
        json.dumps({
            "type": "service_account", "project_id": project, "private_key": f"key {at}",
            "client_email": f"{at}@example.com", "token_uri": "https://oauth2.googleapis.com/token",
        })
        for at, project in enumerate(("shop", "shop", "lab"))
    ]  # fmt: skip
    one, two, other = (
        domain_of(connected("v", "vertex", key, region="us-central1").connection, accounts).account
        for key in keys
    )

    assert one == two != other


OUTAGES = [
    ([], ()),
    ([A], ("it has no other target",)),
    ([A, SAME_KEY], ("all 2 depend on one openai account",)),
    ([A, B], ("all 2 depend on openai",)),
    ([A, PROXY], ()),
    ([AZURE, connected("y", "azure", base_url="https://y.openai.azure.com")], ("all 2 depend on azure",)),
    ([A, SAME_KEY_PROXY], ("all 2 depend on one openai account",)),
    ([PROXY, connected("v", "vllm", base_url="https://proxy.example/v2")], ("all 2 go through proxy.example",)),
    ([A, AZURE], ()),
    (
        [PROXY, SAME_KEY_PROXY],
        ("all 2 go through proxy.example",),
    ),
    ([OSLO, connected("o2", "bedrock", region="eu-north-1")], ("all 2 depend on bedrock", "all 2 are in eu-north-1")),
    ([OSLO, SEOUL], ("all 2 depend on bedrock",)),
]  # fmt: skip


@pytest.mark.parametrize(("targets", "told"), OUTAGES)
def test_what_all_targets_share_is_a_single_outage(targets, told):
    """An account, a provider, an address, a region."""
    accounts = Accounts()

    assert single_outages([domain_of(row.connection, accounts) for row in targets]) == told


def test_a_connection_without_a_key_has_no_account():
    """Two local servers are not one account."""
    accounts = Accounts()
    found = domain_of(connected("o", "ollama", "ollama").connection, accounts)

    assert found == Domain("ollama", None, None, None)


def test_resolve_says_which_outage_takes_a_name_down(provider):
    """In the text, and with the fallbacks: one of another provider ends the risk."""
    rows = [
        Connection.of("seoul", "openai", "sk-1"),
        Connection.of("usa", "openai", "sk-1"),
        Connection.of("claude", "anthropic", "sk-ant-1"),
    ]
    client = GenAIClient(
        connections=rows, router_args={"fallbacks": [{"gpt-4.1": ["claude-sonnet-4-5"]}]}
    )

    assert client.resolve("gpt-4o").outages == ("all 2 depend on one openai account",)
    assert client.resolve("gpt-4o").explain().splitlines()[-1] == (
        "  one outage takes it down: all 2 depend on one openai account"
    )
    assert client.resolve("gpt-4.1").outages == ()
    domains = client.resolve("gpt-4.1").domains
    assert [row.provider for row in domains.values()] == ["openai", "openai", "anthropic"]
    assert domains["seoul/gpt-4.1"].account == domains["usa/gpt-4.1"].account is not None
    assert "all 2 depend" in client.resolve("gpt-4o")._repr_mimebundle_()["text/html"]
