"""Each fault of the scripted provider does on the wire what it says."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import aiohttp
import pytest
import urllib3
from wire import CHAT, USER, ask, call, chat, connect, next_chunk, streaming, text_of

from genai_integrations.testing.faults import Fault, fault_named

BODY = {"model": "gpt-4o", "messages": USER}


def read_all(reply):
    """Chunks until the stream ends, and the error of that end, if any."""
    parts = []
    try:
        while (part := next_chunk(reply)) is not None:
            parts.append(part)
    except (http.client.HTTPException, OSError) as error:
        return parts, error
    return parts, None


@pytest.mark.parametrize(
    "row",
    [
        ("fault-400", 400, None, "invalid_request_error"),
        ("fault-401", 401, None, "invalid_request_error"),
        ("fault-402", 402, "402", "invalid_request_error"),
        ("fault-403", 403, "unsupported_country_region_territory", "request_forbidden"),
        ("fault-404", 404, "model_not_found", "invalid_request_error"),
        ("fault-408", 408, None, "invalid_request_error"),
        ("fault-422", 422, None, "invalid_request_error"),
        ("fault-429", 429, "rate_limit_exceeded", "requests"),
        ("fault-500", 500, None, "server_error"),
        ("fault-503", 503, None, "server_error"),
        ("fault-529", 529, None, "server_error"),
        ("fault-context", 400, "context_length_exceeded", "invalid_request_error"),
        ("fault-filter", 400, "content_filter", None),
        ("fault-quota", 429, "insufficient_quota", "insufficient_quota"),
        ("vendor/fault-500", 500, None, "server_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_have_openais_shape(provider, stream, row):
    """A status fault is that status with the usual body, whether or not a stream was asked for."""
    model, status, code, kind = row
    got, headers, body = call(provider, {**BODY, "model": model, "stream": stream})

    assert got == status
    assert body["error"]["code"] == code
    assert body["error"]["type"] == kind
    assert body["error"]["message"]
    assert headers["x-request-id"]


def test_a_content_filter_says_what_it_filtered(provider):
    """The refusal carries Azure's inner error."""
    error = call(provider, {**BODY, "model": "fault-filter"})[2]["error"]

    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert error["innererror"]["content_filter_result"]["violence"]["filtered"] is True


def test_rate_limits_say_how_long(provider):
    """Seconds and milliseconds are sent as asked for."""
    provider.faults["gpt-4o"] = Fault.rate_limited(7, milliseconds=6500)
    headers = call(provider, BODY)[1]
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("7", "6500")

    provider.faults["gpt-4o"] = Fault.rate_limited(None)
    assert "retry-after" not in call(provider, BODY)[1]
    assert call(provider, {**BODY, "model": "fault-429"})[1]["retry-after"] == "1"


def test_a_status_can_be_given_words(provider):
    """Code, message and headers of an error can be chosen."""
    provider.faults["gpt-4o"] = Fault.status(
        418, code="teapot", message="short and stout", headers={"x-pot": "1"}
    )
    status, headers, body = call(provider, BODY)

    assert (status, headers["x-pot"]) == (418, "1")
    assert (body["error"]["code"], body["error"]["message"]) == ("teapot", "short and stout")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.unauthorized(), 401),
        (Fault.forbidden(), 403),
        (Fault.model_not_found(), 404),
        (Fault.bad_request("no"), 400),
        (Fault.unprocessable(), 422),
        (Fault.context_window(), 400),
        (Fault.content_filter(), 400),
        (Fault.out_of_quota(), 429),
    ],
)
def test_faults_can_be_set_by_model(provider, fault, status):
    """A fault concerns its own model only, until it is taken away."""
    provider.faults["gpt-4o"] = fault

    assert call(provider, BODY)[0] == status
    assert call(provider, {**BODY, "model": "other"})[0] == 200
    del provider.faults["gpt-4o"]
    assert call(provider, BODY)[0] == 200


def test_a_fault_can_end_after_some_requests(provider):
    """`times` requests fail, then the model works; setting the fault anew starts anew."""
    provider.faults["gpt-4o"] = Fault.status(500, times=2)
    assert [call(provider, BODY)[0] for _ in range(4)] == [500, 500, 200, 200]

    provider.faults["gpt-4o"] = Fault.status(503, times=1)
    assert [call(provider, BODY)[0] for _ in range(2)] == [503, 200]


def test_faults_can_follow_one_another(provider):
    """A list says what happens to each request in turn; `*` is for every model."""
    provider.faults["*"] = [None, Fault.status(500, times=2), Fault.status(429)]

    assert [call(provider, BODY)[0] for _ in range(5)] == [200, 500, 500, 429, 200]


def test_a_wrong_key_comes_before_any_fault(provider):
    """Who is not let in does not use up a fault."""
    provider.api_keys = {"right"}
    provider.faults["gpt-4o"] = Fault.status(500, times=1)

    assert call(provider, BODY)[0] == 401
    assert call(provider, BODY, headers={"authorization": "Bearer right"})[0] == 500


