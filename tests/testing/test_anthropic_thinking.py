"""The scripted provider thinks, caches and counts as Anthropic's Messages API does."""

from __future__ import annotations

import pytest
from anthropic_wire import CLOCK, THINK, blocks_of, say, stream
from wire import USER


def test_a_model_that_is_told_to_think_does(claude):
    """A signed block of thinking comes first, and streams as words and then its signature."""
    message = say(claude, thinking=THINK)
    thinking, text = message["content"]
    events = stream(claude, thinking={"type": "adaptive"})
    kinds = [row["delta"]["type"] for row in events if row.get("index") == 0 and "delta" in row]

    assert thinking["thinking"] == "provider thinks about: hello there"
    assert text["text"] == "provider says: hello there"
    assert blocks_of(events)[0] == {**thinking, "json": ""}
    assert kinds == [*["thinking_delta"] * 5, "signature_delta"]
    assert message["usage"]["output_tokens"] == 9
    assert message["usage"]["output_tokens_details"] == {"thinking_tokens": 5}


def test_reasoning_can_be_scripted(claude):
    """`reasoning_content` is signed; blocks of thinking may be scripted one by one."""
    claude.replies["*"] = {"reasoning_content": "I think so", "content": "yes"}
    thinking, _ = say(claude)["content"]
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "I think so")
    assert thinking["signature"]

    given = [{"type": "thinking", "thinking": "one"}, {"type": "redacted_thinking"}]
    claude.replies["*"] = {"thinking_blocks": given, "content": "yes"}
    first, second, _ = say(claude)["content"]
    assert (first["thinking"], second["type"]) == ("one", "redacted_thinking")
    assert first["signature"]
    assert blocks_of(stream(claude))[1]["data"] == second["data"]


@pytest.mark.parametrize("thinking", [THINK, {"type": "adaptive", "display": "omitted"}])
def test_thinking_comes_back_in_a_tool_loop(claude, thinking):
    """Blocks that come back unchanged are accepted, also those whose text was left out."""
    claude.replies["*"] = {
        "thinking_blocks": [{"type": "thinking", "thinking": "hm"}, {"type": "redacted_thinking"}],
        "tool_calls": [{"name": "clock"}],
    }
    content = say(claude, thinking=thinking, tools=[CLOCK])["content"]
    claude.replies.clear()
    result = {"type": "tool_result", "tool_use_id": content[2]["id"], "content": "1"}
    messages = [
        *USER,
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    message = say(claude, thinking=thinking, tools=[CLOCK], messages=messages)

    assert content[0]["thinking"] == ("" if "display" in thinking else "hm")
    assert message["content"][-1]["text"] == "provider says: the tool answered 1"


def test_marked_prompts_are_cached(claude):
    """What is marked is written to the cache first and read from it then; only the rest is input."""
    system = [{"type": "text", "text": "one two three", "cache_control": {"type": "ephemeral"}}]
    tools = [{**CLOCK, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first = say(claude, system=system, tools=tools)["usage"]
    second = say(claude, system=system, tools=tools)["usage"]
    (started, *_) = stream(claude, system=system, tools=tools)

    assert first["cache_creation"] == {
        "ephemeral_1h_input_tokens": 2,
        "ephemeral_5m_input_tokens": 3,
    }
    assert (first["cache_creation_input_tokens"], first["cache_read_input_tokens"]) == (5, 0)
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, 5)
    assert first["input_tokens"] == second["input_tokens"] == 2
    assert started["message"]["usage"]["cache_read_input_tokens"] == 5


def test_the_cache_can_be_filled_without_an_answer(claude):
    """A limit of no tokens at all says nothing, but the prompt is cached."""
    mark = {"type": "ephemeral"}
    message = say(claude, max_tokens=0, cache_control=mark)

    assert (message["content"], message["stop_reason"]) == ([], "max_tokens")
    assert say(claude, cache_control=mark)["usage"]["cache_read_input_tokens"] == 2


def test_a_longer_prompt_reads_what_it_shares(claude):
    """Marking the whole prompt caches each turn on top of the one before; other models share nothing."""
    mark = {"type": "ephemeral"}
    say(claude, cache_control=mark)
    longer = [*USER, {"role": "assistant", "content": "a b c"}, {"role": "user", "content": "d"}]
    usage = say(claude, cache_control=mark, messages=longer)["usage"]
    other = say(claude, cache_control=mark, messages=longer, model="other")["usage"]

    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (2, 4)
    assert usage["input_tokens"] == 0
    assert (other["cache_read_input_tokens"], other["cache_creation_input_tokens"]) == (0, 6)


@pytest.mark.parametrize(
    "given",
    [
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 2,
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
        },
        {
            "prompt_tokens": 10,
            "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 5, "cache_creation_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    ],
)
def test_usage_can_be_scripted(claude, given):
    """In Anthropic's words or in OpenAI's, whose prompt includes what was cached."""
    claude.replies["*"] = {"content": "x", "usage": given}
    usage, events = say(claude)["usage"], stream(claude)

    for counts in (usage, events[-2]["usage"]):
        assert counts["input_tokens"] == 3
        assert counts["cache_read_input_tokens"] == 5
        assert counts["cache_creation_input_tokens"] == 2
        assert counts["output_tokens"] == 9
        assert counts["output_tokens_details"] == {"thinking_tokens": 4}


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"completion_tokens": 7}, (2, 7)),
        ({"prompt_tokens": 7}, (7, 1)),
        ({"output_tokens": 7}, (2, 7)),
    ],
)
def test_usage_can_be_scripted_in_part(claude, given, counts):
    """What the script leaves out is counted."""
    claude.replies["*"] = {"content": "x", "usage": given}
    usage = say(claude)["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == counts
