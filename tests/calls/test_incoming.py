"""What a server answered is said in OpenAI's words, and usage stands where OpenAI has it."""

from __future__ import annotations

import pytest

from genai_integrations.calls.incoming import IncomingChunks, check_reply
from genai_integrations.errors import InvalidReplyError
from genai_integrations.models.usage import counted


def reply(message, finish="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return check_reply({"choices": [choice], **more}, "chat/completions")["choices"][0]


def call(arguments, **more):
    return {"type": "function", "function": {"name": "f", "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"a":1}', '{"a":1}'),
        ({"a": "é"}, '{"a": "é"}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ("", "{}"),
        (None, "{}"),
        ("null", "{}"),
        ('"text"', '"text"'),
        ("[1]", "[1]"),
        ([1], "[1]"),
        ('{"a":1,}', '{"a":1,}'),
    ],
)
def test_arguments_are_json_text(arguments, text):
    """An object is written, what is encoded twice is decoded once, none is an empty object; else nothing is made up."""
    message = reply({"content": None, "tool_calls": [call(arguments, id="1")]})["message"]

    assert message["tool_calls"] == [call(text, id="1")]


def test_each_call_has_an_id_of_its_own():
    """Results are told apart by them: what is missing, empty or there twice is made."""
    calls = [call("{}"), call("{}", id=""), call("{}", id=None), call("{}", id="a"), call("{}", id="a")]  # fmt: skip
    ids = [row["id"] for row in reply({"tool_calls": calls})["message"]["tool_calls"]]

    assert len(set(ids)) == 5
    assert all(ids)
    assert ids[3] == "a"


@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab", None),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}], "a", "hm"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}], None, "hm"),
        ([{"type": "reasoning", "summary": [{"text": "h"}, {"text": "m"}]}], None, "hm"),
        ([{"type": "reasoning", "text": "hm"}], None, "hm"),
        ([], None, None),
        ([5, "x", {"type": "text", "text": 7}], None, None),
    ],
)
def test_a_list_of_parts_is_text_and_thoughts(content, text, thought):
    """Whatever shape they have, whole and streamed."""
    delta = {"content": list(content)}
    chunk = IncomingChunks().check({"choices": [{"index": 0, "delta": delta}]})
    for said in (reply({"content": list(content)})["message"], chunk["choices"][0]["delta"]):
        assert said["content"] == text
        assert said.get("reasoning_content") == thought


def test_a_picture_among_the_parts_is_kept():
    """Where OpenRouter puts those that a model has made."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    assert reply({"content": [picture]})["message"]["images"] == [picture]


def test_reasoning_has_one_name():
    """It is read as `reasoning_content`; the server's own name stays."""
    message = reply({"content": "42", "reasoning": "hm"})["message"]

    assert (message["reasoning_content"], message["reasoning"]) == ("hm", "hm")


@pytest.mark.parametrize(
    ("word", "ours", "native"),
    [
        ("stop", "stop", None), ("length", "length", None), ("content_filter", "content_filter", None),
        ("eos", "stop", "eos"), ("end_turn", "stop", "end_turn"), ("STOP", "stop", "STOP"),
        ("max_tokens", "length", "max_tokens"), ("MAX_TOKENS", "length", "MAX_TOKENS"),
        ("tool_use", "tool_calls", "tool_use"), ("SAFETY", "content_filter", "SAFETY"),
        ("COMPLETE", "stop", "COMPLETE"), ("error", "error", None), ("something", "something", None),
    ],
)  # fmt: skip
def test_why_it_ended_in_openais_words(word, ours, native):
    """The server's own word stands beside it; a word that means nothing to us stays."""
    choice = reply({"content": "x"}, word)

    assert (choice["finish_reason"], choice.get("native_finish_reason")) == (ours, native)