def test_a_filter_can_stop_an_answer(provider):
    """Half of the answer arrives with 200 and the reason `content_filter`."""
    provider.replies["*"] = "one two three four"
    body = chat(provider, "fault-filter-stop")
    with streaming(provider, "fault-filter-stop") as reply:
        parts, error = read_all(reply)

    assert body["choices"][0]["finish_reason"] == "content_filter"
    assert body["choices"][0]["message"]["content"] == text_of(parts) == "one two"
    assert parts[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert error is None


@pytest.mark.parametrize("stream", [False, True])
def test_successes_that_are_none(provider, stream):
    """A web page, an empty body and unrelated JSON come with 200."""
    bodies = {}
    for name in ("html", "empty", "json"):
        with connect(provider) as connection:
            reply = ask(connection, {**BODY, "model": f"fault-{name}", "stream": stream})
            bodies[name] = (reply.status, reply.headers["content-type"], reply.read())

    assert bodies["html"][:2] == (200, "text/html; charset=utf-8")
    assert bodies["html"][2].startswith(b"<!DOCTYPE html>")
    assert bodies["empty"] == (200, "application/json", b"")
    assert "choices" not in json.loads(bodies["json"][2])


def test_redirects_point_elsewhere(provider):
    """307 to the given address, by default to one on the same server that records who follows."""
    provider.faults["gpt-4o"] = Fault.redirect("http://127.0.0.1:1/steal")
    for model, location in (
        ("gpt-4o", "http://127.0.0.1:1/steal"),
        ("fault-redirect", f"/elsewhere{CHAT}"),
    ):
        with connect(provider) as connection:
            reply = ask(connection, {**BODY, "model": model})
            assert (reply.status, reply.headers["location"], reply.read()) == (307, location, b"")


def test_a_hanging_request_ends_when_the_client_goes_away(provider):
    """Nothing is sent; the provider notices the client's departure."""
    with connect(provider, timeout=0.05) as connection, pytest.raises(TimeoutError):
        ask(connection, {**BODY, "model": "fault-hang"})

    assert provider.requests[0].disconnected.wait(10)


def test_a_hanging_request_ends_when_the_server_closes(provider):
    """Closing the server cuts requests and streams that are still waiting."""
    provider.faults["held"] = Fault.drip(threading.Event())
    with (
        connect(provider) as first,
        connect(provider) as second,
        connect(provider) as third,
        streaming(provider, "fault-stall-1") as stream,
    ):
        waiting = {first: "fault-hang", second: "fault-stall", third: "held"}
        for connection, model in waiting.items():
            connection.request("POST", CHAT, json.dumps({**BODY, "model": model}))
        provider.wait_for_requests(4)
        assert next_chunk(stream)
        assert text_of([next_chunk(stream)]) == "provider"
        provider.close()

        for connection in waiting:
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                connection.getresponse()
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            stream.read()


def test_a_stalled_stream_opens_and_then_says_nothing(provider):
    """The head and the role arrive, and no content."""
    with connect(provider) as connection:
        reply = ask(connection, {**BODY, "model": "fault-stall", "stream": True})
        opening = next_chunk(reply)
        connection.sock.settimeout(0.05)

        assert reply.status == 200
        assert opening["choices"][0]["delta"]["role"] == "assistant"
        with pytest.raises(TimeoutError):
            reply.readline()


def test_an_abandoned_stream_is_noticed(provider):
    """A client that closes in the middle of a stream is marked as gone."""
    provider.faults["gpt-4o"] = Fault.drip(threading.Event(), after=1)
    with streaming(provider) as reply:
        next_chunk(reply)
        next_chunk(reply)
        reply.close()

    assert provider.requests[0].disconnected.wait(10)


def test_pieces_drip_one_by_one(provider):
    """With `step`, each setting of the event lets one more piece of content pass."""
    event = threading.Event()
    provider.faults["gpt-4o"] = Fault.drip(event, after=1, step=True)
    with streaming(provider) as reply:
        assert next_chunk(reply)["choices"][0]["delta"]["role"] == "assistant"
        assert text_of([next_chunk(reply)]) == "provider"
        for word in (" says:", " hello", " there"):
            event.set()
            assert text_of([next_chunk(reply)]) == word
        parts, error = read_all(reply)

    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    assert error is None


def test_an_answer_waits_for_its_event(provider):
    """Without streaming, the whole answer is held back until the event is set."""
    event = threading.Event()
    provider.faults["gpt-4o"] = Fault.drip(event)
    with connect(provider) as connection:
        connection.request("POST", CHAT, json.dumps(BODY))
        provider.wait_for_requests(1)
        event.set()

        assert connection.getresponse().status == 200


@pytest.mark.parametrize(("model", "words"), [("fault-error-event", 2), ("fault-error-event-0", 0)])
def test_an_error_event_breaks_a_stream(provider, model, words):
    """After the given number of pieces there is an error object, and no end mark."""
    with streaming(provider, model) as reply:
        *parts, last = read_all(reply)[0]

    assert len(parts) == 1 + words
    assert last["error"]["type"] == "server_error"
    assert call(provider, {**BODY, "model": model})[0] == 500


@pytest.mark.parametrize(
    ("model", "words"), [("fault-cut", 2), ("fault-cut-0", 0), ("fault-cut-99", 4)]
)
def test_a_cut_stream_ends_without_its_terminator(provider, model, words):
    """The pieces before the cut arrive; then the connection is gone."""
    with streaming(provider, model) as reply:
        raw = b""
        with pytest.raises(http.client.IncompleteRead) as caught:
            reply.read()
        raw = caught.value.partial

    assert raw.count(b"data: ") == 1 + words
    assert b"[DONE]" not in raw


def test_a_cut_answer_is_shorter_than_announced(provider):
    """Without streaming, the body ends before its content-length."""
    with connect(provider) as connection:
        reply = ask(connection, {**BODY, "model": "fault-cut"})
        with pytest.raises(http.client.IncompleteRead) as caught:
            reply.read()

    assert caught.value.partial
    assert caught.value.expected


@pytest.mark.parametrize(("model", "words"), [("fault-truncated", 2), ("fault-truncated-0", 0)])
def test_a_truncated_stream_ends_in_good_order_but_too_early(provider, model, words):
    """The transfer is complete, but there is no finish reason and no end mark."""
    with streaming(provider, model) as reply:
        raw = reply.read()

    assert raw.count(b"data: ") == 1 + words
    assert b'"finish_reason": null' in raw
    assert b"[DONE]" not in raw


def test_a_truncated_answer_is_half_of_its_json(provider):
    """Without streaming, the body has the length it announces and does not parse."""
    with connect(provider) as connection:
        content = ask(connection, {**BODY, "model": "fault-truncated"}).read()

    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(content)


@pytest.mark.parametrize(
    ("model", "expected"),
    [("fault-no-answer", http.client.RemoteDisconnected), ("fault-reset", ConnectionResetError)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_can_close_without_an_answer(provider, model, expected, stream):
    """The request is read and recorded, then the connection is closed or reset."""
    with connect(provider) as connection, pytest.raises(expected) as caught:
        ask(connection, {**BODY, "model": model, "stream": stream})

    # RemoteDisconnected is a ConnectionResetError too: what tells them apart is the exact class.
    assert type(caught.value) is expected
    assert provider.requests[0].model == model


@pytest.mark.parametrize("stream", [False, True])
def test_a_stale_connection_closes_behind_its_answer(provider, stream):
    """The answer is whole and promises to keep the connection, which is closed nevertheless."""
    with connect(provider) as connection:
        reply = ask(connection, {**BODY, "model": "fault-stale", "stream": stream})
        assert b"hello" in reply.read()
        assert reply.headers["connection"] is None
        assert connection.sock.recv(1) == b""

    with urllib3.PoolManager(retries=False) as pool:
        for _ in range(2):
            reply = pool.request("POST", provider.url + CHAT, json={**BODY, "model": "fault-stale"})
            assert reply.status == 200
    assert provider.connections_opened == 3


def test_connections_are_kept_alive_otherwise(provider):
    """Many requests of one pool use one connection, good or bad answers alike."""
    with urllib3.PoolManager(retries=False) as pool:
        for model in ("gpt-4o", "fault-500", "fault-html", "gpt-4o"):
            pool.request("POST", provider.url + CHAT, json={**BODY, "model": model})

    assert provider.connections_opened == 1


async def test_an_asynchronous_client_sees_the_same(provider):
    """aiohttp reads its streams, and notices a cut one."""
    async with aiohttp.ClientSession() as session:
        good = {**BODY, "stream": True}
        async with session.post(provider.url + CHAT, json=good) as reply:
            assert (await reply.text()).endswith("data: [DONE]\n\n")
        async with session.post(provider.url + CHAT, json={**good, "model": "fault-cut"}) as reply:
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.read()


def test_a_refused_address_refuses(provider):
    """Nothing listens there for as long as the provider lives."""
    address = urlsplit(provider.refused_url())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=10)


def test_faults_reach_embeddings_too(provider):
    """A fault concerns every kind of request for its model."""
    assert call(provider, {"model": "fault-500", "input": "x"}, "/v1/embeddings")[0] == 500
    with connect(provider) as connection:
        reply = ask(connection, {"model": "fault-cut", "input": "x"}, "/v1/embeddings")
        with pytest.raises(http.client.IncompleteRead):
            reply.read()


def test_names_that_ask_for_no_fault_ask_for_none():
    """Only the documented names fail; everything else is a model."""
    names = ["gpt-4o", "fault", "fault-", "fault-unknown", "default-500", "fault-200", "fault-5000"]

    assert [fault_named(name) for name in names] == [None] * len(names)
    assert fault_named("fault-cut-3") == Fault.cut(3)
