"""`deadline=`: requests go into the batches that providers have, and what those do not answer is asked live."""

from __future__ import annotations

import dataclasses
import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from genai_integrations import Connection, GenAIClient, Secret
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import BadRequestError, BudgetExceededError, ConfigurationError
from genai_integrations.jobs import start
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.providers.batches import Batches
from genai_integrations.testing.providers.gemini.batches import GeminiBatchDialect
from genai_integrations.transports.bedrock import batches as bedrock_batches
from genai_integrations.transports.bedrock.batches import BedrockBatches

PROGRAM = Path(__file__).parent / "native_program.py"

MODELS = {
    "openai": ("/v1", "gpt-4o-mini", 9.75e-07),
    "azure": ("/openai", "gpt-4o-mini", 9.75e-07),
    "mistral": ("/v1", "mistral-small-latest", 9.75e-07),
    "anthropic": ("", "claude-sonnet-4-5", 2.4e-05),
    "google-ai-studio": ("", "gemini-2.5-flash", 3.9e-06),
    "bedrock": ("", "anthropic.claude-3-5-haiku-20241022-v1:0", 6.4e-06),
}
"""Of each provider the end of its address, a model, and what a question and its answer cost at half price."""

UPLOADS = {"openai": 1, "mistral": 1, "azure": 2, "bedrock": 1}
"""Requests before that which makes a batch."""

KEY_ID, KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SECRETS = {"bedrock": json.dumps({"accessKeyId": KEY_ID, "secretAccessKey": KEY})}

every_provider = pytest.mark.parametrize("kind", MODELS)


class Lab:
    """A client of one provider, and batches of it that wait for nothing."""

    def __init__(self, kind, provider, journal):
        base, self.model, self.cost = MODELS[kind]
        self.provider, self.journal = provider, journal
        self.url = f"{provider.url}{base}"
        secret = Secret(SECRETS.get(kind, "sk-lab"))
        lab = Connection("lab", PROVIDERS[kind], secret, base_url=self.url, region="us-east-1")
        self.client = GenAIClient(connections=[lab], router_args={"num_retries": 0})
        self.client._router.batching._wait = lambda _: None

    def requests(self, *texts, **params):
        return [
            {"model": self.model, "messages": [{"role": "user", "content": text}], **params}
            for text in texts
        ]

    def batch(self, requests, *, clock=lambda: 0.0, **given):
        options = start.options_of(
            requests,
            **{
                "max_concurrency": 4,
                "ordered": True,
                "on_progress": None,
                "journal": self.journal,
                "max_usd": None,
                "deadline": "24h",
                **given,
            },
        )
        options = dataclasses.replace(options, first_look=0.0, clock=clock)
        return start.batch(self.client, requests, options, self.client._router)

    @property
    def live(self):
        """How many requests came on their own."""
        ends = ("/chat/completions", "/messages", ":generateContent", "/converse")
        return sum(row.path.endswith(ends) for row in self.provider.requests)


@pytest.fixture
def lab_of(provider, tmp_path, monkeypatch):
    """Makes a lab of a kind of provider."""
    labs = []
    # Real ones take a hundred.
    monkeypatch.setattr(BedrockBatches, "least", 1)
    monkeypatch.setattr("genai_integrations.testing.providers.bedrock.batches._LEAST", 1)
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_S3", "s3://lab/batches")
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_ROLE", "arn:aws:iam::123456789012:role/batches")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", provider.url)

    def lab_of(kind):
        monkeypatch.setenv("LAB_SECRET", SECRETS.get(kind, "sk-lab"))
        provider.api_keys = {f"{KEY_ID}:{KEY}", "sk-lab"}
        labs.append(Lab(kind, provider, tmp_path / "batch.jsonl"))
        return labs[-1]

    yield lab_of
    for lab in labs:
        lab.client.close()


def _texts(items):
    return [item.reply and item.reply.choices[0].message.content for item in items]


def _said(*texts):
    return [f"provider says: {text}" for text in texts]


