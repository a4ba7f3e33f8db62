"""Agents and workflows, used as a user would."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.agent.workflow import (
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.memory import Memory
from llama_index.core.workflow import Context
from llama_schemas import Menu
from llama_scripts import tool_call

from genai_integrations.errors import BadRequestError
from genai_integrations.llama_index import use_params
from genai_integrations.testing.faults import Fault

# LlamaIndex's workflows look at every attribute of an agent, pydantic's deprecated ones among them.
pytestmark = [
    pytest.mark.usefixtures("memories"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def now() -> str:
    """Say the time."""
    return "noon"


async def run(agent, question, **kwargs):
    """The agent's answer, and the events on the way."""
    handler = agent.run(question, **kwargs)
    events = [event async for event in handler.stream_events()]
    return await handler, events


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_function_agent_uses_its_tools(llm, conversation, sent, streaming):
    """It calls, is told the results, and answers."""
    conversation(
        {
            "tool_calls": [
                *tool_call("add", a=1, b=2)["tool_calls"],
                *tool_call("now")["tool_calls"],
            ]
        },
        "It is 3 at noon.",
    )
    agent = FunctionAgent(tools=[add, now], llm=llm, system_prompt="Be brief.", streaming=streaming)

    answer, events = await run(agent, "1 + 2?")

    assert str(answer) == "It is 3 at noon."
    results = [row.tool_output.content for row in events if isinstance(row, ToolCallResult)]
    assert sorted(results) == ["3", "noon"]
    last = sent()[-1]["messages"]
    assert [row["role"] for row in last] == ["system", "user", "assistant", "tool", "tool"]
    assert {row["tool_call_id"] for row in last[3:]} == {row["id"] for row in last[2]["tool_calls"]}


async def test_its_answer_streams(llm, provider):
    """With every delta, the thoughts, and the provider's reply as plain data."""
    provider.replies["*"] = {"content": "It is noon.", "reasoning_content": "Look at the sun."}

    answer, events = await run(FunctionAgent(tools=[now], llm=llm), "What time?")

    parts = [row for row in events if isinstance(row, AgentStream)]
    assert "".join(row.delta for row in parts) == str(answer) == "It is noon."
    assert "".join(row.thinking_delta or "" for row in parts) == "Look at the sun."
    assert answer.raw["usage"]["total_tokens"] > 0


async def test_tool_calls_stream_with_growing_arguments(llm, conversation):
    """The calls on the way have no more than what has come."""
    conversation(tool_call("add", a=123456, b=2), "Done.")
    _, events = await run(FunctionAgent(tools=[add], llm=llm), "Add.")

    seen = [
        row.tool_calls[0].tool_kwargs
        for row in events
        if isinstance(row, AgentStream) and row.tool_calls
    ]
    assert seen[0] == {}
    assert seen[-1] == {"a": 123456, "b": 2}


async def test_the_first_tool_can_be_chosen(llm, conversation, sent):
    """By its bare name, and only for the first step."""
    conversation(tool_call("now"), "Noon.")
    agent = FunctionAgent(tools=[add, now], llm=llm, initial_tool_choice="now")
    await run(agent, "What time?")

    choices = [body["tool_choice"] for body in sent()]
    assert choices == [{"type": "function", "function": {"name": "now"}}, "auto"]


async def test_an_agent_remembers(llm, conversation, sent):
    """Tool calls and results are in the memory, and go back to another model."""
    conversation(tool_call("now"), "Noon.", "You asked for the time.")
    memory = Memory.from_defaults(session_id="s")
    await run(FunctionAgent(tools=[now], llm=llm), "What time?", memory=memory)
    answer, _ = await run(
        FunctionAgent(tools=[now], llm=llm.with_(model="o3")), "What did I ask?", memory=memory
    )

    assert str(answer) == "You asked for the time."
    assert [row["role"] for row in sent()[-1]["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


@pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key")
async def test_a_context_can_be_saved(llm, conversation):
    """A run goes on in a context that was a dict in between."""
    conversation(tool_call("now"), "Noon.", "Again noon.")
    agent = FunctionAgent(tools=[now], llm=llm)
    context = Context(agent)
    await run(agent, "What time?", ctx=context)
    again = Context.from_dict(agent, context.to_dict())

    answer, _ = await run(agent, "And now?", ctx=again)
    assert str(answer) == "Again noon."


async def test_an_agent_with_an_output_class(llm, conversation):
    """Its last answer is put into an object."""
    conversation("Soup.", '{"title": "Carte", "dishes": [], "note": null}')

    answer, _ = await run(FunctionAgent(tools=[now], llm=llm, output_cls=Menu), "Which?")

    assert answer.get_pydantic_model(Menu) == Menu(title="Carte", dishes=[])


async def test_a_react_agent(llm, conversation, sent):
    """Without function calling: by words, streamed."""
    conversation(
        'Thought: I need a tool.\nAction: add\nAction Input: {"a": 1, "b": 2}',
        "Thought: I know.\nAnswer: It is 3.",
    )

    answer, _ = await run(ReActAgent(tools=[add], llm=llm), "1 + 2?")

    assert str(answer) == "It is 3."
    assert not any("tools" in body for body in sent())


async def test_a_workflow_chooses_by_metadata(llm, conversation, sent):
    """Function calling where the model has it, words where it has not."""
    conversation("Thought: I know.\nAnswer: Noon.")
    functions = AgentWorkflow.from_tools_or_functions([now], llm=llm)
    words = AgentWorkflow.from_tools_or_functions(
        [now], llm=llm.with_(is_function_calling_model=False)
    )

    await run(functions, "What time?")
    answer, _ = await run(words, "What time?")

    assert ["tools" in body for body in sent()] == [True, False]
    assert str(answer) == "Noon."


async def test_agents_hand_over(llm, conversation):
    """Two agents of one workflow."""
    conversation(
        tool_call("handoff", to_agent="clock", reason="time"), tool_call("now"), "It is noon."
    )
    desk = FunctionAgent(name="desk", description="First.", llm=llm, can_handoff_to=["clock"])
    clock = FunctionAgent(name="clock", description="Time.", llm=llm, tools=[now])
    workflow = AgentWorkflow(agents=[desk, clock], root_agent="desk")

    answer, _ = await run(workflow, "What time?")

    assert str(answer) == "It is noon."
    assert answer.current_agent_name == "clock"


async def test_parameters_of_a_block_reach_an_agent(llm, provider, sent):
    """A workflow's tasks are made inside the block."""
    provider.replies["*"] = "Noon."
    with use_params(temperature=0.5):
        await run(FunctionAgent(tools=[now], llm=llm), "What time?")

    assert sent()[-1]["temperature"] == 0.5


async def test_errors_come_through(llm, provider):
    """What the provider refuses is the package's error, from inside a workflow too."""
    provider.faults["*"] = Fault.bad_request()

    with pytest.raises(BadRequestError):
        await FunctionAgent(tools=[now], llm=llm).run("What time?")


def test_agents_in_ten_event_loops(llm, provider):
    """As a script or a notebook runs them."""
    provider.replies["*"] = "Noon."
    agent = FunctionAgent(tools=[now], llm=llm)

    async def asked():
        return str(await agent.run("What time?"))

    assert [asyncio.run(asked()) for _ in range(10)] == ["Noon."] * 10
