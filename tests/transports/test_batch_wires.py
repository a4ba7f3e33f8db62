"""What providers say of batches, as they publish it or as somebody has seen it: `tests/data/batches.jsonl`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from genai_integrations import Connection, Secret
from genai_integrations.connections.origins import OriginPins
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.batch_dialect import Account
from genai_integrations.transports.dispatch import batches_of

DATA = Path(__file__).parents[1] / "data" / "batches.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
MOST_UNVERIFIED = 4


def _account(provider, **fields):
    lab = Connection("lab", PROVIDERS[provider], Secret("sk-lab"), **fields)
    return Account(lab, "m", "chat/completions", OriginPins(()))


def _named(row):
    return f"{row['provider']}-{row['source'][-24:]}"


@pytest.mark.parametrize("row", [row for row in ROWS if row["what"] == "job"], ids=_named)
def test_the_state_of_a_batch(row):
    """Whether it is over, and where its results are."""
    account = _account(row["provider"])
    asking = batches_of(account.connection, "m").look(
        account, row["wire"]["id" if "id" in row["wire"] else "name"]
    )
    next(asking)

    with pytest.raises(StopIteration) as end:
        asking.send(row["wire"])
    assert (end.value.value.is_over, list(end.value.value.files)) == (row["is_over"], row["files"])


@pytest.mark.parametrize("row", [row for row in ROWS if row["what"] == "outcome"], ids=_named)
def test_what_a_result_says(row):
    """Whose it is, and its answer or its error."""
    outcome = batches_of(_account(row["provider"]).connection, "m").outcome(row["wire"])

    answer = outcome.answer and outcome.answer["choices"][0]["message"]["content"]
    assert (outcome.custom_id, answer, outcome.error) == (
        row["custom_id"],
        row["said"],
        row["error"],
    )


def test_most_of_it_was_seen_somewhere():
    """What was made by hand is bounded."""
    assert sum(row.get("verified") is False for row in ROWS) <= MOST_UNVERIFIED


def test_addresses():
    """Of each provider's own: files and batches beside the chats, and a key that goes nowhere else."""
    asked = {
        "openai": (_account("openai"), "https://api.openai.com/v1/batches/b1"),
        "mistral": (_account("mistral"), "https://api.mistral.ai/v1/batch/jobs/b1"),
        "anthropic": (_account("anthropic"), "https://api.anthropic.com/v1/messages/batches/b1"),
        "google-ai-studio": (
            _account("google-ai-studio"),
            "https://generativelanguage.googleapis.com/v1beta/batches/b1",
        ),
        "azure": (
            _account("azure", base_url="https://acme.openai.azure.com", api_version="2024-10-21"),
            "https://acme.openai.azure.com/openai/batches/b1?api-version=2024-10-21",
        ),
    }
    for account, url in asked.values():
        ask = next(batches_of(account.connection, "m").look(account, "b1"))
        assert (ask.endpoint.url, ask.endpoint.method) == (url, "GET")


def test_an_id_stays_within_its_address():
    """Whatever a server calls a batch, the key goes to the batch's address."""
    account = _account("openai")

    ask = next(batches_of(account.connection, "m").look(account, "../files?x=1"))

    assert ask.endpoint.url == "https://api.openai.com/v1/batches/..%2Ffiles%3Fx%3D1"


@pytest.mark.parametrize(
    ("base", "host", "bucket", "object_"),
    [
        (None, "bedrock.eu-west-1.amazonaws.com", "lab", "https://lab.s3.eu-west-1.amazonaws.com/"),
        (
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
            "bedrock.eu-west-1.amazonaws.com",
            "lab.dots",
            "https://s3.eu-west-1.amazonaws.com/lab.dots/",
        ),
        (
            "https://vpce.example/x",
            "vpce.example/x",
            "lab",
            "https://lab.s3.eu-west-1.amazonaws.com/",
        ),
    ],
)
def test_addresses_of_bedrock(monkeypatch, base, host, bucket, object_):
    """Its control plane beside the runtime, and the bucket of the job; each signed for its own service."""
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_S3", f"s3://{bucket}/in")
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_ROLE", "arn:aws:iam::1:role/r")
    secret = Secret(json.dumps({"accessKeyId": "AKIAX", "secretAccessKey": "a-secret-key"}))
    lab = Connection("lab", PROVIDERS["bedrock"], secret, base, region="eu-west-1")
    account = Account(lab, "m", "chat/completions", OriginPins(()))
    batches = batches_of(lab, "anthropic.claude-sonnet-4-5-20250929-v1:0")

    job = next(batches.look(account, "arn:aws:bedrock:eu-west-1:1:model-invocation-job/j1"))
    written = next(batches.submit(account, [b"{}"], "mark"))

    arn = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Amodel-invocation-job%2Fj1"
    assert (job.endpoint.url, job.endpoint.method) == (
        f"https://{host}/model-invocation-job/{arn}",
        "GET",
    )
    assert (written.endpoint.url, written.endpoint.method) == (f"{object_}in/mark.jsonl", "PUT")
    assert written.body == b"{}\n"
    headers = written.endpoint.signed(written.body).headers
    assert "/eu-west-1/s3/aws4_request" in headers["authorization"]
    assert headers["x-amz-content-sha256"] == hashlib.sha256(b"{}\n").hexdigest()


@pytest.mark.parametrize("uri", ["lab/in", "s3://", "s3://LAB/x", "https://lab/x", "s3://lab/a b"])
def test_a_storage_that_is_none(monkeypatch, uri):
    """It is said, with an example."""
    monkeypatch.setenv("GENAI_BEDROCK_BATCH_S3", uri)

    with pytest.raises(ConfigurationError, match="must be like s3://bucket/folder"):
        batches_of(_account("bedrock").connection, "m")


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("bedrock", {}),
        ("vertex", {}),
        ("groq", {}),
        ("openai", {"dialect": "responses"}),
        ("azure", {"base_url": "https://acme.services.ai.azure.com/anthropic"}),
    ],
)
def test_who_has_none(provider, fields):
    """Those whose batches read and write other storage, copies, and other APIs of the same account."""
    assert batches_of(_account(provider, **fields).connection, "m") is None
