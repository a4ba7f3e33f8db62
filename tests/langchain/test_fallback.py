"""Tools and schemas survive a fallback between dialects."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_support import run
from pydantic import BaseModel

from genai_integrations.langchain import ChatGenAI

# Pydantic says so of LiteLLM's types when it builds them, at the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str
    rating: int | None = None


def weather(city: str, days: int = 1) -> str:
    """Say how the weather is."""
    return f"{city}: rain for {days}"


def test_a_forced_tool(pair, mode):
    """The second target calls the same tool, and the call looks the same."""
    model = ChatGenAI("both", client=pair.client).bind_tools([weather], tool_choice="weather")
    good = run(model, mode, "Oslo?")
    pair.kill()
    made_good = run(model, mode, "Oslo?")

    assert [row["outcome"] for row in made_good.response_metadata["route"]["attempts"]] == [
        "ServerError",
        "ok",
    ]
    for message in (good, made_good):
        (call,) = message.tool_calls
        assert (call["name"], call["type"]) == ("weather", "tool_call")
        assert call["args"]["city"] == "text"
        assert [block["type"] for block in message.content_blocks] == ["tool_call"]
    assert len(pair.second.requests) == 1


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"], indirect=True)
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(pair, mode, method):
    """The result is of the same type whoever answers, whatever it takes there."""
    model = ChatGenAI("both", client=pair.client).with_structured_output(Joke, method=method)
    good = run(model, mode, "A joke!")
    pair.kill()

    assert type(good) is type(run(model, mode, "A joke!")) is Joke


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_streamed(pair, method):
    """The last of a stream is the whole object."""
    model = ChatGenAI("both", client=pair.client).with_structured_output(Joke, method=method)
    pair.kill()

    assert isinstance(list(model.stream("A joke!"))[-1], Joke)


def test_a_loop_that_changes_the_provider(pair):
    """The second target understands the calls that the first one made."""
    model = ChatGenAI("both", client=pair.client).bind_tools([weather])
    question = HumanMessage("Oslo?")
    first = ChatGenAI("both", client=pair.client).bind_tools([weather], tool_choice="any")
    called = first.invoke([question])
    (call,) = called.tool_calls
    pair.kill()
    answer = model.invoke([question, called, ToolMessage("rain", tool_call_id=call["id"])])

    assert answer.content == "second says: the tool answered rain"
