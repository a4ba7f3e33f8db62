"""Who competes: this package, and what a program would use instead of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from dialects import dialects, tail
from floors import FLOOR, langchain_floor, llama_index_floor
from measure import Contender, at_once
from recording import recording
from rows import HELLO, KEY, MODEL, OURS, QUESTION, astreams, bound, call, calls, stream

DELIVERIES = ("burst", "drip")
STREAMS_AT_ONCE = 200


def genai_client(url: str) -> Any:
    """Our client, with one connection for each way the server speaks."""
    from genai_integrations import Connection, GenAIClient

    return GenAIClient(
        connections=[
            Connection.of(name, "openai", KEY, f"{url}/{name}/v1", custom_models=[MODEL])
            for name in DELIVERIES
        ]
    )


def langchain(url: str) -> list[Contender]:
    """`ChatGenAI` beside `ChatOpenAI` and `ChatLiteLLMRouter`."""
    from genai_integrations.langchain import ChatGenAI
    from langchain_litellm import ChatLiteLLMRouter
    from langchain_openai import ChatOpenAI
    from litellm import Router

    client = genai_client(url)
    found = []
    for delivery in DELIVERIES:
        base = f"{url}/{delivery}/v1"
        params = {"model": f"openai/{MODEL}", "api_base": base, "api_key": KEY}
        router = Router(model_list=[{"model_name": MODEL, "litellm_params": params}])
        models = {
            OURS: ChatGenAI(f"{delivery}/{MODEL}", client=client),
            "ChatOpenAI": ChatOpenAI(model=MODEL, base_url=base, api_key=KEY),
            "ChatLiteLLMRouter": ChatLiteLLMRouter(router=router, model=MODEL),
        }
        for name, model in models.items():
            found.append(stream(f"LangChain stream, {delivery}", name, model.stream, QUESTION))
            if delivery == "burst":
                ways = (bound(way, QUESTION) for way in (model.invoke, model.ainvoke))
                found += calls("LangChain", name, *ways)
    return [*found, call("LangChain call", FLOOR, langchain_floor(url))]


def llama_index(url: str) -> list[Contender]:
    """`GenAI` beside LlamaIndex's own `OpenAI` and `LiteLLM`."""
    from genai_integrations.llama_index import GenAI
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.litellm import LiteLLM
    from llama_index.llms.openai import OpenAI

    client = genai_client(url)
    history = [ChatMessage(role="user", content=QUESTION)]
    found = []
    for delivery in DELIVERIES:
        base = f"{url}/{delivery}/v1"
        models = {
            OURS: GenAI(f"{delivery}/{MODEL}", client=client),
            "LlamaIndex OpenAI": OpenAI(model=MODEL, api_base=base, api_key=KEY),
            "LlamaIndex LiteLLM": LiteLLM(model=f"openai/{MODEL}", api_base=base, api_key=KEY),
        }
        for name, model in models.items():
            row = f"LlamaIndex stream_chat, {delivery}"
            found.append(stream(row, name, model.stream_chat, history))
            if delivery == "burst":
                found.append(call("LlamaIndex chat", name, bound(model.chat, history)))
    return [*found, call("LlamaIndex chat", FLOOR, llama_index_floor(url))]


def plain(url: str) -> list[Contender]:
    """`GenAIClient` beside the bare `openai` and `litellm`."""
    import litellm
    from openai import AsyncOpenAI, OpenAI

    client = genai_client(url)
    found = []
    for delivery in DELIVERIES:
        base = f"{url}/{delivery}/v1"
        own = bound(client.completion, f"{delivery}/{MODEL}", HELLO)
        own_async = bound(client.acompletion, f"{delivery}/{MODEL}", HELLO)
        sdk = OpenAI(base_url=base, api_key=KEY).chat.completions.create
        sdk_async = AsyncOpenAI(base_url=base, api_key=KEY).chat.completions.create
        asked = {"model": MODEL, "messages": HELLO}
        at = {"model": f"openai/{MODEL}", "messages": HELLO, "api_base": base, "api_key": KEY}
        ways: dict[str, tuple[Callable[..., Any], Callable[..., Awaitable[Any]]]] = {
            OURS: (own, own_async),
            "openai": (
                bound(sdk, **asked),
                bound(sdk_async, **asked),
            ),
            "litellm": (
                bound(litellm.completion, **at),
                bound(litellm.acompletion, **at),
            ),
        }
        for name, (ask, ask_async) in ways.items():
            found += _plain_rows(delivery, name, ask, ask_async)
    return found


SUITES: dict[str, Callable[[str], list[Contender]]] = {
    "langchain": langchain,
    "llama-index": llama_index,
    "client": plain,
    "dialects": dialects,
    "tail": tail,
    "recording": lambda _: recording(OURS),
}
"""By the name that `--only` takes."""


def _plain_rows(
    delivery: str, name: str, ask: Callable[..., Any], ask_async: Callable[..., Awaitable[Any]]
) -> list[Contender]:
    rows = [stream(f"client stream, {delivery}", name, ask, stream=True)]
    if delivery == "burst":
        rows.append(call("client completion", name, ask))
        wide = at_once(200, ask_async)
        rows.append(Contender("client acompletion, 200 at once", name, wide, 200, is_async=True))
    row = f"client streams, {STREAMS_AT_ONCE} at once, {delivery}"
    rows.append(astreams(row, name, ask_async, STREAMS_AT_ONCE))
    return rows
