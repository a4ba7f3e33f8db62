"""Providers of other dialects: thoughts and signatures survive a tool loop, and memory passes between them."""

from __future__ import annotations

import json

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_schemas import Dish
from llama_scripts import tool_call

from genai_integrations import Connection, GenAIClient
from genai_integrations.llama_index import GenAI
from genai_integrations.testing.provider import ScriptedProvider

# pydantic says this of LiteLLM's own types while LiteLLM translates.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning"),
]

AWS = json.dumps({"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "c2VjcmV0"})
KEYS = {
    "anthropic": "sk-ant-api03-example",
    "google-ai-studio": "AIzaSyExampleExampleExample",
    "bedrock": AWS,
}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
THINKING = {"reasoning_effort": "low", "max_tokens": 4000}
PLACES = [
    ("anthropic/claude-sonnet-4-5", THINKING),
    ("google-ai-studio/gemini-2.5-flash", {}),
    (f"bedrock/{CLAUDE}", THINKING),
]
ADD = FunctionTool.from_defaults(lambda a, b: a + b, name="add", description="Add.")
ASK = [ChatMessage("1 + 2?")]


@pytest.fixture(scope="module")
def world():
    """One server in every dialect."""
    with ScriptedProvider("world") as server:
        yield server


@pytest.fixture
def llm(world):
    """An LLM whose client has a connection to each provider; OpenAI among them."""
    world.replies.clear()
    world.requests.clear()
    rows = [
        Connection.of(name, name, key, world.url, region="us-east-1" if name == "bedrock" else None)
        for name, key in KEYS.items()
    ]
    rows.append(Connection.of("openai", "openai", "sk-openai", f"{world.url}/v1"))
    with GenAIClient(connections=rows, router_args={"num_retries": 0, "timeout": 20}) as client:
        yield GenAI("openai/gpt-4o", client=client)


def loop_of(call):
    """The conversation after a tool was called: the call, and its result."""
    number = call.additional_kwargs["tool_calls"][0]["id"]
    result = ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": number})
    return [*ASK, call, result]


@pytest.mark.parametrize(("model", "params"), PLACES, ids=[model for model, _ in PLACES])
def test_a_tool_loop_goes_on(llm, world, four_ways, model, params):
    """With what the provider signed; afterwards another provider takes the same memory."""
    own = llm.with_(model=model, additional_kwargs=params)
    offered = own._prepare_chat_with_tools([ADD], allow_parallel_tool_calls=True)
    offered.pop("messages")
    world.replies["*"] = {"reasoning_content": "Hm.", **tool_call("add", a=1, b=2)}
    calls = [response.message for response in four_ways(own, ASK, **offered)]
    world.replies["*"] = "It is 3."

    for call in calls:
        for asked in (own, llm):
            response = asked.chat(loop_of(call), tools=offered["tools"])
            assert response.message.content == "It is 3."
        (selection,) = own.get_tool_calls_from_response(_as_response(call))
        assert selection.tool_kwargs == {"a": 1, "b": 2}
        if params:
            assert call.blocks[0].block_type == "thinking"
            assert call.blocks[0].additional_information["thinking_blocks"][0]["signature"]


@pytest.mark.parametrize("model", [model for model, _ in PLACES])
def test_the_schema_is_forced_everywhere(llm, model):
    """In each provider's own way, whole and streamed."""
    own, prompt = llm.with_(model=model), PromptTemplate("A dish.")

    assert own.structured_predict(Dish, prompt) == Dish(name="text", price=1)
    *_, last = own.stream_structured_predict(Dish, prompt)
    assert last == Dish(name="text", price=1)


@pytest.mark.parametrize("model", [model for model, _ in PLACES])
def test_metadata_everywhere(llm, model):
    """Each provider's model is known to the price map."""
    metadata = llm.with_(model=model).metadata

    assert metadata.is_function_calling_model
    assert metadata.context_window >= 200_000


def _as_response(message):
    from llama_index.core.llms import ChatResponse

    return ChatResponse(message=message)