@every_provider
def test_a_provider_answers_at_half_price(lab_of, kind):
    """Nothing is asked on its own; the route says how it was answered; a second run reads the journal."""
    lab = lab_of(kind)
    lab.provider.batches.looks = 3

    items = list(lab.batch(lab.requests("q0", "q1", "q2")))
    asked = len(lab.provider.requests)
    again = list(lab.batch(lab.requests("q0", "q1", "q2")))

    assert _texts(items) == _texts(again) == _said("q0", "q1", "q2")
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

    assert _texts(items) == [*_said("q0", "q1"), None]
    assert isinstance(items[2].error, BadRequestError)
    assert [item.reply.route.attempts[0].reason for item in items[:2]] == ["batch", "first"]
    assert lab.live == 2


@every_provider
def test_what_expires_is_asked_live(lab_of, kind):
    """A batch that ends with half of its requests unanswered has not lost them."""
    lab = lab_of(kind)
    lab.provider.batches.asked, lab.provider.batches.ends = 0.5, "expired"

    items = list(lab.batch(lab.requests("q0", "q1", "q2", "q3")))

    assert _texts(items) == _said("q0", "q1", "q2", "q3")
    assert lab.live == 2
    assert len(lab.provider.batches.asked_bodies) == 2


@every_provider
def test_near_the_deadline_what_is_left_goes_live(lab_of, kind):
    """The batch is cancelled an hour before; what it had answered is taken, and the rest is asked."""
    lab = lab_of(kind)
    lab.provider.batches.looks, lab.provider.batches.asked = 1_000, 0.5
    hours = itertools.count()

    items = list(lab.batch(lab.requests("q0", "q1"), clock=lambda: 3600.0 * next(hours) / 2))

    assert _texts(items) == _said("q0", "q1")
    assert [item.reply.route.attempts[0].reason for item in items] == ["batch", "first"]
    assert any(row.path.endswith(("cancel", "stop")) for row in lab.provider.requests)


def test_a_batch_that_does_not_end_is_left_at_the_deadline(lab_of, caplog, monkeypatch):
    """Even if the provider does not end it: everything is asked live, with a warning."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    monkeypatch.setattr(Batches, "end", lambda *_: None)
    hours = itertools.count()

    items = list(lab.batch(lab.requests("q0"), clock=lambda: 3600.0 * next(hours)))

    assert _texts(items) == _said("q0")
    assert lab.live == 1
    assert "is not over at the deadline: its rest is asked live" in caplog.text


@every_provider
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

    assert _texts(items) == _said("q0", "q1")
    assert len(lab.provider.batches.jobs) == 1
    assert lab.live == 0


def test_what_was_submitted_is_waited_for_after_a_restart(lab_of, questions):
    """It is not submitted again; a run without a deadline says what is to be done."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    requests = lab.requests("q0", "q1")
    steps = lab.batch(requests, on_progress=None)
    looked = itertools.count()

    def stopping():
        if next(looked) > 20:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        list(lab.batch(requests, clock=stopping))
    steps.close()
    with pytest.raises(
        ConfigurationError, match="has batches at providers, which are paid for: give"
    ):
        list(lab.client.batch(requests, journal=lab.journal))
    with pytest.raises(ConfigurationError, match="has other requests than these"):
        list(lab.batch(lab.requests("q0", "x")))
    with pytest.raises(ConfigurationError, match="has other requests than these"):
        list(lab.batch(lab.requests("q0")))
    lab.provider.batches.looks = 1
    items = list(lab.batch(requests))

    assert _texts(items) == _said("q0", "q1")
    assert len(lab.provider.batches.jobs) == 1
    assert lab.live == 0


def test_a_key_that_is_changed_meanwhile_is_read_again(provider, tmp_path):
    """A batch takes up to a day, and its results are had with the key of then."""
    store = Store(_connection(provider, "sk-old"))
    provider.api_keys, provider.batches.looks = {"sk-old"}, 3

    def changing():
        if len(provider.requests) == 3:
            provider.api_keys, store.row = {"sk-new"}, _connection(provider, "sk-new")
        return 0.0

    with GenAIClient(connections=store) as client:
        lab = Lab("openai", provider, tmp_path / "batch.jsonl")
        lab.client = client
        items = list(lab.batch(lab.requests("q0"), clock=changing))

    assert _texts(items) == _said("q0")
    assert lab.live == 0
    assert {row.headers["authorization"] for row in provider.requests} == {
        "Bearer sk-old",
        "Bearer sk-new",
    }


