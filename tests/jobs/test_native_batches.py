"""`deadline=`: requests go into the batches that providers have, and what those do not answer is sent live."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from native_lab import MODELS, UPLOADS, every_provider, said, texts

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import BadRequestError, BudgetExceededError, ConfigurationError
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.gemini.batches import GeminiBatchDialect
from genai_integrations.transports.bedrock import batches as bedrock_batches
from genai_integrations.transports.bedrock.batches import BedrockBatches

killed = [
    kind if kind in ("openai", "anthropic") else pytest.param(kind, marks=pytest.mark.slow)
    for kind in MODELS
]
"""Programs take seconds to start: one provider that keeps marks, and the one that does not, run each time."""

PROGRAM = Path(__file__).parent / "native_program.py"


@every_provider
def test_a_provider_answers_at_half_price(lab_of, kind):
    """Nothing is asked on its own; the route says how it was answered; a second run reads the journal."""
    lab = lab_of(kind)
    lab.provider.batches.looks = 3

    items = list(lab.batch(lab.requests("q0", "q1", "q2")))
    asked = len(lab.provider.requests)
    again = list(lab.batch(lab.requests("q0", "q1", "q2")))

    assert texts(items) == texts(again) == said("q0", "q1", "q2")
    assert [item.index for item in items] == [0, 1, 2]
    assert [item.cost for item in items] == pytest.approx([lab.cost] * 3)
    attempt = items[0].reply.route.attempts[0]
    assert (attempt.target, attempt.reason, attempt.outcome) == (f"lab/{lab.model}", "batch", "ok")
    assert attempt.cost == pytest.approx(lab.cost)
    assert items[0].reply.route.why == "deadline=: at the provider's price for batches"
    assert lab.live == 0
    assert len(lab.provider.requests) == asked
    assert [item.is_earlier for item in items + again] == [False] * 3 + [True] * 3


@every_provider
def test_what_fails_in_a_batch_is_asked_live(lab_of, kind):
    """The provider fails with one, which is answered on its own; one that is wrong in itself has its error then."""
    lab = lab_of(kind)
    lab.provider.faults = {
        lab.model: [None, Fault.status(500), Fault.bad_request(), None, Fault.bad_request()]
    }

    items = list(lab.batch(lab.requests("q0", "q1", "q2"), max_concurrency=1))

    assert texts(items) == [*said("q0", "q1"), None]
    assert isinstance(items[2].error, BadRequestError)
    assert [item.reply.route.attempts[0].reason for item in items[:2]] == ["batch", "first"]
    assert lab.live == 2


@every_provider
def test_what_expires_is_asked_live(lab_of, kind):
    """A batch that ends with half of its requests unanswered has not lost them."""
    lab = lab_of(kind)
    lab.provider.batches.asked, lab.provider.batches.ends = 0.5, "expired"

    items = list(lab.batch(lab.requests("q0", "q1", "q2", "q3")))

    assert texts(items) == said("q0", "q1", "q2", "q3")
    assert lab.live == 2
    assert len(lab.provider.batches.asked_bodies) == 2


@every_provider
def test_near_the_deadline_what_is_left_goes_live(lab_of, kind):
    """The batch is cancelled an hour before; what it had answered is taken, and the rest is asked."""
    lab = lab_of(kind)
    lab.provider.batches.looks, lab.provider.batches.asked = 1_000, 0.5
    hours = itertools.count()

    items = list(lab.batch(lab.requests("q0", "q1"), clock=lambda: 3600.0 * next(hours) / 2))

    assert texts(items) == said("q0", "q1")
    assert [item.reply.route.attempts[0].reason for item in items] == ["batch", "first"]
    assert any(row.path.endswith(("cancel", "stop")) for row in lab.provider.requests)


@pytest.mark.parametrize("kind", killed)
def test_a_program_killed_while_it_submits_finds_its_batch_again(lab_of, kind):
    """The provider made it, and its id was never heard: it is found, and nothing is paid for twice."""
    lab = lab_of(kind)
    uploads = UPLOADS.get(kind, 0)
    lab.provider.faults = {"": [*[None] * uploads, Fault.hang()]}
    rows = 100 if kind == "bedrock" else 3
    command = [sys.executable, PROGRAM, kind, lab.url, lab.model, str(lab.journal), str(rows)]

    with subprocess.Popen(command) as program:
        lab.provider.wait_for_requests(uploads + 1, 60)
        while not lab.provider.batches.jobs:
            assert program.poll() is None
        program.send_signal(signal.SIGKILL)
    lab.provider.faults = {}
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert [line.split(" ")[:4] for line in done.stdout.splitlines()] == [
        [str(n), "provider", "says:", f"q{n}"] for n in range(rows)
    ]
    assert len(lab.provider.batches.asked_bodies) == rows
    assert len(lab.provider.batches.jobs) == 1
    assert lab.live == 0


@every_provider
def test_an_answer_that_is_lost_makes_no_second_batch(lab_of, kind):
    """Where it is not clear whether it was made, it is looked for before it is made again."""
    lab = lab_of(kind)
    uploads = UPLOADS.get(kind, 0)
    lab.provider.faults = {"": [*[None] * uploads, Fault.no_answer(times=1)]}

    items = list(lab.batch(lab.requests("q0", "q1")))

    assert texts(items) == said("q0", "q1")
    assert len(lab.provider.batches.jobs) == 1
    assert lab.live == 0


def test_a_provider_that_takes_no_batch_is_asked_live(lab_of, caplog):
    """With a warning that says why."""
    lab = lab_of("openai")
    lab.provider.faults = {"": Fault.status(403)}

    items = list(lab.batch(lab.requests("q0", "q1")))

    assert texts(items) == said("q0", "q1")
    assert lab.live == 2
    assert "lab takes no batch (" in caplog.text
    assert "2 requests are sent live" in caplog.text


def test_a_batch_that_fails_as_a_whole_is_asked_live(lab_of, caplog):
    """As when the file is refused only after it was taken."""
    lab = lab_of("openai")
    lab.provider.batches.ends = "failed"

    assert texts(lab.batch(lab.requests("q0"))) == said("q0")
    assert lab.live == 1


def test_each_model_has_a_batch_of_its_own(lab_of, provider):
    """Embeddings too; what no provider has batches for is sent live beside, and what is no request is an error."""
    lab = lab_of("openai")
    requests = [
        *lab.requests("q0", "q1"),
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "q2"}]},
        {"model": "text-embedding-3-small", "input": ["a", "b"]},
        3,
        *lab.requests("q5", seed=float("nan")),
    ]

    items = list(lab.batch(requests))

    assert texts([items[0], items[1], items[2]]) == said("q0", "q1", "q2")
    assert len(items[3].reply.data) == 2
    assert items[3].cost == pytest.approx(2e-08)
    assert [type(item.error).__name__ for item in items[4:]] == ["ConfigurationError"] * 2
    jobs = provider.batches.jobs.values()
    assert sorted((job.about["endpoint"], len(job.lines)) for job in jobs) == [
        ("/v1/chat/completions", 1),
        ("/v1/chat/completions", 2),
        ("/v1/embeddings", 1),
    ]


def test_a_request_that_cannot_be_written_takes_no_other_with_it(lab_of):
    """It is an item with its error, as in a batch that is sent live."""
    lab = lab_of("anthropic")
    (odd,) = lab.requests("q1")
    odd["messages"][-1]["tool_calls"] = [3]

    items = list(lab.batch([*lab.requests("q0"), odd, *lab.requests("q2")]))

    assert texts(items) == [*said("q0"), None, *said("q2")]
    assert isinstance(items[1].error, BadRequestError)
    assert "cannot be written in its form" in str(items[1].error)


def test_a_provider_without_batches_is_asked_live(provider, tmp_path):
    """A copy of OpenAI's API, say."""
    lab = Connection("lab", PROVIDERS["groq"], Secret("sk-lab"), base_url=f"{provider.url}/v1")
    with GenAIClient(connections=[lab]) as client:
        requests = [{"model": "llama-3", "messages": [{"role": "user", "content": "q0"}]}]
        items = list(client.batch(requests, deadline="24h", journal=tmp_path / "j.jsonl"))

    assert texts(items) == said("q0")
    assert [row.path for row in provider.requests] == ["/v1/chat/completions"]


