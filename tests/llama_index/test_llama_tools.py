"""Tools: offered, chosen, called, and given back."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.tools import FunctionTool
from llama_scripts import tool_call

from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index import GenAI


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def now() -> str:
    """Say the time."""
    return "noon"


ADD = FunctionTool.from_defaults(add)
NOW = FunctionTool.from_defaults(now)
TWO = {
    "tool_calls": [
        *tool_call("add", a=1, b=2)["tool_calls"],
        *tool_call("add", a=3, b=4)["tool_calls"],
    ]
}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "auto"),
        ({"tool_required": True}, "required"),
        ({"tool_choice": "any"}, "required"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": None, "tool_required": True}, "required"),
        ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
        ({"tool_choice": {"type": "function", "function": {"name": "now"}}}, {"type": "function", "function": {"name": "now"}}),
    ],
)  # fmt: skip
def test_the_choice_on_the_wire(llm, sent, given, wanted):
    """By a bare name too; a None that LlamaIndex's programs pass does not undo `tool_required`."""
    llm.chat_with_tools([ADD, NOW], "1 + 1", **given)

    (body,) = sent()
    assert body["tool_choice"] == wanted
    assert [tool["function"]["name"] for tool in body["tools"]] == ["add", "now"]


def test_a_call_comes_back_in_all_four_ways(llm, four_ways, conversation):
    """As a block with its id, and as a selection with its arguments."""
    conversation(tool_call("add", a=1, b=2))
    given = llm._prepare_chat_with_tools([ADD], "1 + 2")

    for response in four_ways(llm, given.pop("messages"), **given):
        (selection,) = llm.get_tool_calls_from_response(response)
        (block,) = response.message.blocks
        assert isinstance(block, ToolCallBlock)
        assert (selection.tool_name, selection.tool_kwargs) == ("add", {"a": 1, "b": 2})
        assert selection.tool_id == block.tool_call_id


def test_arguments_grow_while_they_stream(llm, provider):
    """Each chunk has the arguments so far; earlier ones keep what they had."""
    provider.replies["*"] = tool_call("add", a=123456, b=654321)
    responses = list(llm.stream_chat_with_tools([ADD], "add"))

    grown = [llm.get_tool_calls_from_response(row, False) for row in responses]
    arguments = [calls[0].tool_kwargs for calls in grown if calls]
    texts = [
        row.message.blocks[-1].tool_kwargs
        for row, calls in zip(responses, grown, strict=True)
        if calls
    ]
    kept = [
        row.message.additional_kwargs["tool_calls"][0]["function"]["arguments"]
        for row, calls in zip(responses, grown, strict=True)
        if calls
    ]

    assert arguments[0] == {}
    assert {} != arguments[len(arguments) // 2] != arguments[-1] == {"a": 123456, "b": 654321}
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(kept))
    assert kept[0] == "" != kept[-1] == texts[-1]


def test_arguments_that_were_cut_off_are_not_guessed(llm, provider):
    """A whole answer whose arguments are broken calls the tool with none, so that it fails visibly."""
    provider.replies["*"] = {"tool_calls": [{"name": "add", "arguments": '{"a": 1, "b": 2'}]}

    *_, last = llm.stream_chat_with_tools([ADD], "add")
    (streamed,) = llm.get_tool_calls_from_response(last)
    (whole,) = llm.get_tool_calls_from_response(llm.chat_with_tools([ADD], "add"))

    assert streamed.tool_kwargs == whole.tool_kwargs == {}


@pytest.mark.parametrize("arguments", ["", "{}", "null"])
def test_a_tool_without_arguments(llm, provider, four_ways, arguments):
    """In whichever way the model says that there are none, streamed or not, it is called and sent back as JSON."""
    provider.replies["*"] = {"tool_calls": [{"name": "now", "arguments": arguments}]}
    given = llm._prepare_chat_with_tools([NOW], "now")
    messages = given.pop("messages")

    for response in four_ways(llm, messages, **given):
        (call,) = llm.get_tool_calls_from_response(response)
        assert (call.tool_name, call.tool_kwargs) == ("now", {})
    provider.replies["*"] = "It is noon."
    result = ChatMessage(
        role="tool", content="noon", additional_kwargs={"tool_call_id": call.tool_id}
    )
    assert llm.chat([*messages, response.message, result]).message.content == "It is noon."


