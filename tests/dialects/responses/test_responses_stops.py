"""Stop sequences, which the Responses API does not know: the text ends where the chat API would have ended it."""

from __future__ import annotations

import pytest
from responses_support import DIALECT, call_of, put_together, response_of, streamed, text_item

CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}  # fmt: skip


def pieces(*texts, then=()):
    """The events of a text in these pieces."""
    told = [
        {"type": "response.output_text.delta", "output_index": 0, "delta": text} for text in texts
    ]
    whole = response_of(text_item("".join(texts)), *then, usage={"input_tokens": 1, "output_tokens": 9, "total_tokens": 10})  # fmt: skip
    return [*told, {"type": "response.completed", "response": whole}]


@pytest.mark.parametrize(
    ("texts", "stop", "wanted"),
    [
        (["one END two"], "END", "one "),
        (["one E", "ND two"], ["END"], "one "),
        (["o", "n", "e", " ", "E", "N", "D", " ", "t"], ["END"], "one "),
        (["one END two"], ["two", "END"], "one "),
        (["one EN", "E"], ["END"], "one ENE"),
        (["one EN"], ["END"], "one EN"),
        (["aab"], ["ab"], "a"),
        (["END"], ["END"], None),
        (["one"], ["", "END"], "one"),
    ],
)
def test_a_text_ends_at_the_first_stop(texts, stop, wanted):
    """However it arrives; the usage is that of all that was generated."""
    chunks = streamed(*pieces(*texts), stop=stop)
    choice = put_together(chunks)
    reply = DIALECT.reply(response_of(text_item("".join(texts))), call_of(stop=stop))

    assert (choice["message"]["content"], choice["finish_reason"]) == (wanted, "stop")
    assert (reply["choices"][0]["message"]["content"] or None) == wanted
    assert chunks[-1]["usage"]["total_tokens"] == 10
    assert all(chunk["choices"][0]["delta"] for chunk in chunks[:-1])


def test_what_comes_behind_a_stop_was_not_to_be_said():
    """A call behind it is none."""
    whole = response_of(text_item("one END"), CALL)
    reply = DIALECT.reply(whole, call_of(stop="END"))["choices"][0]
    choice = put_together(
        streamed(
            *pieces("one END", then=[CALL])[:1],
            {"type": "response.output_item.added", "output_index": 1, "item": CALL},
            {"type": "response.completed", "response": whole},
            stop="END",
        )
    )

    for each in (reply, choice):
        assert each["finish_reason"] == "stop"
        assert "tool_calls" not in each["message"]


def test_a_call_without_a_stop_before_it():
    """What was held back comes first."""
    whole = response_of(text_item("one E"), CALL)
    chunks = streamed(
        *pieces("one E")[:1],
        {"type": "response.output_item.added", "output_index": 1, "item": CALL},
        {"type": "response.completed", "response": whole},
        stop="END",
    )
    choice = put_together(chunks)

    assert choice["message"]["content"] == "one E"
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["id"] == "call_1"
