"""The three programs that the demo runs, each as a user would write it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from genai_integrations.calls.route import AttemptRecord
from genai_integrations.cli.demo.parts import CHAT_PROMPT, TEXT_PROMPT
from genai_integrations.client import GenAIClient

Attempts = Sequence[AttemptRecord]
"""The attempts of a route, as `Route.as_dict()` has them."""

Write = Callable[[str], None]
"""Takes the answer, or its pieces as they come."""

MODEL = "smollm2-135m"

_QUESTION = "What is Python in one sentence?"
_TEXT = "La casa es grande y el perro es pequeño."
_WHERE = "Where is the office of Marlow Bikes?"
_DOCUMENTS = (
    "Marlow Bikes refunds a bike within 14 days.",
    "The office of Marlow Bikes is in Oslo.",
    "The support team of Marlow Bikes works from 8 to 16 o'clock.",
)


@dataclass(frozen=True, slots=True)
class Program:
    """One program.

    Attributes:
        title: What it shows.
        code: Its core, for people.
        why: What to watch for, for those who watch slowly.
        question: What it asks.
        run: Writes the answer and returns the attempts it took.
    """

    title: str
    code: str
    why: str
    question: str
    run: Callable[[GenAIClient, Write], Attempts]


def import_frameworks() -> None:
    """Import LangChain and LlamaIndex, which takes seconds."""
    importlib.import_module("genai_integrations.langchain")
    importlib.import_module("genai_integrations.llama_index")
    importlib.import_module("llama_index.core")


def ask_client(client: GenAIClient, write: Write) -> Attempts:
    """A plain call."""
    reply = client.completion(MODEL, [{"role": "user", "content": _QUESTION}], temperature=0)
    write(reply.text)
    return reply.route.as_dict()["attempts"]


def stream_langchain(client: GenAIClient, write: Write) -> Attempts:
    """A LangChain chain with a prompt from Langfuse, streamed."""
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.output_parsers import StrOutputParser

    from genai_integrations.langchain import ChatGenAI, langfuse_prompt

    attempts: list[AttemptRecord] = []

    class Routes(BaseCallbackHandler):
        """The parser drops everything but the text, so the route is read where the model ends."""

        def on_llm_end(self, response: Any, **_kwargs: Any) -> None:
            message = response.generations[0][0].message
            attempts.extend(message.response_metadata["route"]["attempts"])

    prompt = langfuse_prompt(TEXT_PROMPT, client=client)
    chain = prompt | ChatGenAI(MODEL, client=client, temperature=0) | StrOutputParser()
    values = {"language": "English", "text": _TEXT}
    for piece in chain.stream(values, config={"callbacks": [Routes()]}):
        write(piece)
    return attempts


def query_llama_index(client: GenAIClient, write: Write) -> Attempts:
    """A LlamaIndex query engine with a prompt from Langfuse, over three documents."""
    from llama_index.core import Document, SummaryIndex

    from genai_integrations.llama_index import GenAI, langfuse_prompt

    template = langfuse_prompt(CHAT_PROMPT, client=client)
    index = SummaryIndex.from_documents([Document(text=text) for text in _DOCUMENTS])
    # Said outright, because no price map knows this model.
    llm = GenAI(
        MODEL, client=client, temperature=0, context_window=8192, is_function_calling_model=True
    )
    engine = index.as_query_engine(llm=llm, text_qa_template=template)
    with _llama_index_attempts() as attempts:
        write(str(engine.query(_WHERE)))
    return attempts


@contextlib.contextmanager
def _llama_index_attempts() -> Generator[list[AttemptRecord]]:
    """A query engine's answer is a text, so the route is read where the model ends."""
    from llama_index.core import instrumentation
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.instrumentation.events.llm import LLMChatEndEvent

    attempts: list[AttemptRecord] = []

    class Routes(BaseEventHandler):
        def handle(self, event: Any, **_kwargs: Any) -> None:
            if isinstance(event, LLMChatEndEvent) and event.response is not None:
                reply: Any = event.response.raw
                attempts.extend(reply.route.as_dict()["attempts"])

    routes = Routes()
    dispatcher = instrumentation.get_dispatcher()  # type: ignore[attr-defined]  # LlamaIndex's own way
    dispatcher.add_event_handler(routes)
    try:
        yield attempts
    finally:
        dispatcher.event_handlers.remove(routes)


PROGRAMS = (
    Program(
        "Plain Python",
        'client.completion("smollm2-135m", ...)',
        "The program names a model and nothing else. Both connections serve it, so seoul is asked, refuses, and usa is "
        "asked in the same call. The table below the answer is reply.route, with both attempts.",
        _QUESTION,
        ask_client,
    ),
    Program(
        "LangChain, streamed",
        'langfuse_prompt("variable_template") | ChatGenAI(...) | StrOutputParser()',
        "The prompt comes from Langfuse, by name. ChatGenAI is an ordinary LangChain chat model, and falls over in the "
        "same way, in streams up to the first words. You see the answer grow.",
        f"Translate the following text into English: {_TEXT}",
        stream_langchain,
    ),
    Program(
        "LlamaIndex over three documents",
        'index.as_query_engine(llm=GenAI(...), text_qa_template=langfuse_prompt("qa_template"))',
        "LlamaIndex puts the documents and the question into a chat prompt of Langfuse's. GenAI is an ordinary "
        "LlamaIndex LLM. The connections, keys and fallbacks are the same client's.",
        _WHERE,
        query_llama_index,
    ),
)