class Store:
    """A store whose one row can be changed."""

    def __init__(self, row):
        self.row = row

    def load(self, names):
        """As `ConnectionStore.load`."""
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
        options = start.options_of(requests, journal=journal, deadline="24h", **options)
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

    assert _texts(items) == _said(*(f"q{n}" for n in range(7)))
    assert [item.reply.route.served[0] for item in items] == list("abcabca")
    assert sorted(len(job.lines) for job in provider.batches.jobs.values()) == [2, 2, 3]
    assert len(provider.batches.asked_bodies) == 7


def test_a_connection_that_is_gone_is_said(lab_of):
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


def test_what_a_group_says_holds_in_a_batch(provider, tmp_path):
    """The parameters of the row of `model_list` that serves it, and its model; a cascade is asked live."""
    row = {"model": "lab/gpt-4o-mini", "temperature": 0.5}
    args = {
        "model_list": [{"model_name": "cheap", "litellm_params": row}],
        "num_retries": 0,
    }
    request = {"model": "cheap", "messages": [{"role": "user", "content": "q0"}]}
    with GenAIClient(connections=[_connection(provider, "sk-lab")], router_args=args) as client:
        items = list(client.batch([request], deadline="24h", journal=tmp_path / "batch.jsonl"))

    assert _texts(items) == _said("q0")
    (body,) = provider.batches.asked_bodies
    assert (body["model"], body["temperature"]) == ("gpt-4o-mini", 0.5)


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

    assert _texts(lab.batch(lab.requests("q0", "q1"), clock=ending)) == _said("q0", "q1")
    assert lab.live == 0
    assert len(lab.provider.batches.jobs) == 2


def test_a_provider_that_takes_no_batch_is_asked_live(lab_of, caplog):
    """With a warning that says why."""
    lab = lab_of("openai")
    lab.provider.faults = {"": Fault.status(403)}

    items = list(lab.batch(lab.requests("q0", "q1")))

    assert _texts(items) == _said("q0", "q1")
    assert lab.live == 2
    assert "lab takes no batch (" in caplog.text
    assert "2 requests are asked live" in caplog.text


def test_a_batch_that_fails_as_a_whole_is_asked_live(lab_of, caplog):
    """As when the file is refused only after it was taken."""
    lab = lab_of("openai")
    lab.provider.batches.ends = "failed"

    assert _texts(lab.batch(lab.requests("q0"))) == _said("q0")
    assert lab.live == 1


def test_a_batch_that_is_gone_is_asked_live(lab_of):
    """Providers keep them for some weeks; what the journal has of it is kept."""
    lab = lab_of("openai")
    lab.provider.batches.looks = 1_000
    looked = itertools.count()

    def forgetting():
        if next(looked) == 20:
            lab.provider.batches.jobs.clear()
        return 0.0

    assert _texts(lab.batch(lab.requests("q0"), clock=forgetting)) == _said("q0")
    assert lab.live == 1


def test_each_model_has_a_batch_of_its_own(lab_of, provider):
    """Embeddings too; what no provider has batches for is asked live beside, and what is no request is an error."""
    lab = lab_of("openai")
    requests = [
        *lab.requests("q0", "q1"),
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "q2"}]},
        {"model": "text-embedding-3-small", "input": ["a", "b"]},
        3,
        *lab.requests("q5", seed=float("nan")),
    ]

    items = list(lab.batch(requests))

    assert _texts([items[0], items[1], items[2]]) == _said("q0", "q1", "q2")
    assert len(items[3].reply.data) == 2
    assert items[3].cost == pytest.approx(2e-08)
    assert [type(item.error).__name__ for item in items[4:]] == ["ConfigurationError"] * 2
    jobs = provider.batches.jobs.values()
    assert sorted((job.about["endpoint"], len(job.lines)) for job in jobs) == [
        ("/v1/chat/completions", 1),
        ("/v1/chat/completions", 2),
        ("/v1/embeddings", 1),
    ]


def test_a_provider_without_batches_is_asked_live(provider, tmp_path):
    """A copy of OpenAI's API, say."""
    lab = Connection("lab", PROVIDERS["groq"], Secret("sk-lab"), base_url=f"{provider.url}/v1")
    with GenAIClient(connections=[lab]) as client:
        requests = [{"model": "llama-3", "messages": [{"role": "user", "content": "q0"}]}]
        items = list(client.batch(requests, deadline="24h", journal=tmp_path / "j.jsonl"))

    assert _texts(items) == _said("q0")
    assert [row.path for row in provider.requests] == ["/v1/chat/completions"]


