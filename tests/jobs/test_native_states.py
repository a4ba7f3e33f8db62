"""A provider's batch takes up to a day: what happens to it, to the program and to its connections meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import tempfile

import pytest
import urllib3
from native_lab import Lab, said, texts

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import ConfigurationError, CredentialStoreError, ServerError
from genai_integrations.jobs import start
from genai_integrations.jobs.native_batch import native_steps
from genai_integrations.jobs.steps import Await, Do, Pull, Pulled
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.batches import Batches


def test_a_batch_that_does_not_end_is_left_at_the_deadline(lab_of, caplog, monkeypatch):
    """Even if the provider does not end it: everything is sent live, with a warning."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    monkeypatch.setattr(Batches, "end", lambda *_: None)
    hours = itertools.count()

    items = list(lab.batch(lab.requests("q0"), clock=lambda: 3600.0 * next(hours)))

    assert texts(items) == said("q0")
    assert lab.live == 1
    assert "is not finished at the deadline: the rest is sent live" in caplog.text


def test_what_was_submitted_is_waited_for_after_a_restart(lab_of):
    """It is not submitted again; a run without a deadline says what is to be done."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    requests = lab.requests("q0", "q1")
    looked = itertools.count()

    def stopping():
        if next(looked) > 20:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        list(lab.batch(requests, clock=stopping))
    with pytest.raises(
        ConfigurationError, match="has batches at providers, which are paid for: give"
    ):
        list(lab.client.batch(requests, journal=lab.journal))
    with pytest.raises(ConfigurationError, match="was begun with other requests"):
        list(lab.batch(lab.requests("q0", "x")))
    with pytest.raises(ConfigurationError, match="was begun with other requests"):
        list(lab.batch(lab.requests("q0")))
    lab.provider.batches.looks = 1
    items = list(lab.batch(requests))

    assert texts(items) == said("q0", "q1")
    assert len(lab.provider.batches.jobs) == 1
    assert lab.live == 0


def test_a_key_that_is_changed_meanwhile_is_read_again(provider, tmp_path):
    """A batch takes up to a day, and its results are had with the key of then; a store that is away is asked again."""
    store = Store(_connection(provider, "sk-old"))
    provider.api_keys, provider.batches.looks = {"sk-old"}, 3

    def changing():
        if len(provider.requests) == 3:
            provider.api_keys, store.row = {"sk-new"}, _connection(provider, "sk-new")
            store.failures = 2
        return 0.0

    with GenAIClient(connections=store) as client:
        lab = Lab("openai", provider, tmp_path / "batch.jsonl")
        lab.client = client
        items = list(lab.batch(lab.requests("q0"), clock=changing))

    assert texts(items) == said("q0")
    assert lab.live == 0
    assert {row.headers["authorization"] for row in provider.requests} == {
        "Bearer sk-old",
        "Bearer sk-new",
    }


class Store:
    """A store whose one row can be changed."""

    def __init__(self, row):
        self.row = row
        self.failures = 0

    def load(self, names):
        """As `ConnectionStore.load`."""
        if self.failures:
            self.failures -= 1
            raise CredentialStoreError("the database is away")
        return [self.row]


def _connection(provider, key):
    return Connection("lab", PROVIDERS["openai"], Secret(key), base_url=f"{provider.url}/v1")


def test_a_shuffled_order_changes_no_batch(provider, tmp_path):
    """Each answer is read, and each batch is found again, where it was asked, wherever a call would go now."""
    rows = [
        Connection("a", PROVIDERS["openai"], Secret("sk-a"), base_url=f"{provider.url}/v1"),
        Connection("b", PROVIDERS["openai"], Secret("sk-b"), base_url=f"{provider.url}/v1"),
        Connection("c", PROVIDERS["anthropic"], Secret("sk-c"), base_url=provider.url),
    ]
    turn = itertools.count()

    def by_turns(request, targets):
        at = next(turn) % len(targets)
        return [*targets[at:], *targets[:at]]

    models = [f"{row.name}/{name}" for row, name in zip(rows, ("gpt-4o", "gpt-4o", "claude-sonnet-4-5"), strict=True)]  # fmt: skip
    groups = [{"model_name": "any", "litellm_params": {"model": name}} for name in models]
    args = {"routing_strategy": by_turns, "model_list": groups, "num_retries": 0}
    requests = [{"model": "any", "messages": [{"role": "user", "content": f"q{n}"}]} for n in range(7)]  # fmt: skip
    journal = tmp_path / "batch.jsonl"
    provider.batches.looks = 4
    with GenAIClient(connections=rows, router_args=args) as client:
        options = {"max_concurrency": 4, "ordered": True, "on_progress": None, "max_usd": None}
        options = start.options_of(client, requests, journal=journal, deadline="24h", **options)
        looked = itertools.count()

        def stopping():
            if next(looked) > 12:
                raise KeyboardInterrupt
            return 0.0

        stopped = dataclasses.replace(options, first_look=0.0, clock=stopping)
        with pytest.raises(KeyboardInterrupt):
            list(start.batch(client, requests, stopped, client._router))
        next(turn)
        provider.batches.looks = 1
        items = list(client.batch(requests, deadline="24h", journal=journal))

    assert texts(items) == said(*(f"q{n}" for n in range(7)))
    assert [item.reply.route.served[0] for item in items] == list("abcabca")
    assert sorted(len(job.lines) for job in provider.batches.jobs.values()) == [2, 2, 3]
    assert len(provider.batches.asked_bodies) == 7


def test_a_connection_that_is_gone_issaid(lab_of):
    """What is paid for there is not forgotten."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    looked = itertools.count()

    def stopping():
        if next(looked) > 8:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        list(lab.batch(lab.requests("q0"), clock=stopping))
    other = dataclasses.replace(_connection(lab.provider, "sk-lab"), name="other")
    lab.client = GenAIClient(connections=[other])

    with pytest.raises(
        ConfigurationError, match="a batch at the connection 'lab', which is paid for"
    ):
        list(lab.batch(lab.requests("q0")))


