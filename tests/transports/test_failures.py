"""What providers say about failures, in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from error_replies import CODES, PHRASES
from hypothesis import example, given
from hypothesis import strategies as st

from genai_integrations import errors
from genai_integrations.runtime.masked import scrub
from genai_integrations.transports.failures import event_error, foreign_error, status_error, written
from genai_integrations.transports.litellm.transport import litellm_module
from genai_integrations.transports.waits import retry_after

STATUSES = {
    301: errors.InvalidReplyError,
    307: errors.InvalidReplyError,
    204: errors.InvalidReplyError,
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.OutOfCreditError,
    403: errors.AuthenticationError,
    404: errors.NotFoundError,
    405: errors.NotFoundError,
    408: errors.RequestTimeoutError,
    409: errors.ServerError,
    413: errors.BadRequestError,
    415: errors.BadRequestError,
    422: errors.BadRequestError,
    418: errors.BadRequestError,
    421: errors.ServerError,
    423: errors.ServerError,
    424: errors.ServerError,
    425: errors.ServerError,
    429: errors.RateLimitError,
    451: errors.BadRequestError,
    498: errors.ServerError,
    499: errors.ServerError,
    500: errors.ServerError,
    501: errors.ServerError,
    502: errors.ServerError,
    503: errors.ServerError,
    504: errors.ServerError,
    520: errors.ServerError,
    529: errors.ServerError,
    599: errors.ServerError,
}
KEY = "sk-proj-canary/with+odd=chars"


def body(**error):
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_class(status):
    """The class follows the status, and exactly one class fits."""
    error = status_error(status, {}, body(message="why"))

    assert type(error) is STATUSES[status]
    assert error.status == status


def test_every_status_has_a_class():
    """No number that a server can send is without an error of ours."""
    for status in range(100, 600):
        assert isinstance(status_error(status, {}, b""), errors.CallError)


def _who(value):
    return value.provider if hasattr(value, "provider") else None


@pytest.mark.parametrize("reply", [*CODES, *PHRASES], ids=_who)
def test_a_reply_becomes_what_it_means(reply):
    """The class is the one that tells a program what it can do, for each reply that a provider is known to give."""
    if reply.status:
        error = status_error(reply.status, {}, json.dumps(reply.body).encode())
    else:
        error = event_error(reply.body)

    assert type(error) is reply.kind


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("reply", CODES, ids=_who)
def test_a_code_narrows_a_refusal(reply, status):
    """Where the status only says that something is wrong, the code says what, in small letters or capitals."""
    for write in (str, str.lower, str.upper):
        code = reply.body["error"].get("code")
        changed = write(code) if isinstance(code, str) else code
        error = {**reply.body["error"], "code": changed, "message": "x"}
        assert type(status_error(status, {}, body(**error))) is reply.kind


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
@pytest.mark.parametrize("reply", CODES, ids=_who)
def test_only_three_codes_overrule_a_clear_status(reply, status):
    """Gateways hide a long request, a filter and an empty account behind any status; else the status has its meaning."""
    content = json.dumps(reply.body).encode()
    overruling = (
        errors.ContextWindowExceededError,
        errors.ContentFilteredError,
        errors.OutOfCreditError,
    )

    expected = reply.kind if reply.kind in overruling else STATUSES[status]
    assert type(status_error(status, {}, content)) is expected


@pytest.mark.parametrize("reply", [row for row in CODES if not row.status], ids=_who)
def test_a_code_may_stand_in_place_of_the_type(reply):
    """In the middle of a stream there is no status, and either field may have the word."""
    inner = reply.body["error"]
    word = inner.get("code") or inner["type"]

    assert type(event_error({"error": {"message": "x", "code": word}})) is reply.kind
    assert type(event_error({"error": {"message": "x", "type": word}})) is reply.kind


@pytest.mark.parametrize("status", [401, 402, 404, 408, 429, 500, 502, 503])
@pytest.mark.parametrize("place", ["code", "status"])
def test_a_number_in_a_stream_is_a_status(status, place):
    """OpenRouter, Gemini and others write the status into the error."""
    for value in (status, str(status)):
        error = event_error({"error": {"message": "x", place: value}})
        assert (type(error), error.status) == (STATUSES[status], status)


def test_a_list_with_one_error_is_that_error():
    """Gemini answers a stream's request so."""
    error = {
        "code": 400,
        "message": "API key not valid.",
        "details": [{"reason": "API_KEY_INVALID"}],
    }

    told = status_error(400, {}, json.dumps([{"error": error}]).encode())

    assert type(told) is errors.AuthenticationError
    assert told.message == "API key not valid."


