"""A key shows nowhere: in no error, log, repr or global, whatever LiteLLM does with it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from leaks import everything_of, heard, loudest, sought
from places import ONE_OF_EACH, PLACES, QUESTION, TWO_WAYS

from genai_integrations import GenAIClient
from genai_integrations.errors import AllTargetsFailedError, CallError, GenAIError
from genai_integrations.testing.faults import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]


CANARY = "c4na5ecre7"


SECRETS = {
    "openai": f"sk-proj-{CANARY}",
    "anthropic": f"sk-ant-{CANARY}",
    "google-ai-studio": f"AIza{CANARY}",
    "bedrock": json.dumps({"accessKeyId": f"AKIA{CANARY}", "secretAccessKey": f"s/{CANARY}"}),
}


ECHOED = {
    "openai": f"sk-proj-{CANARY}",
    "anthropic": f"sk-ant-{CANARY}",
    "google-ai-studio": f"AIza{CANARY}",
    "bedrock": f"AKIA{CANARY} with s/{CANARY}",
}


FAULTS = {
    "none": None,
    "400": Fault.status(400),
    "401": Fault.status(401),
    "500": Fault.status(500),
    "hang": Fault.hang(),
    "html": Fault.html(),
    "wrong json": Fault.wrong_json(),
    "error event": Fault.error_event(0),
    "error event later": Fault.error_event(2),
    "cut": Fault.cut(2),
    "no answer": Fault.no_answer(),
}


assert_hidden = sought(CANARY)


@pytest.fixture
def all_logs(caplog):
    """Every logger at its most talkative, LiteLLM's own and AWS's included."""
    names = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "botocore", "google.auth")
    with loudest(caplog, *names):
        yield caplog


@pytest.mark.sample(22)
@TWO_WAYS
@pytest.mark.parametrize("fault", FAULTS)
@ONE_OF_EACH
def test_a_key_shows_nowhere(
    fault, place, model, ask, mode, make_client, connect, abroad, all_logs, capfd
):
    """Neither in an error with the locals of every frame, nor in a log, on a stream or in a repr."""
    abroad.api_keys = None
    if FAULTS[fault]:
        # A careless server repeats the key that it was sent.
        told = f"wrong: {ECHOED[place.provider]}" if fault.isdigit() else None
        abroad.faults["*"] = replace(FAULTS[fault], message=told)
    connection = connect(place, key=SECRETS[place.provider])
    client = make_client(connection, timeout=0.4 if fault == "hang" else 20)
    try:
        answer = ask(client, model)
    except GenAIError as error:
        assert_hidden(*everything_of(error))
    else:
        assert_hidden(repr(answer), repr(answer.route.as_dict()))
    shown = capfd.readouterr()

    assert CANARY in repr(abroad.requests[-1].headers) or place.provider == "bedrock"
    assert_hidden(*heard(all_logs))
    assert_hidden(
        shown.out, shown.err, repr(client), repr(vars(client._router._parts.transport._translated))
    )


@TWO_WAYS
def test_a_service_accounts_key_shows_nowhere(make_client, connect, abroad, account, ask, all_logs):
    """Not even when Google refuses the account while the call is under way."""
    abroad.api_keys = {"somebody else"}
    client = make_client(connect("vertex"))

    with pytest.raises(GenAIError) as caught:
        ask(client, "abroad/gemini-2.5-flash")

    part = account["private_key"].splitlines()[5]
    texts = [*everything_of(caught.value), all_logs.text]
    for text in texts:
        assert part not in text
    assert isinstance(caught.value, CallError)
    assert type(caught.value).__name__ == "AuthenticationError"


GLOBALS = (
    "api_key", "openai_key", "anthropic_key", "api_base", "headers", "callbacks",
    "success_callback", "failure_callback", "input_callback", "_async_success_callback",
    "_async_failure_callback", "cache", "num_retries", "drop_params", "modify_params",
    "telemetry", "model_alias_map", "client_session", "aclient_session", "set_verbose",
    "organization", "vertex_project", "vertex_location", "model_fallbacks",
)  # fmt: skip


def test_no_global_of_litellm_is_set(make_client, connect, abroad):
    """After calls to every provider LiteLLM's module is as it was after its import."""
    import litellm

    before = {name: repr(getattr(litellm, name, None)) for name in GLOBALS}
    environment = dict(os.environ)
    for place in PLACES.values():
        client = make_client(connect(place))
        client.completion(f"abroad/{place.model}", QUESTION)
        list(client.completion(f"abroad/{place.model}", QUESTION, stream=True))

    assert {name: repr(getattr(litellm, name, None)) for name in GLOBALS} == before
    assert dict(os.environ) == environment


def test_a_key_that_changes_is_used_at_once(connect, abroad):
    """A new row means a new key at the next call; the old one is forgotten."""
    abroad.api_keys = {"new"}
    rows = [[connect("anthropic", key="old")], [connect("anthropic", key="new")]]

    class Store:
        def load(self, names):
            return rows[0]

    with GenAIClient(connections=Store()) as client:
        with pytest.raises((CallError, AllTargetsFailedError)):
            client.completion("abroad/claude-sonnet-4-5", QUESTION)
        rows.pop(0)
        client.refresh()
        assert client.completion("abroad/claude-sonnet-4-5", QUESTION).route.served
