"""What goes out: every message and content block in OpenAI's shape, and what cannot, refused by its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain.messages import to_wire
from genai_integrations.langchain.replies import chat_result

TEXTS = st.text(min_size=1, max_size=20)
NAMES = st.text("abcXYZ_09", min_size=1, max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(TEXTS, JSON, max_size=3)
PARTS = st.one_of(
    TEXTS.map(lambda text: {"type": "text", "text": text}),
    TEXTS.map(lambda text: {"type": "image_url", "image_url": {"url": f"https://e.org/{text}"}}),
    TEXTS.map(lambda data: {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}),
    TEXTS.map(lambda name: {"type": "file", "file": {"file_id": name}}),
)
USERS = st.builds(
    lambda content: {"role": "user", "content": content},
    TEXTS | st.lists(PARTS, min_size=1, max_size=3),
)
SYSTEMS = st.builds(lambda role, text: {"role": role, "content": text}, st.sampled_from(["system", "developer"]), TEXTS)  # fmt: skip


def call(name, arguments, identity):
    """A call on the wire."""
    text = json.dumps(arguments, ensure_ascii=False)
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": text}}


@st.composite
def rounds(draw):
    """An assistant's message, and the results of its calls."""
    calls = [
        call(draw(NAMES), draw(ARGUMENTS), f"call_{number}")
        for number in range(draw(st.integers(0, 3)))
    ]
    text = draw(TEXTS)
    if not calls:
        return [{"role": "assistant", "content": text}]
    results = [{"role": "tool", "content": draw(TEXTS), "tool_call_id": row["id"]} for row in calls]
    content = draw(st.sampled_from([None, text]))
    return [{"role": "assistant", "content": content, "tool_calls": calls}, *results]


CONVERSATIONS = st.builds(
    lambda first, turns: [*first, *(message for turn in turns for message in turn)],
    st.lists(SYSTEMS, max_size=1),
    st.lists(st.one_of(USERS.map(lambda row: [row]), rounds()), min_size=1, max_size=4),
)


@given(CONVERSATIONS)
def test_the_wire_survives_langchain(conversation):
    """OpenAI's messages, made LangChain's and sent again, are the same messages."""
    assert to_wire(convert_to_messages(conversation)) == conversation


@given(rounds())
def test_an_answer_goes_back_as_it_came(messages):
    """What a provider answered is what it gets to see in the next call."""
    attempt = Attempt("c/m", "c", "openai", "m", "first", outcome="ok")
    wire = {"choices": [{"index": 0, "message": messages[0], "finish_reason": "stop"}]}
    (generation,) = chat_result(Reply(wire, Route("m", [attempt]))).generations

    assert to_wire([generation.message]) == [messages[0]]
    assert to_wire([generation.message.model_copy(update={"content": generation.message.content_blocks})])  # fmt: skip


@given(TEXTS, ARGUMENTS)
def test_a_v1_answer_is_sent_as_a_v0_one(text, arguments):
    """Standard content blocks of an assistant are the text and the calls that they hold."""
    calls = [{"type": "tool_call", "name": "f", "args": arguments, "id": "call_1"}]
    plain = AIMessage(text, tool_calls=calls)
    blocks = AIMessage(
        content_blocks=[
            {"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": text}, *calls,
        ]
    )  # fmt: skip

    assert to_wire([blocks]) == to_wire([plain])
    assert to_wire([AIMessage([{"type": "text", "text": text}, *calls])]) == to_wire([plain])


