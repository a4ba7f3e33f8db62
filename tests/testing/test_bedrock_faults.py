"""Faults of the scripted provider, as Bedrock would have them."""

from __future__ import annotations

import pytest
import urllib3
from bedrock_wire import (
    KEY_ID,
    USER,
    content_of,
    converse,
    events_of,
    path_of,
    post,
    signed,
    stream,
)

from genai_integrations.testing.faults import Fault

BODY = {"messages": USER}
GUARDRAIL = {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"}


@pytest.mark.parametrize(
    ("fault", "status", "name", "words"),
    [
        (Fault.bad_request(), 400, "ValidationException", "not valid"),
        (Fault.bad_request("odd"), 400, "ValidationException", "odd"),
        (Fault.unauthorized(), 403, "UnrecognizedClientException", "security token"),
        (Fault.forbidden(), 403, "AccessDeniedException", "You don't have access"),
        (Fault.model_not_found(), 404, "ResourceNotFoundException", "Could not resolve"),
        (Fault.status(408), 408, "ModelTimeoutException", "timed out"),
        (Fault.unprocessable(), 422, "ValidationException", "422"),
        (Fault.status(424), 424, "ModelErrorException", "unexpected error"),
        (Fault.rate_limited(), 429, "ThrottlingException", "Too many requests"),
        (Fault.out_of_quota(), 429, "ThrottlingException", "Too many tokens per day"),
        (Fault.status(500), 500, "InternalServerException", "unexpected error"),
        (Fault.status(503), 503, "ServiceUnavailableException", "unable to process"),
        (Fault.status(529), 529, "ServiceUnavailableException", "529"),
        (Fault.context_window(), 400, "ValidationException", "Input is too long for requested model."),
        (Fault.status(429, code="ModelNotReadyException"), 429, "ModelNotReadyException", "not ready"),
        (Fault.status(400, code="ConflictException"), 400, "ConflictException", "not valid"),
        (Fault.status(400, code="content_filter", message="no"), 400, "ValidationException", "no"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["converse", "converse-stream"])
def test_errors_have_bedrocks_shape(provider, what, fault, status, name, words):
    """The name is in a header, the words in the body; a stream that cannot begin is no stream."""
    provider.faults["*"] = fault
    reply = post(provider, BODY, path_of(what=what))

    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-amzn-errortype"].partition(":")[0] == name
    assert words in reply.json()["message"]
    assert reply.headers["x-amzn-requestid"]


def test_rate_limits_say_how_long_if_asked_to(provider):
    """AWS says nothing about it; a script may."""
    provider.faults["*"] = Fault.rate_limited(7)
    assert post(provider, BODY).headers["retry-after"] == "7"

    provider.faults["*"] = Fault.rate_limited(None)
    assert "retry-after" not in post(provider, BODY).headers


def test_faults_by_name(provider):
    """A model's name alone can ask for a fault."""
    assert post(provider, BODY, path_of("fault-429")).status == 429
    assert post(provider, BODY, path_of("vendor/fault-context")).status == 400


def test_models_that_do_not_exist(provider):
    """Only the listed models are served."""
    provider.models = ["a.b"]

    assert post(provider, BODY, path_of("a.b")).status == 200
    assert post(provider, BODY, path_of("a.c")).status == 404


@pytest.mark.usefixtures("aws_keys")
def test_a_scripted_wrong_key_looks_like_a_real_one(provider):
    """The fault that says the key is wrong gives AWS's answer although the signature is right."""
    provider.faults["*"] = Fault.unauthorized(times=1)
    first = post(provider, BODY, None, signed(provider, BODY))

    assert first.status == 403
    assert first.headers["x-amzn-errortype"] == "UnrecognizedClientException"
    assert post(provider, BODY, None, signed(provider, BODY)).status == 200
    assert provider.requests[0].headers["authorization"].count(KEY_ID) == 1


def test_a_filtered_prompt_is_answered_by_a_guardrail(provider):
    """Bedrock says so with 200, in the model's place, and traces it on request."""
    provider.faults["*"] = Fault.content_filter()
    answer = converse(provider, guardrailConfig=GUARDRAIL)
    events = dict(stream(provider, guardrailConfig=GUARDRAIL))

    assert answer["stopReason"] == "guardrail_intervened"
    assert "cannot answer" in content_of(answer)[0]["text"]
    assert "abc" in answer["trace"]["guardrail"]["inputAssessment"]
    assert events["messageStop"] == {"stopReason": "guardrail_intervened"}
    assert events["metadata"]["trace"] == answer["trace"]
    assert "trace" not in converse(provider)


def test_an_embedding_is_filtered_with_an_error(provider):
    """There is no text to put in its place."""
    provider.faults["*"] = Fault.content_filter()
    reply = post(provider, {"inputText": "x"}, path_of("amazon.titan-embed-text-v1", "invoke"))

    assert reply.status == 400
    assert "content filters" in reply.json()["message"]


def test_a_filter_stops_half_way(provider):
    """The model's own filter, or the guardrail where there is one."""
    provider.faults["*"] = Fault.content_filter_stop()
    own, guarded = converse(provider), converse(provider, guardrailConfig=GUARDRAIL)

    assert content_of(own) == content_of(guarded) == [{"text": "provider says:"}]
    assert (own["stopReason"], guarded["stopReason"]) == (
        "content_filtered",
        "guardrail_intervened",
    )
    assert "abc" in guarded["trace"]["guardrail"]["outputAssessments"]


def test_a_stream_that_fails_says_so_in_a_frame(provider):
    """After some content comes an exception in place of the end; without a stream it is a 500."""
    provider.faults["*"] = Fault.error_event(1)
    events = stream(provider)
    whole = post(provider, BODY)

    assert [kind for kind, _ in events] == [
        "messageStart",
        "contentBlockDelta",
        "internalServerException",
    ]
    assert "unexpected error" in events[-1][1]["message"]
    assert whole.status == 500
    assert "unexpected error" in whole.json()["message"]


def test_a_stream_that_ends_early_has_no_end_event(provider):
    """It is closed in good order, but neither the stop reason nor usage arrived."""
    provider.faults["*"] = Fault.truncated(2)

    assert [kind for kind, _ in stream(provider)] == ["messageStart", *["contentBlockDelta"] * 2]


def test_a_stream_that_is_cut_breaks(provider):
    """What was said before arrives, then the connection ends in the middle."""
    provider.faults["*"] = Fault.cut(1)
    received = []
    with urllib3.PoolManager(retries=False) as pool:
        url = provider.url + path_of(what="converse-stream")
        reply = pool.request(
            "POST", url, body=b'{"messages":[{"role":"user","content":[{"text":"x"}]}]}',
            preload_content=False,
        )  # fmt: skip
        with pytest.raises(urllib3.exceptions.ProtocolError):
            received.extend(reply.stream())

    assert [kind for kind, _ in events_of(b"".join(received))] == [
        "messageStart",
        "contentBlockDelta",
    ]


@pytest.mark.parametrize("fault", [Fault.html(), Fault.empty(), Fault.wrong_json()])
@pytest.mark.parametrize("what", ["converse", "converse-stream"])
def test_answers_that_are_none(provider, fault, what):
    """They arrive with 200 and are no event stream."""
    provider.faults["*"] = fault
    reply = post(provider, BODY, path_of(what=what))

    assert reply.status == 200
    assert reply.headers["content-type"] != "application/vnd.amazon.eventstream"


def test_a_script_that_fails_is_a_500(provider):
    """The words of a test's own mistake are in the error."""
    provider.replies["*"] = lambda body: body["nothing"]
    reply = post(provider, BODY)

    assert reply.status == 500
    assert "KeyError" in reply.json()["message"]
