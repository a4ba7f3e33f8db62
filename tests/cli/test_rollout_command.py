"""`genai rollout`: what the workers' rollouts are at, and what a person decides."""

from __future__ import annotations

import json

import pytest

from genai_integrations import GenAIClient, Rollout

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture(params=["redis", "file"])
def place(request, tmp_path):
    """Where the state is: the argument of a client, and the option of a command."""
    if request.param == "file":
        path = str(tmp_path / "state.json")
        return {"state_file": path}, ("--state-file", path)
    url = request.getfixturevalue("redis_server").url
    return {"redis_url": url}, ("--redis-url", url)


@pytest.fixture
def worker(place, connect):
    """A client with a rollout that has seen three calls."""
    rollout = Rollout("smart", old="gpt-4o", new="gpt-5", steps=[1.0])
    client = GenAIClient(
        connections=[connect("home")], router_args={"rollouts": [rollout], **place[0]}
    )
    for _ in range(3):
        client.completion("smart", HELLO)
    client.flush()
    return client


@pytest.mark.usefixtures("worker")
def test_rollouts_are_listed_and_shown(genai, place):
    """For people and for programs, with what is known and every decision."""
    listed = genai("rollout", "list", *place[1])
    shown = genai("rollout", "show", "smart", *place[1])
    (plain,) = json.loads(genai("rollout", "list", "--json", *place[1]).stdout)

    assert [line.split() for line in listed.stdout.splitlines()][-1][:5] == [
        "smart",
        "gpt-4o",
        "gpt-5",
        "running",
        "100",
    ]
    assert "new         gpt-5: 3 calls, 0 failed" in shown.stdout
    assert "running 100 %: it began (test)" in shown.stdout
    assert (plain["name"], plain["state"], plain["share"]) == ("smart", "running", 1.0)
    assert plain["figures"]["new"]["calls"] == 3


@pytest.mark.parametrize(
    ("command", "state", "served"),
    [("promote", "promoted", "home/gpt-5"), ("rollback", "rolled_back", "home/gpt-4o")],
)
def test_a_decision_by_hand_holds_for_the_workers(genai, place, worker, command, state, served):
    """With its reason, in the audit record."""
    result = genai("rollout", command, "smart", *place[1], "--why", "the team agreed", "--json")
    worker.rollout("smart").refresh()
    last = worker.rollout("smart").audit[-1]

    assert result.exit_code == 0
    assert json.loads(result.stdout)["state"] == state
    assert (last.state, last.why, last.by) == (state, "the team agreed", "hand")
    assert worker.completion("smart", HELLO).route.served == served


@pytest.mark.usefixtures("worker")
def test_a_configuration_says_where_the_state_is(genai, place, tmp_path):
    """The one that the workers are made from."""
    file = tmp_path / "genai.yaml"
    ((key, value),) = place[0].items()
    file.write_text(
        f"router_settings:\n  {key}: {value}\n  rollouts:\n"
        "    - {name: smart, old: gpt-4o, new: gpt-5, steps: [1.0]}\n"
    )
    result = genai("--config", str(file), "rollout", "show", "smart", "--json")

    assert json.loads(result.stdout)["figures"]["new"]["calls"] == 3


def test_without_rollouts_it_says_how_they_are_made(genai, place):
    """And ends well."""
    result = genai("rollout", "list", *place[1])

    assert (result.exit_code, result.stdout) == (0, "")
    assert "There are no rollouts" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("list",),
            "give the place where the workers share state: --redis-url, --state-file, or a conf",
        ),
        (("list", "--redis-url", "localhost"), "the address of a Redis server must be like"),
        (("list", "--redis-url", "redis://127.0.0.1:1"), "the state cannot be read"),
        (("list", "--state-file", "/no/such/folder/x"), "does not exist: make it first"),
        (("show", "smart", "--state-file", "nothing.json"), "there is no rollout 'smart'"),
    ],
)
def test_what_cannot_be_read_says_why(genai, monkeypatch, tmp_path, arguments, said):
    """In one line."""
    monkeypatch.chdir(tmp_path)
    result = genai("rollout", *arguments)

    assert said in str(result.exception)
