"""Targets that refuse something: the request is said otherwise, and from then on from the first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from genai_integrations import Connection
from genai_integrations.errors import (
    BadRequestError,
    InvalidReplyError,
    RequestTimeoutError,
    StreamInterruptedError,
)
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "json_schema": {"name": "City", "strict": True, "schema": SCHEMA}}
NO_SCHEMA = "This response_format type is unavailable now"


class Picky(ScriptedProvider):
    """Refuses what `refuses` names: a function from the body to a message, or None; counts nothing it has not seen."""

    refuses: Any = None

    async def respond(self, request, exchange):
        said = self.refuses(request) if self.refuses else None
        if said is None:
            await super().respond(request, exchange)
            return
        error = {"message": said, "type": "invalid_request_error", "param": None, "code": None}
        body = json.dumps({"error": error}).encode()
        await exchange.send(400, body, {"content-type": "application/json"})


@pytest.fixture
def picky():
    """A server that refuses what a test says."""
    with Picky("seoul") as server:
        yield server


def unknown(*names):
    """Refuses the first of these parameters."""

    def refuses(request):
        bad = next((name for name in names if name in request.body), None)
        return bad and f"Unrecognized request argument supplied: {bad}"

    return refuses


def sent(server):
    """The parameters of every request, beside those that all have."""
    usual = {"model", "messages", "stream", "stream_options"}
    return [
        {key: value for key, value in row.body.items() if key not in usual}
        for row in server.requests
    ]


def told(route):
    """The route in short."""
    return [(row.reason, row.outcome, row.restated) for row in route.attempts]


def test_what_is_refused_is_left_out_and_remembered(picky, make_client, ask):
    """The first call has one refused request, the next has none, and says what was left out."""
    picky.refuses = unknown("top_p")
    client = make_client(picky, num_retries=0)

    first = ask(client, top_p=0.5, seed=7)
    second = ask(client, top_p=0.5, seed=7)

    assert first.text == second.text == "seoul says: one two three four"
    assert sent(picky) == [{"top_p": 0.5, "seed": 7}, {"seed": 7}, {"seed": 7}]
    assert told(first.route) == [
        ("first", "BadRequestError", ()),
        ("without top_p", "ok", ("without top_p",)),
    ]
    assert told(second.route) == [("first", "ok", ("without top_p",))]
    assert second.route.as_dict()["attempts"][0]["restated"] == ["without top_p"]


def test_a_parameter_of_a_groups_row_is_left_out_as_well(picky, make_client, ask):
    """A default that a target refuses is said otherwise as one of the call's own is, and remembered."""
    picky.refuses = unknown("top_p")
    row = {"model": "seoul/gpt-4o", "top_p": 0.5, "seed": 7}
    client = make_client(picky, model_list=[{"model_name": "smart", "litellm_params": row}])

    first, second = ask(client, "smart"), ask(client, "smart")

    assert sent(picky) == [{"top_p": 0.5, "seed": 7}, {"seed": 7}, {"seed": 7}]
    assert told(first.route)[-1] == ("without top_p", "ok", ("without top_p",))
    assert told(second.route) == [("first", "ok", ("without top_p",))]


def test_a_request_that_is_taken_tells_nothing(picky, make_client, ask):
    """What was learnt concerns only requests that have it."""
    picky.refuses = unknown("top_p")
    client = make_client(picky)
    ask(client, top_p=0.5)

    route = ask(client, seed=7).route

    assert told(route) == [("first", "ok", ())]
    assert "restated" not in route.as_dict()["attempts"][0]


def test_stream_options_may_be_unknown(picky, make_client, ask):
    """Then the stream ends without its usage, or with what the server tells by itself."""
    picky.refuses = unknown("stream_options")

    assert ask(make_client(picky)).text == "seoul says: one two three four"


def test_who_wants_no_usage_asks_for_none(picky, make_client):
    """`stream_options=None` is not sent at all."""
    picky.refuses = unknown("stream_options")
    stream = make_client(picky).completion(
        "gpt-4o", [{"role": "user", "content": "hi"}], stream=True, stream_options=None
    )

    assert "".join(row.choices[0].delta.content or "" for row in stream if row.choices)
    assert len(picky.requests) == 1


