"""Every fault of a translated provider, in every way to call, with a healthy second target; and the other way round."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from places import ONE_OF_EACH, PLACES, QUESTION, TWO_WAYS

from genai_integrations import Connection
from genai_integrations.errors import (
    AllTargetsFailedError,
    BadRequestError,
    CallError,
    ContentFilteredError,
    ContextWindowExceededError,
    StreamInterruptedError,
)
from genai_integrations.testing.faults import Fault

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

ANSWER = "says: one two three four"
STREAMS = pytest.mark.parametrize("mode", ["stream", "async stream"], indirect=True)


@dataclass(frozen=True)
class Row:
    """A fault and the class of error that the route must show for it."""

    fault: Fault | None
    whole: str
    streamed: str = ""


REFUSED = Row(None, "APIConnectionError")
MATRIX = {
    "500": Row(Fault.status(500), "ServerError"),
    "503": Row(Fault.status(503), "ServerError"),
    "529": Row(Fault.status(529), "ServerError"),
    "408": Row(Fault.status(408), "RequestTimeoutError"),
    "429": Row(Fault.rate_limited(30), "RateLimitError"),
    "quota": Row(Fault.out_of_quota(), "RateLimitError"),
    "401": Row(Fault.unauthorized(), "AuthenticationError"),
    "403": Row(Fault.forbidden(), "AuthenticationError"),
    "404": Row(Fault.model_not_found(), "NotFoundError"),
    "refused": REFUSED,
    "hang": Row(Fault.hang(), "RequestTimeoutError"),
    "html": Row(Fault.html(), "InvalidReplyError"),
    "empty": Row(Fault.empty(), "InvalidReplyError"),
    "wrong json": Row(Fault.wrong_json(), "InvalidReplyError"),
    "redirect": Row(Fault.redirect(), "InvalidReplyError"),
    "error event at once": Row(Fault.error_event(0), "ServerError"),
    "error event": Row(Fault.error_event(2), "ServerError", "abroad says:"),
    "cut at once": Row(Fault.cut(0), "APIConnectionError"),
    "cut": Row(Fault.cut(2), "APIConnectionError", "abroad says:"),
    "truncated at once": Row(Fault.truncated(0), "InvalidReplyError"),
    "truncated": Row(Fault.truncated(3), "InvalidReplyError", "abroad says: one"),
    "stall": Row(Fault.stall(2), "RequestTimeoutError", "abroad says:"),
    "no answer": Row(Fault.no_answer(), "APIConnectionError"),
    "reset": Row(Fault.no_answer(reset=True), "APIConnectionError"),
}
WAITS = {"hang", "stall"}
NO_CREDIT = {"anthropic"}
"""Who says that the account is empty; the others' quotas are of a day."""


@pytest.fixture
def client_of(make_client, connect, abroad, at_home, place):
    """A client whose first target has the fault of a row."""

    def client_of(name, **router_args):
        row = MATRIX[name]
        url = None if row.fault else abroad.refused_url()
        if row.fault:
            abroad.faults[place.model] = row.fault
        timeout = 0.4 if name in WAITS else 20
        first = connect(place, url=url)
        return make_client(first, at_home, timeout=timeout, **router_args)

    return client_of


def fallbacks(model):
    """Another model at home, for this one abroad."""
    return [{model: ["home/gpt-4o"]}]


@pytest.mark.sample(72)
@ONE_OF_EACH
@pytest.mark.parametrize("fault", MATRIX)
def test_a_fault_abroad_is_made_good_at_home(fault, place, model, ask, mode, client_of, said, home):
    """The user gets the other provider's answer; only a stream that had shown content tells of the break."""
    row = MATRIX[fault]
    client = client_of(fault, fallbacks=fallbacks(model))

    if "stream" in mode and row.streamed:
        with pytest.raises(StreamInterruptedError) as caught:
            ask(client, model)

        error = caught.value
        assert error.partial_text == row.streamed
        assert (error.provider, error.connection) == (place.provider, "abroad")
        assert error.model == place.model
        assert [each.outcome for each in error.route.attempts] == ["StreamInterruptedError"]
        assert not home.requests
        return

    answer = ask(client, model)

    assert answer.text == f"home {ANSWER}"
    empty = fault == "quota" and place.provider in NO_CREDIT
    outcome = "OutOfCreditError" if empty else row.whole
    assert [each.outcome for each in answer.route.attempts] == [outcome, "ok"]
    assert [each.reason for each in answer.route.attempts] == ["first", "fallback"]
    assert len(said()) == (0 if row is REFUSED else 1)
    assert len(home.requests) == 1
    failed = answer.route.attempts[0].error
    assert (failed.provider, failed.connection) == (place.provider, "abroad")
    assert failed.model == place.model
    assert "\n" not in str(failed)