@pytest.mark.parametrize(
    ("delay", "seconds"), [("30s", 30.0), ("1.5s", 1.5), ("0s", 0.0), ("soon", None), (None, None)]
)
def test_google_says_in_the_body_how_long_to_wait(delay, seconds):
    """Its `RetryInfo` counts where no header does."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    content = body(code=429, message="Resource exhausted", details=[detail])

    assert status_error(429, {}, content).retry_after == seconds
    assert status_error(429, {"retry-after": "7"}, content).retry_after == 7.0


@pytest.mark.parametrize("status", [300, 301, 307, 399])
def test_a_redirect_is_called_one(status):
    """Whatever the server says with it."""
    told = status_error(status, {}, body(message="moved")).message

    assert told == "the server answered with a redirect, which is never followed with a key"
    assert status_error(299, {}, body(message="moved")).message == "moved"
    assert status_error(400, {}, body(message="moved")).message == "moved"


def test_azures_inner_code_is_the_most_precise():
    """Azure says `content_filter` outside and the policy inside."""
    inner = {"code": "ResponsibleAIPolicyViolation"}

    error = status_error(400, {}, body(code="invalid", innererror=inner))

    assert type(error) is errors.ContentFilteredError


ODD = [
    None, True, 0, 1.5, "", "text", [], [[]], [None], {}, {"error": None}, {"error": []}, {"error": "why"},
    {"error": {"code": None}}, {"error": {"code": [1]}}, {"error": {"message": {"a": 1}}}, {"detail": "why"},
    {"detail": [{"msg": "x"}]}, {"message": "why"}, [{"error": {"code": 429}}], {"error": {"innererror": "x"}},
    {"error": {"code": "99999999999999999999"}}, {"error": {"code": -5}}, {"error": {"status": {}}},
    {"error": {"code": "٤٢٩"}}, {"error": {"code": "²"}}, {"error": {"code": True}},
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_no_shape_of_a_body_breaks_the_translation(value, status):
    """Whatever a server sends, the user gets one of our errors with one line of text."""
    for error in (status_error(status, {}, json.dumps(value).encode()), event_error(value)):
        assert isinstance(error, errors.CallError)
        assert str(error).strip()
        assert "\n" not in str(error)


@given(st.binary(max_size=60), st.integers(100, 599))
def test_no_bytes_break_the_translation(content, status):
    """Not even those that are no text."""
    error = status_error(status, {}, content)

    assert "\n" not in str(error)
    assert "\r" not in str(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "message", "code", "type", "status", "detail", "innererror"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_breaks_the_translation(value):
    """The same for every JSON value."""
    assert isinstance(event_error(value), errors.CallError)


def test_a_web_page_is_told_in_one_short_line():
    """Tags go, the words stay, and a long page is cut."""
    page = b"<html>\n<title>502 Bad Gateway</title>" + b"<p>nginx</p>\n" * 999

    message = status_error(502, {}, page).message

    assert message.startswith("502 Bad Gateway")
    assert len(message) <= 500


@pytest.mark.parametrize(
    "name", ["x-request-id", "apim-request-id", "request-id", "x-ms-request-id"]
)
def test_the_request_id_is_kept_for_the_providers_support(name):
    """It is in the error and in its text."""
    error = status_error(500, {name: "req_42"}, b"")

    assert error.request_id == "req_42"
    assert "req_42" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "0", "retry-after": "1"}, 1.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
    ],
)
def test_the_forms_of_retry_after(headers, seconds):
    """Seconds, milliseconds, dates; nonsense counts as nothing."""
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("said", "should_retry"),
    [("true", True), ("false", False), (" False ", False), ("maybe", None), ("", None)],
)
def test_a_server_may_say_whether_to_retry(said, should_retry):
    """The header that OpenAI's and Anthropic's own clients obey."""
    error = status_error(500, {"x-should-retry": said}, b"{}")

    assert error.should_retry is should_retry
    assert status_error(500, {}, b"{}").should_retry is None


def test_a_date_counts_from_now():
    """The HTTP date form is seconds from now."""
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    assert 85 < retry_after({"retry-after": then}) <= 90


@given(st.text(max_size=40))
@example("Fri, 31 Dec 99999999999999999999 23:59:59 GMT")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Fri, 01 Jan 0001 00:00:00 +2359")
@example("Fri, 31 Dec 2027 23:59:59 +99999999999999")
def test_no_text_of_retry_after_breaks_the_translation(text):
    """It is read, or it is nothing."""
    seconds = retry_after({"retry-after": text})

    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    "content",
    [
        f"wrong key {KEY}".encode(),
        body(message=f"wrong key {KEY}", param=KEY),
        body(message=f"wrong key {KEY}").replace(b"/", b"\\/"),
        body(message=f"Bearer {KEY}", deep={"list": [KEY]}),
        json.dumps({"error": {"message": KEY}}).replace("+", "\\u002b").encode(),
    ],
)
def test_an_echoed_key_is_taken_out(content):
    """Neither the message nor the body nor a pickle of the error has it, however JSON wrote it."""
    error = status_error(401, {}, content, [KEY])

    assert KEY not in f"{error} {error.message} {error.body!r} {error.args!r}"
    assert "canary/with" not in f"{error} {error.body!r}"


def test_an_echoed_header_of_other_letters_is_taken_out():
    """JSON may write letters beyond ASCII as escapes."""
    content = json.dumps({"error": {"message": "no team AI플랫폼-비밀"}}).encode()

    error = status_error(403, {}, content, ["AI플랫폼-비밀"])

    assert "플랫폼" not in f"{error} {error.body!r}"


def test_a_secret_inside_another_hides_no_rest():
    """The longer one is taken out first."""
    assert scrub(b"token sk-123456-tail", ["sk-123456", "sk-123456-tail"]) == b"token **********"


def test_a_key_echoed_as_the_request_id_is_taken_out():
    """Headers of the answer are the server's words too."""
    error = status_error(401, {"x-request-id": f"req-{KEY}"}, b"", [KEY])

    assert KEY not in f"{error} {error.request_id}"