DATA = "aGk="
URI = f"data:image/png;base64,{DATA}"
IMAGE = {"type": "image_url", "image_url": {"url": URI}}
PDF = f"data:application/pdf;base64,{DATA}"


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("hi", {"type": "text", "text": "hi"}),
        ({"type": "text", "text": "hi", "id": "x", "index": 0, "annotations": []}, {"type": "text", "text": "hi"}),
        ({"type": "text-plain", "text": "hi", "mime_type": "text/plain"}, {"type": "text", "text": "hi"}),
        (
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
        ),
        (IMAGE, IMAGE),
        ({"type": "image_url", "image_url": URI}, IMAGE),
        ({"type": "image", "base64": DATA, "mime_type": "image/png"}, IMAGE),
        ({"type": "image", "url": "https://e.org/a.png"}, {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}),
        ({"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"}, IMAGE),
        ({"type": "image", "source_type": "url", "url": URI}, IMAGE),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}, IMAGE),
        ({"type": "image", "source": {"type": "url", "url": URI}}, IMAGE),
        ({"type": "image", "source": {"type": "file", "file_id": "f-1"}}, {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "image", "file_id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "non_standard", "value": IMAGE}, IMAGE),
        (
            {"type": "audio", "base64": DATA, "mime_type": "audio/mpeg"},
            {"type": "input_audio", "input_audio": {"data": DATA, "format": "mp3"}},
        ),
        (
            {"type": "file", "base64": DATA, "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        ),
        (
            {"type": "file", "base64": DATA, "mime_type": "application/pdf"},
            {"type": "file", "file": {"filename": "file.pdf", "file_data": PDF}},
        ),
        (
            {"type": "document", "title": "A", "source": {"type": "base64", "media_type": "application/pdf", "data": DATA}},
            {"type": "file", "file": {"filename": "A", "file_data": PDF}},
        ),
        ({"type": "document", "source": {"type": "text", "data": "hi"}}, {"type": "text", "text": "hi"}),
        ({"type": "file", "file_id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "file", "source_type": "id", "id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
        ({"type": "file", "url": "https://e.org/a.pdf"}, {"type": "file", "file": {"file_id": "https://e.org/a.pdf"}}),
        ({"type": "file", "file": {"file_id": "f-1"}}, {"type": "file", "file": {"file_id": "f-1"}}),
        (
            {"type": "video", "base64": DATA, "mime_type": "video/mp4"},
            {"type": "file", "file": {"filename": "file.mp4", "file_data": f"data:video/mp4;base64,{DATA}"}},
        ),
        ({"type": "video_url", "video_url": {"url": "x"}}, {"type": "video_url", "video_url": {"url": "x"}}),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else "text",
)  # fmt: skip
def test_content_blocks(block, part):
    """Today's blocks, yesterday's, OpenAI's and Anthropic's all become OpenAI's parts."""
    assert to_wire([HumanMessage([block])]) == [{"role": "user", "content": [part]}]


CALL = {"name": "f", "args": {}, "id": "1"}
ASKED = AIMessage("", tool_calls=[CALL])


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (ChatMessage("a", role="narrator"), r"the role 'narrator'"),
        (RemoveMessage("x"), "is a RemoveMessage"),
        (AIMessage("", tool_calls=[{**CALL, "name": ""}]), r"tool_calls\[0\] has no name"),
        (AIMessage("", tool_calls=[{**CALL, "id": None}]), r"tool_calls\[0\] has no id"),
        (AIMessage("", tool_calls=[{**CALL, "args": {"a": object()}}]), r"tool_calls\[0\].args cannot"),
        (AIMessage("", tool_calls=[{**CALL, "args": {"a": float("nan")}}]), r"tool_calls\[0\].args cannot"),
        (HumanMessage([{"type": "image"}]), r"content\[0\] is a image without data"),
        (HumanMessage([{"type": "image", "base64": DATA}]), r"content\[0\] is an image without a mime_type"),
        (HumanMessage(["a", {"type": "image_url", "image_url": {}}]), r"content\[1\] is an image without data"),
        (HumanMessage([{"type": "audio", "url": "x"}]), r"content\[0\] is an audio without data"),
        (HumanMessage([{"type": "input_audio"}]), r"content\[0\] is an audio without data"),
        (HumanMessage([{"type": "file"}]), r"content\[0\] is a file without data"),
        (HumanMessage([{"type": "text"}]), r"content\[0\] is a text block without text"),
        (HumanMessage([{"image": {}}]), r"content\[0\] has no type"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_its_place(message, complaint):
    """The error names the message, and what in it is wrong."""
    with pytest.raises(ConfigurationError, match=rf"messages\[1\].*{complaint}"):
        to_wire([HumanMessage("Hello!"), message])


def test_roles_and_names():
    """Each kind of message has its role; names go along where they may."""
    wire = to_wire(
        [
            SystemMessage("a"),
            SystemMessage("b", additional_kwargs={"__openai_role__": "developer"}),
            HumanMessage("c", name="kim"),
            ChatMessage("d", role="human"),
            ChatMessage("e", role="developer"),
            ASKED,
            ToolMessage("f", tool_call_id="1", name="f", status="error"),
            FunctionMessage("g", name="g"),
        ]
    )

    assert [row["role"] for row in wire] == [
        "system", "developer", "user", "user", "developer", "assistant", "tool", "function",
    ]  # fmt: skip
    assert [row.get("name") for row in wire] == [None, None, "kim", None, None, None, None, "g"]


def test_pictures_of_tools_are_shown_by_the_user():
    """No provider needs to take media in a result: they follow when all results are told."""
    calls = [{**CALL, "id": "1"}, {**CALL, "id": "2"}]
    results = [
        ToolMessage([{"type": "text", "text": "see"}, IMAGE], tool_call_id="1"),
        ToolMessage(
            [{"type": "image", "base64": DATA, "mime_type": "image/png"}], tool_call_id="2"
        ),
    ]
    wire = to_wire([AIMessage("", tool_calls=calls), *results, HumanMessage("Well?")])

    assert [row["role"] for row in wire] == ["assistant", "tool", "tool", "user", "user"]
    assert wire[1]["content"] == "see"
    assert isinstance(wire[2]["content"], str)
    assert wire[3]["content"] == [IMAGE, IMAGE]


def test_reasoning_goes_back_where_it_is_wanted():
    """Signed reasoning always, in Anthropic's form; unsigned only with the calls that came of it."""
    signed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    standard = {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}}
    hidden = {"type": "redacted_thinking", "data": "xx"}
    kept = {"reasoning_content": "hm", "thinking_blocks": [{**signed, "index": 0}]}
    for message in (
        AIMessage([signed, {"type": "text", "text": "a"}]),
        AIMessage([standard, {"type": "text", "text": "a"}]),
        AIMessage("a", additional_kwargs=kept),
    ):
        assert to_wire([message]) == [
            {"role": "assistant", "content": "a", "thinking_blocks": [signed]}
        ]

    only = {"reasoning_content": "hm"}
    (said,) = to_wire([AIMessage("a", additional_kwargs=only)])
    (called,) = to_wire([AIMessage("a", additional_kwargs=only, tool_calls=[CALL])])
    (secret,) = to_wire([AIMessage([{"type": "non_standard", "value": hidden}, "a"])])
    assert "reasoning_content" not in said
    assert called["reasoning_content"] == "hm"
    assert secret["thinking_blocks"] == [hidden]


def test_invalid_calls_go_back_if_they_were_answered():
    """A call without a result is refused by every provider, so one that nobody ran is left out."""
    broken = InvalidToolCall(type="invalid_tool_call", id="1", name="f", args="{", error="no JSON")
    message = AIMessage("a", invalid_tool_calls=[broken])
    answered = to_wire([message, ToolMessage("that was no JSON", tool_call_id="1")])

    assert answered[0]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{"}
    assert to_wire([message]) == [{"role": "assistant", "content": "a"}]


def test_older_answers():
    """The fields of yesterday's function calls and of spoken answers go back."""
    function = {"name": "f", "arguments": "{}"}
    (called,) = to_wire([AIMessage("", additional_kwargs={"function_call": function})])
    (spoken,) = to_wire([AIMessage("", additional_kwargs={"audio": {"id": "a-1", "data": DATA}})])

    assert called == {"role": "assistant", "content": None, "function_call": function}
    assert spoken["audio"] == {"id": "a-1"}