def test_answers_without_keys_are_told_by_their_places(lab_of):
    """Some of Gemini's servers leave the key out; the answers are in the order of the requests."""
    lab = lab_of("google-ai-studio")
    gemini = next(row for row in lab.provider._dialects if isinstance(row, GeminiBatchDialect))
    gemini.gives_keys = False
    lab.provider.replies = {"*": lambda body: body["contents"][-1]["parts"][0]["text"]}

    assert texts(lab.batch(lab.requests("q0", "q1", "q2"))) == ["q0", "q1", "q2"]


def test_bedrock_without_storage_is_asked_live(lab_of, monkeypatch, caplog):
    """It says once what is missing; so do tools, which its batches refuse, and batches that are too small go live."""
    lab = lab_of("bedrock")
    tool = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}

    assert texts(lab.batch(lab.requests("q0", tools=[tool]))) == said("q0")
    monkeypatch.setattr(BedrockBatches, "least", 100)
    lab.journal.unlink()
    assert texts(lab.batch(lab.requests("q1"))) == said("q1")
    monkeypatch.delenv("GENAI_BEDROCK_BATCH_ROLE")
    lab.journal.unlink()
    bedrock_batches.say_once.cache_clear()
    assert texts(lab.batch(lab.requests("q2", "q3"))) == said("q2", "q3")

    assert lab.live == 4
    assert caplog.text.count("Bedrock's requests are sent live: its batches need GENAI_") == 1