@pytest.mark.parametrize(
    ("native", "ours"),
    [("length", "length"), ("max_output_tokens", "length"), ("completed", "tool_calls"), ("tool_use", "tool_calls")],
)  # fmt: skip
def test_a_call_that_was_cut_off_is_said_to_be(native, ours):
    """A gateway says `tool_calls` of half a call too, and what the model said beside it (OpenRouter, recorded)."""
    calls = [call('{"a": "b', id="1")]
    wire = {"choices": [{"index": 0, "message": {"tool_calls": calls}, "finish_reason": "tool_calls",
                         "native_finish_reason": native}]}  # fmt: skip

    assert check_reply(wire, "chat/completions")["choices"][0]["finish_reason"] == ours


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 1, "reasoning_tokens": 4, "total_tokens": 10},
         {"completion_tokens_details": {"reasoning_tokens": 4}, "completion_tokens": 1}),
        ({"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 14, "completion_tokens_details": {"reasoning_tokens": 4}},
         {"completion_tokens": 5}),
        ({"prompt_tokens": 9, "cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}},
         {"prompt_tokens_details": {"cached_tokens": 3}}),
        ({"prompt_tokens": 9, "cached_tokens": 4, "prompt_tokens_details": {"cached_tokens": None, "audio_tokens": 1}},
         {"prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1}}),
        ({"prompt_tokens": 9, "completion_tokens": 1}, {"total_tokens": 10}),
        ({"total_tokens": 9}, {"prompt_tokens": 9}),
        ({"prompt_tokens": "9", "completion_tokens": {}, "total_tokens": True, "cached_tokens": [1]}, {}),
    ],
)  # fmt: skip
def test_counts_stand_where_openai_has_them(told, found):
    """Wherever a server tells them; what is told stays, and what is no count is left out."""
    usage = counted(told)

    assert {name: usage[name] for name in found} == found
    assert all(isinstance(value, (int, dict)) for value in usage.values())


@pytest.mark.parametrize("odd", [-5, -0.5, float("nan"), float("inf"), 1e300, 4 * 10**18])
def test_what_can_be_no_count_is_left_out(odd):
    """A server may write anything: sums of tokens and dollars must stay numbers, and nothing is given back."""
    wire = {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": odd, "completion_tokens": 1, "total_tokens": odd, "cost": odd},
    }

    assert check_reply(wire, "chat/completions")["usage"] == {"completion_tokens": 1}


@pytest.mark.parametrize("usage", [None, "many", [1], 5])
def test_no_usage(usage):
    """What is none is None."""
    assert counted(usage) is None


def test_calls_of_two_answers_are_kept_apart():
    """Each alternative numbers its own calls."""
    incoming = IncomingChunks()
    pieces = []
    for index in (0, 1):
        delta = {"tool_calls": [{"index": 0, "id": f"k{index}", "function": {"name": "f"}}]}
        chunk = incoming.check({"choices": [{"index": index, "delta": delta}]})
        pieces += chunk["choices"][0]["delta"]["tool_calls"]

    assert [(piece["index"], piece["id"]) for piece in pieces] == [(0, "k0"), (0, "k1")]


@pytest.mark.parametrize(
    "pieces", [[None], ["x"], [{}], [{"function": None}], [{"function": "f"}], [{"index": "0"}], [{"index": [0]}], [{"index": 0, "id": 5}]]
)  # fmt: skip
def test_odd_pieces_break_nothing(pieces):
    """What is no piece of a call is left out, or becomes one without a name."""
    incoming = IncomingChunks()
    for _ in range(2):
        chunk = incoming.check({"choices": [{"index": 0, "delta": {"tool_calls": list(pieces)}}]})

    assert all(isinstance(piece["index"], int) for piece in chunk["choices"][0]["delta"]["tool_calls"])  # fmt: skip


@pytest.mark.parametrize("content", [5, 1.5, True])
def test_a_number_in_the_place_of_the_text(content):
    """It is no answer, whole or streamed: who joins the texts of one would fail."""
    with pytest.raises(InvalidReplyError, match="in place of its text"):
        reply({"content": content})
    with pytest.raises(InvalidReplyError, match="in place of its text"):
        IncomingChunks().check({"choices": [{"index": 0, "delta": {"content": content}}]})


def test_one_part_in_the_place_of_a_list():
    """It is read as the list would be."""
    part = {"type": "text", "text": "Hi"}
    chunk = IncomingChunks().check({"choices": [{"index": 0, "delta": {"content": part}}]})

    assert reply({"content": part})["message"]["content"] == "Hi"
    assert chunk["choices"][0]["delta"]["content"] == "Hi"


@pytest.mark.parametrize("index", [[], {}, [0]])
def test_a_choice_that_cannot_be_told_from_others(index):
    """The stream breaks off as one that is none, and not with Python's own error."""
    with pytest.raises(InvalidReplyError, match="an invalid choice"):
        IncomingChunks().check({"choices": [{"index": index, "delta": {"content": "Hi"}}]})