@pytest.mark.sample(18)
@TWO_WAYS
@pytest.mark.parametrize("place", ["vertex gemini", "vertex claude", "bedrock nova"], indirect=True)
@pytest.mark.parametrize("fault", ["500", "429", "401", "html", "truncated", "error event"])
def test_the_other_places_fail_alike(fault, place, model, ask, mode, client_of, home):
    """Nor does it matter which of their services it is."""
    row = MATRIX[fault]
    client = client_of(fault, fallbacks=fallbacks(model))

    if "stream" in mode and row.streamed:
        with pytest.raises(StreamInterruptedError) as caught:
            ask(client, model)

        assert caught.value.partial_text == row.streamed
        assert not home.requests
        return

    answer = ask(client, model)

    assert answer.text == f"home {ANSWER}"
    assert [each.outcome for each in answer.route.attempts] == [row.whole, "ok"]


HOME_FAULTS = {
    "500": Fault.status(500),
    "429": Fault.rate_limited(30),
    "401": Fault.unauthorized(),
    "404": Fault.model_not_found(),
    "refused": None,
    "hang": Fault.hang(),
    "html": Fault.html(),
    "empty": Fault.empty(),
    "error event at once": Fault.error_event(0),
    "cut at once": Fault.cut(0),
}


@pytest.mark.sample(20)
@TWO_WAYS
@ONE_OF_EACH
@pytest.mark.parametrize("fault", HOME_FAULTS)
def test_a_fault_at_home_is_made_good_abroad(
    fault, place, model, ask, make_client, connect, at_home, home, said
):
    """The translated provider is as good a fallback as any."""
    home.faults["*"] = HOME_FAULTS[fault]
    if fault == "refused":
        at_home = Connection.of("home", "openai", "sk-home", f"{home.refused_url()}/v1")
    timeout = 0.4 if fault in WAITS else 20
    rules = [{"home/gpt-4o": [model]}]
    client = make_client(at_home, connect(place), timeout=timeout, fallbacks=rules)
    answer = ask(client, "home/gpt-4o")

    assert answer.text == f"abroad {ANSWER}"
    assert [each.outcome == "ok" for each in answer.route.attempts] == [False, True]
    assert answer.route.served == model
    assert len(said()) == 1


@pytest.mark.sample(12)
@TWO_WAYS
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_raised_at_once(
    status, place, model, ask, make_client, connect, at_home, abroad, home, said
):
    """A request that is wrong is wrong everywhere: no other target and no second try."""
    abroad.faults[place.model] = Fault.status(status)
    client = make_client(connect(place), at_home, fallbacks=fallbacks(model), num_retries=3)

    with pytest.raises(BadRequestError) as caught:
        ask(client, model)

    assert caught.value.status == status
    assert (len(said()), len(home.requests)) == (1, 0)


@pytest.mark.sample(24)
@pytest.mark.parametrize(
    ("fault", "kind", "rule"),
    [
        (Fault.context_window(), ContextWindowExceededError, "context_window_fallbacks"),
        (Fault.content_filter(), ContentFilteredError, "content_policy_fallbacks"),
        (Fault.content_filter_stop(), ContentFilteredError, "content_policy_fallbacks"),
    ],
    ids=["context", "filter", "filter stop"],
)
def test_refusals_with_a_cure_have_fallbacks_of_their_own(
    fault, kind, rule, place, model, ask, mode, make_client, connect, at_home, abroad, home
):
    """Too long a request goes to a longer model, a filtered one to another provider, if the user says so."""
    abroad.faults[place.model] = fault
    connections = connect(place), at_home
    answer = ask(make_client(*connections, **{rule: fallbacks(model)}), model)
    outcomes = [each.outcome for each in answer.route.attempts]

    says_something = fault.kind == "filter_stop" or place.provider == "bedrock"
    if rule == "content_policy_fallbacks" and says_something and "stream" in mode:
        # Its first words had been shown already; a guardrail of Bedrock's says some of its own.
        assert answer.finish == "content_filter"
        return
    assert answer.text == f"home {ANSWER}"
    assert outcomes == [kind.__name__, "ok"]


def test_an_overlong_request_has_its_own_error(ask, client, model, abroad, place):
    """Without a rule for it, the error says what is wrong in its class."""
    abroad.faults[place.model] = Fault.context_window()

    with pytest.raises(ContextWindowExceededError) as caught:
        ask(client, model)

    assert caught.value.status == 400