def test_nothing_is_learnt_from_what_did_not_help(picky, make_client, ask):
    """The caller's request is sent as it is the next time."""
    picky.refuses = unknown("top_p", "odd")
    client = make_client(picky, num_retries=0)
    with pytest.raises(BadRequestError, match="Unrecognized request argument supplied: odd"):
        ask(client, top_p=0.5, extra_body={"odd": 1})

    picky.requests.clear()
    picky.refuses = None
    ask(client, top_p=0.5)

    assert sent(picky) == [{"top_p": 0.5}]


def test_clients_share_nothing(picky, make_client, ask):
    """What one tenant's target refused says nothing to another tenant."""
    picky.refuses = unknown("top_p")
    one, other = make_client(picky), make_client(picky)
    ask(one, top_p=0.5)
    picky.requests.clear()

    ask(other, top_p=0.5)

    assert sent(picky) == [{"top_p": 0.5}, {}]


def test_each_model_has_its_own(picky, make_client, ask):
    """Another model of the same connection gets everything."""
    picky.refuses = lambda request: (
        unknown("top_p")(request) if request.body["model"] == "gpt-4o" else None
    )
    client = make_client(picky)
    ask(client, top_p=0.5)
    picky.requests.clear()

    ask(client, "gpt-4o-mini", top_p=0.5)

    assert sent(picky) == [{"top_p": 0.5}]


def test_at_most_four_are_tried(picky, make_client, ask):
    """The fifth refusal is the caller's; a server that refuses without end is left alone."""
    names = ("top_p", "temperature", "seed", "user", "store")
    picky.refuses = unknown(*names)
    params = {"top_p": 0.5, "temperature": 0.5, "seed": 7, "user": "u", "store": True}

    with pytest.raises(BadRequestError, match="store") as caught:
        ask(make_client(picky, num_retries=0), **params)

    assert [row.reason for row in caught.value.route.attempts] == [
        "first",
        "without top_p",
        "without temperature",
        "without seed",
        "without user",
    ]


def test_four_are_no_retries(picky, make_client, ask):
    """`num_retries=0` allows them all, and all are learnt."""
    picky.refuses = unknown("top_p", "temperature", "seed", "user")
    client = make_client(picky, num_retries=0)
    params = {"top_p": 0.5, "temperature": 0.5, "seed": 7, "user": "u"}
    ask(client, **params)
    picky.requests.clear()

    ask(client, **params)

    assert sent(picky) == [{}]


def test_a_value_out_of_range_is_the_callers(picky, make_client, ask):
    """It is raised at once."""
    picky.refuses = lambda _: (
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead."
    )

    with pytest.raises(BadRequestError, match="above maximum"):
        ask(make_client(picky), temperature=3)

    assert len(picky.requests) == 1


@pytest.mark.parametrize("drop_params", [False, ["top_p"]])
def test_what_may_not_be_left_out_is_refused(picky, make_client, ask, drop_params):
    """By the client's argument, and by the call's, which counts."""
    picky.refuses = unknown("top_p")

    with pytest.raises(BadRequestError, match="top_p"):
        ask(make_client(picky, drop_params=drop_params), top_p=0.5)
    with pytest.raises(BadRequestError, match="top_p"):
        ask(make_client(picky), top_p=0.5, drop_params=drop_params)

    assert len(picky.requests) == 2


def test_what_was_learnt_is_not_left_out_against_the_callers_word(picky, make_client, ask):
    """Another call allowed it; this one does not."""
    picky.refuses = unknown("top_p")
    client = make_client(picky)
    ask(client, top_p=0.5)

    with pytest.raises(BadRequestError, match="top_p"):
        ask(client, top_p=0.5, drop_params=False)


def test_another_name_is_no_loss(picky, make_client, ask):
    """`drop_params=False` does not forbid it."""
    picky.refuses = lambda request: (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        if "max_tokens" in request.body
        else None
    )

    route = ask(make_client(picky), max_tokens=50, drop_params=False).route

    assert [row["max_completion_tokens"] for row in sent(picky)[1:]] == [50]
    assert route.attempts[-1].reason == "max_tokens as max_completion_tokens"


def test_another_failure_goes_elsewhere(picky, usa, make_client, connect, ask):
    """The request said otherwise may fail as any other: the next target gets the caller's own."""
    picky.refuses = unknown("top_p")
    picky.faults["gpt-4o"] = Fault.status(503)

    answer = ask(make_client(picky, usa, num_retries=0), top_p=0.5)

    assert [(row.target, row.reason) for row in answer.route.attempts] == [
        ("seoul/gpt-4o", "first"),
        ("seoul/gpt-4o", "without top_p"),
        ("usa/gpt-4o", "failover"),
    ]
    assert sent(usa) == [{"top_p": 0.5}]


