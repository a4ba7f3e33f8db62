"""Who competes: this package, and what a program would use instead of it."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import server
from measure import Contender, at_once, drain, many
from recording import recording

MODEL = "gpt-4o-mini"
CLAUDE = "claude-sonnet-4-5"
KEY = "sk-benchmark"
QUESTION = "Write one sentence about a fox."
HELLO = [{"role": "user", "content": QUESTION}]
DELIVERIES = ("burst", "drip")

OURS = "genai-integrations"
STREAMS_AT_ONCE = 200

_CALLS, _STREAMS, _FEW_STREAMS = 150, 10, 2


def genai_client(url: str) -> Any:
    """Our client, with one connection for each way the server speaks."""
    from genai_integrations import Connection, GenAIClient

    return GenAIClient(
        connections=[
            *(
                Connection.of(name, "openai", KEY, f"{url}/{name}/v1", custom_models=[MODEL])
                for name in DELIVERIES
            ),
            Connection.of("claude", "anthropic", KEY, f"{url}/burst", custom_models=[CLAUDE]),
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
            found.append(_stream(f"LangChain stream, {delivery}", name, model.stream, QUESTION))
            if delivery == "burst":
                found += _calls("LangChain", name, model.invoke, model.ainvoke, QUESTION)
    return found


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
            found.append(_stream(row, name, model.stream_chat, history))
            if delivery == "burst":
                chat = functools.partial(model.chat, history)
                found.append(Contender("LlamaIndex chat", name, many(_CALLS, chat), _CALLS))
    return found


def plain(url: str) -> list[Contender]:
    """`GenAIClient` beside the bare `openai` and `litellm`."""
    import litellm
    from openai import AsyncOpenAI, OpenAI

    client = genai_client(url)
    found = []
    for delivery in DELIVERIES:
        base = f"{url}/{delivery}/v1"
        own = functools.partial(client.completion, f"{delivery}/{MODEL}", HELLO)
        own_async = functools.partial(client.acompletion, f"{delivery}/{MODEL}", HELLO)
        sdk = OpenAI(base_url=base, api_key=KEY).chat.completions.create
        sdk_async = AsyncOpenAI(base_url=base, api_key=KEY).chat.completions.create
        asked = {"model": MODEL, "messages": HELLO}
        at = {"model": f"openai/{MODEL}", "messages": HELLO, "api_base": base, "api_key": KEY}
        ways: dict[str, tuple[Callable[..., Any], Callable[..., Awaitable[Any]]]] = {
            OURS: (own, own_async),
            "openai": (
                functools.partial(sdk, **asked),
                functools.partial(sdk_async, **asked),
            ),
            "litellm": (
                functools.partial(litellm.completion, **at),
                functools.partial(litellm.acompletion, **at),
            ),
        }
        for name, (ask, ask_async) in ways.items():
            found += _plain_rows(delivery, name, ask, ask_async)
    return found


def translated(url: str) -> list[Contender]:
    """A provider that LiteLLM translates for us, beside LiteLLM alone."""
    import litellm

    client = genai_client(url)
    at = {
        "model": f"anthropic/{CLAUDE}",
        "messages": HELLO,
        "api_base": f"{url}/burst",
        "api_key": KEY,
    }
    found = []
    for name, ask, ask_async in (
        (
            OURS,
            functools.partial(client.completion, f"claude/{CLAUDE}", HELLO),
            functools.partial(client.acompletion, f"claude/{CLAUDE}", HELLO),
        ),
        (
            "litellm",
            functools.partial(litellm.completion, **at),
            functools.partial(litellm.acompletion, **at),
        ),
    ):
        found += _calls("Anthropic", name, ask, ask_async)
        # Ours always brings the usage, so LiteLLM is asked for the same.
        counted = {} if name == OURS else {"stream_options": {"include_usage": True}}
        found.append(_stream("Anthropic stream", name, ask, stream=True, **counted))
        several = functools.partial(ask_async, **counted)
        found.append(_astreams("Anthropic streams, 20 at once", name, several, 20))
    return found


SUITES: dict[str, Callable[[str], list[Contender]]] = {
    "langchain": langchain,
    "llama-index": llama_index,
    "client": plain,
    "translated": translated,
    "recording": lambda _: recording(OURS),
}
"""By the name that `--only` takes."""


def _plain_rows(
    delivery: str, name: str, ask: Callable[..., Any], ask_async: Callable[..., Awaitable[Any]]
) -> list[Contender]:
    rows = [_stream(f"client stream, {delivery}", name, ask, stream=True)]
    if delivery == "burst":
        rows.append(Contender("client completion", name, many(_CALLS, ask), _CALLS))
        wide = at_once(200, ask_async)
        rows.append(Contender("client acompletion, 200 at once", name, wide, 200, is_async=True))
    row = f"client streams, {STREAMS_AT_ONCE} at once, {delivery}"
    rows.append(_astreams(row, name, ask_async, STREAMS_AT_ONCE))
    return rows


def _calls(
    family: str,
    name: str,
    ask: Callable[..., Any],
    ask_async: Callable[..., Awaitable[Any]],
    *args: Any,
) -> list[Contender]:
    one = functools.partial(ask, *args)
    fifty = at_once(50, functools.partial(ask_async, *args))
    return [
        Contender(f"{family} call", name, many(_CALLS, one), _CALLS),
        Contender(f"{family} async call, 50 at once", name, fifty, 50, is_async=True),
    ]


def _stream(row: str, name: str, ask: Callable[..., Any], *args: Any, **options: Any) -> Contender:
    slow = "litellm" in name.lower()
    streams = _FEW_STREAMS if slow else _STREAMS

    def one() -> None:
        _check(name, drain(ask(*args, **options)))

    return Contender(row, name, many(streams, one), streams * server.CHUNKS)


def _astreams(
    row: str, name: str, ask: Callable[..., Awaitable[AsyncIterator[Any]]], width: int
) -> Contender:
    if "litellm" in name:
        width = min(width, 50)

    async def one() -> None:
        count = 0
        async for _ in await ask(stream=True):
            count += 1
        _check(name, count)

    return Contender(row, name, at_once(width, one), width * server.CHUNKS, is_async=True)


def _check(name: str, count: int) -> None:
    if count < server.CHUNKS:
        raise RuntimeError(f"{name}: a stream of {server.CHUNKS} chunks came as {count}")
