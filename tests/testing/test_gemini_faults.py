"""The scripted provider fails as Google AI Studio does, seen at the wire."""

from __future__ import annotations

import json

import pytest
from gemini_wire import HELLO, generate, path, post, raw_stream, said, stream
from wire import call

from genai_integrations.testing.faults import Fault


def test_a_wrong_key_is_a_bad_request_and_a_missing_one_is_forbidden(provider):
    """AI Studio has no 401 for keys; the key may also be in the query."""
    provider.api_keys = {"AIza-right"}
    body = {"contents": HELLO}

    status, _, reply = post(provider, body, headers={"x-goog-api-key": "wrong"})
    assert (status, reply["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert reply["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    status, _, reply = post(provider, body, headers={})
    assert (status, reply["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert post(provider, body)[0] == 200
    assert call(provider, body, path() + "?key=AIza-right")[0] == 200


@pytest.mark.parametrize(
    ("model", "code", "status"),
    [
        ("fault-400", 400, "INVALID_ARGUMENT"),
        ("fault-401", 400, "INVALID_ARGUMENT"),
        ("fault-403", 403, "PERMISSION_DENIED"),
        ("fault-404", 404, "NOT_FOUND"),
        ("fault-429", 429, "RESOURCE_EXHAUSTED"),
        ("fault-quota", 429, "RESOURCE_EXHAUSTED"),
        ("fault-context", 400, "INVALID_ARGUMENT"),
        ("fault-500", 500, "INTERNAL"),
        ("fault-503", 503, "UNAVAILABLE"),
        ("fault-504", 504, "DEADLINE_EXCEEDED"),
        ("fault-529", 529, "UNKNOWN"),
    ],
)
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_errors_have_googles_shape(provider, method, model, code, status):
    """The body names the code again, and Google's name of it."""
    got, headers, body = post(provider, {"contents": HELLO}, method, model)

    assert got == code
    assert (body["error"]["code"], body["error"]["status"]) == (code, status)
    assert body["error"]["message"]
    assert headers["x-request-id"]


def test_how_long_to_wait_is_said_in_the_body(provider):
    """A rate limit has a `RetryInfo` and no header; a used-up quota has none of both."""
    provider.faults["*"] = [
        Fault.rate_limited(7),
        Fault.rate_limited(None, milliseconds=1500),
        Fault.rate_limited(None),
        Fault.out_of_quota(),
    ]
    replies = [post(provider, {"contents": HELLO}) for _ in range(4)]
    details = [
        {row["@type"].rpartition(".")[2]: row for row in body["error"]["details"]}
        for _, _, body in replies
    ]

    assert [row.get("RetryInfo", {}).get("retryDelay") for row in details] == [
        "7s",
        "1.5s",
        None,
        None,
    ]
    quotas = [row["QuotaFailure"]["violations"][0]["quotaId"] for row in details]
    assert ["PerMinute" in quota for quota in quotas] == [True, True, True, False]
    assert not any("retry-after" in headers for _, headers, _ in replies)


def test_an_error_can_be_given_words(provider):
    """Message, headers and Google's name of the status can be chosen."""
    provider.faults["*"] = Fault.status(409, code="aborted", message="no", headers={"x-a": "1"})
    status, headers, body = post(provider, {"contents": HELLO})

    assert (status, headers["x-a"]) == (409, "1")
    assert body["error"] == {"code": 409, "message": "no", "status": "ABORTED"}


def test_a_refused_prompt_is_a_reply_without_candidates(provider):
    """The prompt's feedback says why, with 200, whole and streamed."""
    reply = generate(provider, "fault-filter")
    (chunk,) = stream(provider, "fault-filter")

    for body in (reply, chunk):
        assert body["promptFeedback"]["blockReason"] == "SAFETY"
        assert "candidates" not in body
        assert body["usageMetadata"]["totalTokenCount"] == 2


def test_the_filter_can_stop_an_answer(provider):
    """Half of the answer arrives, then SAFETY and no more content."""
    reply = generate(provider, "fault-filter-stop")
    *chunks, last = stream(provider, "fault-filter-stop")

    assert said(reply) == said(*chunks) == "provider says:"
    assert reply["candidates"][0]["finishReason"] == "SAFETY"
    assert last["candidates"][0]["finishReason"] == "SAFETY"
    assert "content" not in last["candidates"][0]


def test_a_stream_breaks_with_a_bare_error(provider):
    """In the middle of a stream the error is no event, only its JSON."""
    _, content = raw_stream(provider, "fault-error-event")
    *events, error = content.decode().split("\r\n\r\n")

    assert len(events) == 2
    assert json.loads(error)["error"]["code"] == 500
    status, _, body = post(provider, {"contents": HELLO}, model="fault-error-event")
    assert (status, body["error"]["status"]) == (500, "INTERNAL")


@pytest.mark.parametrize(
    ("model", "text"),
    [("fault-truncated", "provider says:"), ("fault-truncated-1", "provider"), ("fault-empty", "")],
)
def test_a_stream_can_end_too_early(provider, model, text):
    """What arrived is whole, but nothing says why it ends."""
    chunks = [] if model == "fault-empty" else stream(provider, model)

    assert said(*chunks) == text
    assert not any("finishReason" in chunk["candidates"][0] for chunk in chunks)
    assert model != "fault-empty" or raw_stream(provider, model)[1] == b""


def test_a_page_can_come_instead(provider):
    """A proxy's page has status 200."""
    kind, content = raw_stream(provider, "fault-html")

    assert kind.startswith("text/html")
    assert content.startswith(b"<!DOCTYPE html>")


def test_a_reply_function_that_raises_is_an_error_that_says_so(provider):
    """A mistake in a test's own function shows in Google's shape."""
    provider.replies["*"] = lambda body: body["absent"]
    status, _, body = post(provider, {"contents": HELLO})

    assert (status, body["error"]["status"]) == (500, "INTERNAL")
    assert "KeyError('absent')" in body["error"]["message"]
