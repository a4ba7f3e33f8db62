"""A key that a call is given by mistake is refused, and no handler of LlamaIndex ever sees it."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_schemas import Dish

from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index import GenAI

SECRET = "sk-c4na5ecre7"
HELLO = [ChatMessage("Hello!")]
ADD = FunctionTool.from_defaults(lambda a, b: a + b, name="add", description="Add.")
TOOLS = {"tools": [ADD], "user_msg": "1 + 2?"}
DISH = {"output_cls": Dish, "prompt": PromptTemplate("A dish for {client}."), "client": "me"}
CALLS = {
    "chat": {"messages": HELLO},
    "stream_chat": {"messages": HELLO},
    "complete": {"prompt": "Hello!"},
    "stream_complete": {"prompt": "Hello!"},
    "chat_with_tools": TOOLS,
    "stream_chat_with_tools": TOOLS,
    "predict_and_call": TOOLS,
    "structured_predict": DISH,
    "stream_structured_predict": DISH,
}
PARAMS = [
    {"api_key": SECRET},
    {"extra_headers": {"authorization": SECRET}},
    {"base_url": f"https://user:{SECRET}@a.example"},
    {"extra_body": {"api_key": SECRET}},
]


def given_to(name, params):
    """Parameters as a method takes them."""
    return {"llm_kwargs": params} if "structured" in name else params


class Payloads(BaseCallbackHandler):
    """Keeps the payload of every event."""

    def __init__(self):
        super().__init__([], [])
        self.seen = []

    def on_event_start(self, event_type, payload=None, **kwargs):
        self.seen.append(payload)
        return kwargs.get("event_id", "")

    def on_event_end(self, event_type, payload=None, **kwargs):
        self.seen.append(payload)

    def start_trace(self, trace_id=None):
        pass

    def end_trace(self, trace_id=None, trace_map=None):
        pass


@pytest.fixture
def seen(llm, recorder, spans):
    """All that handlers of events, spans and callbacks were shown."""
    payloads = Payloads()
    llm.callback_manager = CallbackManager([payloads])
    return lambda: [*map(repr, recorder.events), *map(repr, spans.seen), *map(repr, payloads.seen)]


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Call a method, or its async twin, and read its answer to the end."""

    async def read(method, kwargs):
        answer = await method(**kwargs)
        if inspect.isasyncgen(answer):
            return [part async for part in answer]
        return answer

    def call(llm, name, **kwargs):
        if request.param == "async":
            return asyncio.run(read(getattr(llm, f"a{name}"), kwargs))
        answer = getattr(llm, name)(**kwargs)
        return list(answer) if inspect.isgenerator(answer) else answer

    return call


@pytest.mark.parametrize("params", PARAMS, ids=lambda params: next(iter(params)))
@pytest.mark.parametrize("name", CALLS)
def test_no_handler_sees_a_key(name, params, llm, call, seen, provider):
    """In none of the ways to ask: the call is refused before anybody is told of it."""
    with pytest.raises(ConfigurationError, match="may not set"):
        call(llm, name, **CALLS[name], **given_to(name, params))

    assert not [text for text in seen() if SECRET in text]
    assert not provider.requests


@pytest.mark.parametrize("name", CALLS)
def test_handlers_see_calls_that_may_be_made(name, llm, call, seen, provider):
    """With all parameters, and a prompt's variable may have the name of a forbidden one."""
    provider.replies["*"] = {"tool_calls": [{"name": "add", "arguments": {"a": 1, "b": 2}}]}
    if "structured" in name:
        provider.replies["*"] = '{"name": "soup", "price": 1}'

    assert call(llm, name, **CALLS[name], **given_to(name, {"user": "u-1234"}))

    assert "u-1234" in "".join(seen())
    assert provider.requests[0].body["user"] == "u-1234"


def test_a_class_of_the_users_own_is_guarded_too(client, seen):
    """LlamaIndex decorates its methods anew, and so do we."""

    class Loud(GenAI):
        def chat(self, messages, **kwargs):
            return super().chat(messages, **kwargs)

    with pytest.raises(ConfigurationError, match="api_key"):
        Loud(client=client).chat(HELLO, api_key=SECRET)

    assert not [text for text in seen() if SECRET in text]


def test_third_in_place_are_the_parameters(llm, seen):
    """`llm_kwargs` may be given without its name."""
    with pytest.raises(ConfigurationError, match="api_key"):
        llm.structured_predict(Dish, PromptTemplate("A dish."), {"api_key": SECRET})

    assert not [text for text in seen() if SECRET in text]
