"""A stream that breaks after its first content begins anew, if the program wants that."""

from __future__ import annotations

import asyncio
import threading

import pytest

from genai_integrations.cli.chat.conversation import Conversation
from genai_integrations.errors import ConfigurationError, StreamInterruptedError
from genai_integrations.notebook.answers import Answer
from genai_integrations.testing import assert_route
from genai_integrations.testing.faults import Fault

QUESTION = [{"role": "user", "content": "one two three four"}]
BREAKS = {
    "cut": Fault.cut(2),
    "truncated": Fault.truncated(2),
    "error event": Fault.error_event(2),
    "stall": Fault.stall(2),
}


@pytest.fixture(params=["sync", "async"])
def read(request):
    """Read a stream to its end: its chunks and its route."""

    def read(client, model="gpt-4o", **params):
        params.setdefault("messages", QUESTION)
        if request.param == "sync":
            stream = client.completion(model, stream=True, **params)
            return list(stream), stream.route
        return asyncio.run(_read(client, model, params))

    return read


async def _read(client, model, params):
    stream = await client.acompletion(model, stream=True, **params)
    return [chunk async for chunk in stream], stream.route


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def split(chunks):
    """What came before the marker and what after it."""
    (at,) = [number for number, chunk in enumerate(chunks) if chunk.restarted]
    return chunks[:at], chunks[at], chunks[at + 1 :]


@pytest.mark.parametrize("fault", BREAKS)
def test_another_target_answers_from_the_beginning(fault, read, make_client, seoul, usa):
    """A chunk between the two says that what came before is to be dropped."""
    seoul.faults["*"] = BREAKS[fault]
    client = make_client(seoul, usa, stream_recovery="restart", stall_timeout=0.5)

    chunks, route = read(client)

    before, marker, after = split(chunks)
    assert text_of(before) == "seoul says:"
    assert text_of(after) == "usa says: one two three four"
    assert marker.wire == {
        "id": after[0].id,
        "object": "chat.completion.chunk",
        "created": after[0].created,
        "model": "gpt-4o",
        "choices": [],
        "restarted": True,
    }
    assert [(row.reason, row.outcome) for row in route.attempts] == [
        ("first", "StreamInterruptedError"),
        ("restart", "ok"),
    ]
    assert_route(route).served_by("usa").rescued_from("seoul")
    assert chunks[-1].usage.prompt_tokens == 4


def test_what_was_abandoned_is_counted(read, make_client, seoul, usa):
    """The provider told no usage, so it is estimated, and said to be."""
    seoul.faults["*"] = Fault.cut(2)
    client = make_client(seoul, usa, stream_recovery="restart")

    _, route = read(client)

    broken, whole = route.attempts
    assert (broken.estimated, whole.estimated) == (True, False)
    assert (broken.prompt_tokens, broken.completion_tokens) == (11, 3)
    assert broken.cost == pytest.approx(11 * 2.5e-6 + 3 * 1e-5)
    assert route.cost == pytest.approx(broken.cost + whole.cost)
    assert route.as_dict()["attempts"][0]["estimated"] is True
    assert "estimated" not in route.as_dict()["attempts"][1]


def test_without_it_the_break_is_raised(read, make_client, seoul, usa):
    """As ever, and its cost is counted too."""
    seoul.faults["*"] = Fault.cut(2)

    with pytest.raises(StreamInterruptedError) as caught:
        read(make_client(seoul, usa))

    (attempt,) = caught.value.route.attempts
    assert attempt.estimated
    assert attempt.cost > 0
    assert not usa.requests


def test_one_call_may_ask_for_it(read, make_client, seoul, usa):
    """Who can drop what came, says so for that call."""
    seoul.faults["*"] = Fault.cut(2)

    chunks, _ = read(make_client(seoul, usa), stream_recovery="restart")

    assert text_of(split(chunks)[2]) == "usa says: one two three four"


def test_a_stream_may_break_again(read, make_client, seoul, usa, no_backoff):
    """Each time all that came before the last marker is void."""
    seoul.faults["*"] = [Fault.cut(2), None]
    usa.faults["*"] = Fault.cut(3)
    client = make_client(seoul, usa, stream_recovery="restart", cooldown_time=0)

    chunks, route = read(client)

    markers = [number for number, chunk in enumerate(chunks) if chunk.restarted]
    assert text_of(chunks[markers[-1] :]) == "seoul says: one two three four"
    assert_route(route).tried("seoul", "usa", "seoul").served_by("seoul")


