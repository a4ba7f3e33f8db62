"""What an error is over HTTP, to a program in the process and to a caller of the gateway."""

from __future__ import annotations

import pytest

from genai_integrations import errors
from genai_integrations.calls.failures import told_of, wait_of
from genai_integrations.calls.openai_http import failure
from genai_integrations.gateway.dialects.chat import failure as gateways


def made(kind, **fields):
    """An error as a call raises it."""
    error = kind("seoul/gpt-4o: no")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("kind", "fields", "status", "word", "code"),
    [
        ("UnknownModelError", {}, 404, "invalid_request_error", "model_not_found"),
        ("ConfigurationError", {}, 400, "invalid_request_error", "invalid_request"),
        ("CapabilityError", {}, 400, "invalid_request_error", "unsupported_by_model"),
        ("BudgetExceededError", {}, 429, "insufficient_quota", "insufficient_quota"),
        ("LimitError", {}, 429, "requests", "rate_limit_exceeded"),
        ("RateLimitError", {}, 429, "requests", "rate_limit_exceeded"),
        ("ContextWindowExceededError", {}, 400, "invalid_request_error", "context_length_exceeded"),
        ("BadRequestError", {"code": "odd"}, 400, "invalid_request_error", "odd"),
        ("BadRequestError", {"status": 413}, 413, "invalid_request_error", "invalid_request"),
        ("ServerError", {"status": 503}, 503, "server_error", "provider_error"),
        ("ServerError", {"status": 529}, 503, "server_error", "provider_error"),
        ("ServerError", {"body": {"type": "overloaded_error"}}, 503, "server_error", "provider_error"),
        ("ServerError", {"body": "overloaded_error"}, 502, "server_error", "provider_error"),
        ("RateLimitError", {"body": {"type": "engine_overloaded_error"}}, 429, "requests", "rate_limit_exceeded"),
        ("ServerError", {"status": 500}, 502, "server_error", "provider_error"),
        ("RequestTimeoutError", {}, 504, "server_error", "timeout"),
        ("GenAIError", {}, 500, "server_error", "internal_error"),
    ],
)  # fmt: skip
def test_both_doors_say_the_same(kind, fields, status, word, code):
    """Status, kind and code; the gateway's are those of the SDK in the process."""
    error = made(getattr(errors, kind), **fields)
    told, here = failure(error), gateways(error)

    assert (told.status, told.body["error"]["type"], told.body["error"]["code"]) == (status, word, code)  # fmt: skip
    assert here == (told.status, told.body)


def test_a_code_says_that_a_server_is_overloaded():
    """As an event of a stream does, which has no status."""
    error = made(errors.ServerError, code="server_is_overloaded")

    assert told_of(error) == (503, "provider_error")


def test_whose_key_is_wrong():
    """In the process it is the program's own; a gateway's caller holds none of the provider's."""
    error = made(errors.AuthenticationError)

    assert told_of(error) == (401, "invalid_api_key")
    assert (gateways(error)[0], gateways(error)[1]["error"]["code"]) == (
        502,
        "provider_authentication",
    )


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["RateLimitError", "RateLimitError"], (429, "rate_limit_exceeded")),
        (["RateLimitError", "OutOfCreditError"], (429, "all_targets_failed")),
        (["RateLimitError", "ServerError"], (502, "all_targets_failed")),
        ([], (502, "all_targets_failed")),
    ],
)
def test_what_all_targets_have_in_common_is_told(kinds, told):
    """The rest is that all failed; the wait is that of the first to be free."""
    causes = [made(getattr(errors, kind), retry_after=9.0 - n) for n, kind in enumerate(kinds)]
    error = made(errors.AllTargetsFailedError, attempts=causes)

    assert told_of(error) == told
    assert wait_of(error) == (8.0 if kinds else None)
