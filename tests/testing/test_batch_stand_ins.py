"""The scripted batches, as the providers' own libraries see them."""

from __future__ import annotations

import io
import json

import anthropic
import openai
import pytest
from google import genai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def _lines(**more):
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    row = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return (json.dumps({**row, **more}) + "\n").encode()


@pytest.fixture
def client(provider):
    """OpenAI's own."""
    with openai.OpenAI(api_key="sk-lab", base_url=f"{provider.url}/v1", max_retries=0) as client:
        yield client


def _made(client, content):
    file = client.files.create(file=("in.jsonl", io.BytesIO(content)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
        metadata={"mark": "m"},
    )  # fmt: skip


def test_openais_library_gets_answers(provider, client):
    """Upload, batch, look, list, results."""
    provider.batches.looks = 2
    batch = _made(client, _lines())

    assert batch.status == "in_progress"
    assert client.batches.retrieve(batch.id).status == "in_progress"
    done = client.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert client.batches.list().data[0].metadata == {"mark": "m"}
    (line,) = client.files.content(done.output_file_id).text.splitlines()
    row = json.loads(line)
    assert row["custom_id"] == "a"
    assert row["response"]["body"]["choices"][0]["message"]["content"] == "provider says: Hello!"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_lines() * 2, "duplicate"),
        (_lines(url="/v1/embeddings"), "does not match the batch endpoint"),
        (_lines() + _lines(custom_id="b", body={"model": "other", "messages": MESSAGES}), "more than one model"),
    ],
)  # fmt: skip
def test_a_wrong_file_fails_as_a_whole(client, content, said):
    """With the reason in the batch's errors."""
    batch = _made(client, content)

    assert batch.status == "failed"
    assert said in batch.errors.data[0].message


def test_a_cancelled_batch_says_what_was_not_asked(provider, client):
    """In the file of errors."""
    provider.batches.asked = 0
    batch = _made(client, _lines())

    cancelled = client.batches.cancel(batch.id)
    (line,) = client.files.content(cancelled.error_file_id).text.splitlines()
    assert json.loads(line)["error"]["code"] == "batch_cancelled"


def test_anthropics_library_gets_answers(provider):
    """Batch, look, list, results."""
    with anthropic.Anthropic(api_key="k", base_url=provider.url, max_retries=0) as client:
        params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": MESSAGES}
        batch = client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
        assert batch.processing_status == "in_progress"
        assert batch.request_counts.processing == 1
        done = client.messages.batches.retrieve(batch.id)
        assert (done.processing_status, done.request_counts.succeeded) == ("ended", 1)
        assert [row.id for row in client.messages.batches.list()] == [batch.id]
        (row,) = client.messages.batches.results(batch.id)

    assert (row.custom_id, row.result.type) == ("a", "succeeded")
    assert row.result.message.content[0].text == "provider says: Hello!"


def test_googles_library_gets_answers(provider):
    """Batch, look, results."""
    options = genai.types.HttpOptions(base_url=provider.url)
    client = genai.Client(api_key="k", http_options=options)
    job = client.batches.create(
        model="gemini-2.5-flash",
        src=[{"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}],
        config={"display_name": "m"},
    )

    done = client.batches.get(name=job.name)

    assert done.state.name == "JOB_STATE_SUCCEEDED"
    (row,) = done.dest.inlined_responses
    assert row.response.text == "provider says: Hello!"