def test_the_deadline_holds(picky, make_client, ask):
    """A request said otherwise has what is left of it."""
    picky.refuses = unknown("top_p")
    picky.faults["gpt-4o"] = Fault.hang()

    with pytest.raises(RequestTimeoutError, match="the deadline has passed") as caught:
        ask(make_client(picky, num_retries=0, timeout=30), top_p=0.5, deadline=1)

    assert [row.reason for row in caught.value.route.attempts] == ["first", "without top_p"]


def no_schema(request):
    """Refuses a JSON schema, as DeepSeek does."""
    form = request.body.get("response_format") or {}
    return NO_SCHEMA if form.get("type") == "json_schema" else None


def test_a_schema_by_a_tool_is_text_again(picky, make_client, ask):
    """The caller gets what was asked for, and the next call goes that way at once."""
    picky.refuses = no_schema
    picky.replies["gpt-4o"] = {"tool_calls": [{"name": "City", "arguments": {"city": "Oslo"}}]}
    client = make_client(picky)

    first = ask(client, response_format=FORM)
    second = ask(client, response_format=FORM)

    assert json.loads(first.text) == json.loads(second.text) == {"city": "Oslo"}
    assert [row.restated for row in second.route.attempts] == [("json_schema as a tool",)]
    assert [row.body.get("tool_choice") is None for row in picky.requests] == [True, False, False]


def no_tools_either(request):
    """Refuses a schema in whichever way it could be enforced."""
    tools = "tool_choice is not supported by this model" if "tools" in request.body else None
    return no_schema(request) or tools


def test_a_schema_in_words_is_checked(picky, make_client, ask):
    """Good answers pass."""
    picky.refuses = no_tools_either
    picky.replies["gpt-4o"] = '{"city": "Oslo"}'
    client = make_client(picky)

    ask(client, response_format=FORM)
    answer = ask(client, response_format=FORM)

    assert answer.text == '{"city": "Oslo"}'
    assert [row.restated for row in answer.route.attempts] == [("json_schema as JSON mode",)]
    assert picky.requests[-1].body["response_format"] == {"type": "json_object"}
    assert len(picky.requests) == 4


def no_json(request):
    """Refuses a schema in all ways but words."""
    said = "JSON mode is not supported for this model"
    return no_tools_either(request) or (said if "response_format" in request.body else None)


def test_a_schema_in_words_only(picky, make_client, ask, mode):
    """The JSON is found in what the model says; of a stream, all that it says has been given."""
    picky.refuses = no_json
    said = 'Here it is:\n```json\n{"city": "Oslo"}\n```'
    picky.replies["gpt-4o"] = said
    client = make_client(picky)

    ask(client, response_format=FORM)
    answer = ask(client, response_format=FORM)

    assert answer.text == (said if "stream" in mode else '{"city": "Oslo"}')
    assert told(answer.route) == [("first", "ok", ("json_schema in words",))]
    body = picky.requests[-1].body
    assert "response_format" not in body
    assert body["messages"][0]["content"].endswith(json.dumps(SCHEMA, separators=(",", ":")))
    assert len(picky.requests) == 5


def test_words_only_are_checked_too(picky, make_client, ask):
    """An answer without the JSON that was asked for is none."""
    picky.refuses = no_json
    picky.replies["gpt-4o"] = "Oslo, of course."

    with pytest.raises((InvalidReplyError, StreamInterruptedError), match="it is not JSON"):
        ask(make_client(picky, num_retries=0), response_format=FORM)


def test_an_answer_that_does_not_fit_goes_elsewhere(picky, usa, make_client, ask, mode):
    """A stream's beginning cannot be taken back, so there its end is an error."""
    picky.refuses = no_tools_either
    picky.replies["gpt-4o"] = '{"city": 1}'
    usa.replies["gpt-4o"] = '{"city": "Oslo"}'
    client = make_client(picky, usa, num_retries=0)

    if "stream" in mode:
        with pytest.raises(StreamInterruptedError, match=r"\$\.city breaks 'type'"):
            ask(client, response_format=FORM)
        return
    answer = ask(client, response_format=FORM)

    assert answer.text == '{"city": "Oslo"}'
    assert [row.outcome for row in answer.route.attempts] == [
        "BadRequestError",
        "BadRequestError",
        "InvalidReplyError",
        "ok",
    ]