def test_an_api_key_of_bedrocks_cannot_write_to_s3(lab_of, caplog):
    """So its requests are sent live, with the reason."""
    lab = lab_of("bedrock")
    lab.provider.api_keys = {"bearer-token"}
    secret = Secret(json.dumps({"apiKey": "bearer-token"}))
    lab.client = GenAIClient(
        connections=[Connection("lab", PROVIDERS["bedrock"], secret, lab.url, region="us-east-1")]
    )

    assert texts(lab.batch(lab.requests("q0"))) == said("q0")
    assert "has an API key of Bedrock's, which cannot write to S3" in caplog.text


def test_it_says_how_much_waits_in_batches(lab_of):
    """As soon as they are submitted."""
    told = []
    lab = lab_of("openai")

    list(lab.batch(lab.requests("q0", "q1"), on_progress=told.append))

    assert [(row.done, row.submitted) for row in told] == [(0, 2), (1, 2), (2, 2)]
    assert str(told[0]) == "$0.00, 2 in batches"


def test_items_come_as_batches_end(lab_of):
    """Where the order does not matter: the results of a file come in any order."""
    lab = lab_of("openai")

    items = list(lab.batch(lab.requests("q0", "q1", "q2"), ordered=False))

    assert [item.index for item in items] == [2, 1, 0]


async def test_a_loop_gets_the_same(lab_of):
    """`abatch`, in a running loop."""
    lab = lab_of("anthropic")

    items = [item async for item in lab.client.abatch(lab.requests("q0", "q1"), deadline="24h")]
    await lab.client.aclose()

    assert texts(items) == said("q0", "q1")
    assert lab.live == 0


def test_more_than_a_batch_may_have_becomes_several(lab_of, monkeypatch):
    """Each with its own id, and each submitted as soon as it is full."""
    from genai_integrations.transports.openai.batches import OpenAIBatches

    monkeypatch.setattr(OpenAIBatches, "most", 2)
    lab = lab_of("openai")

    items = list(lab.batch(lab.requests("q0", "q1", "q2", "q3", "q4")))

    assert texts(items) == said("q0", "q1", "q2", "q3", "q4")
    assert [len(job.lines) for job in lab.provider.batches.jobs.values()] == [2, 2, 1]


def test_the_prices_of_a_row_hold_in_batches_too(lab_of):
    """At half, as those of the price map; the same out of the journal, and whatever prices hold then."""
    lab = lab_of("openai")
    own = {"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3}
    row = {"model_name": "mine", "litellm_params": {"model": f"lab/{lab.model}", **own}}
    lab.client = lab.made(router_args={"model_list": [row]})
    asked = [{**request, "model": "mine"} for request in lab.requests("q0")]

    (first,) = lab.batch(asked)
    lab.client = lab.made(
        router_args={"model_list": [{**row, "litellm_params": {"model": lab.model}}]}
    )
    (again,) = lab.batch(asked)

    # A token of a prompt and three of an answer.
    costs = (first.cost, first.reply.route.cost, again.cost, again.reply.route.cost)
    assert costs == pytest.approx((3.5e-3,) * 4)


def test_each_answer_is_told_to_a_ledger_once(lab_of, tmp_path):
    """A run that ended while it read the results has told of those that it wrote down."""
    lab = lab_of("openai")
    lab.client = lab.made(ledger=tmp_path / "calls.db")
    unfinished = lab.batch(lab.requests("q0", "q1", "q2"))
    next(unfinished)
    unfinished.close()

    assert texts(lab.batch(lab.requests("q0", "q1", "q2"))) == said("q0", "q1", "q2")
    (row,) = lab.client.stats()
    assert (row.calls, row.cost) == (3, pytest.approx(3 * lab.cost))


def test_no_more_is_submitted_than_may_be_spent(lab_of):
    """Here nothing may: nothing is sent."""
    lab = lab_of("openai")
    lab.batch(lab.requests("q0"))
    list(lab.batch(lab.requests("q0")))
    asked = len(lab.provider.requests)

    items = list(lab.batch(lab.requests("q0", "q1"), max_usd=1e-06))

    assert isinstance(items[1].error, BudgetExceededError)
    assert len(lab.provider.requests) == asked


@pytest.mark.parametrize("deadline", ["soon", "24", -1, 0, True, "1y", float("nan")])
def test_a_deadline_is_a_time(lab_of, deadline):
    """With a unit, or in seconds."""
    lab = lab_of("openai")

    with pytest.raises(ConfigurationError, match='deadline must be a time such as "24h", "90m"'):
        lab.client.batch([], deadline=deadline)