def test_answers_without_keys_are_told_by_their_places(lab_of):
    """Some of Gemini's servers leave the key out; the answers are in the order of the requests."""
    lab = lab_of("google-ai-studio")
    gemini = next(row for row in lab.provider._dialects if isinstance(row, GeminiBatchDialect))
    gemini.gives_keys = False
    lab.provider.replies = {"*": lambda body: body["contents"][-1]["parts"][0]["text"]}

    assert _texts(lab.batch(lab.requests("q0", "q1", "q2"))) == ["q0", "q1", "q2"]


def test_bedrock_without_storage_is_asked_live(lab_of, monkeypatch, caplog):
    """It says once what is missing; so do tools, which its batches refuse, and batches that are too small go live."""
    lab = lab_of("bedrock")
    tool = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}

    assert _texts(lab.batch(lab.requests("q0", tools=[tool]))) == _said("q0")
    monkeypatch.setattr(BedrockBatches, "least", 100)
    lab.journal.unlink()
    assert _texts(lab.batch(lab.requests("q1"))) == _said("q1")
    monkeypatch.delenv("GENAI_BEDROCK_BATCH_ROLE")
    lab.journal.unlink()
    bedrock_batches.say_once.cache_clear()
    assert _texts(lab.batch(lab.requests("q2", "q3"))) == _said("q2", "q3")

    assert lab.live == 4
    assert caplog.text.count("Bedrock's requests are asked live: its batches need GENAI_") == 1


def test_an_api_key_of_bedrocks_cannot_write_to_s3(lab_of, caplog):
    """So its requests are asked live, with the reason."""
    lab = lab_of("bedrock")
    lab.provider.api_keys = {"bearer-token"}
    secret = Secret(json.dumps({"apiKey": "bearer-token"}))
    lab.client = GenAIClient(
        connections=[Connection("lab", PROVIDERS["bedrock"], secret, lab.url, region="us-east-1")]
    )

    assert _texts(lab.batch(lab.requests("q0"))) == _said("q0")
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

    assert _texts(items) == _said("q0", "q1")
    assert lab.live == 0


def test_more_than_a_batch_may_have_becomes_several(lab_of, monkeypatch):
    """Each with its own id, and each submitted as soon as it is full."""
    from genai_integrations.transports.openai.batches import OpenAIBatches

    monkeypatch.setattr(OpenAIBatches, "most", 2)
    lab = lab_of("openai")

    items = list(lab.batch(lab.requests("q0", "q1", "q2", "q3", "q4")))

    assert _texts(items) == _said("q0", "q1", "q2", "q3", "q4")
    assert [len(job.lines) for job in lab.provider.batches.jobs.values()] == [2, 2, 1]


def test_no_more_is_submitted_than_may_be_spent(lab_of):
    """Here nothing may: nothing is sent."""
    lab = lab_of("openai")
    lab.batch(lab.requests("q0"))
    list(lab.batch(lab.requests("q0")))
    asked = len(lab.provider.requests)

    items = list(lab.batch(lab.requests("q0", "q1"), max_usd=1e-06))

    assert isinstance(items[1].error, BudgetExceededError)
    assert len(lab.provider.requests) == asked


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


def test_a_damaged_state_is_said(lab_of):
    """The journal is left as it is."""
    lab = lab_of("openai")
    content = '{"journal":"batch","version":1,"mark":"m"}\n{"batch":"1","state":"submitted"}\n'
    lab.journal.write_text(content)

    with pytest.raises(ConfigurationError, match="a line about a provider's batch is damaged"):
        list(lab.batch(lab.requests("q0")))
    assert lab.journal.read_text() == content


@pytest.mark.parametrize("deadline", ["soon", "24", -1, 0, True, "1y", float("nan")])
def test_a_deadline_is_a_time(lab_of, deadline):
    """With a unit, or in seconds."""
    lab = lab_of("openai")

    with pytest.raises(ConfigurationError, match='deadline must be a time such as "24h", "90m"'):
        lab.client.batch([], deadline=deadline)