@pytest.fixture(scope="module")
def raised():
    """What LiteLLM raises, by class."""
    litellm = litellm_module().exceptions
    who = {"llm_provider": "anthropic", "model": "m"}
    return {
        kind.__name__: kind("words", **who, **more)
        for kind, more in (
            (litellm.APIConnectionError, {}),
            (litellm.APIResponseValidationError, {}),
            (litellm.BadRequestError, {}),
            (litellm.ContentPolicyViolationError, {}),
            (litellm.ContextWindowExceededError, {}),
            (litellm.InternalServerError, {}),
            (litellm.RateLimitError, {}),
            (litellm.RejectedRequestError, {"request_data": {}}),
            (litellm.Timeout, {}),
        )
    } | {"TimeoutError": TimeoutError("words"), "ValueError": ValueError("words")}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("APIConnectionError", errors.APIConnectionError),
        ("APIResponseValidationError", errors.InvalidReplyError),
        ("BadRequestError", errors.BadRequestError),
        ("ContentPolicyViolationError", errors.ContentFilteredError),
        ("ContextWindowExceededError", errors.ContextWindowExceededError),
        ("InternalServerError", errors.ServerError),
        ("RateLimitError", errors.RateLimitError),
        ("RejectedRequestError", errors.ContentFilteredError),
        ("Timeout", errors.RequestTimeoutError),
        ("TimeoutError", errors.RequestTimeoutError),
        ("ValueError", errors.ServerError),
    ],
)
def test_what_litellm_raises_becomes_ours(name, kind, raised):
    """By its class where that says more than its status, else by the status; its prefix goes."""
    error = foreign_error(raised[name], None, ())

    assert type(error) is kind
    assert error.message == "words"


@pytest.mark.parametrize("reply", PHRASES, ids=_who)
def test_words_explain_what_litellm_raises(reply):
    """LiteLLM has some refusals under a class that says less than the provider's words."""
    error = foreign_error(ValueError(json.dumps(reply.body)), None, ())

    assert type(error) is reply.kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("APIConnectionError", errors.InvalidReplyError),
        ("BadRequestError", errors.InvalidReplyError),
        ("ContentPolicyViolationError", errors.ContentFilteredError),
    ],
)
def test_what_litellm_cannot_read_is_an_invalid_reply(name, kind, raised):
    """The wire had shown success: whatever LiteLLM then makes up, the answer could not be understood."""
    assert type(foreign_error(raised[name], 200, ())) is kind


def test_what_a_dialect_cannot_write_is_the_requests_fault():
    """What it says itself is passed on; any other error is a refusal that shows no part of the request."""

    def write(body, *_):
        if isinstance(body, Exception):
            raise body
        return body

    assert written(write, {"model": "m"}) == {"model": "m"}
    assert written(write, 1, 2) == 1
    with pytest.raises(errors.ConfigurationError, match="of its own"):
        written(write, errors.ConfigurationError("of its own"))
    with pytest.raises(errors.BadRequestError) as caught:
        written(write, KeyError("canary"))
    assert str(caught.value) == (
        "the request cannot be written in its form (KeyError): check its parts and their types"
    )
    assert isinstance(caught.value.__cause__, KeyError)
