"""What providers say about failures, in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genai_integrations import errors
from genai_integrations.transports.translation import (
    BY_CODE,
    event_error,
    retry_after,
    scrub,
    status_error,
)

STATUSES = {
    301: errors.InvalidReplyError,
    307: errors.InvalidReplyError,
    204: errors.InvalidReplyError,
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.RateLimitError,
    403: errors.AuthenticationError,
    404: errors.NotFoundError,
    405: errors.BadRequestError,
    408: errors.RequestTimeoutError,
    409: errors.ServerError,
    413: errors.BadRequestError,
    415: errors.BadRequestError,
    422: errors.BadRequestError,
    425: errors.ServerError,
    429: errors.RateLimitError,
    451: errors.BadRequestError,
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


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_a_class(status):
    """No number that a server can send is without an error of ours."""
    assert isinstance(status_error(status, {}, b""), errors.CallError)


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("code", BY_CODE)
def test_a_code_narrows_a_refusal(code, status):
    """Where the status only says that something is wrong, the code says what."""
    assert type(status_error(status, {}, body(message="x", code=code))) is BY_CODE[code]
    assert type(status_error(status, {}, body(message="x", code=code.upper()))) is BY_CODE[code]


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
@pytest.mark.parametrize("code", BY_CODE)
def test_a_code_does_not_overrule_a_clear_status(code, status):
    """A status with a meaning of its own keeps it."""
    assert type(status_error(status, {}, body(code=code))) is STATUSES[status]


@pytest.mark.parametrize("code", BY_CODE)
def test_a_code_decides_in_a_stream(code):
    """In the middle of a stream there is no status."""
    assert type(event_error({"error": {"message": "x", "code": code}})) is BY_CODE[code]
    assert type(event_error({"error": {"message": "x", "type": code}})) is BY_CODE[code]


@pytest.mark.parametrize("status", [401, 402, 404, 408, 429, 500, 502, 503])
@pytest.mark.parametrize("place", ["code", "status"])
def test_a_number_in_a_stream_is_a_status(status, place):
    """OpenRouter, Gemini and others write the status into the error."""
    for value in (status, str(status)):
        error = event_error({"error": {"message": "x", place: value}})
        assert (type(error), error.status) == (STATUSES[status], status)


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