def test_drop_params_false_wants_the_schema_enforced(picky, make_client, ask):
    """A tool may stand for it, words may not."""
    picky.refuses = no_tools_either

    with pytest.raises(BadRequestError, match="tool_choice"):
        ask(make_client(picky, drop_params=False), response_format=FORM)

    assert len(picky.requests) == 2


def test_only_openai_knows_developers(picky, make_client, connect, ask):
    """Everybody else gets the system's message, and nothing is refused first."""
    client = make_client(connect(picky, provider="groq"))
    messages = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "hi"}]

    answer = ask(client, "seoul/gpt-4o", messages=messages)

    assert [row["role"] for row in picky.requests[0].body["messages"]] == ["system", "user"]
    assert told(answer.route) == [("first", "ok", ("developer as system",))]
    assert messages[0]["role"] == "developer"


@dataclass
class Most:
    """A server that embeds at most so many texts at once."""

    texts: int

    def __call__(self, request):
        given = request.body["input"]
        said = f"Too many inputs. The max number of inputs is {self.texts}."
        return said if len(given) > self.texts else None


def test_texts_go_in_batches_that_the_server_takes(picky, make_client):
    """In order, with all usage; the next call knows."""
    client = make_client(picky)
    texts = [f"text {number}" for number in range(7)]
    whole = client.embedding("text-embedding-3-small", texts)
    picky.requests.clear()
    picky.refuses = Most(3)

    first = client.embedding("text-embedding-3-small", texts)
    second = client.embedding("text-embedding-3-small", texts)

    assert [row.embedding for row in first.data] == [row.embedding for row in whole.data]
    assert [row.index for row in second.data] == list(range(7))
    assert first.usage.prompt_tokens == whole.usage.prompt_tokens
    assert [len(row.body["input"]) for row in picky.requests] == [7, 3, 3, 1, 3, 3, 1]
    assert [row.reason for row in first.route.attempts] == ["first", "in batches of 3"]
    assert told(second.route) == [("first", "ok", ("in batches of 3",))]


def test_a_batch_that_fails_fails_the_attempt(picky, usa, make_client):
    """The next target is asked for all."""
    picky.refuses = Most(2)
    picky.faults["text-embedding-3-small"] = [None, Fault.status(500)]
    client = make_client(picky, usa, num_retries=0)

    reply = client.embedding("text-embedding-3-small", ["a", "b", "c"])

    assert len(reply.data) == 3
    assert [row.outcome for row in reply.route.attempts] == ["BadRequestError", "ServerError", "ok"]
    assert [len(row.body["input"]) for row in usa.requests] == [3]


def test_nothing_is_said_otherwise_beforehand_elsewhere(picky, make_client, ask):
    """A model's name says nothing at another address than OpenAI's: that is learnt."""
    client = make_client(picky)
    for _ in range(2):
        ask(client, "gpt-6-luna", temperature=0, max_tokens=5)

    assert sent(picky) == [
        {"temperature": 0, "max_tokens": 5},
        {"temperature": 0, "max_completion_tokens": 5},
        {"max_completion_tokens": 5},
        {"max_completion_tokens": 5},
    ]


def test_resolve_tells_what_is_known_and_learnt(picky, make_client, ask):
    """How each target is asked, in the words of the route."""
    picky.refuses = unknown("top_p")
    openai = Connection.of("openai", "openai", "sk-example")
    client = make_client(picky, openai, Connection.of("deepseek", "deepseek", "sk-example"))
    ask(client, "seoul/gpt-5.5", top_p=0.5)

    assert client.resolve("gpt-5.5").explain().splitlines() == [
        "'gpt-5.5' is served by:",
        "  1. seoul/gpt-5.5  (its provider serves the family)",
        "       without top_p",
        "  2. openai/gpt-5.5  (its provider serves the family)",
        "       max_tokens as max_completion_tokens",
        (
            "       without frequency_penalty, logit_bias, logprobs, presence_penalty, temperature, "
            "top_logprobs, top_p (unless reasoning_effort is none)"
        ),
    ]
    assert client.resolve("deepseek-chat").restated == {
        "deepseek/deepseek-chat": (
            "max_completion_tokens as max_tokens",
            "developer as system",
            "json_schema as a tool",
        )
    }


def test_resolve_tells_what_the_program_allows(picky, make_client):
    """With `drop_params=False` only what keeps the meaning."""
    client = make_client(picky, Connection.of("openai", "openai", "sk-example"), drop_params=False)

    assert client.resolve("openai/o3").restated == {
        "openai/o3": ("max_tokens as max_completion_tokens",)
    }