def test_several_calls_at_once(llm, provider, four_ways):
    """With `allow_parallel_tool_calls` all of them come back, in streams too."""
    provider.replies["*"] = TWO
    given = llm._prepare_chat_with_tools([ADD], "add", allow_parallel_tool_calls=True)

    for response in four_ways(llm, given.pop("messages"), **given):
        calls = llm.get_tool_calls_from_response(response)
        assert [call.tool_kwargs for call in calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_calls_that_share_an_index_are_told_apart(llm, provider):
    """Some servers number every streamed call 0; their ids differ."""
    from genai_integrations.calls.reply import Chunk
    from genai_integrations.calls.route import Route
    from genai_integrations.llama_index.replies import Growing

    growing = Growing(Route("m"))
    for name, number in (("add", "1"), ("now", "2")):
        part = {"index": 0, "id": number, "function": {"name": name, "arguments": "{}"}}
        last = growing.add(Chunk({"choices": [{"delta": {"tool_calls": [part]}}]}))

    assert [row.tool_name for row in llm.get_tool_calls_from_response(last)] == ["add", "now"]


def test_one_call_where_one_is_allowed(llm, provider, sent):
    """The provider is asked for one; a model that calls two is held to the first."""
    provider.replies["*"] = TWO
    response = llm.chat_with_tools([ADD], "add")
    asyncio.run(llm.achat_with_tools([ADD], "add"))

    assert [body["parallel_tool_calls"] for body in sent()] == [False, False]
    assert len(llm.get_tool_calls_from_response(response)) == 1
    assert len(response.message.additional_kwargs["tool_calls"]) == 1
    assert llm.predict_and_call([ADD], "add").response == "3"


def test_models_without_parallel_calls_are_not_told_about_them(client, sent):
    """They refuse the parameter."""
    GenAI("o3-mini", client=client).chat_with_tools([ADD], "add")

    assert "parallel_tool_calls" not in sent()[-1]


def test_no_call_is_an_error_only_if_it_should_be(llm):
    """The error shows what the model said instead."""
    response = llm.chat_with_tools([ADD], "Hello!")

    assert llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="provider says: Hello!"):
        llm.get_tool_calls_from_response(response)


def test_predict_and_call_runs_the_tool(llm, provider):
    """Sync and async, as the router query engine does."""
    provider.replies["*"] = tool_call("add", a=1, b=2)

    assert llm.predict_and_call([ADD], "1 + 2").response == "3"
    assert asyncio.run(llm.apredict_and_call([ADD], "1 + 2")).response == "3"


def test_no_tools_are_no_parameter(llm, sent):
    """An agent without tools sends neither tools nor a choice, which providers refuse."""
    llm.chat_with_tools([], "Hello!", tool_required=True)

    assert sent()[-1].keys() == {"model", "messages"}


def test_calls_made_by_other_integrations_are_read(llm):
    """Their blocks have arguments as dicts, and their text may be no JSON or no object."""
    blocks = [
        ToolCallBlock(tool_name="add", tool_kwargs={"a": 1}),
        ToolCallBlock(tool_name="add", tool_kwargs="[1]"),
    ]
    response = ChatResponse(message=ChatMessage(role="assistant", blocks=blocks))

    assert [row.tool_kwargs for row in llm.get_tool_calls_from_response(response)] == [{"a": 1}, {}]


@pytest.mark.parametrize("tools", [print, [print], ["print"]])
def test_what_is_no_list_of_tools(llm, tools):
    """Agents make tools of functions; a call wants tools, and says how one is made."""
    with pytest.raises(ConfigurationError, match=r"^tools must be a list such as \[FunctionTool"):
        llm.chat_with_tools(tools, "Hello!")