def test_a_filtered_question_ends_as_filtered(ask, client, model, abroad, place):
    """Where the provider answers with a refusal, so do we; where it has no answer, that is the error."""
    abroad.faults[place.model] = Fault.content_filter()
    # LiteLLM makes an answer of Gemini's refusal.
    names = ("claude", "gpt") if place.dialect == "litellm" else ("claude", "gemini", "gpt")
    if place.model.startswith(names):
        with pytest.raises(ContentFilteredError) as caught:
            ask(client, model)
        # Gemini's refusal of a prompt is an answer without candidates.
        assert caught.value.status == (None if place.model.startswith("gemini") else 400)
        return

    assert ask(client, model).finish == "content_filter"


@pytest.mark.sample(16)
@TWO_WAYS
@pytest.mark.parametrize(
    "fault",
    [Fault.status(500), Fault.rate_limited(7), Fault.unauthorized(), Fault.bad_request("no")],
    ids=["500", "429", "401", "400"],
)
def test_an_error_carries_what_support_asks_for(fault, ask, client, model, abroad, place):
    """Provider, connection, model, status, the provider's id of the request, and how long to wait."""
    abroad.faults[place.model] = fault

    with pytest.raises(CallError) as caught:
        ask(client, model)

    error = caught.value
    error = error.attempts[0] if isinstance(error, AllTargetsFailedError) else error
    assert (error.provider, error.connection) == (place.provider, "abroad")
    assert error.model == place.model
    assert error.status in {fault.http_status, 400, 403}
    assert error.request_id.startswith("req_abroad_")
    assert error.retry_after == (7 if fault.http_status == 429 else None)
    assert error.body
    assert error.route.attempts


@TWO_WAYS
@ONE_OF_EACH
@pytest.mark.parametrize(
    "fault",
    [Fault.html(), Fault.empty(), Fault.wrong_json(), Fault.truncated(0), Fault.error_event(0)],
    ids=["html", "empty", "wrong json", "truncated", "error event"],
)
def test_a_broken_answer_is_told_in_our_words(fault, ask, client, model, abroad, place):
    """Nothing of the translator's own advice, types or statuses is in what the user reads."""
    abroad.faults[place.model] = fault

    with pytest.raises(CallError) as caught:
        ask(client, model)

    text = str(caught.value)
    assert "litellm" not in text.lower()
    assert "exception" not in text.lower().replace("serverexception", "")
    assert "HTTP 422" not in text
    assert "'content'" not in text
    assert "'output'" not in text


@TWO_WAYS
@ONE_OF_EACH
@pytest.mark.parametrize("fault", [Fault.html(), Fault.error_event(0)], ids=["html", "event"])
def test_a_broken_answer_has_its_id_too(fault, ask, mode, client, model, abroad, place):
    """The provider can find the request even if the answer began with 200."""
    abroad.faults[place.model] = fault

    with pytest.raises(CallError) as caught:
        ask(client, model)

    assert caught.value.request_id.startswith("req_abroad_")


@ONE_OF_EACH
@STREAMS
def test_a_tool_call_that_breaks_off_is_interrupted(ask, client, model, abroad, place):
    """Half of the arguments are content too: the stream is interrupted, with no text."""
    abroad.faults[place.model] = Fault.cut(2)
    abroad.replies["*"] = {"tool_calls": [{"name": "weather", "arguments": {"city": "x" * 40}}] * 3}
    function = {"name": "weather", "parameters": {"type": "object", "properties": {}}}

    with pytest.raises(StreamInterruptedError) as caught:
        ask(client, model, tools=[{"type": "function", "function": function}])

    assert caught.value.partial_text == ""


def test_when_all_fail_the_error_has_all(make_client, connect, abroad, ask):
    """The last word names every target with its own error, in one line."""
    abroad.faults["*"] = Fault.status(503)
    names = [place.model for place in PLACES.values() if place.provider == "bedrock"]
    rules = [{f"abroad/{names[0]}": [f"abroad/{names[1]}"]}]
    client = make_client(connect("bedrock"), fallbacks=rules)

    with pytest.raises(AllTargetsFailedError) as caught:
        ask(client, f"abroad/{names[0]}", QUESTION)

    assert [each.model for each in caught.value.attempts] == names
    assert "\n" not in str(caught.value)


@TWO_WAYS
def test_the_number_of_retries_is_the_number_sent(
    place, model, ask, make_client, connect, abroad, said, no_backoff
):
    """LiteLLM adds none of its own."""
    abroad.faults[place.model] = Fault.status(500)
    client = make_client(connect(place), num_retries=2, cooldown_time=0)

    with pytest.raises(CallError):
        ask(client, model)

    assert len(said()) == 3
