"""Conversations in OpenAI's shape, as Anthropic takes them."""

from __future__ import annotations

import base64

import pytest
from claude_calls import called, function

from genai_integrations.errors import ConfigurationError

OLDER, NEWER = "claude-sonnet-4-5", "claude-opus-4-8"
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(words, **more):
    return {"type": "text", "text": words, **more}


def user(*parts):
    return {"role": "user", "content": list(parts)}


def assistant(*parts):
    return {"role": "assistant", "content": list(parts)}


def call(identity, name="now", arguments="{}", **more):
    return {
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
        **more,
    }


def asks(*calls, content=None, **more):
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def result(identity, content="1", **more):
    return {"role": "tool", "tool_call_id": identity, "content": content, **more}


def use(identity, name="now", **given):
    return {"type": "tool_use", "id": identity, "name": name, "input": given}


def returned(identity, content="1", **more):
    return {"type": "tool_result", "tool_use_id": identity, "content": content, **more}


HI = {"role": "user", "content": "hi"}
BYE = {"role": "user", "content": "bye"}
HO = {"role": "assistant", "content": "ho"}
SYSTEM = {"role": "system", "content": "be kind"}
NOTE = text("This is an instruction by whoever runs this conversation, not by the user:")

CONVERSATIONS = {
    "system and turns": (
        [SYSTEM, {"role": "developer", "content": [text("be brief")]}, HI, HO, BYE],
        [text("be kind"), text("be brief")],
        [user(text("hi")), assistant(text("ho")), user(text("bye"))],
    ),
    "neighbours of one role": (
        [HI, {**BYE, "name": "jo"}, HO, {"role": "assistant", "content": "ha"}, HI],
        None,
        [user(text("hi"), text("bye")), assistant(text("ho"), text("ha")), user(text("hi"))],
    ),
    "marks for the cache": (
        [{**SYSTEM, **MARK}, user(text("hi", **MARK)), {**HO, **MARK}, {**BYE, **MARK}],
        [text("be kind", **MARK)],
        [user(text("hi", **MARK)), assistant(text("ho", **MARK)), user(text("bye", **MARK))],
    ),
    "parallel calls and their results": (
        [HI, asks(call("a"), call("b", "weather", '{"city": "서울"}'), content="Let me see"),
         result("a", **MARK), result("b", "sunny"), BYE],
        None,
        [user(text("hi")),
         assistant(text("Let me see"), use("a"), use("b", "weather", city="서울")),
         user(returned("a", **MARK), returned("b", "sunny"), text("bye"))],
    ),
    "a mark on a call": (
        [HI, asks(call("a", **MARK)), result("a")],
        None,
        [user(text("hi")), assistant({**use("a"), **MARK}), user(returned("a"))],
    ),
    "results behind other words": (
        [HI, asks(call("a"), call("b")), result("a"), BYE, result("b")],
        None,
        [user(text("hi")), assistant(use("a"), use("b")), user(returned("a"), returned("b"), text("bye"))],
    ),
    "a call twice": (
        [HI, asks(call("a"), call("a")), result("a")],
        None,
        [user(text("hi")), assistant(use("a")), user(returned("a"))],
    ),
    "a result that is an error": (
        [HI, asks(call("a"), call("b")), result("a", "no", is_error=True), result("b", "no", status="error")],
        None,
        [user(text("hi")), assistant(use("a"), use("b")),
         user(returned("a", "no", is_error=True), returned("b", "no", is_error=True))],
    ),
    "a result without a word": (
        [HI, asks(call("a"), call("b")), result("a", ""), result("b", [text("")])],
        None,
        [user(text("hi")), assistant(use("a"), use("b")),
         user(returned("a", ""), {"type": "tool_result", "tool_use_id": "b"})],
    ),
    "arguments that are none": (
        [HI, asks(call("a", arguments=""), call("b", arguments="{oops"), call("c", arguments="[1]")),
         result("a"), result("b"), result("c")],
        None,
        [user(text("hi")), assistant(use("a"), use("b", arguments="{oops"), use("c", arguments=[1])),
         user(returned("a"), returned("b"), returned("c"))],
    ),
    "functions of old": (
        [HI, {"role": "assistant", "content": None, "function_call": {"name": "now", "arguments": "{}"}},
         {"role": "function", "name": "now", "content": "12:00"}],
        None,
        [user(text("hi")), assistant(use("now")), user(returned("now", "12:00"))],
    ),
    "thoughts go back first": (
        [HI, asks(call("a"), content="so", thinking_blocks=[
            {"type": "thinking", "thinking": "hm", "signature": "s", "index": 0},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "thinking", "thinking": "by another model"},
        ], reasoning_content="hm"), result("a")],
        None,
        [user(text("hi")),
         assistant({"type": "thinking", "thinking": "hm", "signature": "s"},
                   {"type": "redacted_thinking", "data": "xyz"}, text("so"), use("a")),
         user(returned("a"))],
    ),
    "thoughts among the words stay there": (
        [HI, {**assistant({"type": "thinking", "thinking": "hm", "signature": "s"}, text("so")),
              "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}, BYE],
        None,
        [user(text("hi")), assistant({"type": "thinking", "thinking": "hm", "signature": "s"}, text("so")),
         user(text("bye"))],
    ),
    "a refusal of another model": (
        [HI, {"role": "assistant", "content": None, "refusal": "I won't"}, BYE],
        None,
        [user(text("hi")), assistant(text("I won't")), user(text("bye"))],
    ),
    "empty messages": (
        [{"role": "system", "content": ""}, user(text(" "), text("hi")), {"role": "assistant", "content": ""},
         {"role": "user", "content": ""}],
        None,
        [user(text("hi"), text("(no text)"))],
    ),
    "an answer to continue": (
        [HI, {"role": "assistant", "content": "The answer is: "}],
        None,
        [user(text("hi")), assistant(text("The answer is:"))],
    ),
    "nothing but a system's words": ([SYSTEM], None, [user(text("be kind"))]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation(name, sent):
    """Turns alternate, results come first, nothing is empty, and what the API does not know is left out."""
    messages, system, turns = CONVERSATIONS[name]
    body = sent(messages=messages, tools=[function("now"), function("weather")])

    assert body["messages"] == turns
    assert body.get("system") == system


@pytest.mark.parametrize(
    ("messages", "older", "newer"),
    [
        (
            [HI, SYSTEM, HO, BYE],
            [user(text("hi"), NOTE, text("be kind")), assistant(text("ho")), user(text("bye"))],
            [user(text("hi")), {"role": "system", "content": [text("be kind")]}, assistant(text("ho")), user(text("bye"))],
        ),
        (
            [HI, HO, SYSTEM, BYE],
            [user(text("hi")), assistant(text("ho")), user(text("bye"), NOTE, text("be kind"))],
            [user(text("hi")), assistant(text("ho")), user(text("bye")), {"role": "system", "content": [text("be kind")]}],
        ),
        (
            [HI, HO, SYSTEM],
            [user(text("hi")), assistant(text("ho")), user(NOTE, text("be kind"))],
            [user(text("hi")), assistant(text("ho")), user(NOTE, text("be kind"))],
        ),
        (
            [HI, asks(call("a")), SYSTEM, result("a")],
            [user(text("hi")), assistant(use("a")), user(returned("a"), NOTE, text("be kind"))],
            [user(text("hi")), assistant(use("a")), user(returned("a")), {"role": "system", "content": [text("be kind")]}],
        ),
    ],
    ids=["behind the user", "before the user", "at the end", "between a call and its result"],
)  # fmt: skip
def test_the_system_speaks_later(messages, older, newer, sent):
    """Newer models take that behind a user's turn; for others it is part of it, and said to be no user's."""
    tools = [function("now")]

    assert sent(OLDER, messages, tools=tools)["messages"] == older
    assert sent(NEWER, messages, tools=tools)["messages"] == newer


def test_tools_that_are_offered_no_more_are_named(sent):
    """The API wants every tool that a conversation calls; none can be called."""
    body = sent(messages=[HI, asks(call("a"), call("b", "weather")), result("a"), result("b"), BYE])

    assert body["tools"] == [
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
        {"name": "weather", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "none"}


B64 = "aGVsbG8="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": B64},
}
PLAIN = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
}


def image_url(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(**fields):
    return {"type": "file", "file": fields}


PARTS = {
    "image by data": (image_url(f"data:image/png;base64,{B64}", detail="high"), IMAGE),
    "image with a nickname": (
        image_url(f"data:image/jpg;base64,{B64}"),
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": B64}},
    ),
    "image by address": (
        image_url("https://example.com/a.png"),
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ),
    "image as a text": (
        {"type": "image_url", "image_url": "https://example.com/a.png"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ),
    "marked image": ({**image_url(f"data:image/png;base64,{B64}"), **MARK}, {**IMAGE, **MARK}),
    "pdf as an image": (image_url(f"data:application/pdf;base64,{B64}"), PDF),
    "pdf": (file(filename="a.pdf", file_data=f"data:application/pdf;base64,{B64}"), PDF),
    "pdf without a type": (file(filename="a.pdf", file_data=B64), PDF),
    "pdf by address": (
        file(file_id="https://example.com/a.pdf"),
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ),
    "text file": (file(file_data=f"data:text/markdown;base64,{B64}"), PLAIN),
    "text file in plain": (file(file_data="data:text/plain;charset=utf-8,hello"), PLAIN),
    "uploaded file": (
        file(file_id="file_011"),
        {"type": "document", "source": {"type": "file", "file_id": "file_011"}},
    ),
    "uploaded image": (
        file(file_id="file_011", format="image/png"),
        {"type": "image", "source": {"type": "file", "file_id": "file_011"}},
    ),
    "document of Anthropic's": (
        {
            "type": "document",
            "source": PLAIN["source"],
            "title": "t",
            "citations": {"enabled": True},
        },
        {
            "type": "document",
            "source": PLAIN["source"],
            "title": "t",
            "citations": {"enabled": True},
        },
    ),
    "search result": (
        {"type": "search_result", "source": "s", "title": "t", "content": [text("x")]},
        {"type": "search_result", "source": "s", "title": "t", "content": [text("x")]},
    ),
    "text with what others put beside": (text("x", id="lc_1", index=0, annotations=[]), text("x")),
    "bare text": ("x", text("x")),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_message(name, sent):
    """By data and by address, in OpenAI's form and in Anthropic's; in a message and in a tool's result."""
    given, wanted = PARTS[name]
    body = sent(
        messages=[{"role": "user", "content": [given]}, asks(call("a")), result("a", [given])],
        tools=[function("now")],
    )

    assert body["messages"][0]["content"] == [wanted]
    assert body["messages"][2]["content"] == [returned("a", [wanted])]


@pytest.mark.parametrize("kind", ["input_audio", "video_url"])
def test_what_no_claude_takes_is_refused(kind, sent):
    """And not left out in silence: the answer would be to another question."""
    with pytest.raises(ConfigurationError, match=f"no Claude takes a part of the type '{kind}'"):
        sent(messages=[{"role": "user", "content": [text("hear"), {"type": kind}]}])


@pytest.mark.parametrize("part", [file(), {"type": "image_url"}, 7], ids=str)
def test_a_part_that_holds_nothing_is_refused(part, sent):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        sent(messages=[{"role": "user", "content": [part]}])


def test_what_is_given_is_not_changed(sent):
    """The caller's messages and parameters are theirs."""
    import copy

    messages, _, _ = CONVERSATIONS["thoughts go back first"]
    given = {"tools": [function("now")], "tool_choice": "required", "reasoning_effort": "low"}
    before = copy.deepcopy((messages, given))
    sent(messages=messages, **given)

    assert (messages, given) == before


ANSWERED = [
    {"type": "thinking", "thinking": "I must look", "signature": "s1"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "u"}]},
    {"type": "thinking", "thinking": "Now I know", "signature": "s2"},
    {"type": "text", "text": "It is so.", "citations": None},
    {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}, "caller": {"type": "direct"}},
]  # fmt: skip


def answer(*blocks, reason="tool_use", **more):
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": list(blocks),
        "stop_reason": reason, "usage": {"input_tokens": 1, "output_tokens": 5}, **more,
    }  # fmt: skip


def said_in(dialect, *blocks, **more):
    return dialect.reply(answer(*blocks, **more), called())["choices"][0]["message"]


def test_an_answer_with_tools_of_anthropics_goes_back_as_it_came(dialect, sent):
    """In its order: signatures hold for the places that they were given at. Only the caller's calls are calls."""
    message = said_in(dialect, *ANSWERED)
    body = sent(messages=[HI, message, result("toolu_1")], tools=[function("now")])

    assert [row["function"]["name"] for row in message["tool_calls"]] == ["now"]
    assert message["content"] == "It is so."
    assert body["messages"][1]["content"] == [
        *ANSWERED[:4],
        {"type": "text", "text": "It is so."},
        ANSWERED[5],
    ]


def test_an_answer_that_was_changed_is_sent_as_it_is_now(dialect, sent):
    """What was kept beside it holds for the words that it was given with."""
    message = {**said_in(dialect, *ANSWERED), "content": "It was so."}
    body = sent(messages=[HI, message, result("toolu_1")], tools=[function("now")])

    assert text("It was so.") in body["messages"][1]["content"]
    assert "server_tool_use" not in [block["type"] for block in body["messages"][1]["content"]]


def test_a_turn_that_paused_goes_on(dialect, sent):
    """`pause_turn`: the answer is sent back as it is."""
    message = said_in(dialect, *ANSWERED[1:3], reason="pause_turn")
    body = sent(messages=[HI, message])

    assert body["messages"][1] == {"role": "assistant", "content": ANSWERED[1:3]}


def test_conversations_of_litellms_go_on(sent):
    """It shows the calls of Anthropic's own tools among the caller's, and their results beside them."""
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    ran = {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {}}
    compacted = {"type": "compaction", "content": "so far"}
    message = asks(
        call("srvtoolu_1", "web_search", '{"query": "x"}'), call("srvtoolu_2", "bash"), call("srvtoolu_3", "lost"),
        content="so",
        provider_specific_fields={
            "web_search_results": [found], "tool_results": [ran], "compaction_blocks": [compacted],
        },
    )  # fmt: skip
    body = sent(messages=[HI, message, BYE])

    assert body["messages"][1]["content"] == [
        compacted,
        text("so"),
        {
            "type": "server_tool_use",
            "id": "srvtoolu_1",
            "name": "web_search",
            "input": {"query": "x"},
        },
        found,
        {"type": "server_tool_use", "id": "srvtoolu_2", "name": "bash", "input": {}},
        ran,
    ]


def test_a_data_url_without_base64(sent):
    """Percent-encoded, as browsers write them."""
    body = sent(messages=[user(image_url("data:image/svg+xml,%3Csvg%2F%3E"))])

    source = body["messages"][0]["content"][0]["source"]
    assert base64.b64decode(source["data"]) == b"<svg/>"
    assert source["media_type"] == "image/svg+xml"
