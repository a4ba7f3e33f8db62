"""Used as a user would: in chains, agents, graphs and batches."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableParallel
from langchain_support import player, run
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel

from genai_integrations.langchain import ChatGenAI
from genai_integrations.testing.faults import Fault


class Answer(BaseModel):
    """An answer."""

    text: str


def weather(city: str) -> str:
    """Say how the weather is."""
    return f"rain in {city}"


def test_a_chain(chat, mode):
    """A prompt, the model and a parser."""
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "Hello, {who}!")])
    chain = prompt | chat | StrOutputParser()

    assert run(chain, mode, {"who": "Kim"}) == "provider says: Hello, Kim!"


def test_several_models_at_once(client, provider):
    """Each of them answers under its key."""
    models = {name: ChatGenAI(name, client=client) for name in ("gpt-4o", "gpt-4o-mini")}
    answers = RunnableParallel(models).invoke("Hello!")

    assert {key: row.response_metadata["model_name"] for key, row in answers.items()} == {
        "gpt-4o": "gpt-4o",
        "gpt-4o-mini": "gpt-4o-mini",
    }


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_a_batch_of_a_hundred(chat, provider, way):
    """Structured answers come in order, so many at once as was said."""
    provider.replies["*"] = lambda body: json.dumps({"text": body["messages"][-1]["content"]})
    model = chat.with_structured_output(Answer)
    questions, config = [str(number) for number in range(100)], {"max_concurrency": 8}
    if way == "batch":
        answers = model.batch(questions, config)
    else:
        answers = asyncio.run(model.abatch(questions, config))

    assert [answer.text for answer in answers] == questions
    assert len(provider.requests) == 100


def test_an_agent(chat, provider):
    """It calls the tool, sees the result, and answers."""
    provider.replies["*"] = player
    agent = create_agent(chat, tools=[weather], system_prompt="Be brief.")
    messages = agent.invoke({"messages": [HumanMessage("Oslo?")]})["messages"]

    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    assert messages[2].content == "rain in words"
    assert len({message.id for message in messages}) == 4


def test_an_agent_streams_its_tokens(chat, provider):
    """LangGraph's `messages` mode gets the pieces."""
    agent = create_agent(chat, tools=[])
    pieces = [
        piece.content
        for piece, _ in agent.stream({"messages": ["one two three"]}, stream_mode="messages")
    ]

    assert "".join(pieces) == "provider says: one two three"
    assert len(pieces) > 3


@pytest.mark.parametrize("strategy", [None, ProviderStrategy, ToolStrategy])
def test_an_agent_answers_in_a_schema(chat, provider, strategy):
    """By the provider's own means where the profile says so: one call; by a tool if that is wanted."""
    provider.replies["*"] = player
    wanted = strategy(Answer) if strategy else Answer
    state = create_agent(chat, response_format=wanted).invoke({"messages": ["Hello!"]})

    assert state["structured_response"] == Answer(text="words")
    assert len(provider.requests) == 1
    assert ("response_format" in provider.requests[0].body) is (strategy is not ToolStrategy)


@pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")
def test_an_agent_falls_back(pair):
    """The fallback lives inside the model, so an agent needs none of its own."""
    agent = create_agent(ChatGenAI("both", client=pair.client))
    pair.kill()
    state = agent.invoke({"messages": ["Hello!"]})

    assert state["messages"][-1].content == "second says: Hello!"


def test_a_long_talk_is_summarised(chat, provider):
    """The profile tells the window, and an overflow while summarising is one that LangChain knows."""
    summarise = SummarizationMiddleware(chat, trigger=("fraction", 0.5), keep=("messages", 1))
    assert summarise._get_profile_limits() == 128_000
    overflow = Fault.status(400, code="context_length_exceeded")
    provider.faults["*"] = [overflow, None]
    told = summarise._create_summary([HumanMessage("a " * 100), AIMessage("b " * 100)])

    assert told.startswith("provider says:")
    assert len(provider.requests) == 2


def test_a_graph(chat):
    """A node of one's own."""

    class State(TypedDict):
        messages: Annotated[list, add_messages]

    graph = StateGraph(State)
    graph.add_node("answer", lambda state: {"messages": [chat.invoke(state["messages"])]})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    state = graph.compile().invoke({"messages": [HumanMessage("Hello!")]})

    assert state["messages"][-1].content == "provider says: Hello!"