def test_observers_hear_of_answers_once(provider, tmp_path):
    """When they are there, and not again when a later run reads them; the ledger has them with their costs."""
    requests = [
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"q{n}"}]} for n in range(3)
    ]  # fmt: skip
    options = {"deadline": "24h", "journal": tmp_path / "batch.jsonl"}
    with GenAIClient(
        connections=[_connection(provider, "sk-lab")], ledger=str(tmp_path / "ledger.db")
    ) as client:
        list(client.batch(requests, **options))
        list(client.batch(requests, **options))
        (row,) = client.stats(by="model")

    assert row.calls == 3
    assert row.cost == pytest.approx(3 * 9.75e-07)


@pytest.mark.parametrize("budgets", [{"*": {"usd": 1, "per": "run"}}, None])
def test_what_has_a_budget_is_asked_live(provider, budgets):
    """What may be spent is counted for live calls: a budget of the client's, and a cap of the call's own."""
    cap = {} if budgets else {"max_cost": 0.5}
    request = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "q0"}], **cap}
    with GenAIClient(connections=[_connection(provider, "sk-lab")], budgets=budgets) as client:
        items = list(client.batch([request], deadline="24h"))

    assert texts(items) == said("q0")
    assert not provider.batches.jobs


def test_what_a_group_says_holds_in_a_batch(provider, tmp_path):
    """The parameters of the row of `model_list` that serves it, and its model; a cascade is sent live."""
    row = {"model": "lab/gpt-4o-mini", "temperature": 0.5}
    args = {
        "model_list": [{"model_name": "cheap", "litellm_params": row}],
        "num_retries": 0,
    }
    request = {"model": "cheap", "messages": [{"role": "user", "content": "q0"}]}
    with GenAIClient(connections=[_connection(provider, "sk-lab")], router_args=args) as client:
        items = list(client.batch([request], deadline="24h", journal=tmp_path / "batch.jsonl"))

    assert texts(items) == said("q0")
    (body,) = provider.batches.asked_bodies
    assert (body["model"], body["temperature"]) == ("gpt-4o-mini", 0.5)


def test_a_provider_that_is_busy_is_asked_again(lab_of):
    """Twice, with pauses; then its requests go live."""
    lab, waits = lab_of("openai"), []
    lab.client._router.batching.wait = waits.append
    lab.provider.faults = {"": Fault.rate_limited(times=2)}

    assert texts(lab.batch(lab.requests("q0"))) == said("q0")
    assert (lab.live, waits) == (0, [5.0, 20.0])
    lab.journal.unlink()
    lab.provider.faults = {"": Fault.status(503)}
    with pytest.raises(ServerError):
        list(lab.batch(lab.requests("q1")))
    lab.provider.faults = {"": [*[Fault.status(503), None] * 2, Fault.status(503)]}
    lab.journal.unlink()
    assert texts(lab.batch(lab.requests("q1"))) == said("q1")
    assert lab.live == 1


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.cut(), Fault.rate_limited()])
def test_results_that_cannot_be_read_now_are_read_again(lab_of, caplog, fault):
    """They are paid for, and the provider has them still: nothing of them is sent live."""
    lab = lab_of("openai")
    # The upload, the batch, a look, and the results; then a look and the results again.
    lab.provider.faults = {"": [None, None, None, fault, None]}

    assert texts(lab.batch(lab.requests("q0", "q1"))) == said("q0", "q1")
    assert lab.live == 0
    assert "are read again later" in caplog.text


def test_results_that_cannot_be_read_before_the_deadline_are_asked_live(lab_of, caplog):
    """An hour or a tenth of it before, as what is not answered."""
    lab, hours = lab_of("openai"), itertools.count()
    lab.provider.faults = {"": [None, None, None, *[Fault.status(503), None] * 40]}
    looks = lab.batch(lab.requests("q0"), clock=lambda: next(hours) * 3600.0)

    assert texts(looks) == said("q0")
    assert lab.live == 1
    assert "cannot be read to the end" in caplog.text