def test_breaks_have_an_end(read, make_client, seoul):
    """As many new beginnings as retries; then the last break is raised, with what came of the last stream."""
    seoul.faults["*"] = Fault.cut(2)
    client = make_client(seoul, stream_recovery="restart", num_retries=2)

    with pytest.raises(StreamInterruptedError) as caught:
        read(client)

    assert caught.value.partial_text == "seoul says:"
    assert len(seoul.requests) == 3
    assert [row.reason for row in caught.value.route.attempts] == ["first", "restart", "restart"]


def test_if_nobody_can_take_over_the_break_is_raised(read, make_client, seoul, usa):
    """The error is that of the stream that was shown, with a note on why there was no other."""
    seoul.faults["*"] = [Fault.cut(2), Fault.bad_request()]
    usa.faults["*"] = Fault.bad_request("no")
    client = make_client(seoul, usa, stream_recovery="restart", num_retries=0)

    with pytest.raises(StreamInterruptedError, match="broke after its first content") as caught:
        read(client)

    assert caught.value.partial_text == "seoul says:"
    (note,) = caught.value.__notes__
    assert note.startswith("it could not be started again: ")


def test_a_break_without_retries_left_in_the_budget_is_raised(read, make_client, seoul, usa):
    """A new beginning asks for a whole answer again, so it counts as a retry of the client."""
    seoul.faults["*"] = Fault.cut(2)
    client = make_client(seoul, usa, stream_recovery="restart")
    budget = client._router._parts.health.retries
    while budget.withdraw(client._router._parts.health._clock()):
        pass

    with pytest.raises(StreamInterruptedError) as caught:
        read(client)

    assert "retries have reached" in caught.value.__notes__[0]


def test_a_reader_that_leaves_after_the_marker_closes_the_new_stream(make_client, seoul, usa):
    """The provider that took over is hung up on."""
    seoul.faults["*"] = Fault.cut(2)
    usa.faults["*"] = Fault.drip(threading.Event(), 2)
    client = make_client(seoul, usa, stream_recovery="restart")

    with client.completion("gpt-4o", QUESTION, stream=True) as stream:
        for chunk in stream:
            if chunk.restarted:
                break

    assert stream.route.attempts[-1].outcome == "ok"
    assert stream.route.attempts[-1].estimated
    assert list(stream) == []


def test_a_stall_is_told_by_its_seconds(read, make_client, seoul):
    """A stream that brings no chunk for so long breaks, though `timeout` would wait on."""
    seoul.faults["*"] = Fault.stall(2)
    client = make_client(seoul, stall_timeout=0.2, num_retries=0)

    with pytest.raises(StreamInterruptedError, match=r"the stream stalled for 0\.2 s"):
        read(client)


def test_the_first_content_may_take_longer_than_a_stall(read, make_client, seoul):
    """`stall_timeout` counts from the first content on; one call may set it."""
    event = threading.Event()
    seoul.faults["*"] = Fault.drip(event, 0)
    client = make_client(seoul, timeout=30)
    threading.Timer(0.3, event.set).start()

    chunks, _ = read(client, stall_timeout=0.1)

    assert text_of(chunks) == "seoul says: one two three four"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stream_recovery": "resume"}, "must be 'restart' or None"),
        ({"stall_timeout": 0}, "must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_is_refused(given, words, make_client, seoul):
    """When the client is made, and in a call."""
    with pytest.raises(ConfigurationError, match=words):
        make_client(seoul, **given)
    with pytest.raises(ConfigurationError, match=words):
        make_client(seoul).completion("gpt-4o", QUESTION, **given)


def test_a_terminal_conversation_starts_its_answer_over(make_client, seoul, usa):
    """What was shown cannot be taken back, so it is said; what counts as said is the whole answer alone."""
    seoul.faults["*"] = Fault.cut(2)
    conversation = Conversation(make_client(seoul, usa, stream_recovery="restart"), "gpt-4o")
    shown = []

    answer = conversation.ask("Hi", shown.append)

    assert answer.text == "usa says: Hi"
    assert "".join(shown) == ("seoul says:\n[the answer broke off, and starts again]\nusa says: Hi")


def test_a_notebooks_answer_starts_over(read, make_client, seoul, usa):
    """It is drawn anew."""
    seoul.faults["*"] = Fault.cut(2)
    chunks, _ = read(make_client(seoul, usa, stream_recovery="restart"))
    answer = Answer("gpt-4o")

    for chunk in chunks:
        answer.take(chunk)

    assert answer.text == "usa says: one two three four"