def test_several_that_it_may_be(lab_of):
    """Anthropic keeps no marks: of two batches of that size and time, the results tell which it is."""
    lab = lab_of("anthropic")
    lab.provider.batches.looks = 1_000
    rows = [{"custom_id": f"other-{n}", "params": {"model": lab.model, "max_tokens": 9, "messages": [
        {"role": "user", "content": "of another program"}]}} for n in range(2)]  # fmt: skip
    headers = {"x-api-key": "sk-lab", "anthropic-version": "2023-06-01"}
    made = urllib3.request("POST", f"{lab.url}/v1/messages/batches", json={"requests": rows}, headers=headers)  # fmt: skip
    assert made.status == 200
    lab.provider.faults = {"": Fault.no_answer(times=1)}

    def ending():
        if len(lab.provider.batches.jobs) == 2:
            lab.provider.batches.looks = 1
        return 0.0

    assert texts(lab.batch(lab.requests("q0", "q1"), clock=ending)) == said("q0", "q1")
    assert lab.live == 0
    assert len(lab.provider.batches.jobs) == 2


def test_a_batch_that_is_gone_is_asked_live(lab_of):
    """Providers keep them for some weeks; what the journal has of it is kept."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    looked = itertools.count()

    def forgetting():
        if next(looked) == 20:
            lab.provider.batches.jobs.clear()
        return 0.0

    assert texts(lab.batch(lab.requests("q0"), clock=forgetting)) == said("q0")
    assert lab.live == 1


def test_batches_are_looked_at_less_and_less_often(lab_of):
    """Seconds between looks: half as much again each time, and two minutes at most."""
    lab, now, waits, items = lab_of("openai"), [0.0], [], []
    lab.provider.batches.looks = 12
    options = start.options_of(
        lab.client, [], max_concurrency=1, ordered=True, on_progress=None, journal=lab.journal, max_usd=None, deadline="24h"
    )  # fmt: skip
    options = dataclasses.replace(options, clock=lambda: now[0])
    steps, requests, outcome = (
        native_steps(options, lab.client._router),
        iter(lab.requests("q0")),
        None,
    )

    with contextlib.suppress(StopIteration):
        while True:
            step, outcome = steps.send(outcome), None
            if isinstance(step, Pull):
                outcome = next((Pulled(row) for row in requests), None)
            elif isinstance(step, Do):
                outcome = step.work()
            elif isinstance(step, Await):
                waits.append(step.seconds)
                now[0] += step.seconds
            else:
                items.append(step.item)

    expected = [5, 7.5, 11.25, 16.875, 25.3125, 37.96875, 56.953125, 85.4296875, 120, 120, 120]
    assert waits == pytest.approx(expected)
    assert texts(items) == said("q0")


def test_without_a_journal_there_is_one_until_the_end(lab_of, tmp_path, monkeypatch, caplog):
    """It is removed; if the program ends while a provider has a batch, it is told instead, and goes on."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lab = lab_of("openai")

    assert texts(lab.batch(lab.requests("q0"), journal=None)) == said("q0")
    assert not list(tmp_path.iterdir())
    lab.provider.batches.looks = 1_000
    looked = itertools.count()

    def stopping():
        if next(looked) > 8:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        list(lab.batch(lab.requests("q1"), journal=None, clock=stopping))
    (journal,) = tmp_path.glob("genai-batch-*/journal.jsonl")
    assert f"a provider still has batches: journal='{journal}' goes on with them" in caplog.text
    lab.provider.batches.looks = 1
    assert texts(lab.batch(lab.requests("q1"), journal=journal)) == said("q1")
    assert len(lab.provider.batches.jobs) == 2


def test_the_journal_has_no_key_and_no_prompt(lab_of):
    """What is written down of a batch is its id, its mark, and which requests it has."""
    lab = lab_of("anthropic")
    list(lab.batch(lab.requests("a secret question")))

    rows = [json.loads(line) for line in lab.journal.read_text().splitlines()]
    states = [row for row in rows if "batch" in row]
    assert [row["state"] for row in states] == ["submitted", "submitted", "done"]
    assert [row["ids"] for row in states] == [[], *[[next(iter(lab.provider.batches.jobs))]] * 2]
    assert states[0]["rows"] == [[0, 0]]
    assert "sk-lab" not in lab.journal.read_text()


def test_a_damaged_state_issaid(lab_of):
    """The journal is left as it is."""
    lab = lab_of("openai")
    content = '{"journal":"batch","version":1,"mark":"m"}\n{"batch":"1","state":"submitted"}\n'
    lab.journal.write_text(content)

    with pytest.raises(ConfigurationError, match="a line about a provider's batch is damaged"):
        list(lab.batch(lab.requests("q0")))
    assert lab.journal.read_text() == content
